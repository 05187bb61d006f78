//! `build.gradle` and `settings.gradle`, in Groovy or Kotlin. They are programs: only one that is made of known words, each of which
//! reads nothing of the project, is told to read nothing.

use crate::tables::GradleWords;

/// A piece of a script.
#[derive(Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Text(&'a str),
}

/// Checks that the script reads no other file of the project.
///
/// # Errors
/// What may read one.
pub fn reads_nothing(text: &str, known: &GradleWords) -> Result<(), String> {
    let tokens = tokens(text)?;
    let mut word = "";
    for token in tokens {
        match token {
            Token::Word(next) if known.words.contains(next) => word = next,
            Token::Word(next) => return Err(format!("`{next}` may read files of the project")),
            Token::Text(plugin) if matches!(word, "id" | "plugin") && !known.plugins.contains(plugin) => {
                return Err(format!("the plugin `{plugin}` may read files of the project"));
            }
            Token::Text(url) if matches!(word, "url" | "uri") && !url.contains("://") => {
                return Err(format!("`{url}` is a repository in the project"));
            }
            Token::Text(_) => {}
        }
    }
    Ok(())
}

/// The words and texts of a script, without comments.
fn tokens(text: &str) -> Result<Vec<Token<'_>>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map(|end| end + 2).ok_or("a comment has no end")?,
            '/' => return Err("a pattern is not read".to_owned()),
            '"' | '\'' => {
                let end = rest[1..].find([first, '\n']).map(|end| end + 1);
                let end = end.filter(|end| rest[*end..].starts_with(first)).ok_or("a text has no end")?;
                let inside = &rest[1..end];
                if inside.is_empty() && rest[end + 1..].starts_with(first) || inside.contains(['$', '\\']) {
                    return Err("a text with more than letters in it is not read".to_owned());
                }
                found.push(Token::Text(inside));
                end + 1
            }
            _ if first.is_alphabetic() || first == '_' => {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                found.push(Token::Word(&rest[..end]));
                end
            }
            _ if first.is_ascii_digit() => rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len()),
            '$' | '@' | '#' => return Err(format!("`{first}` is not read")),
            _ => first.len_utf8(),
        };
        rest = &rest[length..];
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::reads_nothing;
    use crate::tables;

    #[track_caller]
    fn check(text: &str, reason: Option<&str>) {
        let found = reads_nothing(text, &tables::dependencies().gradle);
        match reason {
            None => assert_eq!(found, Ok(())),
            Some(reason) => assert!(found.clone().is_err_and(|found| found.contains(reason)), "{found:?}"),
        }
    }

    #[test]
    fn scripts_of_known_words() {
        check(
            "plugins {\n  id 'java' // a comment: file('x')\n  id(\"org.springframework.boot\") version \"3.3.0\"\n}\n",
            None,
        );
        check("repositories { mavenCentral(); maven { url = uri(\"https://repo.a.org\") } } /* file('x') */", None);
        check("dependencies {\n  implementation 'a:b:1.0'\n  testImplementation(platform(\"c:d:2\"))\n}\n", None);
        check("java { toolchain { languageVersion = JavaLanguageVersion.of(21) } }\n", None);
    }

    #[test]
    fn scripts_that_may_read() {
        check("version = file('VERSION').text", Some("`file`"));
        check("apply from: 'x.gradle'", Some("`from`"));
        check("plugins { id 'com.a.git-version' version '1' }", Some("`com.a.git-version`"));
        check("dependencies { implementation project(':a') }", Some("`project`"));
        check("group = \"${new File('a').text}\"", Some("not read"));
        check("description = '''\na'''", Some("not read"));
        check("maven { url 'libs' }", Some("repository in the project"));
        check("version = /a/", Some("pattern"));
        check("version = 'a", Some("no end"));
    }
}
