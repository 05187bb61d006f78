//! Heredocs: a redirect names one, and its body stands behind the next line end.

use super::NotUnderstood;
use super::ast::{List, Node, NodeKind, Redirect, SimpleCommand, Statement, Word, WordPart};
use super::reader::{Landmark, Reader, Result};
use crate::source::Span;

/// The heredocs of a script, told apart by the offset of their redirect.
#[derive(Default)]
pub(super) struct Heredocs<'a> {
    /// Those whose line has not ended yet.
    pending: Vec<Opening>,
    /// Bodies in order of their redirects' offsets, once read.
    bodies: Vec<Body<'a>>,
}

/// What a heredoc redirect says of its body.
pub(super) struct Opening {
    redirect: usize,
    name: String,
    expand: bool,
    strip_tabs: bool,
}

struct Body<'a> {
    redirect: usize,
    span: Span,
    text: &'a str,
    script: List,
}

impl<'a> Heredocs<'a> {
    /// Takes the heredocs whose line has not ended.
    pub(super) fn take_pending(&mut self) -> Vec<Opening> {
        std::mem::take(&mut self.pending)
    }

    /// Puts back what [`Self::take_pending`] gave.
    pub(super) fn put_pending(&mut self, pending: Vec<Opening>) {
        self.pending = pending;
    }

    /// Puts the bodies into their redirects.
    pub(super) fn attach(mut self, list: &mut List) {
        if self.bodies.is_empty() {
            return;
        }
        self.bodies.sort_by_key(|body| body.redirect);
        self.attach_to_list(list);
    }

    fn attach_to_list(&mut self, list: &mut List) {
        for Statement { node, .. } in &mut list.statements {
            self.attach_to_node(node);
        }
    }

    fn attach_to_node(&mut self, node: &mut Node) {
        match &mut node.kind {
            NodeKind::Simple(SimpleCommand { assignments, words, redirects }) => {
                assignments.iter_mut().for_each(|assignment| self.attach_to_word(&mut assignment.value));
                self.attach_to_words(words);
                self.attach_to_redirects(redirects);
            }
            NodeKind::AndOr { first, rest } => {
                self.attach_to_node(first);
                rest.iter_mut().for_each(|part| self.attach_to_node(&mut part.node));
            }
            NodeKind::Pipeline { parts, .. } => parts.iter_mut().for_each(|part| self.attach_to_node(part)),
            NodeKind::Subshell(list, redirects) | NodeKind::Group(list, redirects) => {
                self.attach_to_list(list);
                self.attach_to_redirects(redirects);
            }
            NodeKind::If { branches, otherwise, redirects } => {
                for (condition, body) in branches {
                    self.attach_to_list(condition);
                    self.attach_to_list(body);
                }
                otherwise.iter_mut().for_each(|list| self.attach_to_list(list));
                self.attach_to_redirects(redirects);
            }
            NodeKind::For { words, body, redirects, .. } => {
                words.iter_mut().for_each(|words| self.attach_to_words(words));
                self.attach_to_list(body);
                self.attach_to_redirects(redirects);
            }
            NodeKind::While { condition, body, redirects, .. } => {
                self.attach_to_list(condition);
                self.attach_to_list(body);
                self.attach_to_redirects(redirects);
            }
            NodeKind::Case { word, branches, redirects } => {
                self.attach_to_word(word);
                for (patterns, body) in branches {
                    self.attach_to_words(patterns);
                    self.attach_to_list(body);
                }
                self.attach_to_redirects(redirects);
            }
            NodeKind::Function { body, .. } => self.attach_to_node(body),
            NodeKind::Other(_) => {}
        }
    }

    fn attach_to_words(&mut self, words: &mut [Word]) {
        words.iter_mut().for_each(|word| self.attach_to_word(word));
    }

    fn attach_to_word(&mut self, word: &mut Word) {
        for part in &mut word.parts {
            if let WordPart::Substitution { script, .. } = part {
                self.attach_to_list(script);
            }
        }
    }

    fn attach_to_redirects(&mut self, redirects: &mut [Redirect]) {
        for redirect in redirects {
            self.attach_to_word(&mut redirect.target);
            if let Ok(idx) = self.bodies.binary_search_by_key(&redirect.span.start, |body| body.redirect) {
                let body = &mut self.bodies[idx];
                redirect.heredoc = Some((body.span, body.text.to_owned()));
                redirect.heredoc_script = std::mem::take(&mut body.script);
                self.attach_to_list(&mut redirect.heredoc_script);
            }
        }
    }
}

impl Reader<'_> {
    /// Notes the heredoc of the redirect at `redirect`, named by `target`.
    pub(super) fn open_heredoc(&mut self, redirect: usize, target: &Word, strip_tabs: bool) -> Result<()> {
        let mut name = String::new();
        let mut expand = true;
        for part in &target.parts {
            let WordPart::Literal { text, quoted } = part else { return Err(NotUnderstood::Syntax) };
            name.push_str(text);
            expand &= !quoted;
        }
        self.heredocs.pending.push(Opening { redirect, name, expand, strip_tabs });
        Ok(())
    }

    /// Reads the bodies of the heredocs whose line has ended.
    pub(super) fn heredoc_bodies(&mut self) -> Result<()> {
        for opening in self.heredocs.take_pending() {
            self.heredoc_body(&opening)?;
        }
        Ok(())
    }

    fn heredoc_body(&mut self, opening: &Opening) -> Result<()> {
        let start = self.pos;
        let (end, next) = self.heredoc_end(opening)?;
        let script = if opening.expand { self.nested(|reader| reader.heredoc_script(end))? } else { List::default() };
        let first_line = self.text[start..end].trim_start_matches('\t');
        self.mark(if opening.strip_tabs { end - first_line.len() } else { start }, Landmark::Heredoc);
        let (redirect, span, text) = (opening.redirect, Span::new(start, end), &self.text[start..end]);
        self.heredocs.bodies.push(Body { redirect, span, text, script });
        self.pos = next;
        Ok(())
    }

    /// Where the body ends, and the offset behind the line that ends it, if there is such a line.
    fn heredoc_end(&self, opening: &Opening) -> Result<(usize, usize)> {
        let mut offset = self.pos;
        let mut continued = false;
        for line in self.rest().split_inclusive('\n') {
            let content = line.strip_suffix('\n').unwrap_or(line);
            let content = if opening.strip_tabs { content.trim_start_matches('\t') } else { content };
            if content == opening.name {
                // A continued line hides the end from the shell, which few who write it know.
                return if continued { Err(NotUnderstood::Syntax) } else { Ok((offset, offset + line.len())) };
            }
            let n_backslashes = content.len() - content.trim_end_matches('\\').len();
            continued = opening.expand && n_backslashes % 2 == 1;
            offset += line.len();
        }
        Err(NotUnderstood::Syntax)
    }

    /// Reads what runs when the body up to `end` is expanded.
    fn heredoc_script(&mut self, end: usize) -> Result<List> {
        let whole = self.text;
        self.text = &whole[..end];
        let mut script = List::default();
        while let Some(byte) = self.peek() {
            match byte {
                b'\\' => self.skip_escaped()?,
                b'$' | b'`' => {
                    if let WordPart::Substitution { script: part, .. } = self.expansion(true)? {
                        script.statements.extend(part.statements);
                    }
                }
                _ => self.pos += 1,
            }
        }
        self.text = whole;
        Ok(script)
    }
}
