fn main() { println!("{}", std::fs::read_to_string("static/index.html").unwrap()); }
