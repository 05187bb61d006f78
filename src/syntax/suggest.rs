//! `did you mean RUN?`, by BuildKit's rule: fewer than three edits away, and not equal.

/// The option nearest to `word`; with `fold`, case is ignored and the answer takes the case of `word`.
pub(crate) fn nearest<'a>(word: &str, options: impl IntoIterator<Item = &'a str>, fold: bool) -> Option<String> {
    let wanted: Vec<char> =
        if fold { word.chars().flat_map(char::to_lowercase).collect() } else { word.chars().collect() };
    let mut best: Option<(usize, &str)> = None;
    for option in options {
        let distance = distance(&wanted, option, fold);
        if distance == 0 {
            return None;
        }
        if distance < best.map_or(3, |(least, _)| least) {
            best = Some((distance, option));
        }
    }
    let (_, option) = best?;
    if !fold {
        return Some(option.to_owned());
    }
    let is_upper = word.chars().any(char::is_uppercase) && !word.chars().any(char::is_lowercase);
    Some(if is_upper { option.to_uppercase() } else { option.to_lowercase() })
}

/// `did you mean …?`, if there is something near.
pub(crate) fn did_you_mean(word: &str, options: impl IntoIterator<Item = &'static str>, fold: bool) -> Option<String> {
    nearest(word, options, fold).map(|option| format!("did you mean {option}?"))
}

/// The Levenshtein distance to an option, which is ASCII; 3 when the lengths alone make it that.
fn distance(word: &[char], option: &str, fold: bool) -> usize {
    if word.len().abs_diff(option.len()) > 2 {
        return 3;
    }
    let mut row: Vec<usize> = (0..=option.len()).collect();
    for (i, letter) in word.iter().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, other) in option.bytes().enumerate() {
            let other = char::from(if fold { other.to_ascii_lowercase() } else { other });
            let substituted = diagonal + usize::from(*letter != other);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[option.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_suggested_in_the_case_of_the_word() {
        let options = || ["RUN", "ENTRYPOINT", "EXPOSE"];
        assert_eq!(nearest("FNTRYPOINT", options(), true).as_deref(), Some("ENTRYPOINT"));
        assert_eq!(nearest("expost", options(), true).as_deref(), Some("expose"));
        assert_eq!(nearest("RUNX", options(), true).as_deref(), Some("RUN"));
        assert_eq!(nearest("run", options(), true), None);
        assert_eq!(nearest("INVALID", options(), true), None);
        assert_eq!(nearest("mont", ["mount", "network"], false).as_deref(), Some("mount"));
    }
}
