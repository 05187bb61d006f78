//! Which flags an instruction takes, and the values that BuildKit checks when it reads them.

use super::ast::Flag;
use super::grammar::{self, Entry, Kind};
use super::node::{Keyword, go_quote};
use super::suggest;
use crate::source::Span;

/// What is wrong with an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Problem {
    pub(super) fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), hint: None }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Bool,
    Text,
    /// May be given several times.
    Texts,
}

/// The flags of an instruction: those of `frontend/dockerfile/instructions` in BuildKit.
const fn known_flags(keyword: Keyword) -> &'static [(&'static str, Type)] {
    match keyword {
        Keyword::From => &[("platform", Type::Text)],
        Keyword::Run => {
            &[("mount", Type::Texts), ("network", Type::Text), ("security", Type::Text), ("device", Type::Texts)]
        }
        Keyword::Copy => &[
            ("chown", Type::Text),
            ("from", Type::Text),
            ("chmod", Type::Text),
            ("link", Type::Bool),
            ("exclude", Type::Texts),
            ("parents", Type::Bool),
        ],
        Keyword::Add => &[
            ("chown", Type::Text),
            ("chmod", Type::Text),
            ("link", Type::Bool),
            ("keep-git-dir", Type::Bool),
            ("checksum", Type::Text),
            ("unpack", Type::Bool),
            ("exclude", Type::Texts),
        ],
        Keyword::Healthcheck => &[
            ("interval", Type::Text),
            ("timeout", Type::Text),
            ("start-period", Type::Text),
            ("start-interval", Type::Text),
            ("retries", Type::Text),
        ],
        _ => &[],
    }
}

/// Checks the flags of an instruction.
pub(super) fn check(keyword: Keyword, flags: &[Flag]) -> Result<(), Problem> {
    let known = known_flags(keyword);
    for (at, flag) in flags.iter().enumerate() {
        let name = &flag.name;
        let Some((_, kind)) = known.iter().find(|(known, _)| known == name) else {
            let problem = Problem::new(flag.span, format!("unknown flag: --{name}"));
            let hint = suggest::did_you_mean(name, known.iter().map(|(known, _)| *known), false);
            return Err(Problem { hint, ..problem });
        };
        if *kind != Type::Texts && flags[..at].iter().any(|other| other.name == *name) {
            return Err(Problem::new(flag.span, format!("duplicate flag specified: --{name}")));
        }
        match (kind, flag.value.as_deref()) {
            (Type::Bool, None) | (Type::Text | Type::Texts, Some(_)) => {}
            (Type::Bool, Some("")) | (_, None) => {
                return Err(Problem::new(flag.span, format!("missing a value on flag: --{name}")));
            }
            (Type::Bool, Some(value)) if ["true", "false"].contains(&value.to_lowercase().as_str()) => {}
            (Type::Bool, Some(value)) => {
                let message = format!("expecting boolean value for flag --{name}, not: {value}");
                return Err(Problem::new(flag.span, message));
            }
        }
    }
    Ok(())
}

/// Checks the values of the flags of RUN that BuildKit reads before it knows any variable.
pub(super) fn check_run(flags: &[Flag]) -> Result<(), Problem> {
    let with = |name: &'static str| {
        flags.iter().filter(move |flag| flag.name == name).map(|flag| (flag, flag.value.as_deref().unwrap_or_default()))
    };
    for (flag, value) in with("device") {
        check_device(value).map_err(|message| Problem::new(flag.span, message))?;
    }
    for (flag, value) in with("mount") {
        check_mount(value).map_err(|message| Problem::new(flag.span, message))?;
    }
    for (flag, value) in with("network") {
        if !["default", "none", "host"].contains(&value) {
            return Err(Problem::new(flag.span, format!("invalid network mode {}", go_quote(value)))
                .hint("use default, none or host"));
        }
    }
    for (flag, value) in with("security") {
        if !["insecure", "sandbox"].contains(&value) {
            return Err(Problem::new(flag.span, format!("security {} is not valid", go_quote(value)))
                .hint("use sandbox or insecure"));
        }
    }
    Ok(())
}

fn check_mount(value: &str) -> Result<(), String> {
    let fields = csv_fields(value).map_err(|error| format!("failed to parse csv mounts: {error}"))?;
    for field in fields {
        let Some((key, value)) = field.split_once('=') else { continue };
        if key.eq_ignore_ascii_case("from") && value.find('$').is_some_and(|at| at + 1 < value.len()) {
            return Err("'from' doesn't support variable expansion, define alias stage instead".to_owned());
        }
    }
    Ok(())
}

/// `--device=[name=]vendor/class=device[,required]`.
fn check_device(value: &str) -> Result<(), String> {
    let mut name = String::new();
    for field in csv_fields(value).map_err(|error| format!("failed to parse csv devices: {error}"))? {
        let (key, value) = field.split_once('=').map_or((field.as_str(), None), |(key, value)| (key, Some(value)));
        match (key.to_lowercase().as_str(), value) {
            ("required", None) => {}
            ("required", Some(value)) => {
                parse_bool(value).ok_or_else(|| format!("invalid value for required: {value}"))?;
            }
            ("name", Some(_)) if !name.is_empty() => return Err(format!("device name already set to {name}")),
            ("name", Some(value)) => value.clone_into(&mut name),
            _ if name.is_empty() => field.clone_into(&mut name),
            (_, None) => return Err(format!("invalid field '{field}' must be a key=value pair")),
            (key, Some(_)) => return Err(format!("unexpected key '{key}' in '{field}'")),
        }
    }
    Ok(())
}

/// The fields of a CSV record, as `--mount` is written.
pub(super) fn csv_fields(value: &str) -> Result<Vec<String>, String> {
    let value = value.strip_suffix('\n').unwrap_or(value);
    if value.is_empty() {
        return Err("EOF".to_owned());
    }
    let Some(found) = grammar::read(Entry::Csv, '\\', value, Span::new(0, value.len())) else {
        let problem = if value.split(',').any(|field| field.starts_with('"')) {
            "extraneous or missing \" in quoted-field"
        } else {
            "bare \" in non-quoted-field"
        };
        return Err(problem.to_owned());
    };
    let mut fields: Vec<String> = Vec::new();
    for token in found.tokens {
        match (token.kind, fields.last_mut()) {
            (Kind::CsvField, _) => fields.push(String::new()),
            (Kind::CsvQuote, Some(field)) => field.push('"'),
            (_, Some(field)) => field.push_str(token.span.of(value)),
            (_, None) => {}
        }
    }
    Ok(fields)
}

/// Go's `strconv.ParseBool`.
pub(super) fn parse_bool(value: &str) -> Option<bool> {
    match value {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// Checks the values of the flags of HEALTHCHECK.
pub(super) fn check_health(flags: &[Flag]) -> Result<(), Problem> {
    for name in ["interval", "timeout", "start-period", "start-interval"] {
        let Some(flag) = flags.iter().find(|flag| flag.name == name) else { continue };
        let Some(value) = flag.value.as_deref().filter(|value| !value.is_empty()) else { continue };
        let Some(nanoseconds) = parse_duration(value) else {
            return Err(Problem::new(flag.span, format!("time: invalid duration {}", go_quote(value)))
                .hint("write a number and a unit, such as 30s"));
        };
        if nanoseconds != 0 && nanoseconds < 1_000_000 {
            return Err(Problem::new(flag.span, format!("Interval \"{name}\" cannot be less than 1ms")));
        }
    }
    let Some(flag) = flags.iter().find(|flag| flag.name == "retries") else { return Ok(()) };
    match flag.value.as_deref().unwrap_or_default() {
        "" => Ok(()),
        value => match value.parse::<i32>() {
            Ok(0..) => Ok(()),
            Ok(retries) => Err(Problem::new(flag.span, format!("--retries cannot be negative ({retries})"))),
            Err(_) => {
                let message = format!("strconv.ParseInt: parsing {}: invalid syntax", go_quote(value));
                Err(Problem::new(flag.span, message).hint("write a whole number"))
            }
        },
    }
}

/// Go's `time.ParseDuration`: nanoseconds, if they fit into 64 bits.
pub(super) fn parse_duration(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (whole, behind) = rest.split_at(digits(rest));
        let (fraction, behind) = behind.strip_prefix('.').map_or(("", behind), |text| text.split_at(digits(text)));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let unit_end = behind.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(unit_end);
        let scale: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        total = total.checked_add(i128::from(whole).checked_mul(scale)?)?;
        // More digits than these are less than a nanosecond.
        let fraction = fraction.get(..fraction.len().min(15)).unwrap_or_default();
        if !fraction.is_empty() {
            let digits = u32::try_from(fraction.len()).ok()?;
            total += fraction.parse::<i128>().ok()? * scale / 10_i128.pow(digits);
        }
        rest = behind;
    }
    i64::try_from(total * sign).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_in_go() {
        for (text, nanoseconds) in [
            ("30s", Some(30_000_000_000)),
            ("1h2m3.5s", Some(3_723_500_000_000)),
            ("-1.5ms", Some(-1_500_000)),
            (".5us", Some(500)),
            ("0", Some(0)),
            ("5", None),
            ("", None),
            ("s", None),
            (".s", None),
            ("5x", None),
            ("9999999h", None),
            ("99999999999999999999s", None),
        ] {
            assert_eq!(parse_duration(text), nanoseconds, "{text}");
        }
    }

    #[test]
    fn csv_fields_may_be_quoted() {
        let fields = |text| csv_fields(text).ok();
        let owned = |fields: &[&str]| Some(fields.iter().map(|field| (*field).to_owned()).collect::<Vec<_>>());
        assert_eq!(fields("type=cache,target=/a"), owned(&["type=cache", "target=/a"]));
        assert_eq!(fields(r#"type=bind,"target=/a,b""c""#), owned(&["type=bind", "target=/a,b\"c"]));
        assert_eq!(fields("a,,"), owned(&["a", "", ""]));
        for bad in ["", "a\"b", "\"a", "\"a\"b"] {
            assert_eq!(fields(bad), None, "{bad}");
        }
    }

    #[test]
    fn devices_are_checked() {
        for good in ["vendor.com/class=name", "name=vendor.com/class=all,required", "required=true,x"] {
            assert_eq!(check_device(good), Ok(()), "{good}");
        }
        for bad in ["a,b", "a,name=b", "a,b=c", "required=x"] {
            assert!(check_device(bad).is_err(), "{bad}");
        }
    }
}
