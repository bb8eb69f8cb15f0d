//! Field-by-field comparison of the desired resource with the recorded and the observed one.

use crate::resource::{Attributes, Change, Kind, ownership, resolve};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldChange {
    /// Path inside the spec, or `tags.<key>`.
    pub path: String,
    /// Value now; null when there is none.
    pub before: Value,
    /// Value wanted; null when it is removed or not known yet (then the action lists the path in `unknown`).
    pub after: Value,
    /// Whether changing this field replaces the resource.
    pub forces_replacement: bool,
    /// What the change means.
    #[serde(skip)]
    pub class: Change,
    /// Whether the value wanted is known only during apply.
    #[serde(skip)]
    pub unknown: bool,
    /// Whether AWS differs from what was last applied (drift), as against a changed configuration.
    #[serde(skip)]
    pub drift: bool,
}

/// The three sides of a comparison.
pub(crate) struct Sides<'a> {
    /// Spec wanted, with references.
    pub(crate) desired: &'a Value,
    /// Spec as last applied.
    pub(crate) recorded: Option<&'a Value>,
    /// Spec fields read from AWS.
    pub(crate) observed: &'a Value,
    /// Attributes of everything that exists and stays.
    pub(crate) known: &'a Attributes,
}

/// Spec fields that differ. Fields that were not read from AWS are compared with what was last applied.
pub(crate) fn fields(kind: Kind, sides: &Sides<'_>) -> Vec<FieldChange> {
    let empty = Map::new();
    let desired = sides.desired.as_object().unwrap_or(&empty);
    desired.iter().filter_map(|(name, wanted)| field(kind, name, wanted, sides)).collect()
}

fn field(kind: Kind, name: &str, wanted: &Value, sides: &Sides<'_>) -> Option<FieldChange> {
    let class = kind.change_class(name);
    if class == Change::CreateOnly {
        return None;
    }
    let recorded = sides.recorded.and_then(|spec| spec.get(name));
    let before = sides.observed.get(name).or(recorded)?;
    let after = resolve(wanted, sides.known).ok();
    if after.as_ref().is_some_and(|after| same(before, after)) {
        return None;
    }
    let drift = matches!((&after, recorded), (Some(after), Some(recorded)) if same(after, recorded));
    Some(FieldChange {
        path: name.to_owned(),
        before: before.clone(),
        unknown: after.is_none(),
        after: after.unwrap_or(Value::Null),
        forces_replacement: class == Change::Replace,
        class,
        drift,
    })
}

/// Our tags that are missing or differ, and those that are no longer wanted. Tags set by others are left alone.
pub(crate) fn tags(
    desired: &BTreeMap<String, String>,
    recorded: Option<&BTreeMap<String, String>>,
    observed: Option<&BTreeMap<String, String>>,
) -> Vec<FieldChange> {
    let Some(before) = observed.or(recorded) else { return Vec::new() };
    let mut changes = Vec::new();
    for (key, wanted) in desired {
        let now = before.get(key);
        if now != Some(wanted) {
            let drift = recorded.is_some_and(|recorded| recorded.get(key) == Some(wanted));
            changes.push(tag_change(key, now, Some(wanted), drift));
        }
    }
    for key in recorded.into_iter().flat_map(BTreeMap::keys) {
        if !desired.contains_key(key) && before.contains_key(key) && !key.starts_with(ownership::PREFIX) {
            changes.push(tag_change(key, before.get(key), None, false));
        }
    }
    changes
}

fn tag_change(key: &str, before: Option<&String>, after: Option<&String>, drift: bool) -> FieldChange {
    let value = |text: Option<&String>| text.map_or(Value::Null, |text| Value::String(text.clone()));
    FieldChange {
        path: format!("tags.{key}"),
        before: value(before),
        after: value(after),
        forces_replacement: false,
        class: Change::InPlace,
        unknown: false,
        drift,
    }
}

/// Equality as AWS sees it: the order of lists does not matter, a list of one element equals that element, absent equals null.
pub(crate) fn same(left: &Value, right: &Value) -> bool {
    canonical(left) == canonical(right)
}

/// The value in the form that is the same for all equal values.
pub(crate) fn canonical(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(canonical).collect();
            if items.len() == 1 && !items[0].is_array() {
                return items.remove(0);
            }
            items.sort_by_cached_key(Value::to_string);
            Value::Array(items)
        }
        Value::Object(map) => {
            let sorted: BTreeMap<&String, Value> =
                map.iter().filter(|(_, inner)| !inner.is_null()).map(|(key, inner)| (key, canonical(inner))).collect();
            sorted.into_iter().map(|(key, inner)| (key.clone(), inner)).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::HashMap;

    fn compare(desired: Value, recorded: Value, observed: Value) -> Vec<FieldChange> {
        fields(Kind::Subnet, &Sides { desired: &desired, recorded: Some(&recorded), observed: &observed, known: &HashMap::new() })
    }

    #[test]
    fn lists_are_sets_and_documents_are_compared_by_meaning() {
        assert!(same(&json!(["a", "b"]), &json!(["b", "a"])));
        assert!(same(&json!({"Action": ["s3:*"], "Effect": "Deny"}), &json!({"Effect": "Deny", "Action": "s3:*"})));
        assert!(same(&json!({"a": null}), &json!({})));
        assert!(!same(&json!(["a", "a"]), &json!(["a", "b"])));
    }

    #[test]
    fn a_field_that_was_not_read_is_compared_with_the_state() {
        assert!(compare(json!({"x": 1}), json!({"x": 1}), json!({})).is_empty());
        let changes = compare(json!({"x": 2}), json!({"x": 1}), json!({}));
        assert_eq!((&changes[0].before, changes[0].drift), (&json!(1), false));
    }

    #[test]
    fn drift_and_configuration_changes_are_told_apart() {
        assert!(compare(json!({"x": 1}), json!({"x": 1}), json!({"x": 2}))[0].drift);
        assert!(!compare(json!({"x": 3}), json!({"x": 1}), json!({"x": 1}))[0].drift);
    }

    #[test]
    fn unknown_values_count_as_changed() {
        let changes = compare(json!({"vpc": {"$ref": "vpc/main#id"}}), json!({"vpc": "vpc-1"}), json!({}));
        assert!(changes[0].unknown && changes[0].class == Change::Blocked && changes[0].after.is_null());
    }

    #[test]
    fn foreign_tags_stay_and_own_ones_go() {
        let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<BTreeMap<_, _>>();
        let changes =
            tags(&map(&[("a", "1")]), Some(&map(&[("a", "1"), ("b", "2")])), Some(&map(&[("a", "9"), ("b", "2"), ("theirs", "x")])));
        let paths: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
        assert_eq!(paths, ["tags.a", "tags.b"]);
        assert!(changes[0].drift && changes[1].after.is_null());
    }
}
