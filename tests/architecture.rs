//! Rules between modules that the compiler does not check.

use std::path::Path;

fn sources(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the sources can be read") {
        let path = entry.expect("the sources can be read").path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            files.push((path.display().to_string(), std::fs::read_to_string(&path).expect("the sources can be read")));
        }
    }
    assert!(!files.is_empty());
    files
}

#[test]
fn the_validator_does_not_know_the_passes() {
    for (path, text) in sources("validate") {
        assert!(!text.contains("crate::passes") && !text.contains("super::super::passes"), "{path} imports the passes");
    }
}

#[test]
fn the_model_does_not_know_the_passes() {
    for (path, text) in sources("model") {
        assert!(!text.contains("crate::passes"), "{path} imports the passes");
    }
}
