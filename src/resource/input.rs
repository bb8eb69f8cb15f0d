//! Values that are known only when another resource exists, and the resolution of them.
//!
//! A spec is JSON in which any value may be `{"$ref": "address#attribute"}` or `{"$join": [parts…]}`. Resolution
//! replaces them by strings once the attributes of the named resources are known.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// JSON key of a reference.
pub const REF_KEY: &str = "$ref";
const JOIN_KEY: &str = "$join";

/// What is known about existing resources and look-ups: address (or look-up key) → attribute → value.
pub type Attributes = HashMap<String, BTreeMap<String, String>>;

/// A string of a spec: given, or taken from an attribute of another resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Input {
    /// `address#attribute` of another resource or look-up.
    Ref {
        /// Address and attribute, separated by `#`.
        #[serde(rename = "$ref")]
        target: String,
    },
    /// Parts that are concatenated.
    Join {
        /// The parts in order.
        #[serde(rename = "$join")]
        parts: Vec<Input>,
    },
    /// A known string.
    Known(String),
}

impl Input {
    /// A reference to an attribute of another resource or look-up.
    pub fn reference(target: impl std::fmt::Display, attribute: &str) -> Self {
        Input::Ref { target: format!("{target}#{attribute}") }
    }

    /// The id of another resource.
    pub fn id(target: &super::Address) -> Self {
        Self::reference(target, "id")
    }

    /// The ARN of another resource.
    pub fn arn(target: &super::Address) -> Self {
        Self::reference(target, "arn")
    }

    /// Concatenates parts; adjacent known strings are merged.
    pub fn join(parts: impl IntoIterator<Item = Input>) -> Self {
        let mut merged: Vec<Input> = Vec::new();
        for part in parts {
            match (merged.last_mut(), part) {
                (Some(Input::Known(last)), Input::Known(next)) => last.push_str(&next),
                (_, part) => merged.push(part),
            }
        }
        match merged.len() {
            0 => Input::Known(String::new()),
            1 => merged.remove(0),
            _ => Input::Join { parts: merged },
        }
    }

    /// The string of a resolved spec. For an unresolved one, which never reaches AWS, the first reference that is missing.
    pub fn as_str(&self) -> &str {
        match self {
            Input::Known(text) => text,
            Input::Ref { target } => target,
            Input::Join { parts } => parts.iter().find(|part| !matches!(part, Input::Known(_))).map_or(JOIN_KEY, Input::as_str),
        }
    }
}

impl From<&str> for Input {
    fn from(text: &str) -> Self {
        Input::Known(text.to_owned())
    }
}

impl From<String> for Input {
    fn from(text: String) -> Self {
        Input::Known(text)
    }
}

/// A reference whose target does not exist yet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not known yet")]
pub struct Unknown(pub String);

/// All references inside a value, as (address, attribute).
pub fn references(value: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(value, &mut found);
    found
}

fn collect(value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(map) => match map.get(REF_KEY).and_then(Value::as_str) {
            Some(target) if map.len() == 1 => found.extend(split(target)),
            _ => map.values().for_each(|inner| collect(inner, found)),
        },
        Value::Array(items) => items.iter().for_each(|inner| collect(inner, found)),
        _ => {}
    }
}

fn split(target: &str) -> Option<(String, String)> {
    target.split_once('#').map(|(address, attribute)| (address.to_owned(), attribute.to_owned()))
}

/// Replaces every reference and join inside `value`.
///
/// # Errors
/// The first reference whose target is not in `known`.
pub fn resolve(value: &Value, known: &Attributes) -> Result<Value, Unknown> {
    match value {
        Value::Object(map) if map.len() == 1 && map.contains_key(REF_KEY) => {
            let Some(target) = map[REF_KEY].as_str() else { return Err(Unknown(map[REF_KEY].to_string())) };
            let found = split(target).and_then(|(address, attribute)| known.get(&address)?.get(&attribute).cloned());
            found.map(Value::String).ok_or_else(|| Unknown(target.to_owned()))
        }
        Value::Object(map) if map.len() == 1 && map.contains_key(JOIN_KEY) => {
            let mut text = String::new();
            for part in map[JOIN_KEY].as_array().into_iter().flatten() {
                let part = resolve(part, known)?;
                text.push_str(part.as_str().ok_or_else(|| Unknown(part.to_string()))?);
            }
            Ok(Value::String(text))
        }
        Value::Object(map) => {
            map.iter().map(|(key, inner)| Ok((key.clone(), resolve(inner, known)?))).collect::<Result<_, _>>().map(Value::Object)
        }
        Value::Array(items) => items.iter().map(|inner| resolve(inner, known)).collect::<Result<_, _>>().map(Value::Array),
        other => Ok(other.clone()),
    }
}

/// The top-level fields of a spec that can be resolved; the others are left out.
pub fn resolve_known(spec: &Value, known: &Attributes) -> Value {
    let fields = spec.as_object().into_iter().flatten();
    let fields = fields.filter_map(|(name, value)| Some((name.clone(), resolve(value, known).ok()?)));
    Value::Object(fields.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn known() -> Attributes {
        HashMap::from([("vpc/main".to_owned(), BTreeMap::from([("id".to_owned(), "vpc-1".to_owned())]))])
    }

    #[test]
    fn references_and_joins_are_replaced_at_any_depth() {
        let spec = json!({"a": {"$ref": "vpc/main#id"}, "b": [{"$join": ["x-", {"$ref": "vpc/main#id"}]}], "c": 3});
        assert_eq!(resolve(&spec, &known()), Ok(json!({"a": "vpc-1", "b": ["x-vpc-1"], "c": 3})));
    }

    #[test]
    fn a_missing_target_is_named() {
        let spec = json!({"a": [{"$ref": "subnet/private/a#id"}]});
        assert_eq!(resolve(&spec, &known()), Err(Unknown("subnet/private/a#id".to_owned())));
        assert_eq!(references(&spec), vec![("subnet/private/a".to_owned(), "id".to_owned())]);
    }

    #[test]
    fn nothing_unresolved_is_an_empty_string() {
        let join = Input::join(["a-".into(), Input::reference("vpc/main", "id")]);
        for unresolved in [Input::reference("vpc/main", "id"), join, Input::Join { parts: Vec::new() }] {
            assert!(!unresolved.as_str().is_empty(), "{unresolved:?}");
        }
        for no_text in [json!({"$ref": 3}), json!({"$join": ["a", 3]}), json!({"$join": [{"$ref": null}]})] {
            assert!(resolve(&no_text, &known()).is_err(), "{no_text}");
        }
    }

    #[test]
    fn adjacent_strings_are_merged() {
        let joined = Input::join(["a".into(), "b".into(), Input::reference("x", "id"), "c".into()]);
        assert_eq!(serde_json::to_value(joined).unwrap(), json!({"$join": ["ab", {"$ref": "x#id"}, "c"]}));
        assert_eq!(Input::join(["a".into(), "b".into()]), Input::Known("ab".to_owned()));
    }
}
