//! Words: quotes, escapes, expansions and substitutions (POSIX XCU 2.2 and 2.6).

use super::NotUnderstood;
use super::ast::{List, Word, WordPart};
use super::reader::{Landmark, Reader, Result, is_metacharacter, name_len};
use crate::source::Span;

impl Reader<'_> {
    /// Reads the word that comes next.
    pub(super) fn word(&mut self) -> Result<Word> {
        let mut word = self.word_with_braces()?;
        self.check_braces(&mut word)?;
        Ok(word)
    }

    /// Reads a word whose braces [`Self::check_braces`] still has to look at.
    pub(super) fn word_with_braces(&mut self) -> Result<Word> {
        let start = self.pos;
        let mut end = start;
        let mut parts = Vec::new();
        while let Some(byte) = self.peek() {
            if self.take("\\\n") {
                continue;
            }
            if is_metacharacter(byte) && !matches!(self.operator(), Some("<(" | ">(")) {
                break;
            }
            self.word_part(&mut parts)?;
            end = self.pos;
        }
        let word = Word { span: Span::new(start, end), parts };
        let text = word.span.of(self.text);
        if text.is_empty() || (matches!(self.peek(), Some(b'<' | b'>')) && is_descriptor(text)) {
            return Err(NotUnderstood::Syntax);
        }
        Ok(word)
    }

    /// In a POSIX shell, stops at a word that bash replaces by several (`{a,b}`, `{1..3}`); in bash, its value is not
    /// known.
    pub(super) fn check_braces(&self, word: &mut Word) -> Result<()> {
        let mut opened = false;
        let mut separated = false;
        let mut closed = false;
        for part in &word.parts {
            let WordPart::Literal { text, quoted: false } = part else { continue };
            for (idx, byte) in text.bytes().enumerate() {
                match byte {
                    b'{' => opened = true,
                    b',' => separated |= opened,
                    b'.' => separated |= opened && text[idx..].starts_with(".."),
                    b'}' => closed |= separated,
                    _ => {}
                }
            }
        }
        if !closed {
            return Ok(());
        }
        self.bash_only(word.span.of(self.text))?;
        for part in &mut word.parts {
            if let WordPart::Literal { text, quoted: false } = part {
                *part = WordPart::Expansion { text: std::mem::take(text), variable: None, quoted: false };
            }
        }
        Ok(())
    }

    /// Reads `( … )` behind the `=` of an assignment, bash's list of an array, into `value`.
    pub(super) fn array(&mut self, value: &mut Word) -> Result<()> {
        if self.peek() != Some(b'(') || !self.text[..self.pos].ends_with('=') {
            return Ok(());
        }
        self.bash_only("=(")?;
        let start = self.pos;
        self.pos += 1;
        let mut script = List::default();
        loop {
            self.skip_lines()?;
            if self.take(")") {
                break;
            }
            if !self.at_word() {
                return Err(NotUnderstood::Syntax);
            }
            collect(&mut script, self.word()?.parts);
        }
        value.parts.push(self.expansion_part(start, None, script, false));
        value.span.end = self.pos;
        Ok(())
    }

    /// Reads one part of a word: a quoted string, an expansion, an escaped character or a run of plain text.
    pub(super) fn word_part(&mut self, parts: &mut Vec<WordPart>) -> Result<()> {
        match self.peek() {
            None => return Err(NotUnderstood::Syntax),
            Some(b'\'') => {
                let text = self.single_quoted()?;
                push_literal(parts, text, true);
            }
            Some(b'"') => {
                let start = self.pos;
                self.double_quoted(parts)?;
                if self.pos == start + 2 {
                    push_literal(parts, "", true);
                }
            }
            Some(b'\\') => {
                let start = self.pos + 1;
                self.skip_escaped()?;
                push_literal(parts, &self.text[start..self.pos], true);
            }
            Some(b'$' | b'`') => {
                let part = self.expansion(false)?;
                push_part(parts, part);
            }
            Some(b'<' | b'>') => {
                self.bash_only(&self.rest()[..2])?;
                let part = self.command_substitution()?;
                push_part(parts, part);
            }
            Some(_) => {
                let rest = self.rest();
                let special = |byte: u8| is_metacharacter(byte) || matches!(byte, b'\'' | b'"' | b'\\' | b'$' | b'`');
                // A metacharacter that comes first is part of a regular expression.
                let len = rest.bytes().skip(1).position(special).map_or(rest.len(), |len| len + 1);
                self.pos += len;
                push_literal(parts, &rest[..len], false);
            }
        }
        Ok(())
    }

    /// Reads `'…'` and gives what is between.
    fn single_quoted(&mut self) -> Result<&str> {
        let start = self.pos + 1;
        let len = self.text[start..].find('\'').ok_or(NotUnderstood::Syntax)?;
        self.pos = start + len + 1;
        Ok(&self.text[start..start + len])
    }

    /// Reads `"…"`.
    fn double_quoted(&mut self, parts: &mut Vec<WordPart>) -> Result<()> {
        self.pos += 1;
        loop {
            match self.peek() {
                None => return Err(NotUnderstood::Syntax),
                Some(b'"') => {
                    self.pos += 1;
                    return Ok(());
                }
                Some(b'\\') => match self.peek_at(1) {
                    Some(b'\n') => self.pos += 2,
                    Some(b'$' | b'`' | b'"' | b'\\') => {
                        self.pos += 2;
                        push_literal(parts, &self.text[self.pos - 1..self.pos], true);
                    }
                    _ => {
                        self.pos += 1;
                        push_literal(parts, "\\", true);
                    }
                },
                Some(b'$' | b'`') => {
                    let part = self.expansion(true)?;
                    push_part(parts, part);
                }
                Some(_) => {
                    let rest = self.rest();
                    let len = rest.find(['"', '\\', '$', '`']).unwrap_or(rest.len());
                    self.pos += len;
                    push_literal(parts, &rest[..len], true);
                }
            }
        }
    }

    /// Skips a backslash and the character behind it.
    pub(super) fn skip_escaped(&mut self) -> Result<()> {
        let Some(escaped) = self.rest().chars().nth(1) else { return Err(NotUnderstood::Syntax) };
        self.pos += 1 + escaped.len_utf8();
        Ok(())
    }

    /// Reads what starts with `$` or a backtick, in double quotes or not.
    pub(super) fn expansion(&mut self, quoted: bool) -> Result<WordPart> {
        let start = self.pos;
        if self.peek() == Some(b'`') {
            return self.backticks(quoted);
        }
        match self.peek_at(1) {
            Some(b'(') if self.peek_at(2) == Some(b'(') => {
                self.pos += 3;
                let script = self.arithmetic()?;
                Ok(self.expansion_part(start, None, script, quoted))
            }
            Some(b'(') => self.command_substitution().map(|part| with_quotes(part, quoted)),
            Some(b'{') => self.nested(|reader| reader.parameter(quoted)),
            Some(b'\'') if !quoted => {
                self.bash_only("$'")?;
                self.ansi_c_quoted()?;
                Ok(self.expansion_part(start, None, List::default(), true))
            }
            Some(b'"') if !quoted => {
                self.bash_only("$\"")?;
                self.pos += 1;
                let mut parts = Vec::new();
                self.double_quoted(&mut parts)?;
                let mut script = List::default();
                collect(&mut script, parts);
                Ok(self.expansion_part(start, None, script, true))
            }
            Some(b'[') => {
                self.bash_only("$[")?;
                Err(NotUnderstood::Syntax)
            }
            // The shell goes on reading the expansion on the next line.
            Some(b'\\') if self.peek_at(2) == Some(b'\n') => Err(NotUnderstood::Syntax),
            Some(b'0'..=b'9' | b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!') => {
                self.pos += 2;
                Ok(self.expansion_part(start, None, List::default(), quoted))
            }
            _ => self.variable(quoted),
        }
    }

    /// Reads `$name`, or a `$` that stands for itself.
    fn variable(&mut self, quoted: bool) -> Result<WordPart> {
        let start = self.pos;
        self.pos += 1;
        let len = name_len(self.rest());
        if len == 0 {
            return Ok(WordPart::Literal { text: "$".to_owned(), quoted });
        }
        let name = self.rest()[..len].to_owned();
        self.pos += len;
        let behind = self.rest().trim_start_matches("\\\n");
        let goes_on = behind.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        if behind.len() < self.rest().len() && goes_on {
            return Err(NotUnderstood::Syntax);
        }
        Ok(self.expansion_part(start, Some(name), List::default(), quoted))
    }

    /// Reads `${…}`.
    fn parameter(&mut self, quoted: bool) -> Result<WordPart> {
        let start = self.pos;
        self.pos += 2;
        let length =
            self.peek() == Some(b'#') && !matches!(self.peek_at(1), Some(b'}' | b':' | b'-' | b'+' | b'=' | b'?'));
        self.pos += usize::from(length);
        if self.peek() == Some(b'!') && self.peek_at(1) != Some(b'}') {
            self.bash_only("${!")?;
            self.pos += 1;
        }
        let name_start = self.pos;
        let variable = self.parameter_name()?;
        if self.peek() == Some(b'}') {
            self.pos += 1;
            let plain = name_start == start + 2 && variable;
            let name = plain.then(|| self.text[name_start..self.pos - 1].to_owned());
            return Ok(self.expansion_part(start, name, List::default(), quoted));
        }
        let rest = self.rest();
        let operator = rest.strip_prefix(':').unwrap_or(rest);
        let posix = operator.starts_with(['-', '=', '?', '+']) || rest.starts_with(['%', '#']);
        if !posix || length {
            self.bash_only(&self.text[start..self.pos])?;
        }
        // In double quotes, a single quote is plain text behind `-`, `=`, `?` and `+`, and quotes a pattern.
        let script = self.parameter_word(quoted)?;
        Ok(self.expansion_part(start, None, script, quoted))
    }

    /// Reads the name in `${…}`; tells whether it is that of a variable.
    fn parameter_name(&mut self) -> Result<bool> {
        let len = name_len(self.rest());
        if len > 0 {
            self.pos += len;
            return Ok(true);
        }
        let n_digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        if n_digits > 0 {
            self.pos += n_digits;
            return Ok(false);
        }
        if !self.rest().starts_with(['@', '*', '#', '?', '-', '$', '!']) {
            return Err(NotUnderstood::Syntax);
        }
        self.pos += 1;
        Ok(false)
    }

    /// Reads the rest of `${…}` behind the name and gives what runs in it.
    fn parameter_word(&mut self, quoted: bool) -> Result<List> {
        let mut script = List::default();
        loop {
            match self.peek() {
                None => return Err(NotUnderstood::Syntax),
                Some(b'}') => {
                    self.pos += 1;
                    return Ok(script);
                }
                Some(b'\\') => self.skip_escaped()?,
                Some(b'\'') if quoted => return Err(NotUnderstood::Syntax),
                Some(b'\'') => drop(self.single_quoted()?),
                Some(b'"') => {
                    let mut parts = Vec::new();
                    self.double_quoted(&mut parts)?;
                    collect(&mut script, parts);
                }
                Some(b'$' | b'`') => {
                    let part = self.expansion(quoted)?;
                    collect(&mut script, vec![part]);
                }
                Some(_) => self.pos += 1,
            }
        }
    }

    /// Reads an arithmetic expression and the `))` behind it; gives what runs in it.
    pub(super) fn arithmetic(&mut self) -> Result<List> {
        let mut script = List::default();
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                Some(b')') if depth == 0 => {
                    // `$((` that is not closed by `))` is a substitution that starts with a subshell.
                    return if self.take("))") { Ok(script) } else { Err(NotUnderstood::Syntax) };
                }
                Some(b')') => depth -= 1,
                Some(b'(') => depth += 1,
                Some(b'$' | b'`') => {
                    let part = self.expansion(true)?;
                    collect(&mut script, vec![part]);
                    continue;
                }
                None | Some(b'\'' | b'"' | b'\\') => return Err(NotUnderstood::Syntax),
                Some(_) => {}
            }
            self.pos += 1;
        }
    }

    /// Reads `$(…)`, or bash's `<(…)` and `>(…)`.
    fn command_substitution(&mut self) -> Result<WordPart> {
        let start = self.pos;
        if self.peek() == Some(b'$') {
            self.mark(start, Landmark::Substitution);
        }
        self.pos += 2;
        let script = self.closed_list()?;
        if !self.take(")") {
            return Err(NotUnderstood::Syntax);
        }
        Ok(WordPart::Substitution { text: self.text[start..self.pos].to_owned(), script, quoted: false })
    }

    /// Reads a substitution in backticks, which is not understood where a backslash changes its text.
    fn backticks(&mut self, quoted: bool) -> Result<WordPart> {
        let start = self.pos;
        self.mark(start, Landmark::Substitution);
        self.pos += 1;
        let close = self.pos + self.rest().find('`').ok_or(NotUnderstood::Syntax)?;
        let inner = &self.text[self.pos..close];
        let escapes =
            |pair: &[u8]| pair[0] == b'\\' && (matches!(pair[1], b'\\' | b'$') || (quoted && pair[1] == b'"'));
        if inner.ends_with('\\') || inner.as_bytes().windows(2).any(escapes) {
            return Err(NotUnderstood::Syntax);
        }
        let whole = self.text;
        self.text = &whole[..close];
        let script = self.closed_list()?;
        self.text = whole;
        if self.pos != close {
            return Err(NotUnderstood::Syntax);
        }
        self.pos = close + 1;
        Ok(WordPart::Substitution { text: self.text[start..self.pos].to_owned(), script, quoted })
    }

    /// Skips `$'…'`.
    fn ansi_c_quoted(&mut self) -> Result<()> {
        self.pos += 2;
        loop {
            match self.peek() {
                None => return Err(NotUnderstood::Syntax),
                Some(b'\\') => self.skip_escaped()?,
                Some(b'\'') => {
                    self.pos += 1;
                    return Ok(());
                }
                Some(_) => self.pos += 1,
            }
        }
    }

    /// The part from `start` on, which runs `script` when it is expanded.
    fn expansion_part(&self, start: usize, variable: Option<String>, script: List, quoted: bool) -> WordPart {
        let text = self.text[start..self.pos].to_owned();
        if script.statements.is_empty() {
            WordPart::Expansion { text, variable, quoted }
        } else {
            WordPart::Substitution { text, script, quoted }
        }
    }
}

/// Whether a shell takes `text` before `<` or `>` for a descriptor: digits, where none may stand, or bash's `{name}`.
fn is_descriptor(text: &str) -> bool {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'\\' | b'\n'));
    digits || (text.starts_with('{') && text.ends_with('}'))
}

/// Adds plain text, to the last part if that has the same quotes.
fn push_literal(parts: &mut Vec<WordPart>, added: &str, added_quoted: bool) {
    match parts.last_mut() {
        Some(WordPart::Literal { text, quoted }) if *quoted == added_quoted => text.push_str(added),
        _ => parts.push(WordPart::Literal { text: added.to_owned(), quoted: added_quoted }),
    }
}

fn push_part(parts: &mut Vec<WordPart>, part: WordPart) {
    match part {
        WordPart::Literal { text, quoted } => push_literal(parts, &text, quoted),
        part => parts.push(part),
    }
}

fn with_quotes(mut part: WordPart, in_quotes: bool) -> WordPart {
    if let WordPart::Substitution { quoted, .. } = &mut part {
        *quoted = in_quotes;
    }
    part
}

/// Adds what runs in `parts` to `script`.
fn collect(script: &mut List, parts: Vec<WordPart>) {
    for part in parts {
        if let WordPart::Substitution { script: list, .. } = part {
            script.statements.extend(list.statements);
        }
    }
}
