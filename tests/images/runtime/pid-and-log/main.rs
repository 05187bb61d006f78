//! Answers with how often it was asked; writes a pid file and a log.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    fs::write(&arguments[1], std::process::id().to_string())?;
    let mut log = File::options().create(true).append(true).open(&arguments[2])?;
    for (count, stream) in TcpListener::bind("0.0.0.0:6000")?.incoming().enumerate() {
        let mut stream = stream?;
        let lines = BufReader::new(stream.try_clone()?).lines().map_while(Result::ok);
        let _ = lines.take_while(|line| !line.is_empty()).count();
        writeln!(log, "asked {count}")?;
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\nbeacon {count}")?;
    }
    Ok(())
}
