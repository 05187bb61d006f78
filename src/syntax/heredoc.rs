//! Finds the heredocs that a line announces.

use super::expand::{self, ExpandError};

/// A heredoc word such as `<<EOF`, `<<-"EOF"` or `3<<EOF`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeredocWord {
    /// The name without quotes.
    pub name: String,
    /// The file descriptor before `<<`: 0 when none is written.
    pub fd: u64,
    /// Whether variables in the body are expanded: no part of the name is quoted.
    pub expand: bool,
    /// Whether leading tabs are removed, `<<-`.
    pub chomp: bool,
}

/// Reads a word as a heredoc, as BuildKit's `ParseHeredoc`; `None` when it is none.
///
/// # Errors
/// [`ExpandError`] when the name is malformed, which makes BuildKit reject the file.
pub fn parse(word: &str) -> Result<Option<HeredocWord>, ExpandError> {
    let Some((fd, rest)) = word.split_once("<<") else { return Ok(None) };
    let (chomp, rest) = rest.strip_prefix('-').map_or((false, rest), |rest| (true, rest));
    let rest = rest.trim_start_matches(['\t', '\n', '\u{C}', '\r', ' ']);
    if !fd.bytes().all(|byte| byte.is_ascii_digit()) || rest.contains('<') || rest.is_empty() {
        return Ok(None);
    }
    let words = expand::heredoc_words(rest, false, false)?;
    let [name] = words.as_slice() else { return Ok(None) };
    // When some of the quotes are lost, a part of the name was quoted.
    let raw = expand::heredoc_words(rest, true, false)?;
    let count_quotes = |text: &str| text.chars().filter(|c| matches!(c, '\'' | '"')).count();
    let expand = raw.first().is_some_and(|raw| count_quotes(raw) == count_quotes(name));
    let fd = if fd.is_empty() { 0 } else { fd.parse().unwrap_or(u64::MAX) };
    Ok(Some(HeredocWord { name: name.clone(), fd, expand, chomp }))
}

/// The heredocs of a logical line, in order. A line that is no sequence of shell words has none.
///
/// # Errors
/// [`ExpandError`] when a name is malformed.
pub(super) fn in_line(line: &str) -> Result<Vec<HeredocWord>, ExpandError> {
    let words = expand::raw_words(line).unwrap_or_default();
    words.iter().filter_map(|word| parse(word).transpose()).collect()
}
