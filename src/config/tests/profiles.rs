//! Profiles, examples and the template of `init`.

use super::{accepted, one};
use crate::config::file::File;
use crate::config::model::{Encryption, Lifecycle, Nat, Network};
use crate::config::profiles::{profile_text, values};
use crate::config::{parse, profile_names, template};
use serde_json::{Value, json};

const EXAMPLES: [(&str, &str); 3] = [
    ("domino-test-cluster", include_str!("../../../examples/domino-test-cluster.yaml")),
    ("domino-test-cluster-single-az", include_str!("../../../examples/domino-test-cluster-single-az.yaml")),
    ("legacy", include_str!("../../../examples/legacy.yaml")),
];

#[test]
fn examples_resolve_to_these_configurations() {
    for (name, text) in EXAMPLES {
        insta::assert_debug_snapshot!(name, accepted(text));
    }
}

#[test]
fn examples_say_only_what_differs() {
    for (name, text) in EXAMPLES {
        let lines = text.lines().filter(|l| !l.starts_with('#')).count();
        assert!(lines <= 4, "{name} has {lines} lines");
    }
}

#[test]
fn profiles_are_the_four_named() {
    assert_eq!(profile_names(), ["multi-az", "single-az", "test", "legacy"]);
    for name in profile_names() {
        assert_eq!(values(name)["profile"], name, "the file of {name} says so itself");
        let config = accepted(&format!("profile: {name}\n{}", one("")));
        assert_eq!(config.profile, name);
    }
}

#[test]
fn profiles_stand_as_a_users_file() {
    for name in profile_names() {
        let text = format!("{}\n{}", profile_text(name).unwrap(), one(""));
        assert_eq!(accepted(&text), accepted(&format!("profile: {name}\n{}", one(""))));
    }
}

#[test]
fn the_default_profile_spells_out_the_defaults_of_the_types() {
    let with = |mut values: Value| -> Value {
        let identity = json!({"name": "demo", "region": "us-west-2", "zones": ["us-west-2a"]});
        values.as_object_mut().unwrap().extend(identity.as_object().unwrap().clone());
        let mut file = serde_json::to_value(serde_json::from_value::<File>(values).unwrap()).unwrap();
        file["pools"] = Value::Null;
        file
    };
    assert_eq!(with(values("multi-az")), with(json!({})));
}

#[test]
fn single_az_has_one_gateway() {
    let Network::Managed(network) = accepted(&format!("profile: single-az\n{}", one(""))).network else { panic!() };
    assert_eq!(network.nat, Nat::Single);
}

#[test]
fn test_environments_are_small_and_ephemeral() {
    let config = accepted(&format!("profile: test\n{}", one("")));
    assert_eq!((config.lifecycle, config.encryption), (Lifecycle::Ephemeral, Encryption::AwsManaged));
    assert!(!config.storage.efs.backup);
    assert_eq!(config.pools.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["platform", "default"]);
    assert!(config.pools.iter().all(|p| p.max <= 3));
    let with_gpu = accepted(&format!("profile: test\n{}", one("pools: {default-gpu: {enabled: true}}")));
    assert_eq!(with_gpu.pools.len(), 3);
}

#[test]
fn legacy_has_the_older_sizes() {
    let config = accepted(&format!("profile: legacy\n{}", one("")));
    let platform = &config.pools[0];
    assert_eq!((platform.instance_type.as_str(), platform.min, platform.max), ("m5.2xlarge", 3, 3));
}

#[test]
fn users_values_lie_over_the_profiles() {
    let config = accepted(&one("pools: {default: {max: 40, labels: {team: a}}}\nkubernetes: {logTypes: [audit]}"));
    let default = &config.pools[1];
    assert_eq!((default.min, default.max, default.instance_type.as_str()), (1, 40, "m5.2xlarge"));
    assert_eq!(default.labels["domino/build-node"], "true", "maps are merged");
    assert_eq!(config.kubernetes.log_types, ["audit"], "lists are replaced");
}

#[test]
fn templates_resolve() {
    let zones = ["us-west-2a", "us-west-2b", "us-west-2c"].map(str::to_owned);
    for profile in profile_names() {
        let text = template(profile, "demo", "us-west-2", &zones, None);
        assert_eq!(accepted(&text), accepted(&format!("profile: {profile}\n{}", super::three(""))));
        assert!(!text.contains('{') || !text.contains("{name}"), "{text}");
    }
    let odd = template("test", "1e3", "us-west-2", &zones[..1], None);
    assert_eq!(accepted(&odd).name, "1e3", "names that look like numbers are quoted");
    assert!(parse("x", template("huge", "a: b", "x", &[], None).as_bytes()).is_err());
}

#[test]
fn every_comment_of_the_template_works_when_uncommented() {
    let text = template("multi-az", "demo", "us-west-2", &["us-west-2a".to_owned()], None);
    let (head, tail) = text.split_once("# tags:").unwrap();
    let uncommented: Vec<&str> = tail.lines().map(|l| l.strip_prefix("# ").unwrap_or(l)).filter(|l| !l.ends_with('.')).collect();
    let config = accepted(&format!("{head}tags:{}", uncommented.join("\n")));
    assert_eq!(config.pools.len(), 3, "default-gpu out, large-memory in");
    assert!(config.kubernetes.public_endpoint);
    assert_eq!(config.domino.fqdn.as_deref(), Some("domino.example.com"));
}
