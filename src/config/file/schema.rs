//! The JSON Schema of `imgopt.yaml`, made of the types and kept in `docs/imgopt.schema.json` for editors.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::{AssumptionKind, File, KEYS, LevelName, PIPELINE, assumption_names, pass_names};

/// Passes by name, each with its summary.
pub(super) fn passes(generator: &mut SchemaGenerator) -> Schema {
    let level = generator.subschema_for::<LevelName>();
    let setting = |summary: &str| {
        json!({
            "description": summary,
            "oneOf": [
                { "enum": ["on", "off", true, false] },
                {
                    "type": "object",
                    "properties": { "level": level },
                    "required": ["level"],
                    "additionalProperties": false,
                },
            ],
        })
    };
    let passes = PIPELINE.iter().map(|pass| (pass.info().name.to_owned(), setting(pass.info().summary)));
    mapping("Passes by name: off, on (at the level that the pass needs), or options.", passes.collect())
}

/// Assumptions, each with its sentence.
pub(super) fn assume(_: &mut SchemaGenerator) -> Schema {
    let stance = |kind: AssumptionKind| json!({ "description": kind.text(), "enum": ["affirm", "deny"] });
    let kinds = AssumptionKind::ALL.into_iter().map(|kind| (kind.name().to_owned(), stance(kind)));
    mapping("What is known of the assumptions that rewrites rely on.", kinds.collect())
}

/// A text or a list of texts.
pub(super) fn one_or_many(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "oneOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
}

/// Keys that can be locked.
pub(super) fn locked(_: &mut SchemaGenerator) -> Schema {
    let keys: Vec<String> = KEYS
        .map(str::to_owned)
        .into_iter()
        .chain(pass_names().map(|pass| format!("passes.{pass}")))
        .chain(assumption_names().map(|kind| format!("assume.{kind}")))
        .collect();
    json_schema!({ "type": "array", "items": { "enum": keys } })
}

fn mapping(description: &str, properties: Map<String, Value>) -> Schema {
    json_schema!({
        "description": description,
        "type": ["object", "null"],
        "properties": properties,
        "additionalProperties": false,
    })
}

#[test]
fn the_schema_is_that_of_the_types() {
    let schema = schemars::schema_for!(File);
    let text = serde_json::to_string_pretty(&schema).expect("a schema is JSON") + "\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/imgopt.schema.json");
    snapbox::assert_data_eq!(text, snapbox::Data::read_from(path.as_ref(), None).raw());
}
