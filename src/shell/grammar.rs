//! The grammar of the shell (POSIX XCU 2.10): lists, and-or lists, pipelines, compound and simple commands.

use super::ast::{
    AndOrPart, Assignment, List, Node, NodeKind, Redirect, Script, SimpleCommand, Statement, Terminator, Word, WordPart,
};
use super::reader::{Landmark, Reader, Result, is_metacharacter, is_name};
use super::{Dialect, NotUnderstood};
use crate::source::Span;

/// Words that are reserved where a command may start.
const RESERVED: [&str; 20] = [
    "!", "{", "}", "case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "in", "then", "until", "while",
    "[[", "]]", "function", "select",
];

/// Reserved words that end a list.
const CLOSING: [&str; 8] = ["}", "do", "done", "elif", "else", "esac", "fi", "then"];

/// Words that bash gives a meaning which a POSIX shell does not know.
const BASH_WORDS: [&str; 5] = ["[[", "function", "select", "coproc", "source"];

/// A script and what a second reader must find in it.
pub(super) struct Reading {
    pub(super) script: Script,
    /// Sorted by offset.
    pub(super) landmarks: Vec<(usize, Landmark)>,
    /// Where a `!` negates a pipeline.
    pub(super) negations: Vec<usize>,
}

/// Reads a whole script.
pub(super) fn read(text: &str, dialect: Dialect) -> Result<Reading> {
    // A carriage return is part of a word to the shell, and never what its author meant.
    if text.bytes().any(|byte| byte < b' ' && byte != b'\n' && byte != b'\t') {
        return Err(NotUnderstood::Syntax);
    }
    let mut reader = Reader::new(text, dialect);
    let mut list = reader.nested(Reader::list)?;
    if reader.pos < text.len() || !reader.heredocs.take_pending().is_empty() {
        return Err(NotUnderstood::Syntax);
    }
    let Reader { comments, heredocs, mut landmarks, negations, .. } = reader;
    heredocs.attach(&mut list);
    landmarks.sort_unstable();
    Ok(Reading { script: Script { list, comments }, landmarks, negations })
}

impl<'a> Reader<'a> {
    /// Reads statements up to what cannot start one.
    pub(super) fn list(&mut self) -> Result<List> {
        let mut statements = Vec::new();
        loop {
            self.skip_lines()?;
            if self.at_list_end() {
                break;
            }
            let node = self.and_or()?;
            let terminator = self.terminator()?;
            statements.push(Statement { node, terminator });
            if terminator == Terminator::None {
                break;
            }
        }
        Ok(List { statements })
    }

    /// Reads statements, of which there must be one.
    fn body(&mut self) -> Result<List> {
        let list = self.nested(Self::list)?;
        if list.statements.is_empty() { Err(NotUnderstood::Syntax) } else { Ok(list) }
    }

    fn at_list_end(&self) -> bool {
        match self.operator() {
            Some(operator) => matches!(operator, ")" | ";;" | ";&" | ";;&"),
            None => self.pos == self.text.len() || self.plain_word().is_some_and(|word| CLOSING.contains(&word)),
        }
    }

    fn terminator(&mut self) -> Result<Terminator> {
        self.skip_blanks();
        if self.peek() == Some(b'\n') {
            self.line_end()?;
            return Ok(Terminator::Sequence);
        }
        match self.operator() {
            Some(";") => self.take_operator(";").map(|()| Terminator::Sequence),
            Some("&") => self.take_operator("&").map(|()| Terminator::Background),
            _ => Ok(Terminator::None),
        }
    }

    fn and_or(&mut self) -> Result<Node> {
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            self.skip_blanks();
            let Some(token @ ("&&" | "||")) = self.operator() else { break };
            let operator = Span::new(self.pos, self.pos + 2);
            let and = token == "&&";
            self.mark(self.pos, if and { Landmark::And } else { Landmark::Or });
            self.take_operator(token)?;
            self.skip_lines()?;
            rest.push(AndOrPart { and, operator, node: self.pipeline()? });
        }
        let Some(last) = rest.last() else { return Ok(first) };
        let span = first.span.to(last.node.span);
        Ok(Node { span, kind: NodeKind::AndOr { first: Box::new(first), rest } })
    }

    fn pipeline(&mut self) -> Result<Node> {
        self.skip_blanks();
        let start = self.pos;
        let negated = self.take_reserved("!");
        self.negations.extend(negated.then_some(start));
        let mut parts = vec![self.command()?];
        let mut joins_stderr = false;
        loop {
            self.skip_blanks();
            let Some(token @ ("|" | "|&")) = self.operator() else { break };
            joins_stderr |= token == "|&";
            self.mark(self.pos, Landmark::Pipe);
            self.take_operator(token)?;
            self.skip_lines()?;
            parts.push(self.command()?);
        }
        let span = Span::new(start, parts.last().map_or(start, |part| part.span.end));
        if joins_stderr {
            return Ok(Node { span, kind: self.other(span) });
        }
        if !negated && parts.len() == 1 {
            return parts.pop().ok_or(NotUnderstood::Syntax);
        }
        Ok(Node { span, kind: NodeKind::Pipeline { negated, parts } })
    }

    fn command(&mut self) -> Result<Node> {
        self.skip_blanks();
        let start = self.pos;
        let word = self.plain_word();
        if let Some(word) = word.filter(|word| BASH_WORDS.contains(word)) {
            self.bash_only(word)?;
        }
        let mut kind = match word {
            _ if self.rest().starts_with("((") => self.arithmetic_command()?,
            _ if self.peek() == Some(b'(') => self.subshell()?,
            Some("{") => self.group()?,
            Some("if") => self.if_command()?,
            Some("for") => self.for_command()?,
            Some("select") => self.select_command()?,
            Some("while") => self.while_command(false)?,
            Some("until") => self.while_command(true)?,
            Some("case") => self.case_command()?,
            Some("[[") => self.test_command()?,
            Some("function") => self.function_keyword()?,
            _ => return self.simple_command(),
        };
        let mut end = if let NodeKind::Function { body, .. } = &kind { body.span.end } else { self.pos };
        let mut behind = Vec::new();
        loop {
            self.skip_blanks();
            let Some(redirect) = self.redirect()? else { break };
            end = redirect.span.end;
            behind.push(redirect);
        }
        let span = Span::new(start, end);
        match &mut kind {
            NodeKind::Subshell(_, redirects)
            | NodeKind::Group(_, redirects)
            | NodeKind::If { redirects, .. }
            | NodeKind::For { redirects, .. }
            | NodeKind::While { redirects, .. }
            | NodeKind::Case { redirects, .. } => *redirects = behind,
            NodeKind::Function { .. } if behind.is_empty() => {}
            _ => kind = self.other(span),
        }
        Ok(Node { span, kind })
    }

    fn subshell(&mut self) -> Result<NodeKind> {
        self.mark(self.pos, Landmark::Subshell);
        self.pos += 1;
        let list = self.body()?;
        if self.take(")") { Ok(NodeKind::Subshell(list, Vec::new())) } else { Err(NotUnderstood::Syntax) }
    }

    fn group(&mut self) -> Result<NodeKind> {
        self.mark(self.pos, Landmark::Group);
        self.expect_reserved("{")?;
        let list = self.body()?;
        self.expect_reserved("}")?;
        Ok(NodeKind::Group(list, Vec::new()))
    }

    fn if_command(&mut self) -> Result<NodeKind> {
        self.mark(self.pos, Landmark::If);
        self.expect_reserved("if")?;
        let mut branches = Vec::new();
        loop {
            let condition = self.body()?;
            self.expect_reserved("then")?;
            branches.push((condition, self.body()?));
            if !self.take_reserved("elif") {
                break;
            }
        }
        let otherwise = if self.take_reserved("else") { Some(self.body()?) } else { None };
        self.expect_reserved("fi")?;
        Ok(NodeKind::If { branches, otherwise, redirects: Vec::new() })
    }

    fn for_command(&mut self) -> Result<NodeKind> {
        self.mark(self.pos, Landmark::For);
        let start = self.pos;
        self.expect_reserved("for")?;
        self.skip_blanks();
        if self.rest().starts_with("((") {
            self.bash_only("for ((")?;
            self.skip_arithmetic_command()?;
            self.skip_blanks();
            self.take(";");
            self.do_group()?;
            return Ok(self.other(Span::new(start, self.pos)));
        }
        let variable = self.word()?.literal().filter(|name| is_name(name)).ok_or(NotUnderstood::Syntax)?;
        self.skip_lines()?;
        let words = if self.take_reserved("in") { Some(self.words()?) } else { None };
        self.skip_blanks();
        if self.operator() == Some(";") {
            self.take_operator(";")?;
        } else if words.is_some() && self.peek() != Some(b'\n') {
            return Err(NotUnderstood::Syntax);
        }
        let body = self.do_group()?;
        Ok(NodeKind::For { variable, words, body, redirects: Vec::new() })
    }

    /// `select` has the shape of `for`.
    fn select_command(&mut self) -> Result<NodeKind> {
        let start = self.pos;
        self.mark(start, Landmark::For);
        self.expect_reserved("select")?;
        self.skip_blanks();
        self.word()?;
        self.skip_lines()?;
        if self.take_reserved("in") {
            self.words()?;
        }
        self.skip_blanks();
        self.take(";");
        self.do_group()?;
        Ok(self.other(Span::new(start, self.pos)))
    }

    fn words(&mut self) -> Result<Vec<Word>> {
        let mut words = Vec::new();
        loop {
            self.skip_blanks();
            if !self.at_word() {
                return Ok(words);
            }
            words.push(self.word()?);
        }
    }

    fn do_group(&mut self) -> Result<List> {
        self.skip_lines()?;
        self.expect_reserved("do")?;
        let body = self.body()?;
        self.expect_reserved("done")?;
        Ok(body)
    }

    fn while_command(&mut self, until: bool) -> Result<NodeKind> {
        self.mark(self.pos, Landmark::While);
        self.expect_reserved(if until { "until" } else { "while" })?;
        let condition = self.body()?;
        let body = self.do_group()?;
        Ok(NodeKind::While { until, condition, body, redirects: Vec::new() })
    }

    fn case_command(&mut self) -> Result<NodeKind> {
        let start = self.pos;
        self.mark(start, Landmark::Case);
        self.expect_reserved("case")?;
        self.skip_blanks();
        let word = self.word()?;
        self.skip_lines()?;
        self.expect_reserved("in")?;
        let mut branches = Vec::new();
        let mut falls_through = false;
        loop {
            self.skip_lines()?;
            if self.take_reserved("esac") {
                break;
            }
            let patterns = self.patterns()?;
            branches.push((patterns, self.nested(Self::list)?));
            match self.operator() {
                Some(";;") => self.take_operator(";;")?,
                Some(token @ (";&" | ";;&")) => {
                    falls_through = true;
                    self.take_operator(token)?;
                }
                _ => {
                    self.expect_reserved("esac")?;
                    break;
                }
            }
        }
        if falls_through {
            return Ok(self.other(Span::new(start, self.pos)));
        }
        Ok(NodeKind::Case { word, branches, redirects: Vec::new() })
    }

    fn patterns(&mut self) -> Result<Vec<Word>> {
        self.take("(");
        let mut patterns = Vec::new();
        loop {
            self.skip_blanks();
            patterns.push(self.word()?);
            self.skip_blanks();
            if self.take(")") {
                return Ok(patterns);
            }
            if !self.take("|") {
                return Err(NotUnderstood::Syntax);
            }
        }
    }

    /// `[[ … ]]`: words and operators up to `]]`.
    fn test_command(&mut self) -> Result<NodeKind> {
        let start = self.pos;
        self.mark(start, Landmark::Test);
        self.expect_reserved("[[")?;
        loop {
            self.skip_blanks();
            if self.take_reserved("]]") {
                return Ok(self.other(Span::new(start, self.pos)));
            }
            if self.take("=~") {
                self.skip_blanks();
                self.skip_regex()?;
                continue;
            }
            match self.peek() {
                Some(b'(' | b')' | b'<' | b'>' | b'&' | b'|' | b'\n') => self.pos += 1,
                Some(_) if self.at_word() => drop(self.word()?),
                _ => return Err(NotUnderstood::Syntax),
            }
        }
    }

    /// Skips a regular expression: up to a blank outside of parentheses.
    fn skip_regex(&mut self) -> Result<()> {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'(' => (depth, self.pos) = (depth + 1, self.pos + 1),
                b')' => {
                    depth = depth.checked_sub(1).ok_or(NotUnderstood::Syntax)?;
                    self.pos += 1;
                }
                b'\n' => return Err(NotUnderstood::Syntax),
                b' ' | b'\t' if depth == 0 => return Ok(()),
                b' ' | b'\t' | b'|' | b'<' | b'>' | b'&' | b';' => self.pos += 1,
                _ => self.word_part(&mut Vec::new())?,
            }
        }
        Err(NotUnderstood::Syntax)
    }

    /// `(( … ))`.
    fn arithmetic_command(&mut self) -> Result<NodeKind> {
        self.bash_only("((")?;
        let start = self.pos;
        self.mark(start, Landmark::Group);
        self.skip_arithmetic_command()?;
        Ok(self.other(Span::new(start, self.pos)))
    }

    fn skip_arithmetic_command(&mut self) -> Result<()> {
        self.pos += 2;
        self.arithmetic().map(drop)
    }

    /// `function name [()] command`.
    fn function_keyword(&mut self) -> Result<NodeKind> {
        self.mark(self.pos, Landmark::Function);
        self.expect_reserved("function")?;
        self.skip_blanks();
        let name = self.word()?.literal().ok_or(NotUnderstood::Syntax)?;
        self.skip_blanks();
        if self.take("(") {
            self.skip_blanks();
            if !self.take(")") {
                return Err(NotUnderstood::Syntax);
            }
        }
        self.function_body(name)
    }

    fn function_body(&mut self, name: String) -> Result<NodeKind> {
        self.skip_lines()?;
        let body = self.nested(Self::command)?;
        if body.as_simple().is_some() {
            return Err(NotUnderstood::Syntax);
        }
        Ok(NodeKind::Function { name, body: Box::new(body) })
    }

    /// A simple command, or a function definition without keyword.
    fn simple_command(&mut self) -> Result<Node> {
        let start = self.pos;
        let mut end = start;
        let mut command = SimpleCommand::default();
        loop {
            self.skip_blanks();
            if let Some(redirect) = self.redirect()? {
                end = redirect.span.end;
                command.redirects.push(redirect);
            } else if self.at_word() {
                let word = self.command_word(&mut command)?;
                end = word.end;
            } else if self.peek() == Some(b'(') && end > start {
                return self.function(start, &command);
            } else if end > start {
                return Ok(Node { span: Span::new(start, end), kind: NodeKind::Simple(command) });
            } else {
                return Err(NotUnderstood::Syntax);
            }
        }
    }

    /// Reads a word of a simple command: an assignment, the name, or an argument.
    fn command_word(&mut self, command: &mut SimpleCommand) -> Result<Span> {
        let start = self.pos;
        let mut word = self.word_with_braces()?;
        if command.words.is_empty()
            && let Some(mut assignment) = self.assignment(&word)?
        {
            self.array(&mut assignment.value)?;
            assignment.span.end = assignment.value.span.end;
            let span = assignment.span;
            command.assignments.push(assignment);
            return Ok(span);
        }
        if command.words.is_empty() {
            self.check_name(&word)?;
            self.mark(start, Landmark::Command);
        } else if word.span.of(self.text).ends_with('=') && declares(command) {
            self.array(&mut word)?;
        }
        self.check_braces(&mut word)?;
        let span = word.span;
        command.words.push(word);
        Ok(span)
    }

    /// Stops at a reserved word that is out of place, and at a subscript that bash goes on reading behind the word.
    fn check_name(&self, word: &Word) -> Result<()> {
        if let Some(WordPart::Literal { text, quoted: false }) = word.parts.first()
            && let Some((name, subscript)) = text.split_once('[')
            && self.dialect == Dialect::Bash
            && is_name(name)
            && !subscript.contains(']')
        {
            return Err(NotUnderstood::Syntax);
        }
        let [WordPart::Literal { text, quoted: false }] = word.parts.as_slice() else { return Ok(()) };
        if RESERVED.contains(&text.as_str()) {
            return Err(NotUnderstood::Syntax);
        }
        if BASH_WORDS.contains(&text.as_str()) {
            self.bash_only(text)?;
        }
        // A coprocess runs a command in the background; its name may be left out, which makes it hard to tell.
        if text == "coproc" { Err(NotUnderstood::Syntax) } else { Ok(()) }
    }

    /// The assignment that `word` is, if it is one.
    fn assignment(&self, word: &Word) -> Result<Option<Assignment>> {
        let Some(WordPart::Literal { text, quoted: false }) = word.parts.first() else { return Ok(None) };
        let Some((name, value)) = text.split_once('=') else { return Ok(None) };
        let (name, append) = name.strip_suffix('+').map_or((name, false), |name| (name, true));
        let subscripted = name.strip_suffix(']').and_then(|name| name.split_once('['));
        if !is_name(subscripted.map_or(name, |(array, _)| array)) {
            return Ok(None);
        }
        if append {
            self.bash_only("+=")?;
        }
        if subscripted.is_some() {
            self.bash_only(name)?;
        }
        let equals = word.span.of(self.text).find('=').ok_or(NotUnderstood::Syntax)?;
        let span = Span::new(word.span.start + equals + 1, word.span.end);
        let mut parts = word.parts.clone();
        parts[0] = WordPart::Literal { text: value.to_owned(), quoted: false };
        if value.is_empty() {
            parts.remove(0);
        }
        let value = Word { span, parts };
        Ok(Some(Assignment { span: word.span, name: name.to_owned(), value, append }))
    }

    fn function(&mut self, start: usize, command: &SimpleCommand) -> Result<Node> {
        let SimpleCommand { assignments, words, redirects } = command;
        let ([], [word], []) = (assignments.as_slice(), words.as_slice(), redirects.as_slice()) else {
            return Err(NotUnderstood::Syntax);
        };
        let name = word.literal().ok_or(NotUnderstood::Syntax)?;
        if !is_name(&name) {
            self.bash_only(&name)?;
        }
        // What looked like the name of a command is that of a function.
        self.landmarks.pop();
        self.mark(start, Landmark::Function);
        self.pos += 1;
        self.skip_blanks();
        if !self.take(")") {
            return Err(NotUnderstood::Syntax);
        }
        let kind = self.function_body(name)?;
        let end = if let NodeKind::Function { body, .. } = &kind { body.span.end } else { self.pos };
        Ok(Node { span: Span::new(start, end), kind })
    }

    /// A redirect, if one comes next.
    fn redirect(&mut self) -> Result<Option<Redirect>> {
        let start = self.pos;
        let rest = self.rest();
        let n_digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if !matches!(rest.as_bytes().get(n_digits), Some(b'<' | b'>')) && !rest.starts_with("&>") {
            return Ok(None);
        }
        if n_digits > 1 {
            self.bash_only(&rest[..=n_digits])?;
        }
        let fd = rest[..n_digits].parse().ok();
        if n_digits > 0 && fd.is_none() {
            return Err(NotUnderstood::Syntax);
        }
        self.pos += n_digits;
        let Some(operator) = self.operator() else { return Err(NotUnderstood::Syntax) };
        if n_digits == 0 && matches!(operator, "<(" | ">(") {
            self.bash_only(operator)?;
            return Ok(None);
        }
        self.take_operator(operator)?;
        self.skip_blanks();
        if !self.at_word() {
            return Err(NotUnderstood::Syntax);
        }
        let target = self.word()?;
        if matches!(operator, ">&" | "<&") && !is_descriptor(&target) {
            self.bash_only(operator)?;
        }
        if matches!(operator, "<<" | "<<-") {
            self.open_heredoc(start, &target, operator == "<<-")?;
        }
        let span = Span::new(start, target.span.end);
        let operator = operator.to_owned();
        Ok(Some(Redirect { span, fd, operator, target, heredoc: None, heredoc_script: List::default() }))
    }

    /// Whether a word comes next.
    pub(super) fn at_word(&self) -> bool {
        let Some(byte) = self.peek() else { return false };
        !is_metacharacter(byte) || matches!(self.operator(), Some("<(" | ">("))
    }

    fn other(&self, span: Span) -> NodeKind {
        NodeKind::Other(span.of(self.text).to_owned())
    }
}

/// Whether the command takes assignments as arguments.
fn declares(command: &SimpleCommand) -> bool {
    let name = command.name();
    matches!(name.as_deref(), Some("declare" | "export" | "local" | "readonly" | "typeset"))
}

/// Whether the target of `>&` is a descriptor, `-`, or known only when it is expanded.
fn is_descriptor(target: &Word) -> bool {
    target.literal().is_none_or(|text| text == "-" || (text.len() == 1 && text.bytes().all(|b| b.is_ascii_digit())))
}
