use std::error::Error;
use std::fs;
use std::io::Read;
use std::path::Path;

use tiny_http::{Method, Response, Server};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("wiki FOLDER")?;
    let template = fs::read_to_string("templates/page.html")?;
    let server = Server::http("0.0.0.0:8060").map_err(|error| error.to_string())?;
    for mut request in server.incoming_requests() {
        let page = Path::new(&folder).join(request.url().replace('/', "_"));
        if *request.method() == Method::Post {
            let mut text = String::new();
            request.as_reader().read_to_string(&mut text)?;
            fs::write(&page, text)?;
        }
        let text = fs::read_to_string(&page).unwrap_or_else(|_| "nothing yet".into());
        request.respond(Response::from_string(template.replace("{}", &text)))?;
    }
    Ok(())
}
