//! Tests of the blueprint room, by requirement.

mod control_plane;
mod identity;
mod network;
mod pools;
mod properties;
mod storage;
mod user_data;

use super::{Blueprint, blueprint};
use crate::config::{Config, parse};
use crate::resource::{Attributes, Desired, Kind, resolve};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;

const THREE_ZONES: &str = include_str!("../../../examples/domino-test-cluster.yaml");
const ONE_ZONE: &str = include_str!("../../../examples/domino-test-cluster-single-az.yaml");
const LEGACY: &str = include_str!("../../../examples/legacy.yaml");
const ACCOUNT: &str = "111122223333";

/// A configuration with three zones, and more lines.
fn three(more: &str) -> Config {
    config(&format!("name: demo\nregion: us-west-2\nzones: [us-west-2a, us-west-2b, us-west-2c]\n{more}"))
}

/// A configuration with one zone, and more lines.
fn one(more: &str) -> Config {
    config(&format!("name: demo\nregion: us-west-2\nzones: [us-west-2a]\n{more}"))
}

/// A configuration in another partition.
fn in_region(region: &str, more: &str) -> Config {
    config(&format!("name: demo\nregion: {region}\nzones: [{region}a, {region}b, {region}c]\n{more}"))
}

/// A configuration in a VPC that exists.
fn in_existing_network() -> Config {
    one("network: {existing: {vpcId: vpc-0123456789abcdef0, \
         privateSubnets: {us-west-2a: subnet-0123456789abcdef0}, controlPlaneSubnets: {us-west-2b: subnet-0123456789abcdef1}}}")
}

fn config(text: &str) -> Config {
    parse("test.yaml", text.as_bytes()).unwrap_or_else(|findings| panic!("refused:\n{findings}"))
}

fn of(text: &str) -> Blueprint {
    blueprint(&config(text))
}

impl Blueprint {
    fn get(&self, address: &str) -> &Desired {
        let found = self.resources.iter().find(|desired| desired.address.to_string() == address);
        found.unwrap_or_else(|| panic!("no {address} among {:?}", self.addresses()))
    }

    /// The spec of an address as its type.
    fn spec<T: DeserializeOwned>(&self, address: &str) -> T {
        serde_json::from_value(self.get(address).spec.clone()).unwrap()
    }

    fn field(&self, address: &str, name: &str) -> Value {
        self.get(address).spec[name].clone()
    }

    fn addresses(&self) -> Vec<String> {
        self.resources.iter().map(|desired| desired.address.to_string()).collect()
    }

    fn of_kind(&self, kind: Kind) -> Vec<&Desired> {
        self.resources.iter().filter(|desired| desired.kind() == kind).collect()
    }

    fn names_of(&self, kind: Kind) -> Vec<&str> {
        self.of_kind(kind).into_iter().map(|desired| desired.address.name()).collect()
    }

    fn tag(&self, address: &str, key: &str) -> Option<&str> {
        self.get(address).tags.get(key).map(String::as_str)
    }
}

/// Every attribute that a spec may ask for, with a value that names its source.
fn everything_known(blueprint: &Blueprint) -> Attributes {
    let mut known = Attributes::from([("aws".to_owned(), BTreeMap::from([("account".to_owned(), ACCOUNT.to_owned())]))]);
    for desired in &blueprint.resources {
        for (target, attribute) in crate::resource::references(&desired.spec) {
            let value = format!("<{target}#{attribute}>");
            known.entry(target.clone()).or_default().entry(attribute).or_insert(value);
        }
    }
    known.get_mut("aws").unwrap().insert("account".to_owned(), ACCOUNT.to_owned());
    known
}

/// A spec with every reference replaced.
fn resolved(blueprint: &Blueprint, address: &str) -> Value {
    resolve(&blueprint.get(address).spec, &everything_known(blueprint)).unwrap()
}

/// All specs with every reference replaced.
fn all_resolved(blueprint: &Blueprint) -> Vec<(String, Value)> {
    blueprint.addresses().into_iter().map(|address| (address.clone(), resolved(blueprint, &address))).collect()
}

/// `address#id` as it is written in a spec.
fn id_of(address: &str) -> Value {
    attribute_of(address, "id")
}

fn attribute_of(address: &str, attribute: &str) -> Value {
    serde_json::json!({ "$ref": format!("{address}#{attribute}") })
}
