mod store;

use std::sync::{Arc, Mutex};

use axum::{
    extract::State,
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
    Form, Json, Router,
};
use store::{Entry, Store};
use tera::{Context, Tera};
use tower_http::services::ServeDir;

struct App {
    store: Mutex<Store>,
    tera: Tera,
}

struct Failure(String);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        log::error!("{}", self.0);
        (StatusCode::INTERNAL_SERVER_ERROR, self.0).into_response()
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure(error.to_string())
    }
}

async fn index(State(app): State<Arc<App>>) -> Result<Html<String>, Failure> {
    let mut context = Context::new();
    context.insert("entries", &app.store.lock().unwrap().all()?);
    Ok(Html(app.tera.render("index.html", &context)?))
}

async fn sign(State(app): State<Arc<App>>, Form(entry): Form<Entry>) -> Result<Redirect, Failure> {
    app.store.lock().unwrap().add(&entry)?;
    log::info!("{} signed", entry.name);
    Ok(Redirect::to("/"))
}

async fn list(State(app): State<Arc<App>>) -> Result<Json<Vec<Entry>>, Failure> {
    Ok(Json(app.store.lock().unwrap().all()?))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    env_logger::init();
    let path = std::env::var("DATABASE_PATH").unwrap_or_else(|_| "guestbook.db".into());
    let app = Arc::new(App {
        store: Mutex::new(Store::open(&path)?),
        tera: Tera::new("templates/**/*.html")?,
    });
    let router = Router::new()
        .route("/", get(index).post(sign))
        .route("/entries.json", get(list))
        .nest_service("/static", ServeDir::new("static"))
        .with_state(app);
    let listener = tokio::net::TcpListener::bind("0.0.0.0:3030").await?;
    log::info!("listening on {}", listener.local_addr()?);
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    axum::serve(listener, router)
        .with_graceful_shutdown(async move {
            terminate.recv().await;
            log::info!("closing the book");
        })
        .await?;
    Ok(())
}
