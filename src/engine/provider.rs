//! What the engine asks of AWS. The `aws` module implements it, and tests do with a world in memory.

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
    /// For a leftover kind: what was left in this scope.
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

/// A change in place.
#[derive(Debug, Clone)]
pub struct Update {
    /// The desired resource.
    pub item: Item,
    /// The spec before (observed where it was read, else recorded).
    pub before: Value,
    /// Top-level spec fields that differ.
    pub fields: Vec<String>,
    /// Tags to set.
    pub set_tags: BTreeMap<String, String>,
    /// Tag keys to remove.
    pub remove_tags: Vec<String>,
}

/// The calls to AWS that a run makes.
pub trait Provider: Send + Sync + 'static {
    /// Lists resources of one kind, in bulk.
    fn observe(&self, kind: Kind, query: Query) -> impl Future<Output = Result<Vec<Observed>, Failure>> + Send;
    /// Sends the one call that creates the resource. `client_token` is sent where the API takes one.
    fn create(&self, item: Item, client_token: String) -> impl Future<Output = Result<Created, Failure>> + Send;
    /// Applies settings, attachments and rules of the spec to a created resource; safe to repeat.
    fn configure(&self, item: Item) -> impl Future<Output = Result<(), Failure>> + Send;
    /// Changes a resource in place; returns attributes that changed with it.
    fn update(&self, update: Update) -> impl Future<Output = Result<BTreeMap<String, String>, Failure>> + Send;
    /// Deletes a resource, as far as the policy of the run allows that; not found is success.
    fn delete(&self, item: Item, policy: Arc<DeletionPolicy>) -> impl Future<Output = Result<(), Failure>> + Send;
    /// What blocks the deletion of the resource, as far as the caller may read it.
    fn blockers(&self, item: Item, policy: Arc<DeletionPolicy>) -> impl Future<Output = Result<Vec<Blocker>, Failure>> + Send;
}
