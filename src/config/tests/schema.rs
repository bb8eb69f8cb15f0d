//! The committed JSON schema and the files that it describes.

use super::three;
use crate::config::profile_names;
use crate::config::profiles::profile_text;
use crate::config::schema::schema;
use serde_json::Value;
use std::path::Path;

const COMMITTED: &str = include_str!("../../../docs/domino-eks.schema.json");

/// The committed schema is the generated one; `UPDATE_SCHEMA=1 cargo test schema` updates it.
#[test]
fn the_committed_schema_is_up_to_date() {
    let generated = format!("{:#}\n", schema());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        let path = Path::new(file!()).ancestors().nth(4).unwrap().join("docs/domino-eks.schema.json");
        std::fs::write(path, &generated).unwrap();
    } else {
        assert!(COMMITTED == generated, "docs/domino-eks.schema.json is old: UPDATE_SCHEMA=1 cargo test schema");
    }
}

fn value(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

#[test]
fn examples_and_profiles_fit_the_schema() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let examples = [
        include_str!("../../../examples/domino-test-cluster.yaml"),
        include_str!("../../../examples/domino-test-cluster-single-az.yaml"),
        include_str!("../../../examples/legacy.yaml"),
    ];
    let profiles = profile_names().into_iter().map(|name| format!("{}\n{}", profile_text(name).unwrap(), three("")));
    for text in examples.map(str::to_owned).into_iter().chain(profiles) {
        let errors: Vec<String> = validator.iter_errors(&value(&text)).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}\n{text}");
    }
}

#[test]
fn bad_files_do_not_fit_the_schema() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for bad in
        ["x: 1", "kubernetes: {version: 1.35}", "network: {nat: two}", "pools: {default: {max: -1}}", "kubernetes: {logRetentionDays: 8}"]
    {
        assert!(!validator.is_valid(&value(&three(bad))), "{bad}");
    }
    assert!(!validator.is_valid(&value("name: demo\nregion: us-west-2\n")));
}

/// Every property that editors show has a description.
#[test]
fn every_property_is_described() {
    let schema = schema();
    let types = schema["$defs"].as_object().unwrap().values().chain([&schema]);
    for (key, property) in types.filter_map(|t| t["properties"].as_object()).flatten() {
        assert!(property["description"].is_string(), "{key} has no description");
    }
}
