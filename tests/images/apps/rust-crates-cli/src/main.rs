use std::collections::BTreeMap;
use std::error::Error;
use std::io::Read;

use lexopt::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let (mut words, mut parser) = (Vec::new(), lexopt::Parser::from_env());
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") => {
                println!("usage: wordcount [--stdin] WORD…");
                return Ok(());
            }
            Long("stdin") => {
                let mut text = String::new();
                std::io::stdin().read_to_string(&mut text)?;
                words.extend(text.split_whitespace().map(str::to_owned));
            }
            Value(word) => words.push(word.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let mut counts = BTreeMap::new();
    for word in words {
        *counts.entry(word).or_insert(0) += 1;
    }
    for (word, count) in counts {
        println!("{} {word}", itoa::Buffer::new().format(count));
    }
    Ok(())
}
