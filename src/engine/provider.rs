//! What the engine asks of the outside world. The `aws` room answers for real, tests answer from memory.

use super::blocker::Blocker;
use super::failure::Failure;
use super::item::{Item, Observed};
use super::policy::{DeletionPolicy, Scope};
use crate::resource::Kind;
use serde_json::Value;
use std::{collections::BTreeMap, future::Future, sync::Arc};

/// What a create call returned.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Created {
    /// AWS id.
    pub id: String,
    /// Attributes known already, `id` among them.
    pub attributes: BTreeMap<String, String>,
}

/// What to look for.
#[derive(Debug, Clone)]
pub enum Query {
    /// Everything of the cluster: by tag, and by the natural keys of the items.
    Ours(Vec<Item>),
    /// These items only, by id.
    These(Vec<Item>),
    /// Of a kind that only destroy knows: what was left there.
    Leftovers(Scope),
}

impl Query {
    /// The items whose natural keys or ids are known.
    pub fn items(&self) -> &[Item] {
        match self {
            Query::Ours(items) | Query::These(items) => items,
            Query::Leftovers(_) => &[],
        }
    }

    /// Whether leftovers are looked for.
    pub fn is_leftovers(&self) -> bool {
        matches!(self, Query::Leftovers(_))
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

/// The outside world.
pub trait Provider: Send + Sync + 'static {
    /// Lists resources of one kind, in bulk.
    fn observe(&self, kind: Kind, query: Query) -> impl Future<Output = Result<Vec<Observed>, Failure>> + Send;
    /// Sends the one call that creates the resource. `client_token` is sent where the API takes one.
    fn create(&self, item: Item, client_token: String) -> impl Future<Output = Result<Created, Failure>> + Send;
    /// Brings settings, attachments and rules of a created resource to its spec; safe to repeat.
    fn configure(&self, item: Item) -> impl Future<Output = Result<(), Failure>> + Send;
    /// Changes a resource in place; returns attributes that changed with it.
    fn update(&self, update: Update) -> impl Future<Output = Result<BTreeMap<String, String>, Failure>> + Send;
    /// Deletes a resource, as far as the policy of the run allows that; not found is success.
    fn delete(&self, item: Item, policy: Arc<DeletionPolicy>) -> impl Future<Output = Result<(), Failure>> + Send;
    /// What stands in the way of deleting the resource, as far as that can be seen.
    fn blockers(&self, item: Item, policy: Arc<DeletionPolicy>) -> impl Future<Output = Result<Vec<Blocker>, Failure>> + Send;
}
