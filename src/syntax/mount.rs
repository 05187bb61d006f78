//! Typed values of `RUN --mount=…`, by the rules of BuildKit's `commands_runmount.go`.
//!
//! ```
//! use imgopt::syntax::mount::{Mount, MountKind};
//!
//! let mount = Mount::parse("type=cache,target=/root/.cache/pip").expect("a mount");
//! assert_eq!(mount.kind, MountKind::Cache);
//! assert_eq!(mount.cache_id(), Some("/root/.cache/pip"));
//! ```

use std::fmt;

use super::expand::ExpandError;
use super::{flags, suggest};

/// A mount of RUN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// What is mounted.
    pub kind: MountKind,
    /// Where.
    pub target: Option<String>,
    /// The path below [`Self::from`] that is mounted; for a secret, another way to write its id.
    pub source: Option<String>,
    /// The stage, image or context that is mounted; the build context when absent.
    pub from: Option<String>,
    /// The name of a cache, secret or agent.
    pub id: Option<String>,
    /// What happens when two steps want a cache at once, if it is written.
    pub sharing: Option<Sharing>,
    /// Whether the command cannot write to it: by default true for `bind`, `secret` and `ssh`.
    pub readonly: bool,
    /// Owner of a new cache, of a secret or of an agent socket.
    pub uid: Option<u32>,
    /// Its group.
    pub gid: Option<u32>,
    /// Its permissions.
    pub mode: Option<u32>,
    /// Whether the build fails when a secret or agent is missing.
    pub required: bool,
    /// Most bytes that a tmpfs may hold.
    pub size: Option<i64>,
    /// The environment variable that gets a secret.
    pub env: Option<String>,
}

/// The `type` of a mount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MountKind {
    /// Files of the build context, of a stage or of an image.
    #[default]
    Bind,
    /// A directory that stays from build to build.
    Cache,
    /// A directory in memory.
    Tmpfs,
    /// A file or variable that does not become part of the image.
    Secret,
    /// The socket of an SSH agent.
    Ssh,
}

/// Who may use a cache at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sharing {
    /// All.
    #[default]
    Shared,
    /// One step at a time; another gets a directory of its own.
    Private,
    /// One step at a time; another waits.
    Locked,
}

/// Why BuildKit refuses a mount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MountError {
    /// The value is no CSV record.
    #[error("failed to parse csv mounts: {0}")]
    Csv(String),
    /// A key that takes a value stands alone.
    #[error("invalid field '{0}' must be a key=value pair")]
    NoValue(String),
    /// There is no such key.
    #[error("unexpected key '{key}' in '{field}'{}", hint(.suggestion))]
    UnknownKey {
        /// The key in lower case.
        key: String,
        /// The field as written.
        field: String,
        /// The key that may be meant.
        suggestion: Option<String>,
    },
    /// The key belongs to another kind of mount.
    #[error("unexpected key '{key}' for mount type '{kind}'")]
    KeyOfOtherKind {
        /// The key in lower case.
        key: String,
        /// The kind of the mount.
        kind: MountKind,
    },
    /// The value of a key makes no sense.
    #[error("invalid value for {key}: {value}")]
    Value {
        /// The key in lower case.
        key: String,
        /// The value.
        value: String,
    },
    /// There is no such kind of mount.
    #[error("unsupported mount type {value:?}{}", hint(.suggestion))]
    UnknownKind {
        /// The value of `type`.
        value: String,
        /// The kind that may be meant.
        suggestion: Option<String>,
    },
    /// There is no such way of sharing.
    #[error("unsupported sharing value {value:?}{}", hint(.suggestion))]
    UnknownSharing {
        /// The value of `sharing`.
        value: String,
        /// The value that may be meant.
        suggestion: Option<String>,
    },
    /// `from` takes no variables.
    #[error("'from' doesn't support variable expansion, define alias stage instead")]
    VariableInFrom,
    /// The keys do not go together.
    #[error("{0}")]
    Combination(String),
    /// A variable in a value cannot be expanded.
    #[error(transparent)]
    Expand(#[from] ExpandError),
}

fn hint(suggestion: &Option<String>) -> String {
    suggestion.as_ref().map_or(String::new(), |suggestion| format!(" (did you mean {suggestion}?)"))
}

const KEYS: [&str; 19] = [
    "type",
    "from",
    "source",
    "target",
    "readonly",
    "id",
    "sharing",
    "required",
    "size",
    "mode",
    "uid",
    "gid",
    "src",
    "dst",
    "destination",
    "ro",
    "rw",
    "readwrite",
    "env",
];

impl MountKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Bind, Self::Cache, Self::Tmpfs, Self::Secret, Self::Ssh];

    /// The name as `type=` writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bind => "bind",
            Self::Cache => "cache",
            Self::Tmpfs => "tmpfs",
            Self::Secret => "secret",
            Self::Ssh => "ssh",
        }
    }

    /// Whether such a mount is read-only unless it says otherwise.
    #[must_use]
    pub const fn is_readonly_by_default(self) -> bool {
        !matches!(self, Self::Cache | Self::Tmpfs)
    }
}

impl fmt::Display for MountKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Sharing {
    /// All ways.
    pub const ALL: [Self; 3] = [Self::Shared, Self::Private, Self::Locked];

    /// The name as `sharing=` writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Private => "private",
            Self::Locked => "locked",
        }
    }
}

impl Mount {
    /// A mount of that kind with nothing else set.
    #[must_use]
    pub const fn new(kind: MountKind) -> Self {
        Self {
            kind,
            target: None,
            source: None,
            from: None,
            id: None,
            sharing: None,
            readonly: kind.is_readonly_by_default(),
            uid: None,
            gid: None,
            mode: None,
            required: false,
            size: None,
            env: None,
        }
    }

    /// A cache mount at `target`.
    pub fn cache(target: impl Into<String>) -> Self {
        Self { target: Some(target.into()), ..Self::new(MountKind::Cache) }
    }

    /// Reads the value of a `--mount` flag; variables, quotes and escapes within its values stay as written.
    ///
    /// # Errors
    /// [`MountError`] where BuildKit refuses the mount.
    pub fn parse(value: &str) -> Result<Self, MountError> {
        Self::parse_expanded(value, |text| Ok(text.to_owned()))
    }

    /// Reads the value of a `--mount` flag; each value is handed to `expand`, as BuildKit does before it looks at it.
    ///
    /// # Errors
    /// [`MountError`] where BuildKit refuses the mount.
    pub fn parse_expanded(
        value: &str,
        mut expand: impl FnMut(&str) -> Result<String, ExpandError>,
    ) -> Result<Self, MountError> {
        let mut mount = Self::new(MountKind::Bind);
        let mut readonly = None;
        for field in flags::csv_fields(value).map_err(MountError::Csv)? {
            let (key, value) = field.split_once('=').map_or((field.as_str(), None), |(key, value)| (key, Some(value)));
            let key = key.to_lowercase();
            if key == "from" && value.is_some_and(|value| value.find('$').is_some_and(|at| at + 1 < value.len())) {
                return Err(MountError::VariableInFrom);
            }
            match value {
                None => mount.set_switch(&key, &field, &mut readonly)?,
                Some(value) => mount.set(&key, &expand(value)?, &field, &mut readonly)?,
            }
        }
        mount.readonly = readonly.unwrap_or(mount.kind.is_readonly_by_default());
        mount.check()?;
        Ok(mount)
    }

    /// The name that a cache mount shares its directory by: its id, else its target.
    #[must_use]
    pub fn cache_id(&self) -> Option<&str> {
        self.id.as_deref().or(self.target.as_deref())
    }

    /// A key that stands alone.
    fn set_switch(&mut self, key: &str, field: &str, readonly: &mut Option<bool>) -> Result<(), MountError> {
        match key {
            "readonly" | "ro" => *readonly = Some(true),
            "readwrite" | "rw" => *readonly = Some(false),
            "required" => {
                self.only_for(key, &[MountKind::Secret, MountKind::Ssh])?;
                self.required = true;
            }
            _ => return Err(MountError::NoValue(field.to_owned())),
        }
        Ok(())
    }

    /// A key with its value.
    fn set(&mut self, key: &str, value: &str, field: &str, readonly: &mut Option<bool>) -> Result<(), MountError> {
        let invalid = || MountError::Value { key: key.to_owned(), value: value.to_owned() };
        let text = || (!value.is_empty()).then(|| value.to_owned());
        let number = |radix| u32::from_str_radix(value, radix).ok().filter(|_| !value.starts_with('+'));
        match key {
            "type" => {
                let kind = MountKind::ALL.into_iter().find(|kind| kind.name() == value.to_lowercase());
                self.kind = kind.ok_or_else(|| MountError::UnknownKind {
                    value: value.to_owned(),
                    suggestion: suggest::nearest(value, MountKind::ALL.map(MountKind::name), false),
                })?;
            }
            "from" => self.from = text(),
            "source" | "src" => self.source = text(),
            "target" | "dst" | "destination" => self.target = text(),
            "readonly" | "ro" => *readonly = Some(flags::parse_bool(value).ok_or_else(invalid)?),
            "readwrite" | "rw" => *readonly = Some(!flags::parse_bool(value).ok_or_else(invalid)?),
            "required" => {
                self.only_for(key, &[MountKind::Secret, MountKind::Ssh])?;
                self.required = flags::parse_bool(value).ok_or_else(invalid)?;
            }
            "size" => {
                self.only_for(key, &[MountKind::Tmpfs])?;
                self.size = Some(parse_size(value).ok_or_else(invalid)?);
            }
            "id" => self.id = text(),
            "sharing" => {
                let sharing = Sharing::ALL.into_iter().find(|sharing| sharing.name() == value.to_lowercase());
                self.sharing = Some(sharing.ok_or_else(|| MountError::UnknownSharing {
                    value: value.to_owned(),
                    suggestion: suggest::nearest(value, Sharing::ALL.map(Sharing::name), false),
                })?);
            }
            "mode" => self.mode = Some(number(8).ok_or_else(invalid)?),
            "uid" => self.uid = Some(number(10).ok_or_else(invalid)?),
            "gid" => self.gid = Some(number(10).ok_or_else(invalid)?),
            "env" => self.env = Some(value.to_owned()),
            _ => {
                let suggestion = suggest::nearest(key, KEYS, false);
                return Err(MountError::UnknownKey { key: key.to_owned(), field: field.to_owned(), suggestion });
            }
        }
        Ok(())
    }

    /// The kind counts that has been written so far, as in BuildKit.
    fn only_for(&self, key: &str, kinds: &[MountKind]) -> Result<(), MountError> {
        if kinds.contains(&self.kind) {
            return Ok(());
        }
        Err(MountError::KeyOfOtherKind { key: key.to_owned(), kind: self.kind })
    }

    fn check(&self) -> Result<(), MountError> {
        let refuse = |message: String| Err(MountError::Combination(message));
        let kind = self.kind;
        if matches!(kind, MountKind::Bind | MountKind::Tmpfs) {
            for (key, value) in [("mode", self.mode), ("uid", self.uid), ("gid", self.gid)] {
                if value.is_some() {
                    return refuse(format!("{key} not allowed for \"{kind}\" type mounts"));
                }
            }
        }
        if kind == MountKind::Secret {
            if self.from.is_some() {
                return refuse("secret mount should not have a from".to_owned());
            }
            if self.sharing.is_some() {
                return refuse("secret mount should not define sharing".to_owned());
            }
            if self.source.is_none() && self.target.is_none() && self.id.is_none() {
                return refuse("invalid secret mount. one of source, target required".to_owned());
            }
            if self.source.is_some() && self.id.is_some() {
                return refuse("both source and id can't be set".to_owned());
            }
        }
        if self.sharing.is_some() && kind != MountKind::Cache {
            return refuse(format!("invalid cache sharing set for {kind} mount"));
        }
        Ok(())
    }
}

/// A number of bytes with a binary unit, as go-units' `RAMInBytes`.
fn parse_size(text: &str) -> Option<i64> {
    let last = text.rfind(|c: char| c.is_ascii_digit() || matches!(c, '.' | ' '))?;
    let number = if text[last..].starts_with(' ') { &text[..last] } else { &text[..=last] };
    let size: f64 = number.parse().ok().filter(|size| *size >= 0.0)?;
    let suffix = text[last + 1..].to_lowercase();
    let power = match suffix.as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        "p" | "pb" | "pib" => 5,
        _ => return None,
    };
    #[expect(clippy::cast_possible_truncation, reason = "sizes beyond 64 bits saturate")]
    let bytes = (size * 1024_f64.powi(power)) as i64;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_their_aliases() {
        for target in ["target", "dst", "destination", "TARGET"] {
            let mount = Mount::parse(&format!("type=cache,{target}=/a")).expect(target);
            assert_eq!(mount, Mount::cache("/a"));
        }
        for source in ["source", "src"] {
            let mount = Mount::parse(&format!("{source}=x,target=/y,from=base")).expect(source);
            assert_eq!((mount.kind, mount.readonly), (MountKind::Bind, true));
            assert_eq!((mount.source.as_deref(), mount.from.as_deref()), (Some("x"), Some("base")));
        }
        for (field, readonly) in [("rw", false), ("readwrite", false), ("ro=false", false), ("readonly", true)] {
            assert_eq!(Mount::parse(&format!("target=/a,{field}")).map(|mount| mount.readonly), Ok(readonly));
        }
        let cache =
            Mount::parse("type=Cache,id=x,target=/c,sharing=LOCKED,mode=0755,uid=1000,gid=0,ro").expect("cache");
        assert_eq!(cache.sharing, Some(Sharing::Locked));
        assert_eq!((cache.mode, cache.uid, cache.gid, cache.readonly), (Some(0o755), Some(1000), Some(0), true));
        let secret = Mount::parse("type=secret,id=token,env=TOKEN,required=true").expect("secret");
        assert_eq!((secret.env.as_deref(), secret.required), (Some("TOKEN"), true));
        assert_eq!(Mount::parse("type=tmpfs,target=/t,size=64m").map(|mount| mount.size), Ok(Some(64 << 20)));
        assert_eq!(Mount::parse("type=ssh").map(|mount| mount.kind), Ok(MountKind::Ssh));
    }

    #[test]
    fn values_may_be_quoted() {
        let mount = Mount::parse(r#"type=bind,"target=/a,""b""""#).expect("a mount");
        assert_eq!(mount.target.as_deref(), Some("/a,\"b\""));
    }

    #[test]
    fn variables_are_expanded_when_asked() {
        let mount = Mount::parse_expanded("type=$KIND,target=/x", |text| Ok(text.replace("$KIND", "tmpfs")));
        assert_eq!(mount.map(|mount| mount.kind), Ok(MountKind::Tmpfs));
        assert_eq!(Mount::parse("from=$X,target=/a"), Err(MountError::VariableInFrom));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (value, message) in [
            ("", "failed to parse csv mounts: EOF"),
            ("type=foo", "unsupported mount type \"foo\""),
            ("type=cach", "unsupported mount type \"cach\" (did you mean cache?)"),
            ("target", "invalid field 'target' must be a key=value pair"),
            ("targe=/a", "unexpected key 'targe' in 'targe=/a' (did you mean target?)"),
            ("type=cache,target=/a,sharing=all", "unsupported sharing value \"all\""),
            ("type=cache,target=/a,sharing=locke", "unsupported sharing value \"locke\" (did you mean locked?)"),
            ("required", "unexpected key 'required' for mount type 'bind'"),
            ("size=1", "unexpected key 'size' for mount type 'bind'"),
            ("type=tmpfs,size=x", "invalid value for size: x"),
            ("target=/a,ro=perhaps", "invalid value for ro: perhaps"),
            ("target=/a,uid=1", "uid not allowed for \"bind\" type mounts"),
            ("type=secret", "invalid secret mount. one of source, target required"),
            ("type=secret,id=a,source=b", "both source and id can't be set"),
            ("type=secret,id=a,from=b", "secret mount should not have a from"),
            ("type=secret,id=a,sharing=locked", "secret mount should not define sharing"),
            ("type=ssh,sharing=locked", "invalid cache sharing set for ssh mount"),
        ] {
            assert_eq!(Mount::parse(value).map_err(|error| error.to_string()), Err(message.to_owned()), "{value}");
        }
    }

    #[test]
    fn sizes_have_binary_units() {
        for (text, bytes) in [
            ("32", Some(32)),
            ("1.5KiB", Some(1536)),
            ("2 GB", Some(2 << 30)),
            ("1b", Some(1)),
            ("", None),
            ("k", None),
            ("-1", None),
            ("1bb", None),
            ("1kk", None),
        ] {
            assert_eq!(parse_size(text), bytes, "{text}");
        }
    }
}
