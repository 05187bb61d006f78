//! Trees of small scripts, as one line of text each.

use imgopt::shell::ast::{
    Assignment, List, Node, NodeKind, Redirect, Script, SimpleCommand, Terminator, Word, WordPart,
};
use imgopt::shell::{Dialect, NotUnderstood, parse};

/// Checks the tree of a script that a POSIX shell and bash read alike.
#[track_caller]
fn check(script: &str, tree: &str) {
    assert_eq!(show(&parse(script, Dialect::Posix).expect("understood")), tree);
    assert_eq!(show(&parse(script, Dialect::Bash).expect("understood by bash")), tree);
}

/// Checks the tree of a script that only bash reads so.
#[track_caller]
fn check_bash(script: &str, construct: &str, tree: &str) {
    assert_eq!(parse(script, Dialect::Posix), Err(NotUnderstood::NotPosix(construct.to_owned())));
    assert_eq!(show(&parse(script, Dialect::Bash).expect("understood")), tree);
}

#[track_caller]
fn check_not_understood(script: &str) {
    assert_eq!(parse(script, Dialect::Posix), Err(NotUnderstood::Syntax));
    assert_eq!(parse(script, Dialect::Bash), Err(NotUnderstood::Syntax));
}

fn show(script: &Script) -> String {
    list(&script.list)
}

fn list(list: &List) -> String {
    let mut out = String::new();
    for statement in &list.statements {
        out += &node(&statement.node);
        out += match statement.terminator {
            Terminator::None => "",
            Terminator::Sequence => "; ",
            Terminator::Background => "& ",
        };
    }
    out.trim_end().to_owned()
}

fn node(node_: &Node) -> String {
    let text = match &node_.kind {
        NodeKind::Simple(SimpleCommand { assignments, words: arguments, .. }) => {
            let assignments = assignments.iter().map(|Assignment { name, value, append, .. }| {
                format!("{name}{}={}", if *append { "+" } else { "" }, word(value))
            });
            let words = arguments.iter().map(word);
            format!("[{}]", assignments.chain(words).collect::<Vec<_>>().join(" "))
        }
        NodeKind::AndOr { first, rest } => {
            let rest = rest.iter().map(|part| format!(" {} {}", if part.and { "&&" } else { "||" }, node(&part.node)));
            format!("<{}{}>", node(first), rest.collect::<String>())
        }
        NodeKind::Pipeline { negated, parts } => {
            let parts: Vec<String> = parts.iter().map(node).collect();
            format!("{}{{{}}}", if *negated { "!" } else { "" }, parts.join(" | "))
        }
        NodeKind::Subshell(body, _) => format!("subshell({})", list(body)),
        NodeKind::Group(body, _) => format!("group({})", list(body)),
        NodeKind::If { branches, otherwise, .. } => {
            let branches = branches.iter().map(|(test, body)| format!("{} then {}", list(test), list(body)));
            let otherwise = otherwise.as_ref().map(|body| format!(" else {}", list(body))).unwrap_or_default();
            format!("if({}{otherwise})", branches.collect::<Vec<_>>().join(" elif "))
        }
        NodeKind::For { variable, words: values, body, .. } => {
            let values = values.as_ref().map_or("@".to_owned(), |values| words(values));
            format!("for({variable} in {values} do {})", list(body))
        }
        NodeKind::While { until, condition, body, .. } => {
            format!("{}({} do {})", if *until { "until" } else { "while" }, list(condition), list(body))
        }
        NodeKind::Case { word: value, branches, .. } => {
            let branches = branches.iter().map(|(patterns, body)| format!("{} => {}", words(patterns), list(body)));
            format!("case({} of {})", word(value), branches.collect::<Vec<_>>().join(", "))
        }
        NodeKind::Function { name, body } => format!("function({name} {})", node(body)),
        NodeKind::Other(text) => format!("other({text})"),
    };
    text + &node_.redirects().iter().map(redirect).collect::<String>()
}

fn redirect(redirect: &Redirect) -> String {
    let Redirect { fd, operator, target, heredoc, heredoc_script, .. } = redirect;
    let fd = fd.map(|fd| fd.to_string()).unwrap_or_default();
    let body = heredoc.as_ref().map(|(_, body)| format!(" {body:?}")).unwrap_or_default();
    let script =
        if heredoc_script.statements.is_empty() { String::new() } else { format!("({})", list(heredoc_script)) };
    format!(" {fd}{operator} {}{body}{script}", word(target))
}

fn words(words: &[Word]) -> String {
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// Plain text as it is, quoted text in `'…'`, expansions and substitutions in `«…»`, quoted ones with `"`.
fn word(word: &Word) -> String {
    let part = |part: &WordPart| match part {
        WordPart::Literal { text, quoted: false } => text.clone(),
        WordPart::Literal { text, quoted: true } => format!("'{text}'"),
        WordPart::Expansion { text, variable, quoted } => {
            let quote = if *quoted { "\"" } else { "" };
            variable.as_ref().map_or(format!("{quote}«{text}»"), |variable| format!("{quote}«{variable}»"))
        }
        WordPart::Substitution { script, quoted, .. } => {
            format!("{}«({})»", if *quoted { "\"" } else { "" }, list(script))
        }
    };
    word.parts.iter().map(part).collect()
}

#[test]
fn lists_and_operators() {
    check("", "");
    check("# nothing", "");
    check("apt-get update", "[apt-get update]");
    check("a && b || c && d", "<[a] && [b] || [c] && [d]>");
    check("a; b & c\nd\n", "[a]; [b]& [c]; [d];");
    check("a |\n b && ! c | d", "<{[a] | [b]} && !{[c] | [d]}>");
    check("! a", "!{[a]}");
    check("a &&     b   ;", "<[a] && [b]>;");
    check("a &&\\\n  b \\\n  && c", "<[a] && [b] && [c]>");
    check("a && # why\n b", "<[a] && [b]>");
}

#[test]
fn what_is_no_script() {
    for script in ["a &&", "&& a", "a ;; b", "a & ; b", "(a", "a)", "()", "{ a }", "if a; then fi", "'a", "\"a", "a `b"]
    {
        check_not_understood(script);
    }
    for script in
        ["a | | b", "for 1a in b; do c; done", "$(a", "$((1)", "a <", "a >2>f", "a\rb", "then a", "a\\", "f() a"]
    {
        check_not_understood(script);
    }
}

#[test]
fn redirects() {
    check("a && b > f", "<[a] && [b] > f>");
    check("a >f 2>&1 b", "[a b] > f 2>& 1");
    check(">f a", "[a] > f");
    check("> f", "[] > f");
    check("a 2 >f", "[a 2] > f");
    check("a2>f", "[a2] > f");
    check("{ a; } >>f 2>&-", "group([a];) >> f 2>& -");
    check("( a ) <f | b", "{subshell([a]) < f | [b]}");
    check("for i in a; do b; done > \"$f\"", "for(i in a do [b];) > \"«f»");
    check("! { a | b; }", "!{group({[a] | [b]};)}");
}

#[test]
fn assignments() {
    check("A=1 B='x y' c D=2", "[A=1 B='x y' c D=2]");
    check("A=", "[A=]");
    check("PATH=$PATH:/x a", "[PATH=«PATH»:/x a]");
    check("'A'=b A\\B=c", "['A'=b A'B'=c]");
    check_bash("A+=b", "+=", "[A+=b]");
    check_bash("A=(x 'y z' $(c))", "=(", "[A=«([c])»]");
    check_bash("A[1]=b", "A[1]", "[A[1]=b]");
    check_bash("declare -a A=(x y)", "=(", "[declare -a A=«(x y)»]");
}

#[test]
fn words_and_quotes() {
    check("a\\ b 'c\\d' \"e\\f\\\"\\$\\`\\\\\"", "[a' 'b 'c\\d' 'e\\f\"$`\\']");
    check("a\"b\"'c'd \"\"", "[a'bc'd '']");
    check("e ab\\\ncd \"x\\\ny\"", "[e abcd 'xy']");
    check("a b#c #d", "[a b#c]");
    check("$a ${b} \"$c\" ${d:-e} ${#f} $1 $?", "[«a» «b» \"«c» «${d:-e}» «${#f}» «$1» «$?»]");
    check("${a:-${b:-$(c)}}", "[«([c])»]");
    check("$(a \"$(b)\") `c d`", "[«([a \"«([b])»])» «([c d])»]");
    check("\"x $(a | b) y\"", "['x '\"«({[a] | [b]})»' y']");
    check("$((1 + (2))) $(( $(nproc) + 1 ))", "[«$((1 + (2)))» «([nproc])»]");
    check("a {} {b} a,b", "[a {} {b} a,b]");
    check_not_understood("`a \\`b\\``");
    check_not_understood("\"${a:-'b'}\"");
    check_not_understood("$a\\\nb");
}

#[test]
fn values_that_are_known() {
    let known = |text: &str| Some(text.to_owned());
    let literals = |script: &str| {
        let script = parse(script, Dialect::Bash).expect("understood");
        script.simple_commands()[0].words.iter().map(Word::literal).collect::<Vec<_>>()
    };
    assert_eq!(literals("a b[1] {d,e} $'f'")[1..], [None, None, None]);
    assert_eq!(literals("a'*'\"b\"\\? /x/* ~/c a~ '~'"), [known("a*b?"), None, None, known("a~"), known("~")]);
    assert_eq!(literals("e a=~1.2 b=~c :~/d")[1..], [known("a=~1.2"), None, None]);
    assert_eq!(literals("[ $b -o \"$(c)\" ]")[..4], [known("["), None, known("-o"), None]);
}

#[test]
fn compound_commands() {
    check("if a; then b; elif c; then d; else e; fi", "if([a]; then [b]; elif [c]; then [d]; else [e];)");
    check("for i in a \"$b\"; do c $i; done", "for(i in a \"«b» do [c «i»];)");
    check("for i; do a; done", "for(i in @ do [a];)");
    check("for i in a\ndo\nb\ndone", "for(i in a do [b];)");
    check("while a; do b; done", "while([a]; do [b];)");
    check("until a && b\ndo c\ndone", "until(<[a] && [b]>; do [c];)");
    check("case \"$a\" in b|c) d;; (*) e; esac", "case(\"«a» of b c => [d], * => [e];)");
    check("case a in esac", "case(a of )");
    check("f() { a; }; f", "function(f group([a];)); [f]");
    check("(cd a && b) && c", "<subshell(<[cd a] && [b]>) && [c]>");
    check("a() ( b ) >f", "function(a subshell([b]) > f)");
    check("[ ! -f \"$a\" ] && test -d b", "<[[ ! -f \"«a» ]] && [test -d b]>");
}

#[test]
fn what_only_bash_reads() {
    check_bash(
        "[[ $a == b* && ( -f c || $d =~ ^(e|f)$ ) ]] && g",
        "[[",
        "<other([[ $a == b* && ( -f c || $d =~ ^(e|f)$ ) ]]) && [g]>",
    );
    check_bash("(( a > 1 )) || b", "((", "<other((( a > 1 ))) || [b]>");
    check_bash("for ((i = 0; i < 3; i++)); do a; done", "for ((", "other(for ((i = 0; i < 3; i++)); do a; done)");
    check_bash("a &> f", "&>", "[a] &> f");
    check_bash("a >& f", ">&", "[a] >& f");
    check_bash("a 10> f", "10>", "[a] 10> f");
    check_bash("a |& b", "|&", "other(a |& b)");
    check_bash("a <(b c)", "<(", "[a «([b c])»]");
    check_bash("a <<< \"$b\"", "<<<", "[a] <<< \"«b»");
    check_bash("a $'b\\n'", "$'", "[a \"«$'b\\n'»]");
    check_bash("mkdir -p a/{b,c}", "a/{b,c}", "[mkdir -p «a/{b,c}»]");
    check_bash("for i in {1..3}; do a; done", "{1..3}", "for(i in «{1..3}» do [a];)");
    check_bash("function f { a; }", "function", "function(f group([a];))");
    check_bash("source a", "source", "[source a]");
    check_bash("echo ${a^^} ${b}", "${a", "[echo «${a^^}» «b»]");
    check_bash("echo ${a:1:2}", "${a", "[echo «${a:1:2}»]");
    check_bash("echo ${a//b/c}", "${a", "[echo «${a//b/c}»]");
    check_bash("echo ${!a}", "${!", "[echo «${!a}»]");
    check_bash("case a in b) c;;& d) e;; esac", ";;&", "other(case a in b) c;;& d) e;; esac)");
    check_bash("select a in b; do c; done", "select", "other(select a in b; do c; done)");
}

#[test]
fn heredocs() {
    check("cat <<EOF >f && a\nx $b\nEOF\nc", "<[cat] << EOF \"x $b\\n\" > f && [a]>; [c]");
    check("cat <<'EOF' | a\n$(x)\nEOF\n", "{[cat] << 'EOF' \"$(x)\\n\" | [a]};");
    check("cat <<-EOF\n\ta $(b)\n\tEOF\n", "[cat] <<- EOF \"\\ta $(b)\\n\"([b]);");
    check("cat <<A\nA\nb", "[cat] << A \"\"; [b]");
    check("a $(cat <<E\nb\nE\n)", "[a «([cat] << E \"b\\n\";)»]");
    check_not_understood("cat <<EOF\nx\n");
    check_not_understood("cat <<EOF\nx\\\nEOF\n");
    check_not_understood("a <<E $(b\nc)\nE\n");
}

#[test]
fn spans_are_those_of_the_text() {
    let text = "A=1 b 'c d' 2>e && ( f ) # g\nh";
    let script = parse(text, Dialect::Posix).expect("understood");
    let [first, last] = script.list.statements.as_slice() else { panic!("two statements") };
    assert_eq!(first.node.span.of(text), "A=1 b 'c d' 2>e && ( f )");
    assert_eq!(last.node.span.of(text), "h");
    assert_eq!(script.comments.iter().map(|span| span.of(text)).collect::<Vec<_>>(), ["# g"]);
    let NodeKind::AndOr { first, rest } = &first.node.kind else { panic!("an and-or list") };
    let command = first.as_simple().expect("simple");
    assert_eq!(first.span.of(text), "A=1 b 'c d' 2>e");
    assert_eq!((command.assignments[0].span.of(text), command.assignments[0].value.span.of(text)), ("A=1", "1"));
    assert_eq!((command.words[1].span.of(text), command.redirects[0].span.of(text)), ("'c d'", "2>e"));
    assert_eq!((rest[0].operator.of(text), rest[0].node.span.of(text)), ("&&", "( f )"));
}

#[test]
fn chains_of_and() {
    let chain = |script: &str| {
        let script = parse(script, Dialect::Posix).expect("understood");
        script.and_chain().map(|nodes| nodes.len())
    };
    assert_eq!([chain("a"), chain("a && b && (c; d)"), chain("a | b && c;")], [Some(1), Some(3), Some(2)]);
    assert_eq!([chain(""), chain("a; b"), chain("a && b || c"), chain("a && b &")], [None; 4]);
}

#[test]
fn simple_commands_in_order() {
    let script = "a $(b) && { c `d`; } | (e) ; f() { g; }; if h; then i; fi; cat <<E\n$(j)\nE\nX=$(k) l > $(m)";
    let script = parse(script, Dialect::Posix).expect("understood");
    let names =
        |commands: Vec<&SimpleCommand>| commands.iter().filter_map(|command| command.name()).collect::<String>();
    assert_eq!(names(script.simple_commands()), "acehicatl");
    assert_eq!(names(script.all_simple_commands()), "abcdeghicatjlkm");
}

#[test]
fn hostile_scripts_end() {
    let deep = |open: &str, close: &str, n: usize| format!("{}a{}", open.repeat(n), close.repeat(n));
    for script in
        [deep("( ", " )", 10_000), deep("$(", ")", 10_000), deep("{ ", "; }", 10_000), deep("\"$(", ")\"", 9_000)]
    {
        assert_eq!(parse(&script, Dialect::Posix), Err(NotUnderstood::TooComplex));
    }
    for script in [deep("${a:-", "}", 10_000), "f() ".repeat(10_000)] {
        assert_eq!(parse(&script, Dialect::Posix), Err(NotUnderstood::TooComplex));
    }
    assert_eq!(parse(&"a".repeat(300_000), Dialect::Posix), Err(NotUnderstood::TooLarge));
    let long =
        ["a && ".repeat(50_000) + "a", "a | ".repeat(50_000) + "a", "a;".repeat(100_000), "\"$a\"".repeat(50_000)];
    for script in long {
        let understood = parse(&script, Dialect::Posix);
        assert!(matches!(understood, Ok(_) | Err(NotUnderstood::TooComplex)), "{}", &script[..20]);
    }
}
