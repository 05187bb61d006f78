//! The account that a program can run as: one that the file makes for it, the base image's own, a new one, or a number.

use super::runtime::Refusal;
use super::{Model, Stage};
use crate::shell::ast::Word;
use crate::tables::{self, Fact, ImageFacts, Sh};

/// The name of an account that is made.
const NAME: &str = "app";
/// Its number, beyond those that distributions and their packages hand out.
const ID: u32 = 10001;
/// The user of distroless images, for images without accounts.
const NUMBER: u32 = 65532;

/// A user that a RUN makes.
#[derive(Clone, Debug)]
pub(super) struct MadeAccount {
    /// Its name.
    pub name: String,
    /// Its number, if the command says it.
    pub uid: Option<u32>,
    /// The line of the RUN.
    pub line: usize,
}

/// The account a plan uses.
pub(super) struct Account {
    /// What USER says.
    pub user: String,
    /// The options by which `install` gives it a directory.
    pub options: String,
    /// What `chown` takes.
    pub owner: String,
    /// Numbers of user and group, or the name when they are not known.
    pub ids: String,
    /// Whose it is, in words.
    pub origin: String,
    /// The command that makes it.
    pub make: Option<String>,
}

impl Model<'_> {
    /// The users that a RUN makes; `None` when that is not known.
    pub(super) fn made_accounts(&self, run: usize, line: usize) -> Option<Vec<MadeAccount>> {
        let mut made = Vec::new();
        for call in self.every_call(run)? {
            let program = call.command.name().unwrap_or_default();
            if !tables::users().makes_account(&program)
                || program.ends_with("groupadd")
                || program.ends_with("addgroup")
            {
                let hidden = call.command.words.iter().skip(1).filter_map(Word::pattern);
                if hidden.into_iter().any(|word| tables::users().makes_account(&word)) {
                    return None;
                }
                continue;
            }
            // With two operands, `adduser` puts a user into a group.
            let [name] = call.operands() else { return None };
            let name = name.text.clone().filter(|_| call.is_plain())?;
            let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
            if !is_plain || name == "root" {
                return None;
            }
            let uid = match call.options().iter().find(|option| option.name == "--uid") {
                Some(option) => Some(option.value.as_ref()?.text.as_ref()?.parse().ok().filter(|uid| *uid != 0)?),
                None => None,
            };
            made.push(MadeAccount { name, uid, line });
        }
        Some(made)
    }

    /// Whether the file gives files to the user.
    pub(super) fn is_for_the_program(&self, stage: &Stage, name: &str) -> bool {
        let is_owner = |text: &str| text.split(':').next() == Some(name);
        self.family(stage).into_iter().flat_map(|stage| stage.instructions.clone()).any(|index| {
            let copied =
                self.instruction(index).flag("chown").and_then(|flag| flag.value.as_deref()).is_some_and(is_owner);
            let calls = if self.is_run(index) { self.every_call(index).unwrap_or_default() } else { Vec::new() };
            copied
                || calls.iter().any(|call| {
                    let program = call.command.name().unwrap_or_default();
                    let words = call.command.words.iter().skip(1).filter_map(Word::literal);
                    tables::users().gives_files(&program) && words.into_iter().any(|word| is_owner(&word))
                })
        })
    }

    /// The account: one that the file makes for the program, the base's own, one that is made, or a number.
    pub(super) fn account(
        &self,
        stage: &Stage,
        image: Option<&ImageFacts>,
        made: Option<MadeAccount>,
    ) -> Result<Account, Refusal> {
        let wanted = self.context.policy().user;
        let mut account = match made {
            Some(made) => of_the_file(&made),
            None => self.own_or_new(stage, image, wanted.uid.unwrap_or(ID))?,
        };
        if wanted.numeric == Some(true) {
            if !account.ids.starts_with(|c: char| c.is_ascii_digit()) {
                let reason =
                    format!("the number of the user `{}` is not known, and `numeric` asks for it", account.user);
                return Err((reason, "a number where the account is made"));
            }
            account.user.clone_from(&account.ids);
        }
        Ok(account)
    }

    fn own_or_new(&self, stage: &Stage, image: Option<&ImageFacts>, id: u32) -> Result<Account, Refusal> {
        let Some(image) = image else { return Ok(number(NUMBER)) };
        let own = tables::users().own(&image.family);
        let user = own.and_then(|own| image.users.iter().find(|user| Some(&user.name) == own.user.as_ref()));
        if own.is_some_and(|own| own.settings.is_some()) && user.is_none() {
            return Err(("which user the server of the base image has is not known".to_owned(), "a newer tag"));
        }
        if let Some(user) = user {
            return Ok(Account {
                user: user.name.clone(),
                options: format!("-o {0} -g {0}", user.name),
                owner: format!("{0}:{0}", user.name),
                ids: format!("{}:{}", user.uid, user.gid),
                origin: "the user that the base image has for programs".to_owned(),
                make: None,
            });
        }
        let is_default =
            stage.end.shell.as_deref().is_some_and(|shell| shell == ["/bin/sh".to_owned(), "-c".to_owned()]);
        let has_shell = is_default && !image.sh.is(&Sh::None) && matches!(image.sh, Fact::Known(_));
        let distribution = image.distribution.known().map(|distribution| distribution.name);
        let make = distribution.and_then(|distribution| tables::users().create(distribution, NAME, id));
        let is_free = !image.users.iter().any(|user| user.name == NAME || user.uid == id);
        Ok(match make.filter(|_| has_shell && is_free) {
            Some(make) => Account {
                user: NAME.to_owned(),
                options: format!("-o {NAME} -g {NAME}"),
                owner: format!("{NAME}:{NAME}"),
                ids: format!("{id}:{id}"),
                origin: "a user of its own".to_owned(),
                make: Some(make),
            },
            None => number(id),
        })
    }
}

/// A user without an account.
fn number(id: u32) -> Account {
    Account {
        user: format!("{id}:{id}"),
        options: format!("-o {id} -g {id}"),
        owner: format!("{id}:{id}"),
        ids: format!("{id}:{id}"),
        origin: "a number, because the image has no command that makes accounts".to_owned(),
        make: None,
    }
}

/// The account that the file makes. Its group is not known.
fn of_the_file(made: &MadeAccount) -> Account {
    let MadeAccount { name, uid, line } = made;
    Account {
        user: name.clone(),
        options: format!("-o {name}"),
        owner: name.clone(),
        ids: uid.map_or_else(|| name.clone(), |uid| uid.to_string()),
        origin: format!("which line {line} makes and which owns files"),
        make: None,
    }
}
