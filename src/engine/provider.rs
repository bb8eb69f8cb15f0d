//! What the engine asks of the outside world. The `aws` room answers for real, tests answer from memory.

use super::leftovers::{Holder, Scope};
use crate::resource::{Address, Kind};
use crate::state::Record;
use serde_json::Value;
use std::{collections::BTreeMap, fmt, future::Future};

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

/// What a create call returned.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Created {
    /// AWS id.
    pub id: String,
    /// Attributes known already, `id` among them.
    pub attributes: BTreeMap<String, String>,
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

/// What to look for.
#[derive(Debug, Clone)]
pub enum Query {
    /// Everything of the cluster: by tag, and by the natural keys of the items.
    Ours(Vec<Item>),
    /// These items only, by id.
    These(Vec<Item>),
    /// Of a kind that only destroy knows: what was left there.
    Left(Scope),
}

impl Query {
    /// The items whose natural keys or ids are known.
    pub fn items(&self) -> &[Item] {
        match self {
            Query::Ours(items) | Query::These(items) => items,
            Query::Left(_) => &[],
        }
    }

    /// Whether leftovers are looked for.
    pub fn is_left(&self) -> bool {
        matches!(self, Query::Left(_))
    }

    /// Whether the whole cluster is looked for.
    pub fn is_ours(&self) -> bool {
        matches!(self, Query::Ours(_))
    }
}

/// A changed resource.
#[derive(Debug, Clone)]
pub struct Update {
    /// As it shall be.
    pub item: Item,
    /// As it was before (observed where it was read, else recorded).
    pub before: Value,
    /// Top-level spec fields that differ.
    pub fields: Vec<String>,
    /// Tags to set.
    pub set_tags: BTreeMap<String, String>,
    /// Tag keys to remove.
    pub remove_tags: Vec<String>,
}

/// What a failure means for the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// It exists under its natural key.
    AlreadyExists,
    /// It does not exist.
    NotFound,
    /// Something it needs is not visible yet (eventual consistency): ask again for two minutes.
    NotYet,
    /// Something still uses it: ask again for ten minutes.
    InUse,
    /// The request may or may not have taken effect.
    LostAnswer,
    /// Too many requests, or a passing fault of the service.
    Busy,
    /// Credentials are missing, wrong or expired.
    Credentials,
    /// The caller may not do this.
    Permission,
    /// It exists but is not ours.
    Foreign,
    /// Anything else: repeating is useless.
    Other,
}

/// A failed call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What it means.
    pub kind: FailureKind,
    /// AWS operation, such as `CreateVpc`.
    pub operation: String,
    /// AWS error code, when there was an answer.
    pub code: Option<String>,
    /// AWS message, or what went wrong on the way.
    pub message: String,
    /// AWS request id, for the support.
    pub request_id: Option<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.operation)?;
        match &self.code {
            Some(code) => write!(f, ": {code}: {}", self.message)?,
            None => write!(f, ": {}", self.message)?,
        }
        match &self.request_id {
            Some(id) => write!(f, " (request id {id})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

/// The outside world.
pub trait Provider: Send + Sync + 'static {
    /// Lists resources of one kind, in bulk.
    fn observe(&self, kind: Kind, query: Query) -> impl Future<Output = Result<Vec<Observed>, Failure>> + Send;
    /// Sends the one call that creates the resource. `client_token` is sent where the API takes one.
    fn create(&self, item: Item, client_token: String) -> impl Future<Output = Result<Created, Failure>> + Send;
    /// Brings settings, attachments and rules of a created resource to its spec; safe to repeat.
    fn settle(&self, item: Item) -> impl Future<Output = Result<(), Failure>> + Send;
    /// Changes a resource in place; returns attributes that changed with it.
    fn update(&self, update: Update) -> impl Future<Output = Result<BTreeMap<String, String>, Failure>> + Send;
    /// Deletes a resource; not found is success.
    fn delete(&self, item: Item) -> impl Future<Output = Result<(), Failure>> + Send;
    /// What stands in the way of deleting the resource, as far as that can be seen.
    fn holders(&self, _item: Item) -> impl Future<Output = Result<Vec<Holder>, Failure>> + Send {
        async { Ok(Vec::new()) }
    }
}
