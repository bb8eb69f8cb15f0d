//! The built-in profiles: YAML files like the user's, without name, region and zones.

use super::file::Profile;
use super::yaml::{self, Source};
use serde_json::Value;

/// Name and text of each file. Every profile is laid over the first one, which is complete.
const PROFILES: &[(&str, &str)] = &[
    ("multi-az", include_str!("../../profiles/multi-az.yaml")),
    ("single-az", include_str!("../../profiles/single-az.yaml")),
    ("test", include_str!("../../profiles/test.yaml")),
    ("legacy", include_str!("../../profiles/legacy.yaml")),
];

impl Profile {
    /// The profile as the user writes it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::MultiAz => "multi-az",
            Self::SingleAz => "single-az",
            Self::Test => "test",
            Self::Legacy => "legacy",
        }
    }
}

/// Names of the built-in profiles, the default one first.
pub fn profile_names() -> Vec<&'static str> {
    PROFILES.iter().map(|(name, _)| *name).collect()
}

/// The text of a profile's file.
pub(super) fn profile_text(name: &str) -> Option<&'static str> {
    PROFILES.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}

/// The values of a profile, complete; an unknown name gives the default profile.
pub(super) fn values(name: &str) -> Value {
    let (base, _) = PROFILES[0];
    let mut values = own_values(base);
    if name != base {
        overlay(&mut values, own_values(name));
    }
    values
}

fn own_values(name: &str) -> Value {
    let text = profile_text(name).unwrap_or_default();
    // A unit test parses the embedded files; one that does not parse would leave nothing here.
    yaml::parse(&Source::new(name, text)).map_or(Value::Null, |tree| tree.to_json())
}

/// Lays values over others: maps are merged key by key, all else is replaced.
pub(super) fn overlay(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                overlay(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (_, Value::Null) => {}
        (base, over) => *base = over,
    }
}
