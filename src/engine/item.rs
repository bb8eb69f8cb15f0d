//! A resource as the engine hands it out, and as AWS shows it.

use crate::resource::Address;
use crate::state::Record;
use serde_json::Value;
use std::collections::BTreeMap;

/// Attribute that an item carries while its creation was begun and its id is not known: a provider may then look harder.
pub const INTENT_ATTRIBUTE: &str = "intent";

/// A resource as the engine hands it to the provider: everything resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its address.
    pub address: Address,
    /// Resolved spec; of a deletion, the spec as last applied.
    pub spec: Value,
    /// Tags in full.
    pub tags: BTreeMap<String, String>,
    /// AWS id; empty before creation.
    pub id: String,
    /// Known attributes.
    pub attributes: BTreeMap<String, String>,
}

impl Item {
    /// What is recorded.
    pub fn recorded(address: &Address, record: &Record) -> Self {
        Self {
            address: address.clone(),
            spec: record.spec.clone(),
            tags: record.tags.clone(),
            id: record.id.clone(),
            attributes: record.attributes.clone(),
        }
    }

    /// What AWS shows.
    pub fn seen(seen: &Observed) -> Self {
        Self {
            address: seen.address.clone(),
            spec: seen.spec.clone(),
            tags: seen.tags.clone().unwrap_or_default(),
            id: seen.id.clone(),
            attributes: seen.attributes.clone(),
        }
    }
}

/// A resource as AWS shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// Address from its tag or from a natural key of a known item.
    pub address: Address,
    /// AWS id.
    pub id: String,
    /// Known attributes.
    pub attributes: BTreeMap<String, String>,
    /// The spec fields that were read; fields absent here were not read and are compared with the state.
    pub spec: Value,
    /// Tags, where reading them came for free.
    pub tags: Option<BTreeMap<String, String>>,
    /// How far it is.
    pub readiness: Readiness,
}

impl Observed {
    /// Whether its deletion is accepted and AWS only waits for its date: nothing is left to do.
    pub fn is_scheduled(&self) -> bool {
        self.readiness == Readiness::Deleting && self.address.kind().facts().scheduled_deletion
    }
}

/// How far an observed resource is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// Usable.
    Ready,
    /// On its way; what it waits for, for people.
    NotYet(String),
    /// It will not get there; why, for people.
    Failed(String),
    /// Being deleted.
    Deleting,
}
