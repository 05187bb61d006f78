//! What compose files say of the services that run an image.

use serde_yaml::Value;

/// A service that runs the image of the Dockerfile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// The compose file.
    pub file: String,
    /// Its `user`.
    pub user: Option<String>,
    /// The first of its volumes and bind mounts.
    pub volume: Option<String>,
    /// Why it needs root.
    pub needs_root: Option<String>,
    /// Whether it has `init: true`.
    pub init: bool,
    /// The test of its health check, as text.
    pub health_check: Option<String>,
}

/// Reads a service.
pub(super) fn read(name: &str, service: &Value) -> Service {
    let text = |key: &str| service.get(key).map(as_text).filter(|text| !text.is_empty());
    let volumes = service.get("volumes").and_then(Value::as_sequence);
    let volume = volumes.and_then(|volumes| volumes.first()).map(as_text);
    let socket = volumes.into_iter().flatten().map(as_text).find(|text| text.contains("docker.sock"));
    let asks = ["privileged", "cap_add", "devices", "pid", "network_mode"]
        .into_iter()
        .find_map(|key| Some((key, text(key)?)))
        .filter(|(key, value)| {
            !matches!((*key, value.as_str()), ("privileged", "false") | ("network_mode", "bridge" | "none"))
        });
    let low = service.get("ports").and_then(Value::as_sequence).into_iter().flatten().find_map(low_target);
    let needs_root = match (socket, asks, low) {
        (Some(_), _, _) => Some("mounts the socket of docker".to_owned()),
        (_, Some((key, _)), _) => Some(format!("has `{key}`")),
        (_, _, Some(port)) => Some(format!("leads a port to {port} of the container, below 1024")),
        _ => None,
    };
    Service {
        name: name.to_owned(),
        file: String::new(),
        user: text("user"),
        volume,
        needs_root,
        init: service.get("init").and_then(Value::as_bool).unwrap_or(false),
        health_check: service.get("healthcheck").and_then(|check| check.get("test")).map(as_text),
    }
}

/// The port of the container below 1024 that a port of the host leads to.
fn low_target(port: &Value) -> Option<u32> {
    let target = match port.get("target") {
        Some(target) => as_text(target),
        None => as_text(port),
    };
    let target = target.split('/').next()?.rsplit(':').next()?.split('-').next()?.parse().ok()?;
    (target < 1024).then_some(target)
}

fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Sequence(items) => items.iter().map(as_text).collect::<Vec<_>>().join(" "),
        Value::Mapping(map) => map.values().map(as_text).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    }
}
