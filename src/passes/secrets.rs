//! Credentials in ARG, ENV, COPY and RUN are pointed out, with the secret mount that replaces them.
//!
//! ## What it does
//! It says where a variable whose name says that it is a secret has a value in the file, where a file with such a name is copied, and where
//! a URL holds a password. It changes nothing and never prints the value.
//!
//! ## Why
//! `docker history` and `docker inspect` show build arguments and variables to everybody who has the image, and a file that a
//! later layer deletes is still in the layer before.
//!
//! ## Level
//! Proposal: what the build needs the secret for, and where it comes from, only the author knows.
//!
//! ## Assumptions
//! None.
//!
//! ## References
//! Docker documentation, "Build secrets"; build checks, SecretsUsedInArgOrEnv; `rewrites/secrets.yaml`.

use super::{Pass, PassContext, PassInfo};
use crate::model::Model;
use crate::rewrite::{Findings, Level, Rewrite};
use crate::source::Span;
use crate::syntax::ast::InstructionKind;
use crate::tables;

/// See the module documentation.
#[derive(Debug)]
pub struct Secrets;

static INFO: PassInfo = PassInfo {
    name: "secrets",
    summary: "credentials in ARG, ENV, COPY and RUN are pointed out, with the secret mount that replaces them",
    docs: include_str!("secrets.rs"),
    max_level: Level::Proposal,
};

impl Pass for Secrets {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        for index in 0..cx.model.dockerfile.instructions.len() {
            for message in credentials(cx.model, index) {
                found.push(proposal(cx.model.instruction(index).span, message));
            }
        }
    }
}

fn credentials(model: &Model<'_>, index: usize) -> Vec<String> {
    let table = tables::secrets();
    match &model.instruction(index).kind {
        InstructionKind::Env(pairs) => {
            let is_secret = |name: &str, value: &str| table.is_secret(name) && !table.is_placeholder(plain(value));
            let secret = pairs.pairs.iter().filter(|pair| is_secret(&pair.key.text, &pair.value.text));
            secret
                .map(|pair| {
                    let name = &pair.key.text;
                    format!(
                        "`{name}` is in the image for everybody to read: give it when the container starts, or to the RUN that needs it with {}",
                        mount(name)
                    )
                })
                .collect()
        }
        InstructionKind::Arg(declarations) => {
            let names =
                declarations.iter().map(|declaration| &declaration.name.text).filter(|name| table.is_secret(name));
            names
                .map(|name| {
                    format!(
                        "`docker history` shows what is given for `{name}`: give it to the RUN that needs it with {}",
                        mount(name)
                    )
                })
                .collect()
        }
        InstructionKind::Copy(transfer) | InstructionKind::Add(transfer) => {
            let of_context = model.instruction(index).flag("from").is_none();
            let secret = transfer.sources.iter().filter(|source| of_context && table.is_secret_file(&source.text));
            secret
                .map(|source| {
                    let name = source.text.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
                    let id = name.trim_start_matches('.').replace('.', "-");
                    format!("`{name}` is in a layer for everybody to read: `RUN --mount=type=secret,id={id},target=…` shows it to one RUN only")
                })
                .collect()
        }
        InstructionKind::Run(_) => {
            let text = model.instruction(index).span.of(model.source);
            let has = text.split_whitespace().any(has_password);
            has.then(|| "a URL holds a password, which `docker history` shows: `RUN --mount=type=secret,…` gives it to the command".to_owned())
                .into_iter()
                .collect()
        }
        _ => Vec::new(),
    }
}

fn mount(name: &str) -> String {
    format!("`RUN --mount=type=secret,id={},env={name}`", name.to_ascii_lowercase())
}

/// The text without quotes around it.
fn plain(text: &str) -> &str {
    text.trim_matches(|c| matches!(c, '"' | '\''))
}

/// Whether the word is a URL with a password that is no variable.
fn has_password(word: &str) -> bool {
    let Some((_, rest)) = word.split_once("://") else { return false };
    let Some((account, _)) = rest.split('/').next().unwrap_or_default().rsplit_once('@') else { return false };
    account.split_once(':').is_some_and(|(_, password)| !password.is_empty() && !password.contains(['$', '{', '<']))
}

fn proposal(span: Span, message: String) -> Rewrite {
    Rewrite::new(Level::Proposal, span, message, "a secret in an image is known to everybody who can pull it")
}
