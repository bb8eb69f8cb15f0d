//! Policy documents: JSON files of `policies/`. They are parsed first, and placeholders are replaced inside the parsed strings, so that
//! no value can change a document's structure.

use crate::resource::Input;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Parses an embedded document and replaces `${name}` in all its strings. Placeholders in keys take known values only.
pub(super) fn document(text: &str, values: &BTreeMap<&str, Input>) -> Value {
    // The documents are part of the program, and a test parses every one of them.
    replace(&serde_json::from_str(text).unwrap_or(Value::Null), values)
}

fn replace(value: &Value, values: &BTreeMap<&str, Input>) -> Value {
    match value {
        Value::String(text) => serde_json::to_value(fill(text, values)).unwrap_or(Value::Null),
        Value::Array(items) => items.iter().map(|item| replace(item, values)).collect(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, inner)| (filled_key(key, values), replace(inner, values))).collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

/// A key with its placeholders replaced. A key cannot hold a reference, so a placeholder whose value is not known yet stays as it is; a
/// test checks that there is none.
fn filled_key(key: &str, values: &BTreeMap<&str, Input>) -> String {
    match fill(key, values) {
        Input::Known(text) => text,
        Input::Ref { .. } | Input::Join { .. } => key.to_owned(),
    }
}

/// A string with its placeholders replaced. An unknown placeholder stays as it is; a test checks that there is none.
pub(super) fn fill(text: &str, values: &BTreeMap<&str, Input>) -> Input {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else { break };
        let name = &rest[start + 2..start + length];
        match values.get(name) {
            Some(value) => {
                parts.push(Input::from(&rest[..start]));
                parts.push(value.clone());
            }
            None => parts.push(Input::from(&rest[..=start + length])),
        }
        rest = &rest[start + length + 1..];
    }
    parts.push(Input::from(rest));
    Input::join(parts.into_iter().filter(|part| *part != Input::from("")))
}
