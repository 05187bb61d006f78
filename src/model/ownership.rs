//! Ownership and modes that a RUN gives to a whole directory, and that the COPYs which fill it could give.
//!
//! `chown -R` writes every file a second time, into another layer. The COPYs can set the owner only when they bring
//! everything that lies below the directory: nothing of the base image, of another RUN or of WORKDIR. The directory itself
//! is left to the command, which loses its `-R`.

use super::access::{self, Rest};
use super::call::Call;
use super::chain::Chain;
use super::{Base, Model, Refusal, dependencies};
use crate::shell::ast::SimpleCommand;
use crate::syntax::ast::InstructionKind;
use crate::tables;

/// A command whose work the COPYs can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntoCopy {
    /// The COPYs that gain the flag.
    pub copies: Vec<usize>,
    /// The flag: `chown` or `chmod`.
    pub flag: &'static str,
    /// Its value.
    pub value: String,
    /// Number of the word `-R`.
    pub word: usize,
    /// The directory.
    pub directory: String,
}

/// What stands above the directories that projects use for themselves.
const OWN_DIRECTORIES: [&str; 5] = ["/", "/opt", "/srv", "/usr/src", "/home"];

/// How the COPYs do the work of a `chown -R` or `chmod -R`. `None` when the call is none, or no COPY fills its directory.
///
/// `before` is what [`access::trusting`] says.
#[must_use]
pub fn into_copy(model: &Model<'_>, before: &[Rest], run: usize, call: &Call<'_>) -> Option<Result<IntoCopy, Refusal>> {
    let flag = ["chown", "chmod"].into_iter().find(|program| *program == call.program())?;
    call.option(&["--recursive"])?;
    let workdir = model.state(run).workdir.fixed()?;
    let [wanted, path] = call.operands() else { return None };
    let (wanted, path) = (wanted.text.as_deref()?, path.text.as_deref()?);
    let directory = access::through_links(&dependencies::in_directory(workdir, path));
    let directory = if path.starts_with('/') { access::through_links(path) } else { directory };
    let stage = model.stage_of(run)?;
    let fills = |index: &usize| {
        matches!(model.instruction(*index).kind, InstructionKind::Copy(_) | InstructionKind::Add(_))
            && before[*index].access.writes_only_below(&directory)
    };
    let copies: Vec<usize> = (stage.instructions.start..run).filter(fills).collect();
    copies.first()?;
    Some(checked(model, before, run, call, flag, wanted, directory, copies))
}

#[expect(clippy::too_many_arguments, reason = "the parts of one command")]
fn checked(
    model: &Model<'_>,
    before: &[Rest],
    run: usize,
    call: &Call<'_>,
    flag: &'static str,
    wanted: &str,
    directory: String,
    copies: Vec<usize>,
) -> Result<IntoCopy, Refusal> {
    let line = |index: usize| model.lines.line(model.instruction(index).span.start);
    if model.has_triggers() {
        return Err(("the file has ONBUILD".to_owned(), "nothing"));
    }
    let word =
        plain_option(call).ok_or_else(|| ("`-R` is not its only option".to_owned(), "`-R` as a word of its own"))?;
    let value = match flag {
        "chown" => owner(wanted),
        _ => mode(wanted),
    };
    let value = value.ok_or_else(|| {
        (
            format!("what `{wanted}` makes of each file depends on the file"),
            "an owner with a group, or a mode in digits",
        )
    })?;
    is_of_file(model, run, &directory)?;
    for copy in &copies {
        let instruction = model.instruction(*copy);
        if instruction.flag(flag).is_some() {
            return Err((format!("line {} has `--{flag}` already", line(*copy)), "nothing"));
        }
        if let Some(parent) = before[*copy].access.makes_below(&directory) {
            return Err((format!("line {} also makes `{parent}`", line(*copy)), "a WORKDIR that makes it"));
        }
    }
    let first = copies[0];
    let numbers = numbers(model, first, run, call, &value);
    let needs_user = flag == "chown" && numbers.is_none() && value.contains(|c: char| c.is_ascii_alphabetic());
    let value = numbers.unwrap_or(value);
    let start = model.stage_of(run).map_or(run, |stage| stage.instructions.start);
    for index in (start..run).filter(|index| !copies.contains(index)) {
        let touched = dependencies::touched(model, before, index);
        let access = touched.as_ref().unwrap_or(&before[index].access);
        let reason = |what: &str| format!("line {} may {what}", line(index));
        let unlock = "a `chown` of that line's own";
        match access.why_opaque() {
            Some(_) if model.is_run(index) => return Err((reason(&format!("write below `{directory}`")), unlock)),
            Some(_) => return Err((reason("do more than is known"), "nothing")),
            None if access.may_write_below(&directory) && !makes_it(model, index, &directory) => {
                return Err((reason(&format!("write below `{directory}`")), unlock));
            }
            None if index > first && needs_user && access.may_change_users() => {
                return Err((reason("create the user, which the COPY needs"), "the user created above the COPY"));
            }
            None => {}
        }
    }
    comes_first(model, before, run, call, &directory, needs_user)?;
    Ok(IntoCopy { copies, flag, value, word, directory })
}

/// Number of the word `-R`, when it is one and the command has no other option.
fn plain_option(call: &Call<'_>) -> Option<usize> {
    let [option] = call.options() else { return None };
    let word = call.command.words.get(option.words.start)?.literal()?;
    (call.is_plain() && call.program_at() == 0 && matches!(word.as_str(), "-R" | "--recursive"))
        .then_some(option.words.start)
}

/// `user:group` as COPY takes it.
fn owner(wanted: &str) -> Option<String> {
    let (user, group) = wanted.split_once(':')?;
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    (is_name(user) && is_name(group)).then(|| wanted.to_owned())
}

/// A mode that does not depend on what the file had.
fn mode(wanted: &str) -> Option<String> {
    let digits = wanted.strip_prefix('0').unwrap_or(wanted);
    let is_octal = digits.len() == 3 && digits.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    is_octal.then(|| wanted.to_owned())
}

/// Checks that no file of the base image lies in the directory.
fn is_of_file(model: &Model<'_>, run: usize, directory: &str) -> Result<(), Refusal> {
    let refusal = || {
        (
            format!("what the base image holds below `{directory}` is not known"),
            "a directory of its own for the program",
        )
    };
    let stage = model.stage_of(run).ok_or_else(refusal)?;
    if matches!(stage.base, Base::Scratch) {
        return Ok(());
    }
    let image = stage.image.as_deref().filter(|_| matches!(stage.base, Base::Image(_))).ok_or_else(refusal)?;
    let parent = directory.rsplit_once('/').map(|(parent, _)| if parent.is_empty() { "/" } else { parent });
    let is_own = parent.is_some_and(|parent| OWN_DIRECTORIES.contains(&parent));
    let is_of_system = tables::effects().directories.every.iter().any(|known| known == directory);
    let is_home = image.users.iter().any(|user| user.home == directory);
    let is_workdir = image.workdir.known().is_none_or(|workdir| workdir == directory);
    if is_own && !is_of_system && !is_home && !is_workdir { Ok(()) } else { Err(refusal()) }
}

/// Whether the instruction is a WORKDIR that makes the directory itself, and nothing in it.
fn makes_it(model: &Model<'_>, index: usize, directory: &str) -> bool {
    matches!(model.instruction(index).kind, InstructionKind::Workdir(_))
        && model.state(index + 1).workdir.fixed().map(access::through_links).as_deref() == Some(directory)
}

/// Checks that what stands before the command in its RUN leaves the directory alone, and users when the COPY needs one.
fn comes_first(
    model: &Model<'_>,
    before: &[Rest],
    run: usize,
    call: &Call<'_>,
    directory: &str,
    needs_user: bool,
) -> Result<(), Refusal> {
    let script = model.body(run).and_then(|body| body.understood());
    let chain = script.and_then(Chain::of).ok_or_else(|| ("the RUN is no `&&` list".to_owned(), "a RUN of its own"))?;
    let is_it = |simple: Option<&SimpleCommand>| simple.is_some_and(|simple| std::ptr::eq(simple, call.command));
    if !chain.elements.iter().any(|element| is_it(element.simple())) {
        return Err(("the command is a part of another one".to_owned(), "a RUN of its own"));
    }
    if chain.elements.first().is_some_and(|element| is_it(element.simple())) {
        return Ok(());
    }
    let from = call.span().start;
    // Owners and modes do not depend on each other.
    let is_left_out = |command: &SimpleCommand| {
        let is_later = command.words.first().is_some_and(|word| word.span.start >= from);
        is_later || command.name().is_some_and(|name| matches!(name.as_str(), "chown" | "chmod"))
    };
    let unlock = "a RUN of its own, above the COPY, for what stands before";
    let rest = access::rest(model, run, &before[run], &is_left_out, &[]).map_err(|reason| (reason, unlock))?;
    if rest.may_write_below(directory) {
        return Err((format!("what stands before in the RUN may write below `{directory}`"), unlock));
    }
    if needs_user && rest.may_change_users() {
        return Err(("what stands before in the RUN may create the user, which the COPY needs".to_owned(), unlock));
    }
    Ok(())
}

/// The numbers of the owner, when the user and the group are created with numbers between the COPYs and the command.
fn numbers(model: &Model<'_>, first: usize, run: usize, call: &Call<'_>, owner: &str) -> Option<String> {
    let (user, group) = owner.split_once(':')?;
    let runs = (first..=run).filter(|index| model.is_run(*index));
    let calls: Vec<Call<'_>> = runs
        .flat_map(|index| model.calls(index).into_iter().filter(move |other| index < run || other.id < call.id))
        .collect();
    let number = |programs: [&str; 2], name: &str, option: &str| {
        let mut found = calls.iter().filter(|call| programs.contains(&call.program()) && call.is_plain());
        let found =
            found.find(|call| call.operands().first().and_then(|operand| operand.text.as_deref()) == Some(name))?;
        let value = found.options().iter().find(|given| given.name == option)?.value.as_ref()?.text.clone()?;
        // A number that is taken may become another one.
        let is_firm = found.option(&["--force", "--non-unique"]).is_none();
        (is_firm && !value.is_empty() && value.bytes().all(|digit| digit.is_ascii_digit())).then_some(value)
    };
    let uid = number(["useradd", "adduser"], user, "--uid")?;
    Some(format!("{uid}:{}", number(["groupadd", "addgroup"], group, "--gid")?))
}
