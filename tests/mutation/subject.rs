//! The text that is mutated, what is known of it, and the mutants made of it.

use std::collections::HashSet;

use imgopt::edit::{Edit, EditSet};
use imgopt::model::Model;
use imgopt::rewrite::Rewrite;
use imgopt::shell::ast::{Child, List, Node, NodeKind, Script, SimpleCommand, Word};
use imgopt::source::Span;
use imgopt::syntax::ast::{Command, Healthcheck, Instruction, InstructionKind};

/// Numbers that look random and are the same in every run (SplitMix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).expect("it fits")).expect("it fits")
    }

    /// One of the choices.
    pub(crate) fn choose<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

/// A changed text.
pub(crate) struct Mutant {
    pub(crate) operator: &'static str,
    pub(crate) text: String,
    /// What the passes say of it, if it is not what they said of the original.
    pub(crate) claim: Option<Vec<Rewrite>>,
}

/// Collects mutants, each text once.
pub(crate) struct Mutants {
    operator: &'static str,
    seen: HashSet<String>,
    pub(crate) random: Random,
    pub(crate) found: Vec<Mutant>,
}

impl Mutants {
    pub(crate) fn of(original: &str, seed: u64) -> Self {
        let seen = HashSet::from([original.to_owned()]);
        Self { operator: "", seen, random: Random::new(seed), found: Vec::new() }
    }

    /// What comes next is of that operator.
    pub(crate) const fn set_operator(&mut self, operator: &'static str) {
        self.operator = operator;
    }

    /// Adds the text with the edits, unless it is there already or the edits do not fit together.
    pub(crate) fn edit(&mut self, subject: &Subject<'_>, edits: &[Edit]) {
        let mut set = EditSet::default();
        if set.try_add(edits).is_err() {
            return;
        }
        let text = set.apply(subject.text);
        if self.seen.insert(text.clone()) {
            self.found.push(Mutant { operator: self.operator, text, claim: None });
        }
    }

    /// Adds the text with the edits, of which the passes say something else.
    pub(crate) fn claim(&mut self, subject: &Subject<'_>, edits: &[Edit], claim: Vec<Rewrite>) {
        let mut set = EditSet::default();
        if set.try_add(edits).is_ok() {
            let (operator, text) = (self.operator, set.apply(subject.text));
            self.found.push(Mutant { operator, text, claim: Some(claim) });
        }
    }

    pub(crate) fn replace(&mut self, subject: &Subject<'_>, span: Span, text: impl Into<String>) {
        self.edit(subject, &[Edit::replace(span, text)]);
    }

    pub(crate) fn insert(&mut self, subject: &Subject<'_>, at: usize, text: impl Into<String>) {
        self.edit(subject, &[Edit::insert(at, text)]);
    }

    pub(crate) fn delete(&mut self, subject: &Subject<'_>, span: Span) {
        self.edit(subject, &[Edit::delete(span)]);
    }
}

/// A text with its model, and how it came about.
pub(crate) struct Subject<'a> {
    pub(crate) text: &'a str,
    pub(crate) model: Model<'a>,
    /// The text before the rewrites.
    pub(crate) before: &'a Model<'a>,
    pub(crate) rewrites: &'a [Rewrite],
}

/// A script of the file with the number of its instruction.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) index: usize,
    pub(crate) script: &'a Script,
}

impl<'a> Subject<'a> {
    /// The instructions with their numbers.
    pub(crate) fn instructions(&self) -> impl Iterator<Item = (usize, &'a Instruction)> + use<'a> {
        self.model.dockerfile.instructions.iter().enumerate()
    }

    pub(crate) fn keyword(&self, instruction: &Instruction) -> String {
        instruction.keyword_upper(self.text)
    }

    /// The lines of an instruction with its heredocs and the line end.
    pub(crate) fn lines(&self, instruction: &Instruction) -> Span {
        let span = instruction.full_span();
        let start = self.text[..span.start].rfind('\n').map_or(0, |newline| newline + 1);
        if self.text[..span.end].ends_with('\n') {
            return Span::new(start, span.end);
        }
        let end = self.text[span.end..].find('\n').map_or(self.text.len(), |newline| span.end + newline + 1);
        Span::new(start, end)
    }

    /// All scripts that were understood.
    pub(crate) fn places(&self) -> Vec<Place<'_>> {
        self.instructions()
            .filter_map(|(index, _)| Some(Place { index, script: self.model.body(index)?.understood()? }))
            .collect()
    }

    /// The RUNs that are plain lines.
    pub(crate) fn runs(&self) -> Vec<(usize, &'a Instruction)> {
        self.instructions().filter(|(_, instruction)| matches!(instruction.kind, InstructionKind::Run(_))).collect()
    }

    /// Where a part of a script stands in the file.
    pub(crate) fn source_span(&self, place: Place<'_>, span: Span) -> Span {
        self.model.script_span(place.index, span)
    }
}

impl<'a> Place<'a> {
    /// All simple commands, those of substitutions and functions too.
    pub(crate) fn commands(self) -> Vec<&'a SimpleCommand> {
        self.script.all_simple_commands()
    }

    /// All nodes of the tree in order.
    pub(crate) fn nodes(self) -> Vec<&'a Node> {
        let mut nodes = Vec::new();
        let mut todo = vec![Child::List(&self.script.list)];
        while let Some(child) = todo.pop() {
            match child {
                Child::Node(node) => {
                    nodes.push(node);
                    todo.extend(node.children().into_iter().rev());
                }
                Child::List(list) => todo.extend(list.statements.iter().rev().map(|part| Child::Node(&part.node))),
                Child::Word(word) => todo.extend(word.substitutions().rev().map(Child::List)),
            }
        }
        nodes
    }

    /// All lists of the tree.
    pub(crate) fn lists(self) -> Vec<&'a List> {
        let inner = self.nodes().into_iter().flat_map(Node::children).filter_map(|child| match child {
            Child::List(list) => Some(list),
            Child::Node(_) | Child::Word(_) => None,
        });
        std::iter::once(&self.script.list).chain(inner).collect()
    }

    /// All words of simple commands and loops.
    pub(crate) fn words(self) -> Vec<&'a Word> {
        let words = |node: &'a Node| {
            node.children().into_iter().filter_map(|child| match child {
                Child::Word(word) => Some(word),
                Child::Node(_) | Child::List(_) => None,
            })
        };
        self.nodes().into_iter().flat_map(words).collect()
    }

    /// The parts of all and-or lists: the first command and each further one with its operator.
    pub(crate) fn and_or(self) -> Vec<(&'a Node, &'a [imgopt::shell::ast::AndOrPart])> {
        let and_or = |node: &'a Node| match &node.kind {
            NodeKind::AndOr { first, rest } => Some((&**first, rest.as_slice())),
            _ => None,
        };
        self.nodes().into_iter().filter_map(and_or).collect()
    }
}

/// The command of a CMD, ENTRYPOINT, HEALTHCHECK or RUN.
pub(crate) fn command_of(instruction: &Instruction) -> Option<&Command> {
    match &instruction.kind {
        InstructionKind::Run(command)
        | InstructionKind::Cmd(command)
        | InstructionKind::Entrypoint(command)
        | InstructionKind::Healthcheck(Healthcheck::Cmd { command, .. }) => Some(command),
        _ => None,
    }
}
