use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(2).expect("--listen ADDRESS");
    let log = std::env::var("LOG_FILE").expect("LOG_FILE");
    for stream in TcpListener::bind(address)?.incoming() {
        let mut stream = stream?;
        let mut lines = BufReader::new(stream.try_clone()?).lines().map_while(Result::ok);
        let path = lines.next().unwrap_or_default().split(' ').nth(1).unwrap_or("/").to_owned();
        let _ = lines.take_while(|line| !line.is_empty()).count();
        writeln!(OpenOptions::new().create(true).append(true).open(&log)?, "{path}")?;
        let body = format!("{:08x}\n", deflate::checksum(path.as_bytes()));
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())?;
    }
    Ok(())
}
