//! The plan: one action for every address that is wanted, recorded or observed.

use super::diff::{self, FieldChange, Sides};
use super::graph::Graph;
use super::item::{Observed, Readiness};
use crate::resource::{Address, Attributes, Change, Desired, Kind, Layer, resolve};
use crate::state::{Document, Intent, Record, RecordStatus};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

/// What apply does with one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Hash, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Create it, or finish an interrupted creation.
    Create,
    /// Change it in place.
    Update,
    /// Delete it and create it again.
    Replace,
    /// Delete it.
    Delete,
    /// Leave it in AWS and record it as kept: it holds data.
    Retain,
    /// Record an existing resource that carries our tags.
    Adopt,
    /// Refused: the change cannot be made safely.
    Blocked,
    /// Nothing to do.
    NoChange,
}

/// Why a plan has an action. It is shown to the user and serialised as its text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Reason {
    /// It matches the configuration.
    #[default]
    None,
    /// It is wanted and does not exist.
    New,
    /// It is recorded, and does not exist any more.
    Vanished,
    /// It is being deleted, and holds data.
    DataBeingDeleted,
    /// It is being deleted.
    BeingDeleted,
    /// AWS reports that it has failed.
    Failed(String),
    /// These fields cannot change after creation.
    Immutable(String),
    /// A change of these fields replaces it.
    NotInPlace(String),
    /// It carries our tags but is not in the state.
    Unrecorded,
    /// An earlier destroy kept it for its data.
    TakenBack,
    /// Its creation was interrupted.
    Unfinished,
    /// Its deletion was recorded and not carried out.
    DeletionAbandoned,
    /// The configuration changed.
    Configuration,
    /// It was changed outside of domino-eks.
    Drift,
    /// Both.
    ConfigurationAndDrift,
    /// A cluster of this name exists that was not made under this state; its ARN.
    NameTaken(String),
    /// It is recorded, and AWS does not show it.
    NotShown,
    /// The configuration no longer names it.
    Unwanted,
    /// Kubernetes made it and did not delete it.
    Leftover,
    /// It holds data, which is kept.
    DataKept,
    /// It would be deleted after a resource that stays, so it stays as well.
    After(Address),
    /// It holds data and was not shown to the user before.
    DataNotShown,
    /// An existing cluster that is not ours has its name.
    NameReused,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::None => Ok(()),
            Reason::New => f.write_str("it does not exist yet"),
            Reason::Vanished => f.write_str("it is recorded, but no longer exists in AWS"),
            Reason::DataBeingDeleted => f.write_str("it is being deleted; cancel that in AWS, or wait until it is gone"),
            Reason::BeingDeleted => f.write_str("it is being deleted"),
            Reason::Failed(why) => write!(f, "it has failed: {why}"),
            Reason::Immutable(fields) => write!(
                f,
                "{fields} cannot change after creation, and replacing it would lose its data; restore the old value, or destroy and apply again"
            ),
            Reason::NotInPlace(fields) => write!(f, "{fields} cannot change in place"),
            Reason::Unrecorded => f.write_str("it carries our tags but is not in the state"),
            Reason::TakenBack => f.write_str("an earlier destroy kept it for its data; it is taken back"),
            Reason::Unfinished => f.write_str("its creation was interrupted and will be finished"),
            Reason::DeletionAbandoned => f.write_str("its deletion was not carried out; it is kept, and its creation will be finished"),
            Reason::Configuration => f.write_str("the configuration changed"),
            Reason::Drift => f.write_str("it was changed outside"),
            Reason::ConfigurationAndDrift => f.write_str("the configuration changed, and it was changed outside"),
            Reason::NameTaken(arn) => {
                write!(f, "{arn} exists and was not made under this state; choose another `name`, or delete that cluster first")
            }
            Reason::NotShown => f.write_str("it is recorded; AWS no longer shows it"),
            Reason::Unwanted => f.write_str("it is no longer wanted"),
            Reason::Leftover => f.write_str("left by Kubernetes"),
            Reason::DataKept => f.write_str("it holds data, which is kept"),
            Reason::After(first) => write!(f, "it is deleted after {first}, which stays"),
            Reason::DataNotShown => f.write_str("it holds data and was not shown before; check it, and run the same command again"),
            Reason::NameReused => f.write_str("another cluster has its name; only the record is deleted"),
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One line of the plan.
#[derive(Debug, Clone, Serialize)]
pub struct Action {
    /// What it is about.
    pub address: Address,
    /// Its kind.
    #[serde(serialize_with = "kind_name")]
    pub kind: Kind,
    /// Its group.
    pub layer: Layer,
    /// What is done with it.
    #[serde(rename = "action")]
    pub verb: Verb,
    /// Why.
    pub reason: Reason,
    /// Fields that differ; for a create, the fields of the spec.
    pub fields: Vec<FieldChange>,
    /// Paths whose value is known only during apply.
    pub unknown: Vec<String>,
    /// Addresses that it depends on.
    pub depends_on: Vec<Address>,
    /// AWS id where one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The desired resource.
    #[serde(skip)]
    pub desired: Option<Desired>,
    /// What is known of the existing resource: id, spec before the change, attributes.
    #[serde(skip)]
    pub existing: Option<Record>,
}

fn kind_name<S: serde::Serializer>(kind: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.name())
}

/// Everything that apply would do, in the order of creation.
#[derive(Debug, Clone)]
pub struct Plan {
    /// One action for each address.
    pub actions: Vec<Action>,
}

/// Count of actions by verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// Resources to create.
    pub create: usize,
    /// Resources to change in place.
    pub update: usize,
    /// Resources to delete and create again.
    pub replace: usize,
    /// Resources to delete.
    pub delete: usize,
    /// Resources to keep for their data.
    pub retain: usize,
    /// Resources to record in the state.
    pub adopt: usize,
    /// Changes that are refused.
    pub blocked: usize,
    /// Resources that need no change.
    pub no_change: usize,
}

/// A plan that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A bug of the blueprint: resources depend on each other in a cycle.
    #[error("resources depend on each other in a cycle: {0}")]
    Cycle(String),
    /// A bug of the blueprint: a reference to a resource that does not exist.
    #[error("`{from}` refers to `{to}`, which is neither wanted nor recorded")]
    Dangling {
        /// The resource with the reference.
        from: Address,
        /// The target of the reference.
        to: String,
    },
}

impl Plan {
    /// Counts the actions.
    pub fn summary(&self) -> Summary {
        let count = |verb| self.actions.iter().filter(|action| action.verb == verb).count();
        Summary {
            create: count(Verb::Create),
            update: count(Verb::Update),
            replace: count(Verb::Replace),
            delete: count(Verb::Delete),
            retain: count(Verb::Retain),
            adopt: count(Verb::Adopt),
            blocked: count(Verb::Blocked),
            no_change: count(Verb::NoChange),
        }
    }

    /// Whether apply would do anything.
    pub fn has_changes(&self) -> bool {
        self.actions.iter().any(|action| action.verb != Verb::NoChange)
    }
}

/// What a plan is made from.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// The desired resources; empty to destroy everything.
    pub desired: &'a [Desired],
    /// What the state knows.
    pub state: &'a Document,
    /// The observed resources; `None` for an offline plan, in which everything is new.
    pub observed: Option<&'a [Observed]>,
    /// Attributes of look-ups: images, add-on versions, existing subnets.
    pub lookups: &'a Attributes,
}

/// Compares desired, recorded and observed resources.
///
/// # Errors
/// Dependency cycles and dangling references, both bugs of the blueprint.
pub fn plan(inputs: &Inputs<'_>) -> Result<Plan, PlanError> {
    let observed = by_address(inputs);
    let mut known = inputs.state.attributes();
    for (address, item) in &observed {
        known.entry(address.to_string()).or_default().extend(item.attributes.clone());
    }
    if inputs.observed.is_some() {
        known.retain(|key, _| {
            key.parse::<Address>().map_or(true, |address| observed.contains_key(&address) || address.kind().facts().keeps_attributes)
        });
    }
    known.extend(inputs.lookups.iter().map(|(key, values)| (key.clone(), values.clone())));
    let mut actions = Vec::new();
    for index in desired_order(inputs.desired, &known)? {
        let desired = &inputs.desired[index];
        let record = inputs.state.resources.get(&desired.address);
        let action = wanted(desired, record, observed.get(&desired.address).copied(), &known);
        forget_changing_attributes(&action, &mut known);
        actions.push(action);
    }
    actions.extend(unwanted(inputs, &observed));
    actions.sort_by(|a, b| (a.layer, &a.address).cmp(&(b.layer, &b.address)));
    Ok(Plan { actions })
}

/// One resource for each address. Of duplicates it is the recorded one, else one that is not being deleted: AWS shows the key of
/// a destroyed cluster for up to thirty days beside that of a new one.
pub(crate) fn by_address<'a>(inputs: &Inputs<'a>) -> BTreeMap<&'a Address, &'a Observed> {
    let mut chosen: BTreeMap<&Address, &Observed> = BTreeMap::new();
    let rank = |item: &Observed| {
        let recorded = inputs.state.resources.get(&item.address).is_some_and(|record| record.id == item.id);
        (recorded, item.readiness != Readiness::Deleting)
    };
    for item in inputs.observed.into_iter().flatten() {
        if chosen.get(&item.address).is_none_or(|before| rank(item) > rank(before)) {
            chosen.insert(&item.address, item);
        }
    }
    chosen
}

/// Order in which every resource comes after those it refers to.
fn desired_order(desired: &[Desired], known: &Attributes) -> Result<Vec<usize>, PlanError> {
    let index: HashMap<&Address, usize> = desired.iter().enumerate().map(|(position, item)| (&item.address, position)).collect();
    let mut graph = Graph::new(desired.len());
    for (position, item) in desired.iter().enumerate() {
        for dependency in item.dependencies() {
            match index.get(&dependency) {
                Some(first) => graph.add(*first, position),
                None if known.contains_key(&dependency.to_string()) => {}
                None => return Err(PlanError::Dangling { from: item.address.clone(), to: dependency.to_string() }),
            }
        }
    }
    graph.order().map_err(|cycle| {
        let names: Vec<String> = cycle.iter().map(|position| desired[*position].address.to_string()).collect();
        PlanError::Cycle(names.join(" → "))
    })
}

/// The action for a wanted resource.
fn wanted(desired: &Desired, record: Option<&Record>, observed: Option<&Observed>, known: &Attributes) -> Action {
    let blank = Action {
        address: desired.address.clone(),
        kind: desired.kind(),
        layer: desired.kind().facts().layer,
        verb: Verb::NoChange,
        reason: Reason::None,
        fields: Vec::new(),
        unknown: Vec::new(),
        depends_on: desired.dependencies(),
        id: None,
        desired: Some(desired.clone()),
        existing: None,
    };
    let Some(observed) = observed else {
        let reason = match record {
            Some(_) => Reason::Vanished,
            None => Reason::New,
        };
        return with_fields(Action { verb: Verb::Create, reason, ..blank }, created_fields(desired, known));
    };
    let existing = existing(observed, record);
    let changes = changes(desired, record, observed, known);
    let (verb, reason) = verb_and_reason(desired.kind(), record, observed, &changes);
    let action = Action { verb, reason, id: Some(observed.id.clone()), existing: Some(existing), ..blank };
    with_fields(action, changes)
}

fn with_fields(mut action: Action, fields: Vec<FieldChange>) -> Action {
    action.unknown = fields.iter().filter(|field| field.unknown).map(|field| field.path.clone()).collect();
    action.fields = fields;
    action
}

/// What is known of an existing resource, as a record: observed values override recorded ones.
fn existing(observed: &Observed, record: Option<&Record>) -> Record {
    let mut spec = record.map_or_else(|| Value::Object(serde_json::Map::new()), |record| record.spec.clone());
    if let (Some(spec), Some(read)) = (spec.as_object_mut(), observed.spec.as_object()) {
        spec.extend(read.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    let mut attributes = record.map(|record| record.attributes.clone()).unwrap_or_default();
    attributes.extend(observed.attributes.clone());
    Record {
        id: observed.id.clone(),
        // Another id means that a re-creation was interrupted before it was recorded.
        status: record.filter(|record| record.id == observed.id).map_or(RecordStatus::Creating, |record| record.status),
        spec,
        tags: observed.tags.clone().or_else(|| record.map(|record| record.tags.clone())).unwrap_or_default(),
        attributes,
        dependencies: record.map(|record| record.dependencies.clone()).unwrap_or_default(),
    }
}

fn changes(desired: &Desired, record: Option<&Record>, observed: &Observed, known: &Attributes) -> Vec<FieldChange> {
    let sides = Sides { desired: &desired.spec, recorded: record.map(|record| &record.spec), observed: &observed.spec, known };
    let mut changes = diff::fields(desired.kind(), &sides);
    changes.extend(diff::tags(&desired.tags, record.map(|record| &record.tags), observed.tags.as_ref()));
    changes
}

/// Decides what to do with a wanted resource that exists.
fn verb_and_reason(kind: Kind, record: Option<&Record>, observed: &Observed, changes: &[FieldChange]) -> (Verb, Reason) {
    let unfinished = record.is_some_and(|record| record.status == RecordStatus::Creating || record.id != observed.id);
    let named = |class: Change| {
        changes.iter().filter(|change| change.class == class).map(|change| change.path.as_str()).collect::<Vec<_>>().join(", ")
    };
    match &observed.readiness {
        Readiness::Deleting if kind.facts().holds_data => return (Verb::Blocked, Reason::DataBeingDeleted),
        Readiness::Deleting => return (Verb::Replace, Reason::BeingDeleted),
        Readiness::Failed(why) if kind.facts().holds_data || !unfinished && kind.facts().blocked_when_failed => {
            return (Verb::Blocked, Reason::Failed(why.clone()));
        }
        Readiness::Failed(why) => return (Verb::Replace, Reason::Failed(why.clone())),
        Readiness::NotYet(_) | Readiness::Ready => {}
    }
    let (blocked, replaced) = (named(Change::Blocked), named(Change::Replace));
    if !blocked.is_empty() {
        return (Verb::Blocked, Reason::Immutable(blocked));
    }
    if !replaced.is_empty() {
        return (Verb::Replace, Reason::NotInPlace(replaced));
    }
    let Some(record) = record else { return (Verb::Adopt, Reason::Unrecorded) };
    if record.status == RecordStatus::Retained {
        return (Verb::Adopt, Reason::TakenBack);
    }
    if unfinished {
        return (Verb::Create, Reason::Unfinished);
    }
    if record.status == RecordStatus::Deleting {
        // It may not have been ready yet when its deletion was recorded.
        return (Verb::Create, Reason::DeletionAbandoned);
    }
    let (drift, configuration) = (changes.iter().any(|change| change.drift), changes.iter().any(|change| !change.drift));
    match (drift, configuration) {
        (false, false) => (Verb::NoChange, Reason::None),
        (true, true) => (Verb::Update, Reason::ConfigurationAndDrift),
        (true, false) => (Verb::Update, Reason::Drift),
        (false, true) => (Verb::Update, Reason::Configuration),
    }
}

/// The spec fields of a new resource, as far as they are known.
fn created_fields(desired: &Desired, known: &Attributes) -> Vec<FieldChange> {
    let spec = desired.spec.as_object().into_iter().flatten();
    spec.filter(|(_, wanted)| !wanted.is_null())
        .map(|(name, wanted)| {
            let after = resolve(wanted, known).ok();
            FieldChange {
                path: name.clone(),
                before: Value::Null,
                unknown: after.is_none(),
                after: after.unwrap_or(Value::Null),
                forces_replacement: false,
                class: Change::InPlace,
                drift: false,
            }
        })
        .collect()
}

/// Removes attributes that the action will change: they are known only during apply.
fn forget_changing_attributes(action: &Action, known: &mut Attributes) {
    let key = action.address.to_string();
    let fresh = matches!(action.verb, Verb::Replace) || action.verb == Verb::Create && action.existing.is_none();
    if fresh && !action.kind.facts().keeps_attributes {
        known.remove(&key);
    } else if action.verb == Verb::Update
        && action.fields.iter().any(|field| !field.path.starts_with("tags."))
        && let Some(attributes) = known.get_mut(&key)
    {
        action.kind.facts().volatile.iter().for_each(|name| drop(attributes.remove(*name)));
    }
}

/// Deletes of everything recorded or observed that is not desired. Leftovers of Kubernetes are deleted by destroy only.
fn unwanted(inputs: &Inputs<'_>, observed: &BTreeMap<&Address, &Observed>) -> Vec<Action> {
    let wanted: BTreeSet<&Address> = inputs.desired.iter().map(|desired| &desired.address).collect();
    let all = inputs.state.resources.keys().chain(observed.keys().copied()).filter(|address| !wanted.contains(address));
    // Data that an earlier destroy kept is deleted by another destroy only.
    let is_kept = |address: &Address| {
        !inputs.desired.is_empty() && inputs.state.resources.get(address).is_some_and(|record| record.status == RecordStatus::Retained)
    };
    let all: BTreeSet<&Address> = all.filter(|address| !address.kind().facts().leftover && !is_kept(address)).collect();
    all.into_iter().map(|address| deletion(address, inputs.state, observed.get(address).copied())).collect()
}

/// Kinds of which only the record is deleted when AWS does not show them. A delete by name or id could hit a resource of others
/// that has taken the name, or data whose tags were removed.
fn is_shown_if_ours(kind: Kind) -> bool {
    kind.facts().reusable_name || kind.facts().holds_data || kind.facts().leftover
}

/// The deletion of what is recorded, observed, or both.
pub(super) fn deletion(address: &Address, state: &Document, observed: Option<&Observed>) -> Action {
    let record = state.resources.get(address);
    // A resource created a moment ago may not be visible yet, so it is deleted although AWS does not show it.
    let is_new = state.intents.get(address).is_some_and(|intent| intent.age_seconds() < Intent::LIVE_SECONDS);
    let existing = match observed {
        Some(observed) => Some(existing(observed, record)),
        None => record.filter(|_| is_new || !is_shown_if_ours(address.kind())).cloned(),
    };
    let reason = match (record, observed) {
        (Some(_), None) => Reason::NotShown,
        (None, _) => Reason::Unrecorded,
        _ => Reason::Unwanted,
    };
    // A resource whose id was never recorded has an intent with its dependencies.
    let dependencies = record.map(|record| &record.dependencies).or(state.intents.get(address).map(|intent| &intent.dependencies));
    let dependencies = dependencies.cloned().unwrap_or_default();
    Action {
        address: address.clone(),
        kind: address.kind(),
        layer: address.kind().facts().layer,
        verb: Verb::Delete,
        reason,
        fields: Vec::new(),
        unknown: Vec::new(),
        depends_on: dependencies,
        id: existing.as_ref().map(|existing| existing.id.clone()),
        desired: None,
        existing,
    }
}
