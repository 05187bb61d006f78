//! The tree of a Dockerfile: spans of the source text, and the joined text of what continues over lines.
//!
//! The tree is lossless because [`Dockerfile::items`] tile the text; everything else points into it.

use crate::source::Span;

/// A Dockerfile as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dockerfile {
    /// The parts of the file in order. Joined, their texts are the file.
    pub items: Vec<Item>,
    /// Parser directives at the top of the file.
    pub directives: Vec<Directive>,
    /// The escape character: `\`, or `` ` `` after `# escape=`.
    pub escape: char,
    /// The instructions in order.
    pub instructions: Vec<Instruction>,
}

/// A part of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// What the part is.
    pub kind: ItemKind,
    /// Its bytes, line end included.
    pub span: Span,
}

/// What a part of the file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// The byte order mark before the first line.
    ByteOrderMark,
    /// A parser directive line.
    Directive,
    /// A comment line outside instructions.
    Comment,
    /// A blank line outside instructions.
    Blank,
    /// The lines of an instruction with its continuations, without heredoc bodies.
    Instruction,
    /// A heredoc body with its terminator line.
    HeredocBody,
}

/// A parser directive, `# name=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// The line without its line end.
    pub span: Span,
    /// Lower-case name: `syntax`, `escape` or `check`.
    pub name: String,
    /// The value, trimmed.
    pub value: String,
}

/// One instruction with its flags, arguments and heredocs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// From the keyword to the last byte of the logical line, without line end and heredoc bodies.
    pub span: Span,
    /// The keyword as written.
    pub keyword: Span,
    /// Flags (`--name=value`) in order.
    pub flags: Vec<Flag>,
    /// What follows the flags, from its first to its last byte that is no white space or continuation.
    pub arguments: Span,
    /// Heredocs whose bodies follow, in order.
    pub heredocs: Vec<Heredoc>,
    /// The comment lines right above that describe the instruction (BuildKit's `PrevComment`), each from `#` to the
    /// end of its text. An empty comment line cuts off those before it; blank lines do not.
    pub comments: Vec<Span>,
    /// The arguments, read by the rules of the instruction.
    pub kind: InstructionKind,
}

impl Instruction {
    /// The span with heredoc bodies and their terminators.
    #[must_use]
    pub fn full_span(&self) -> Span {
        self.heredocs.last().map_or(self.span, |heredoc| self.span.to(heredoc.span))
    }

    /// The first flag of that name.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<&Flag> {
        self.flags.iter().find(|flag| flag.name == name)
    }

    /// The keyword in upper case, without the continuations that may stand in it.
    #[must_use]
    pub fn keyword_upper(&self, source: &str) -> String {
        let mut keyword = String::with_capacity(self.keyword.len());
        let mut lines = self.keyword.of(source).split('\n').peekable();
        let mut is_first = true;
        while let Some(line) = lines.next() {
            let is_last = lines.peek().is_none();
            let stripped = line.trim_start();
            let is_text = is_first || is_last || !(stripped.is_empty() || stripped.starts_with('#'));
            if is_last {
                keyword.push_str(line);
            } else if is_text {
                // Every line of an instruction but the last ends with the escape character.
                let line = line.trim_end_matches('\r').trim_end_matches([' ', '\t']);
                keyword.push_str(line.strip_suffix(['\\', '`']).unwrap_or(line));
            }
            is_first = false;
        }
        keyword.to_uppercase()
    }
}

/// `--name` or `--name=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The whole flag as written.
    pub span: Span,
    /// The name without dashes, lower case as written.
    pub name: String,
    /// The value after `=` with quotes and escapes processed as BuildKit does, if there is an `=`.
    pub value: Option<String>,
    /// Source span of the value as written.
    pub value_span: Option<Span>,
}

/// A heredoc of ADD, COPY or RUN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heredoc {
    /// The body with its terminator line and line end.
    pub span: Span,
    /// The body: lines between the instruction and the terminator.
    pub body: Span,
    /// The name with quotes removed.
    pub name: String,
    /// The file descriptor before `<<`: 0 when none is written.
    pub fd: u64,
    /// Whether variables in the body are expanded: no part of the name is quoted.
    pub expand: bool,
    /// Whether leading tabs are removed, `<<-`.
    pub chomp: bool,
}

/// A word or a longer piece of text, possibly over several lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Where it stands, first to last byte, with continuations and comments between.
    pub span: Span,
    /// Its text with continuations and inner comments taken out; quotes and variables as written, except in JSON form,
    /// where it is the value of the string.
    pub text: String,
}

/// Text over several lines with the way back to the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedText {
    /// The text that BuildKit hands on: continuations, inner comments and inner blank lines taken out.
    pub text: String,
    /// The pieces in order: joined, the source texts of their spans are `text`.
    pub pieces: Vec<Span>,
}

impl JoinedText {
    /// Source span of a span of [`Self::text`], including what was taken out between.
    ///
    /// An empty span at the seam of two pieces lies at the end of the first.
    #[must_use]
    pub fn to_source(&self, span: Span) -> Span {
        let start = self.offset(span.start, span.is_empty());
        let end = if span.is_empty() { start } else { self.offset(span.end, true) };
        Span::new(start, end)
    }

    /// Source offset of an offset of the text; at a seam, that behind the piece before or that of the piece after.
    fn offset(&self, offset: usize, behind: bool) -> usize {
        let mut joined = 0;
        for piece in &self.pieces {
            let end = joined + piece.len();
            if offset < end || (behind && offset == end) {
                return piece.start + (offset - joined);
            }
            joined = end;
        }
        self.pieces.last().map_or(0, |piece| piece.end)
    }
}

/// A command in exec or shell form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// JSON form: the values of the strings.
    Exec(Vec<Word>),
    /// Shell form: the text that the shell gets.
    Shell(JoinedText),
}

/// The arguments by instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstructionKind {
    /// `FROM image [AS name]`.
    From(From),
    /// `RUN`. With exactly one heredoc word as its argument, the heredoc body is the script.
    Run(Command),
    /// `CMD`.
    Cmd(Command),
    /// `ENTRYPOINT`.
    Entrypoint(Command),
    /// `SHELL ["…"]`.
    Shell(Vec<Word>),
    /// `COPY`.
    Copy(Transfer),
    /// `ADD`.
    Add(Transfer),
    /// `ENV`.
    Env(KeyValues),
    /// `LABEL`.
    Label(KeyValues),
    /// `ARG`, several in a line.
    Arg(Vec<ArgDeclaration>),
    /// `USER`.
    User(Word),
    /// `WORKDIR`.
    Workdir(Word),
    /// `EXPOSE`.
    Expose(Vec<Word>),
    /// `VOLUME`.
    Volume(Vec<Word>),
    /// `STOPSIGNAL`.
    Stopsignal(Word),
    /// `MAINTAINER`.
    Maintainer(Word),
    /// `HEALTHCHECK`.
    Healthcheck(Healthcheck),
    /// `ONBUILD`.
    Onbuild(Box<Instruction>),
    /// Anything else, and what BuildKit rejects: kept as text, never edited.
    Unknown,
}

/// `FROM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct From {
    /// The image, stage name or `scratch`, variables as written.
    pub image: Word,
    /// `AS name`.
    pub alias: Option<Alias>,
}

/// The name of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The word `AS` as written.
    pub keyword: Span,
    /// The name as written; compare lower-cased.
    pub name: Word,
}

/// Sources and destination of COPY and ADD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Sources in order; a heredoc source is the word as written (`<<EOF`).
    pub sources: Vec<Word>,
    /// The destination.
    pub destination: Word,
    /// Whether it is written as a JSON array.
    pub json: bool,
}

/// Keys and values of ENV and LABEL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValues {
    /// The pairs in order, with quotes and escapes as written.
    pub pairs: Vec<KeyValue>,
    /// `ENV KEY value`, without `=`.
    pub legacy: bool,
}

/// One `key=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValue {
    /// The key as written.
    pub key: Word,
    /// The value as written.
    pub value: Word,
}

/// One build argument of an ARG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgDeclaration {
    /// The name as written.
    pub name: Word,
    /// The default as written, if there is an `=`.
    pub default: Option<Word>,
}

/// `HEALTHCHECK`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Healthcheck {
    /// `HEALTHCHECK NONE`.
    None,
    /// `HEALTHCHECK CMD command`.
    Cmd {
        /// The word `CMD` as written.
        keyword: Span,
        /// The command.
        command: Command,
    },
}

#[cfg(test)]
mod tests {
    use crate::syntax::parse;

    #[test]
    fn keywords_are_joined_over_continuations() {
        for (source, keyword) in [
            ("from a", "FROM"),
            ("FR\\\nOM a", "FROM"),
            ("F\\  \r\n  # inner \\\r\n\r\nR\\\r\nOM a", "FROM"),
            ("\\\nFROM a", "FROM"),
            ("# escape=`\nFR`\nOM a", "FROM"),
            ("a\\b c", "A\\B"),
        ] {
            let parsed = parse(source);
            assert_eq!(parsed.dockerfile.instructions[0].keyword_upper(source), keyword, "{source:?}");
        }
    }
}
