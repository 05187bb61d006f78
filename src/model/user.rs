//! The effective user of an instruction and its home.

use super::{Model, Stage};

/// The user that runs an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Numeric user, if known.
    pub uid: Option<u32>,
    /// Numeric group, if known.
    pub gid: Option<u32>,
    /// The home directory, absolute, if known.
    pub home: Option<String>,
}

impl User {
    /// Whether it is surely root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.uid == Some(0)
    }
}

impl Model<'_> {
    /// The effective user of the instruction, as far as it is known. HOME is what ENV says, or else what `/etc/passwd`
    /// says for the user.
    #[must_use]
    pub fn user(&self, index: usize) -> User {
        let state = self.state(index);
        let mut user =
            state.user.fixed().map_or(User { uid: None, gid: None, home: None }, |name| self.user_named(index, name));
        match state.variables.get("HOME") {
            super::scope::Variable::Set(value) => user.home = value.fixed().map(str::to_owned),
            super::scope::Variable::Unset => {}
            // A base image that sets HOME is rare enough to be known, and a build argument of that name is declared.
            super::scope::Variable::Unknown => {
                if state.variables.arguments.contains_key("HOME") {
                    user.home = None;
                }
            }
        }
        user
    }

    /// The user that a container of the stage runs as, as USER says it or the base image has it.
    #[must_use]
    pub fn final_user<'s>(&self, stage: &'s Stage) -> Option<&'s str> {
        stage.end.user.fixed()
    }

    fn user_named(&self, index: usize, name: &str) -> User {
        let (user, group) = name.split_once(':').map_or((name, None), |(user, group)| (user, Some(group)));
        if matches!(user, "" | "0" | "root") {
            let gid = group.map_or(Some(0), |group| if group == "root" { Some(0) } else { group.parse().ok() });
            return User { uid: Some(0), gid, home: Some("/root".to_owned()) };
        }
        let image = self.stage_of(index).and_then(|stage| stage.image.as_deref());
        let known = image
            .and_then(|image| image.users.iter().find(|known| known.name == user || user.parse() == Ok(known.uid)));
        let mut found = User {
            uid: known.map(|known| known.uid).or_else(|| user.parse().ok()),
            gid: known.map(|known| known.gid),
            home: known.map(|known| known.home.clone()),
        };
        if let Some(group) = group {
            found.gid = group.parse().ok();
        }
        found
    }
}
