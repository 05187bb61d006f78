//! Speed of reading, on the Dockerfiles at `IMGOPT_SHARED`, or on a small one when that is unset.

use std::hint::black_box;
use std::path::PathBuf;

use divan::Bencher;
use divan::counter::BytesCount;
use imgopt::model::body::shell_text;
use imgopt::shell::{self, Dialect};
use imgopt::syntax::ast::{Healthcheck, Instruction, InstructionKind};
use imgopt::syntax::{parse, scan};

fn main() {
    divan::main();
}

const SMALL: &str = "\
# syntax=docker/dockerfile:1
FROM python:3.12-slim AS build
ENV PIP_NO_CACHE_DIR=1 \\
    PYTHONUNBUFFERED=1
# What the application needs.
RUN apt-get update \\
    && apt-get install -y --no-install-recommends build-essential \\
    && rm -rf /var/lib/apt/lists/*
COPY --chown=app:app requirements.txt ./
RUN <<EOF
pip install -r requirements.txt
EOF
ENTRYPOINT [\"python\", \"-m\", \"app\"]
";

/// The texts of all files.
fn corpus() -> Vec<String> {
    let Some(shared) = std::env::var_os("IMGOPT_SHARED") else { return vec![SMALL.to_owned(); 1000] };
    let folder = PathBuf::from(shared).join("corpus/files");
    let files = std::fs::read_dir(folder).expect("the corpus is there");
    files.filter_map(|file| std::fs::read_to_string(file.ok()?.path()).ok()).collect()
}

fn size(corpus: &[String]) -> BytesCount {
    BytesCount::new(corpus.iter().map(String::len).sum::<usize>())
}

#[divan::bench(sample_count = 20)]
fn scan_items(bencher: Bencher<'_, '_>) {
    let corpus = corpus();
    bencher.counter(size(&corpus)).bench_local(|| {
        for source in &corpus {
            black_box(scan::scan(black_box(source)));
        }
    });
}

#[divan::bench(sample_count = 20)]
fn parse_tree(bencher: Bencher<'_, '_>) {
    let corpus = corpus();
    bencher.counter(size(&corpus)).bench_local(|| {
        for source in &corpus {
            black_box(parse(black_box(source)));
        }
    });
}

/// The tree and the scripts of all shell forms, each read by both shell readers.
#[divan::bench(sample_count = 20)]
fn parse_tree_and_scripts(bencher: Bencher<'_, '_>) {
    let corpus = corpus();
    bencher.counter(size(&corpus)).bench_local(|| {
        for source in &corpus {
            let tree = parse(black_box(source)).dockerfile;
            let scripts = tree.instructions.iter().filter_map(|instruction| script(source, instruction));
            for text in scripts {
                _ = black_box(shell::parse(&text, Dialect::Posix));
            }
        }
    });
}

fn script(source: &str, instruction: &Instruction) -> Option<String> {
    let command = match &instruction.kind {
        InstructionKind::Run(command) | InstructionKind::Cmd(command) | InstructionKind::Entrypoint(command) => command,
        InstructionKind::Healthcheck(Healthcheck::Cmd { command, .. }) => command,
        _ => return None,
    };
    shell_text(source, instruction, command).map(|(text, _)| text.text)
}
