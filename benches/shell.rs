//! Speed of reading shell scripts: on RUN bodies of public Dockerfiles with `IMGOPT_SHARED` set, else on a small script.

use std::hint::black_box;
use std::io::Read;
use std::path::Path;

use divan::Bencher;
use divan::counter::BytesCount;
use flate2::read::GzDecoder;
use imgopt::shell::command::recognize;
use imgopt::shell::{Dialect, parse};

fn main() {
    divan::main();
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn read(bencher: Bencher<'_, '_>) {
    let bodies = bodies();
    bencher
        .counter(bytes(&bodies))
        .bench_local(|| bodies.iter().filter(|body| black_box(parse(body, Dialect::Posix)).is_ok()).count());
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn recognize_commands(bencher: Bencher<'_, '_>) {
    let bodies = bodies();
    let scripts: Vec<_> = bodies.iter().filter_map(|body| parse(body, Dialect::Posix).ok()).collect();
    bencher.counter(bytes(&bodies)).bench_local(|| {
        let commands = scripts.iter().flat_map(|script| script.all_simple_commands());
        commands.filter(|command| black_box(recognize(command)).is_some()).count()
    });
}

fn bytes(bodies: &[String]) -> BytesCount {
    BytesCount::new(bodies.iter().map(String::len).sum::<usize>())
}

fn bodies() -> Vec<String> {
    let Some(shared) = std::env::var_os("IMGOPT_SHARED") else {
        let script =
            "set -eux; apt-get update && apt-get install -y --no-install-recommends git \"curl=$V\" | tee /a; ";
        return vec![script.repeat(20); 100];
    };
    let file = std::fs::File::open(Path::new(&shared).join("corpus/reference.jsonl.gz")).expect("the corpus");
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).expect("UTF-8");
    let body = |node: &serde_json::Value| {
        let shell_form = node["cmd"] == "RUN" && node["json"].is_null();
        node["args"][0].as_str().filter(|_| shell_form).map(str::to_owned)
    };
    let files = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    files.flat_map(|file| file["nodes"].as_array().into_iter().flatten().filter_map(body).collect::<Vec<_>>()).collect()
}
