//! Settings of nginx: directives with their arguments and blocks.

/// A directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// Its name.
    pub name: String,
    /// Its arguments without quotes.
    pub arguments: Vec<String>,
    /// What stands in its block, if it has one.
    pub block: Option<Vec<Self>>,
}

/// Blocks within blocks that are read.
const MAX_DEPTH: usize = 24;

enum Token {
    Word(String),
    End,
    Open,
    Close,
}

/// The directives of a file; `None` when it is not understood.
#[must_use]
pub fn parse(text: &str) -> Option<Vec<Directive>> {
    let mut tokens = tokens(text)?.into_iter();
    block(&mut tokens, 0)
}

/// Calls `visit` for the directive and all below it.
pub fn walk<'a>(directives: &'a [Directive], visit: &mut impl FnMut(&'a Directive)) {
    for directive in directives {
        visit(directive);
        walk(directive.block.as_deref().unwrap_or_default(), visit);
    }
}

fn block(tokens: &mut impl Iterator<Item = Token>, depth: usize) -> Option<Vec<Directive>> {
    let mut directives = Vec::new();
    let mut words: Vec<String> = Vec::new();
    while let Some(token) = tokens.next() {
        let block = match token {
            Token::Word(word) => {
                words.push(word);
                continue;
            }
            Token::End => None,
            Token::Open if depth < MAX_DEPTH => Some(block(tokens, depth + 1)?),
            Token::Open => return None,
            Token::Close => return (depth > 0 && words.is_empty()).then_some(directives),
        };
        let mut arguments = std::mem::take(&mut words).into_iter();
        directives.push(Directive { name: arguments.next()?, arguments: arguments.collect(), block });
    }
    (depth == 0 && words.is_empty()).then_some(directives)
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut found = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(first) = chars.next() {
        match first {
            c if c.is_whitespace() => {}
            '#' => while chars.next_if(|c| *c != '\n').is_some() {},
            ';' => found.push(Token::End),
            '{' => found.push(Token::Open),
            '}' => found.push(Token::Close),
            quote @ ('"' | '\'') => {
                let mut word = String::new();
                loop {
                    match chars.next()? {
                        '\\' => word.push(chars.next()?),
                        c if c == quote => break,
                        c => word.push(c),
                    }
                }
                found.push(Token::Word(word));
            }
            first => {
                let mut word = String::from(first);
                while let Some(next) = chars.peek().copied() {
                    // `${name}` is a variable, not a block.
                    let is_brace = matches!(next, '{') && word.ends_with('$') || next == '}' && word.contains("${");
                    if (next.is_whitespace() || matches!(next, ';' | '{' | '}')) && !is_brace {
                        break;
                    }
                    word.extend(chars.next());
                }
                found.push(Token::Word(word));
            }
        }
    }
    Some(found)
}

/// The port that `listen` names; `None` when that is not known.
#[must_use]
pub fn port(listen: &str) -> Option<u32> {
    if listen.contains('$') || listen.starts_with("unix:") {
        return None;
    }
    if let Ok(port) = listen.parse() {
        return Some(port);
    }
    let behind_address = match listen.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.1.strip_prefix(':'),
        None => listen.rsplit_once(':').map(|(_, port)| port),
    };
    behind_address.map_or(Some(80), |port| port.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_have_arguments_and_blocks() {
        let text = "user nginx; # who\nhttp {\n  log_format main '$a {b} \\'c';\n  server { listen ${PORT}; }\n}\n";
        let directives = parse(text).expect("it is understood");
        let mut names = Vec::new();
        walk(&directives, &mut |directive| names.push(format!("{} {}", directive.name, directive.arguments.join("|"))));
        assert_eq!(names, ["user nginx", "http ", "log_format main|$a {b} 'c", "server ", "listen ${PORT}"]);
    }

    #[test]
    fn what_is_cut_off_is_not_understood() {
        for text in ["http {", "}", "listen 80", "a 'b", "a { b } c;", ";", &"a {".repeat(1000)] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn ports_of_listen() {
        for (listen, port) in
            [("80", 80), ("*:8080", 8080), ("[::]:8443", 8443), ("[::1]", 80), ("localhost", 80), ("127.0.0.1:81", 81)]
        {
            assert_eq!(super::port(listen), Some(port), "{listen}");
        }
        for listen in ["$port", "unix:/run/a.sock", "a:b"] {
            assert_eq!(super::port(listen), None, "{listen}");
        }
    }
}
