//! The JSON schema of scenario files.

use serde_json::Value;

use crate::model::Scenario;

/// The schema, generated from the types.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Scenario).to_value();
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".into(), "IKEv1 conformance scenario, version 1".into());
    }
    schema
}

/// The schema as the text that is kept under `scenarios/schema/scenario-v1.schema.json`.
pub fn schema_text() -> String {
    format!("{:#}\n", schema())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_schema_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios/schema/scenario-v1.schema.json");
        let committed = std::fs::read_to_string(path).unwrap();
        assert!(committed == schema_text(), "run `cargo xtask schema` to renew {path}");
    }
}
