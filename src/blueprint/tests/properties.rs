//! Properties that hold for every configuration.

use super::*;
use crate::config::model::{Encryption, Nat, Network, Pool, PoolRole, ZoneSize};
use crate::engine::{Inputs, plan};
use crate::resource::{Address, references};
use crate::state::Document;
use proptest::prelude::*;
use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

/// Attributes that each kind has after its creation (what the `aws` room returns).
fn attributes(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::KmsKey | Kind::InstanceProfile | Kind::IamPolicy => &["id", "arn"],
        Kind::IamRole => &["id", "arn", "name"],
        Kind::EksCluster => &["id", "arn", "name", "endpoint", "certificate_authority", "service_cidr", "security_group"],
        Kind::LaunchTemplate => &["id", "version"],
        _ => &["id"],
    }
}

/// Longest name that AWS accepts.
fn longest_name(kind: Kind) -> usize {
    match kind {
        Kind::IamRole => 64,
        Kind::IamPolicy | Kind::InstanceProfile | Kind::LaunchTemplate => 128,
        Kind::SecurityGroup | Kind::AutoScalingGroup => 255,
        Kind::EksCluster => 100,
        Kind::S3Bucket => 63,
        Kind::LogGroup => 512,
        _ => 256,
    }
}

/// Good configurations to begin with: one zone, three, and an existing network.
static BASES: LazyLock<[Config; 3]> = LazyLock::new(|| [one(""), three(""), in_existing_network()]);

/// A good configuration, changed in what shapes the graph.
fn configs() -> impl Strategy<Value = Config> {
    let nat = prop_oneof![Just(Nat::PerZone), Just(Nat::Single), Just(Nat::None)];
    let encryption = prop_oneof![
        Just(Encryption::OwnKey),
        Just(Encryption::AwsManaged),
        Just(Encryption::ExistingKey("arn:aws:kms:us-west-2:111122223333:key/k".to_owned())),
    ];
    let endpoints = prop::sample::subsequence(vec!["ecr.api", "ecr.dkr", "sts", "ec2", "logs"], 0..=5);
    let tags = prop::collection::btree_map("[a-z]{1,8}", "[a-z0-9]{0,8}", 0..4);
    (any::<bool>(), 1usize..=5, nat, encryption, endpoints, tags, any::<bool>()).prop_map(
        |(many_zones, pools, nat, encryption, endpoints, tags, existing)| {
            let mut config = BASES[if existing { 2 } else { usize::from(many_zones) }].clone();
            config.pools = (0..pools).map(|number| pool(&config, number)).collect();
            if let Network::Managed(network) = &mut config.network {
                network.nat = nat;
                network.interface_endpoints = endpoints.into_iter().map(ToOwned::to_owned).collect();
            }
            config.encryption = encryption;
            config.tags = tags;
            config
        },
    )
}

/// The `number`th pool: `platform` first.
fn pool(config: &Config, number: usize) -> Pool {
    let zones = config.zones.iter().map(|zone| ZoneSize { zone: zone.clone(), min: 0, max: 1 + i32::try_from(number).unwrap() }).collect();
    if number == 0 {
        return Pool { zones, ..config.pools[0].clone() };
    }
    let name = format!("pool-{number}");
    let labels = BTreeMap::from([("dominodatalab.com/node-pool".to_owned(), name.clone())]);
    Pool { name, labels, role: PoolRole::Compute, spot: number.is_multiple_of(2), zones, ..config.pools[1].clone() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_reference_leads_to_something_that_has_the_attribute(config in configs()) {
        let blueprint = blueprint(&config);
        let resources: BTreeSet<String> = blueprint.addresses().into_iter().collect();
        let lookups: BTreeSet<&str> = blueprint.lookups.iter().map(|lookup| lookup.key.as_str()).collect();
        for desired in &blueprint.resources {
            for (target, attribute) in references(&desired.spec) {
                if let Ok(address) = target.parse::<Address>() {
                    prop_assert!(resources.contains(&target), "{} → {target}", desired.address);
                    prop_assert!(attributes(address.kind()).contains(&attribute.as_str()), "{} → {target}#{attribute}", desired.address);
                } else {
                    prop_assert!(target == "aws" && ["account", "lineage"].contains(&attribute.as_str()) || lookups.contains(target.as_str()), "{} → {target}", desired.address);
                }
            }
            for first in desired.after.iter().chain(&desired.after_created) {
                prop_assert!(resources.contains(&first.to_string()), "{} after {first}", desired.address);
            }
        }
    }

    #[test]
    fn the_graph_has_no_circle_and_offline_everything_is_new(config in configs()) {
        let blueprint = blueprint(&config);
        let state = Document::new("", "aws", "us-west-2", "demo");
        let made = plan(&Inputs { desired: &blueprint.resources, state: &state, observed: None, lookups: &HashMap::new() });
        prop_assert_eq!(made.unwrap().summary().create, blueprint.resources.len());
    }

    #[test]
    fn addresses_are_unique_readable_and_in_the_order_of_creation(config in configs()) {
        let blueprint = blueprint(&config);
        let unique: BTreeSet<String> = blueprint.addresses().into_iter().collect();
        prop_assert_eq!(unique.len(), blueprint.resources.len());
        for desired in &blueprint.resources {
            prop_assert_eq!(desired.address.to_string().parse(), Ok(desired.address.clone()));
        }
        prop_assert!(blueprint.resources.windows(2).all(|pair| pair[0].address < pair[1].address));
    }

    #[test]
    fn everything_that_can_carry_tags_says_whose_it_is(config in configs()) {
        for desired in blueprint(&config).resources {
            if desired.kind() == Kind::EfsMountTarget {
                prop_assert!(desired.tags.is_empty());
                continue;
            }
            prop_assert_eq!(desired.tags.get("domino-eks:cluster"), Some(&config.name));
            prop_assert_eq!(desired.tags.get("domino-eks:address"), Some(&desired.address.to_string()));
            prop_assert!(config.tags.iter().all(|(key, value)| desired.tags.get(key) == Some(value)));
            prop_assert!(desired.tags.contains_key("Name"));
            // The lineage is added at creation.
            prop_assert!(desired.tags.len() < 50);
            for (key, value) in &desired.tags {
                prop_assert!((1..=127).contains(&key.len()) && value.len() <= 256, "{}: {}", key, value);
            }
        }
    }

    #[test]
    fn names_stay_within_the_limits_of_aws(config in configs()) {
        let blueprint = blueprint(&config);
        for (address, spec) in all_resolved(&blueprint) {
            let kind = address.parse::<Address>().unwrap().kind();
            if let Some(name) = spec["name"].as_str() {
                prop_assert!((1..=longest_name(kind)).contains(&name.len()), "{}", name);
            }
        }
    }

    #[test]
    fn the_same_configuration_has_the_same_blueprint(config in configs()) {
        prop_assert_eq!(blueprint(&config).resources, blueprint(&config).resources);
    }
}

// POOL-4: the longest names that the configuration takes.
#[test]
fn the_longest_cluster_name_that_is_accepted_fits_everywhere() {
    let accepted = (1..100usize)
        .rev()
        .map(|length| format!("name: {}\nregion: us-gov-west-1\nzones: [us-gov-west-1a]\n", "x".repeat(length)))
        .find_map(|text| parse("test.yaml", text.as_bytes()).ok())
        .unwrap();
    assert!(accepted.name.len() >= 16, "{}", accepted.name);
    for (address, spec) in all_resolved(&blueprint(&accepted)) {
        let kind = address.parse::<Address>().unwrap().kind();
        if let Some(name) = spec["name"].as_str() {
            assert!(name.len() <= longest_name(kind), "{address}: {name}");
        }
    }
}

// EKS-1
#[test]
fn administrators_of_the_same_name_have_addresses_of_their_own() {
    let config =
        three("kubernetes: {administrators: ['arn:aws:iam::111122223333:role/ops/Admin', 'arn:aws:iam::111122223333:role/data/Admin']}");
    let addresses = blueprint(&config).addresses();
    let unique: BTreeSet<&String> = addresses.iter().collect();
    assert_eq!(unique.len(), addresses.len());
}
