//! `did you mean RUN?`, by BuildKit's rule: fewer than three edits away, and not equal.

/// The option nearest to `word`; with `fold`, case is ignored and the answer takes the case of `word`.
pub(super) fn nearest(word: &str, options: impl IntoIterator<Item = &'static str>, fold: bool) -> Option<String> {
    let wanted = if fold { word.to_lowercase() } else { word.to_owned() };
    let mut best: Option<(usize, String)> = None;
    for option in options {
        let option = if fold { option.to_lowercase() } else { option.to_owned() };
        if option == wanted {
            return None;
        }
        let distance = distance(&wanted, &option);
        if distance < best.as_ref().map_or(3, |(least, _)| *least) {
            best = Some((distance, option));
        }
    }
    let (_, option) = best?;
    Some(if fold && word == word.to_uppercase() && word != word.to_lowercase() {
        option.to_uppercase()
    } else {
        option
    })
}

/// `did you mean …?`, if there is something near.
pub(crate) fn did_you_mean(word: &str, options: impl IntoIterator<Item = &'static str>, fold: bool) -> Option<String> {
    nearest(word, options, fold).map(|option| format!("did you mean {option}?"))
}

/// The Levenshtein distance, or 3 when the lengths alone make it that.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    // Words of hostile length are not compared.
    if a.len() > 4 * (b.len() + 3) || a.chars().count().abs_diff(b.len()) > 2 {
        return 3;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
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
