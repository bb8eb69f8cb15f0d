//! The plan that leaves nothing: everything recorded, everything that carries our tags, everything that Kubernetes left
//! (RUN-4). What holds data may be kept.

use super::blocker::Foreign;
use super::item::{Observed, Readiness};
use super::plan::{Action, Inputs, Plan, PlanError, Reason, Verb, deletion, plan};
use super::recover::uses;
use super::steps::waiting_for;
use crate::resource::{Address, Kind, Layer};
use crate::state::{Document, Intent, RecordStatus};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What a resource holds that cannot be made again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DataLine {
    /// The resource.
    pub address: Address,
    /// Its AWS id.
    pub id: String,
    /// What is in it, for people.
    pub holds: String,
    /// Whether there is anything that deleting it would lose.
    pub is_empty: bool,
}

/// A protection against deletion that somebody switched on, and that only an explicit word lifts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Protection {
    /// The resource.
    pub address: Address,
    /// Its AWS id.
    pub id: String,
    /// What protects it, for people.
    pub by: String,
}

/// Something recorded that somebody took our tags off: left alone, and still recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Disowned {
    /// The resource.
    pub address: Address,
    /// Its AWS id.
    pub id: String,
}

/// What a person should know before saying yes.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Survey {
    /// Data, the fullest first.
    pub data: Vec<DataLine>,
    /// What is not ours and stands in the way.
    pub foreign: Vec<Foreign>,
    /// What AWS does not delete before its protection is lifted.
    pub protected: Vec<Protection>,
    /// What is recorded and exists, but does not carry our tags any more.
    pub disowned: Vec<Disowned>,
}

/// Deletes everything; `inputs.desired` is empty. With `keep_data`, what holds data is only written down as kept.
///
/// # Errors
/// As [`plan`].
pub fn teardown(inputs: &Inputs<'_>, leftovers: &[Observed], keep_data: bool) -> Result<Plan, PlanError> {
    let mut plan = plan(inputs)?;
    plan.actions.extend(leftover_actions(inputs.state, leftovers));
    let seen: Vec<&Observed> = inputs.observed.into_iter().flatten().chain(leftovers).collect();
    order_unrecorded(&mut plan, inputs.state, &seen);
    let waiting: BTreeSet<&str> = seen.iter().copied().filter(|seen| seen.is_scheduled()).map(|seen| seen.id.as_str()).collect();
    let scheduled = |action: &&mut Action| action.id.as_deref().is_some_and(|id| waiting.contains(id));
    for action in plan.actions.iter_mut().filter(scheduled).filter(|action| !state_has(inputs.state, action)) {
        action.verb = Verb::NoChange;
    }
    if keep_data {
        keep(&mut plan, inputs.state, &seen);
    }
    Ok(plan)
}

/// What exists and holds data stays; what AWS deletes already cannot be kept, and what an earlier run kept is no work. What
/// AWS does not show is only forgotten, unless it was just made and may be invisible yet.
fn keep(plan: &mut Plan, state: &Document, seen: &[&Observed]) {
    let alive = seen.iter().filter(|seen| seen.readiness != Readiness::Deleting);
    let exists: BTreeSet<(&Address, &str)> = alive.map(|seen| (&seen.address, seen.id.as_str())).collect();
    for action in plan.actions.iter_mut().filter(|action| action.verb == Verb::Delete && is_kept(action.kind)) {
        let is_new = state.intents.get(&action.address).is_some_and(|intent| intent.age_seconds() < Intent::LIVE_SECONDS);
        let is_seen = seen.iter().any(|seen| seen.address == action.address);
        let may_exist = |id: &&str| exists.contains(&(&action.address, *id)) || !is_seen && is_new;
        let Some(id) = action.id.as_deref().filter(may_exist) else {
            action.existing = action.existing.take().filter(|_| is_seen);
            continue;
        };
        let is_written =
            state.resources.get(&action.address).is_some_and(|record| record.status == RecordStatus::Retained && record.id == id);
        action.verb = if is_written { Verb::NoChange } else { Verb::Retain };
        action.reason = Reason::DataKept;
    }
}

/// Takes out of a plan what stays, and everything that would go after it: with their order they would lose its sense (a key
/// before what it encrypts, roles of a living cluster).
pub fn hold_back(plan: &mut Plan, stay: &BTreeSet<Address>) {
    let waiting = waiting_for(plan, stay);
    for action in plan.actions.iter_mut().filter(|action| action.verb == Verb::Delete) {
        if let Some(first) = waiting.get(&action.address) {
            action.reason = Reason::After(first.clone());
        }
        if stay.contains(&action.address) || waiting.contains_key(&action.address) {
            action.verb = Verb::NoChange;
        }
    }
}

fn state_has(state: &Document, action: &Action) -> bool {
    state.resources.contains_key(&action.address)
}

/// What holds data, and what stays with it.
pub fn is_kept(kind: Kind) -> bool {
    kind.facts().holds_data || kind.facts().kept_with.is_some()
}

/// Deletes of what was found, and of records of what is not found any more.
fn leftover_actions(state: &Document, leftovers: &[Observed]) -> Vec<Action> {
    let found: BTreeMap<&Address, &Observed> = leftovers.iter().map(|seen| (&seen.address, seen)).collect();
    let recorded = state.resources.keys().filter(|address| address.kind().facts().leftover);
    let all: BTreeSet<&Address> = recorded.chain(found.keys().copied()).collect();
    let action = |address: &Address| {
        let mut action = deletion(address, state, found.get(address).copied());
        if action.existing.is_some() {
            action.reason = Reason::Leftover;
        }
        action
    };
    all.into_iter().map(action).collect()
}

/// What was found by its tags alone goes before what it names in its spec. Only kinds that are made earlier count, so that
/// nothing waits in a circle; what was left goes after groups and cluster, whatever it names.
fn order_unrecorded(plan: &mut Plan, state: &Document, seen: &[&Observed]) {
    let is_known = |address: &Address| state.resources.contains_key(address) || state.intents.contains_key(address);
    for action in plan.actions.iter_mut().filter(|action| action.verb == Verb::Delete && !is_known(&action.address)) {
        let Some(user) = seen.iter().find(|seen| seen.address == action.address && Some(&seen.id) == action.id.as_ref()) else { continue };
        let used = seen.iter().filter(|other| other.address.kind() < user.address.kind() && !is_outlived(user, other) && uses(user, other));
        action.depends_on = used.map(|other| other.address.clone()).collect();
    }
}

fn is_outlived(user: &Observed, used: &Observed) -> bool {
    let (user, used) = (user.address.kind().facts(), used.address.kind().facts());
    // A node is ended whatever still names it; what was left goes after the cluster and its nodes, whatever it names.
    used.runs_nodes || user.leftover && !used.leftover && used.layer >= Layer::ControlPlane
}
