//! A resource as the engine passes it to the provider, and as AWS shows it.

use crate::resource::Address;
use crate::state::Record;
use serde_json::Value;
use std::collections::BTreeMap;

/// Attribute of an item whose creation was begun and whose id is not known: a provider may then need further calls to find it.
pub const INTENT_ATTRIBUTE: &str = "intent";

/// A resource as the engine passes it to the provider, with all references resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its address.
    pub address: Address,
    /// Resolved spec; for a deletion, the spec as last applied.
    pub spec: Value,
    /// All tags.
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
    /// Tags, where reading them needed no further call.
    pub tags: Option<BTreeMap<String, String>>,
    /// Its lifecycle status.
    pub readiness: Readiness,
}

impl Observed {
    /// Whether AWS has accepted its deletion and carries it out at a later date: no further call is needed.
    pub fn is_scheduled(&self) -> bool {
        self.readiness == Readiness::Deleting && self.address.kind().facts().scheduled_deletion
    }
}

/// Lifecycle status of an observed resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// Usable.
    Ready,
    /// Being created or changed; what it waits for, as shown to the user.
    NotYet(String),
    /// It will not become ready; why, as shown to the user.
    Failed(String),
    /// Being deleted.
    Deleting,
}
