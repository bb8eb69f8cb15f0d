//! What every kind must answer. The kinds depend on this file; `dispatch`, which calls them, depends on the kinds.

use super::clients::Aws;
use super::errors::unexpected;
use super::tags::{self, Tags};
use crate::engine::{Blocker, Created, DeletionPolicy, Failure, INTENT_ATTRIBUTE, Item, Observed, Query, Readiness, Scope, Update};
use crate::resource::Address;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;

/// A future with the answer of a kind.
pub(super) type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// An item with its spec typed.
pub(super) struct Typed<'a, S> {
    pub(super) spec: S,
    pub(super) item: &'a Item,
}

impl<S> Deref for Typed<'_, S> {
    type Target = Item;

    fn deref(&self) -> &Item {
        self.item
    }
}

/// What a kind that we create must implement. Nothing has a default, so that the compiler names what a new kind forgot.
///
/// Rules for all of them:
/// - [`Resource::observe`] asks in bulk. For [`Query::Ours`] it returns only what carries this cluster's tag (or belongs
///   to a tagged parent); items with an empty id are not recorded yet and get their tags read.
/// - [`Resource::create`] is exactly one mutating call, with tags in it, and the client token where the API takes one.
/// - [`Resource::configure`] makes the further calls of a creation and is safe to repeat.
/// - "Not found" while creating or configuring is eventual consistency; while deleting it is success. The dispatch handles both.
pub(super) trait Resource: 'static {
    /// The kind's spec.
    type Spec: Serialize + DeserializeOwned + Send + Sync;

    /// What must be known before a resource of the kind is deleted.
    const DELETION: Deletion;

    /// Lists resources of the kind.
    fn observe(aws: &Aws, query: &Query) -> impl Future<Output = Result<Vec<Observed>, Failure>> + Send;

    /// Sends the create call.
    fn create(aws: &Aws, new: &Typed<'_, Self::Spec>, token: &str) -> impl Future<Output = Result<Created, Failure>> + Send;

    /// Makes the further calls of a creation.
    fn configure(aws: &Aws, it: &Typed<'_, Self::Spec>) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Changes the named top-level fields in place; returns attributes that changed. Called only when fields changed.
    fn update(
        aws: &Aws,
        it: &Typed<'_, Self::Spec>,
        update: &Update,
    ) -> impl Future<Output = Result<BTreeMap<String, String>, Failure>> + Send;

    /// Sets and removes tags. Called only when tags changed, and before [`Resource::update`].
    fn change_tags(aws: &Aws, it: &Typed<'_, Self::Spec>, update: &Update) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Sends the delete call; the object may continue to exist for a while.
    fn delete(aws: &Aws, item: &Item, policy: &DeletionPolicy) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// What a kind that only destroy knows must implement: its resources are made by what ran in the cluster, never by us.
pub(super) trait Leftover: 'static {
    /// The fields that are read of a resource.
    type Spec: Serialize + DeserializeOwned + Send + Sync;

    /// What must be known before a resource of the kind is deleted.
    const DELETION: Deletion;

    /// Lists what the cluster left ([`Query::Leftovers`]), or those of the items that are still there.
    fn observe(aws: &Aws, query: &Query) -> impl Future<Output = Result<Vec<Observed>, Failure>> + Send;

    /// Sends the delete call; the object may continue to exist for a while.
    fn delete(aws: &Aws, item: &Item, policy: &DeletionPolicy) -> impl Future<Output = Result<(), Failure>> + Send;
}

impl<T: Leftover> Resource for T {
    type Spec = T::Spec;

    const DELETION: Deletion = T::DELETION;

    fn observe(aws: &Aws, query: &Query) -> impl Future<Output = Result<Vec<Observed>, Failure>> + Send {
        T::observe(aws, query)
    }

    async fn create(_aws: &Aws, new: &Typed<'_, Self::Spec>, _token: &str) -> Result<Created, Failure> {
        Err(never("create", new.item))
    }

    async fn configure(_aws: &Aws, it: &Typed<'_, Self::Spec>) -> Result<(), Failure> {
        Err(never("configure", it.item))
    }

    async fn update(_aws: &Aws, it: &Typed<'_, Self::Spec>, _update: &Update) -> Result<BTreeMap<String, String>, Failure> {
        Err(never("update", it.item))
    }

    async fn change_tags(_aws: &Aws, it: &Typed<'_, Self::Spec>, _update: &Update) -> Result<(), Failure> {
        Err(never("change tags", it.item))
    }

    fn delete(aws: &Aws, item: &Item, policy: &DeletionPolicy) -> impl Future<Output = Result<(), Failure>> + Send {
        T::delete(aws, item, policy)
    }
}

fn never(operation: &str, item: &Item) -> Failure {
    unexpected(operation, &format!("{} is of a kind that domino-eks only deletes", item.address))
}

/// What must be known of a kind before one of its resources is deleted. `None` means that AWS is never asked for it.
pub(super) struct Deletion {
    /// Finds what blocks a deletion that AWS refused, and whose it is.
    pub(super) blockers: Option<Blockers>,
    /// Describes, by id, the protections because of which AWS refuses to delete a resource. Asked once for all resources of the kind,
    /// before anything is deleted: in the middle of a teardown, when the nodes are gone, a refusal would come too late.
    pub(super) protection: Option<Protections>,
    /// What a resource holds that would be lost; no answer when it does not exist. Every kind whose facts say that it holds data has
    /// this.
    pub(super) data: Option<Data>,
    /// Whether a resource exists, and is not being deleted, under an id that no query by tags returned. For kinds whose ids are names, or
    /// that hold data; the resources of all other kinds count as left until their deletion is confirmed.
    pub(super) exists_by_name: Option<ExistsByName>,
    /// How resources that are not recorded are found. `None` where `observe` finds everything with our tag by itself.
    pub(super) unrecorded: Option<Unrecorded>,
    /// Whether a deletion takes minutes and AWS refuses a second request meanwhile: then AWS is asked first whether one is in progress.
    pub(super) asks_whether_deleting: bool,
}

/// Finds what blocks the deletion of the item.
pub(super) type Blockers = for<'a> fn(&'a Aws, &'a Item, &'a Scope) -> Answer<'a, Vec<Blocker>>;
/// Finds the protections of what is to be deleted.
pub(super) type Protections = for<'a> fn(&'a Aws, &'a ToDelete) -> Answer<'a, BTreeMap<String, String>>;
/// Reads what the item holds.
pub(super) type Data = for<'a> fn(&'a Aws, &'a Item) -> Answer<'a, Option<Contents>>;
/// Whether something with that id exists.
pub(super) type ExistsByName = for<'a> fn(&'a Aws, &'a str) -> Answer<'a, bool>;
/// Lists candidates.
pub(super) type List = for<'a> fn(&'a Aws) -> Answer<'a, Vec<Item>>;

/// What a plan deletes of one kind.
pub(super) struct ToDelete {
    /// The resources of the kind.
    pub(super) items: Vec<Item>,
    /// Ids of everything that the plan deletes, of all kinds.
    pub(super) all: Arc<BTreeSet<String>>,
}

impl ToDelete {
    /// Ids of the resources of the kind.
    pub(super) fn ids(&self) -> Vec<String> {
        self.items.iter().map(|item| item.id.clone()).collect()
    }
}

/// What is in something that holds data.
pub(super) struct Contents {
    /// The contents in words.
    pub(super) words: String,
    /// Whether deleting it loses anything.
    pub(super) emptiness: Emptiness,
}

/// Whether there is anything to lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Emptiness {
    /// There is nothing in it.
    Empty,
    /// It seems empty, but AWS cannot say for certain: enough for a test environment only.
    SeemsEmpty,
    /// Something would be lost.
    Full,
}

/// How resources that are not recorded are found. Every candidate is observed before it counts.
pub(super) struct Unrecorded {
    /// Fields of the spec that identify a resource, so that one that is known already is not observed again.
    pub(super) key: &'static [&'static str],
    /// By the tagging API; all kinds share one call.
    pub(super) tagged: Option<Tagged>,
    /// By calls of its own. They may also list dependent resources that cannot be listed by tag.
    pub(super) list: Option<List>,
}

/// What the tagging API shows of a kind.
pub(super) struct Tagged {
    /// The type to ask for: `service` or `service:type`.
    pub(super) resource_type: &'static str,
    /// Makes the spec by which it can be observed from the part of the ARN after the account id.
    pub(super) spec: fn(&str) -> Option<Value>,
}

/// A resource that may be ours. It gets the attribute of an intent, because what may have been created is looked for more thoroughly than
/// what was never begun.
pub(super) fn candidate(address: Address, spec: Value, tags: Tags) -> Item {
    let attributes = BTreeMap::from([(INTENT_ATTRIBUTE.to_owned(), String::new())]);
    Item { address, spec, tags, id: String::new(), attributes }
}

/// The name under which an item is looked for: from its spec, else the id under which it is recorded. `None` where the name depends on a
/// resource that does not exist yet: then the item cannot exist either.
pub(super) fn known_name<'a>(item: &'a Item, field: &str) -> Option<&'a str> {
    let in_spec = item.spec.get(field).and_then(Value::as_str).filter(|name| !name.is_empty());
    in_spec.or(Some(item.id.as_str()).filter(|id| !id.is_empty()))
}

/// The spec as JSON, for observed values.
pub(super) fn json(spec: &impl Serialize) -> Value {
    serde_json::to_value(spec).unwrap_or(Value::Null)
}

/// An item that still exists, as it is recorded.
pub(super) fn still_there(item: &Item) -> Observed {
    tags::observed_item(item, &item.id, item.spec.clone(), &[], Readiness::Ready)
}
