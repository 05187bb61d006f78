//! Writes new syntax: the text of flags, mounts, exec forms and values, each so that BuildKit reads back what was meant.
//!
//! What cannot be written, a line break in a value above all, gives `None`.

use super::ast::InstructionKind;
use super::expand::{self, Lookup};
use super::mount::Mount;
use super::parse;

/// Longer values are left alone: several ways of writing them would have to be tried.
const MAX_LEGACY_VALUE: usize = 32 << 10;

/// `--name=value`, quoted where BuildKit would cut the value or take something out of it.
///
/// `None` for a value with line breaks, or with characters beyond ASCII, which BuildKit garbles in flags.
#[must_use]
pub fn flag(name: &str, value: &str, escape: char) -> Option<String> {
    if !value.is_ascii() || value.contains(['\n', '\r']) {
        return None;
    }
    let special = |c: char| c.is_whitespace() || matches!(c, '"' | '\'') || c == escape;
    if !value.contains(special) {
        return Some(format!("--{name}={value}"));
    }
    Some(format!("--{name}=\"{}\"", escaped(value, escape, |c| c == '"')))
}

/// `--mount=type=…` with the keys in the usual order; what the kind of mount implies is left out.
///
/// BuildKit expands variables in the values, so `$`, quotes and escapes in them mean what they mean in any word.
#[must_use]
pub fn mount(mount: &Mount, escape: char) -> Option<String> {
    let mut fields = vec![format!("type={}", mount.kind)];
    let texts = [("from", &mount.from), ("id", &mount.id), ("source", &mount.source), ("target", &mount.target)];
    fields.extend(texts.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_ref()?))));
    fields.extend(mount.sharing.map(|sharing| format!("sharing={}", sharing.name())));
    if mount.readonly != mount.kind.is_readonly_by_default() {
        fields.push(if mount.readonly { "ro" } else { "rw" }.to_owned());
    }
    fields.extend(mount.required.then(|| "required".to_owned()));
    fields.extend(mount.size.map(|size| format!("size={size}")));
    fields.extend(mount.mode.map(|mode| format!("mode={mode:04o}")));
    fields.extend(mount.uid.map(|uid| format!("uid={uid}")));
    fields.extend(mount.gid.map(|gid| format!("gid={gid}")));
    fields.extend(mount.env.as_ref().map(|env| format!("env={env}")));
    let fields: Vec<String> = fields.iter().map(|field| csv_field(field)).collect();
    flag("mount", &fields.join(","), escape)
}

fn csv_field(field: &str) -> String {
    if field.contains([',', '"']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.to_owned() }
}

/// `["argument", …]`, the exec form of a command.
#[must_use]
pub fn exec<S: AsRef<str>>(arguments: &[S]) -> String {
    let strings: Vec<String> = arguments.iter().map(|argument| json_string(argument.as_ref())).collect();
    format!("[{}]", strings.join(", "))
}

/// A string of the exec form.
#[must_use]
pub fn json_string(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            c if c.is_control() => json.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => json.push(c),
        }
    }
    json.push('"');
    json
}

/// `KEY=value` for ENV, LABEL and ARG, such that the value is `value` to the letter: nothing in it is expanded.
///
/// `None` for a key that is no plain name, and for a value with line breaks.
#[must_use]
pub fn pair(key: &str, value: &str, escape: char) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    if key.is_empty() || !key.chars().all(is_plain) || value.contains(['\n', '\r']) {
        return None;
    }
    if value.chars().all(|c| is_plain(c) || ":,+@%".contains(c)) {
        return Some(format!("{key}={value}"));
    }
    Some(format!("{key}=\"{}\"", escaped(value, escape, |c| matches!(c, '"' | '$'))))
}

/// The value of `ENV KEY value` as it has to be written in `ENV KEY=value`, so that BuildKit makes the same of it
/// whatever the variables in it are.
///
/// `raw` is the value as [written](super::ast::KeyValue::value). `None` when BuildKit refuses it, or when it cannot be
/// carried over for sure.
#[must_use]
pub fn legacy_value(raw: &str, escape: char) -> Option<String> {
    if raw.len() > MAX_LEGACY_VALUE {
        return None;
    }
    let quoted = || (!raw.contains(['"', '\'', escape])).then(|| format!("\"{raw}\""));
    let escaped = || escape_spaces(raw, escape);
    let candidates: [&dyn Fn() -> Option<String>; 3] = [&|| Some(raw.to_owned()), &quoted, &escaped];
    let value = candidates.iter().find_map(|candidate| candidate().filter(|value| is_one_word(value, escape)))?;
    same_value(raw, &value, escape).then_some(value)
}

/// `value` with an escape before each character outside quotes that would end the word.
fn escape_spaces(raw: &str, escape: char) -> Option<String> {
    let mut value = String::with_capacity(raw.len() + 8);
    let mut quote = None;
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if c == escape && quote != Some('\'') {
            value.push(c);
            value.push(chars.next()?);
            continue;
        }
        if quote == Some(c) {
            quote = None;
        } else if quote.is_none() && matches!(c, '"' | '\'') {
            quote = Some(c);
        } else if quote.is_none() && c.is_whitespace() {
            value.push(escape);
        }
        value.push(c);
    }
    Some(value)
}

/// Whether an ENV that gives this value to a key is read as just that.
fn is_one_word(value: &str, escape: char) -> bool {
    if value.contains('\n') {
        return false;
    }
    let source = format!("# escape={escape}\nFROM scratch\nENV KEY={value}\n");
    let parsed = parse(&source);
    let [_, env] = parsed.dockerfile.instructions.as_slice() else { return false };
    let InstructionKind::Env(env) = &env.kind else { return false };
    !env.legacy && matches!(env.pairs.as_slice(), [pair] if pair.value.text == value)
}

/// Whether two words expand to the same, with all variables unset and with values that would show a difference.
fn same_value(a: &str, b: &str, escape: char) -> bool {
    [Lookup::Unset, Lookup::Value(""), Lookup::Value("x  'y\" \\z")].into_iter().all(|value| {
        let expanded = |word| expand::process_known(word, escape, |_| value);
        let (a, b) = (expanded(a), expanded(b));
        // A variable that must be set stops the build either way.
        a == b && (a.is_ok() || matches!(a, Err(expand::ExpandError::Required { .. })))
    })
}

fn escaped(text: &str, escape: char, also: impl Fn(char) -> bool) -> String {
    let mut result = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c == escape || also(c) {
            result.push(escape);
        }
        result.push(c);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::ast::{Command, Flag};
    use crate::syntax::mount::{MountKind, Sharing};

    const VALUES: [&str; 14] = [
        "plain",
        "",
        "a b",
        "it's",
        "say \"hi\"",
        "C:\\dir\\",
        "back`tick`",
        "$HOME and ${X:-y}",
        "\\$HOME",
        "tab\there",
        "--flag=x",
        "# no comment",
        "a,b\"c",
        "<<EOF",
    ];

    /// The first flag of a RUN that starts with `flag`.
    fn read_flag(flag: &str, escape: char) -> Flag {
        let parsed = parse(&format!("# escape={escape}\nFROM a\nRUN {flag} true\n"));
        let flag = parsed.dockerfile.instructions[1].flags.first().cloned();
        flag.expect("a flag")
    }

    #[test]
    fn flags_are_read_back() {
        for escape in ['\\', '`'] {
            for value in VALUES {
                let text = flag("mount", value, escape).expect("it can be written");
                assert_eq!(read_flag(&text, escape).value.as_deref(), Some(value), "{text}");
            }
        }
        assert_eq!(flag("chown", "ü", '\\'), None);
        assert_eq!(flag("chown", "a\nb", '\\'), None);
    }

    #[test]
    fn mounts_are_read_back() {
        assert_eq!(
            mount(&Mount::cache("/root/.cache/pip"), '\\').as_deref(),
            Some("--mount=type=cache,target=/root/.cache/pip")
        );
        let mounts = [
            Mount::cache("/a b"),
            Mount::cache("/a,b"),
            Mount {
                sharing: Some(Sharing::Locked),
                id: Some("apt".to_owned()),
                uid: Some(1000),
                mode: Some(0o700),
                ..Mount::cache("/var/cache/apt")
            },
            Mount { source: Some("package.json".to_owned()), readonly: false, ..Mount::new(MountKind::Bind) },
            Mount { id: Some("token".to_owned()), required: true, ..Mount::new(MountKind::Secret) },
            Mount { size: Some(1024), target: Some("/t".to_owned()), ..Mount::new(MountKind::Tmpfs) },
        ];
        for escape in ['\\', '`'] {
            for wanted in &mounts {
                let text = mount(wanted, escape).expect("it can be written");
                let value = read_flag(&text, escape).value.expect("a value");
                assert_eq!(Mount::parse(&value).as_ref(), Ok(wanted), "{text}");
            }
        }
    }

    #[test]
    fn exec_forms_are_read_back() {
        for escape in ['\\', '`'] {
            let argv: Vec<&str> = VALUES.into_iter().chain(["line\nbreak", "\u{1}\u{7f}", "ü😀\u{2028}"]).collect();
            let source = format!("# escape={escape}\nFROM a\nCMD {}\n", exec(&argv));
            let parsed = parse(&source);
            let InstructionKind::Cmd(Command::Exec(words)) = &parsed.dockerfile.instructions[1].kind else {
                panic!("no exec form: {source}");
            };
            let read: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
            assert_eq!(read, argv);
        }
    }

    #[test]
    fn pairs_are_read_back() {
        for escape in ['\\', '`'] {
            for value in VALUES {
                let text = pair("KEY", value, escape).expect("it can be written");
                let source = format!("# escape={escape}\nFROM a\nENV {text}\n");
                let parsed = parse(&source);
                let InstructionKind::Env(env) = &parsed.dockerfile.instructions[1].kind else { panic!("{source}") };
                let word = &env.pairs[0].value.text;
                assert_eq!(expand::process_word(word, escape, |_| Some("no")).as_deref(), Ok(value), "{text}");
            }
        }
        assert_eq!(pair("A B", "x", '\\'), None);
        assert_eq!(pair("A", "x\ny", '\\'), None);
    }

    #[test]
    fn legacy_values_keep_their_meaning() {
        for (raw, value) in [
            ("plain", "plain"),
            ("a b", "\"a b\""),
            ("$HOME/bin:$PATH", "$HOME/bin:$PATH"),
            ("-Xmx1g -Da=$B ${C:-d e}", "\"-Xmx1g -Da=$B ${C:-d e}\""),
            ("\"already quoted\"", "\"already quoted\""),
            ("'already quoted'", "'already quoted'"),
            ("\"one\" 'two three' four", "\"one\"\\ 'two three'\\ four"),
            ("a\\ b c", "a\\ b\\ c"),
            ("${A:-\"b\"} c", "${A:-\"b\"}\\ c"),
            ("a=b c=d", "\"a=b c=d\""),
        ] {
            assert_eq!(legacy_value(raw, '\\').as_deref(), Some(value), "{raw}");
        }
        for refused in ["it's", "\"open", "${A", "a\nb"] {
            assert_eq!(legacy_value(refused, '\\'), None, "{refused}");
        }
        assert_eq!(legacy_value("C:\\a b", '`').as_deref(), Some("\"C:\\a b\""));
    }
}
