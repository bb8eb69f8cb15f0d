//! The JSON schema of the file, generated from its types.

use super::file::File;
use serde_json::Value;

/// JSON schema (draft 2020-12) of the configuration file; `docs/domino-eks.schema.json` is this.
pub(super) fn schema() -> Value {
    let mut schema = schemars::schema_for!(File).to_value();
    drop_empty_defaults(&mut schema);
    schema
}

/// Removes defaults that say nothing: "not given", and whole sections, whose keys have defaults of their own.
fn drop_empty_defaults(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if matches!(map.get("default"), Some(Value::Null | Value::Object(_))) && map.contains_key("description") {
                map.shift_remove("default");
            }
            map.values_mut().for_each(drop_empty_defaults);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_empty_defaults),
        _ => {}
    }
}
