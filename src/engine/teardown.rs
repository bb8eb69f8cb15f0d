//! The plan of a destroy: everything recorded, everything that carries our tags, everything that Kubernetes left (RUN-4).
//! What holds data may be kept.

use super::blocker::Foreign;
use super::item::{Observed, Readiness};
use super::plan::{Action, Inputs, Plan, PlanError, Reason, Verb, deletion, plan};
use super::recover::uses;
use super::steps::waiting_for;
use crate::resource::{Address, Kind, Layer};
use crate::state::{Document, Intent, RecordStatus};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The data that a resource holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DataLine {
    /// The resource.
    pub address: Address,
    /// Its AWS id.
    pub id: String,
    /// What is in it, as shown to the user.
    pub holds: String,
    /// Whether deleting it loses nothing.
    pub is_empty: bool,
}

/// A protection against deletion, which only `--lift-protection` lifts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Protection {
    /// The resource.
    pub address: Address,
    /// Its AWS id.
    pub id: String,
    /// What protects it, as shown to the user.
    pub by: String,
}

/// A recorded resource that no longer carries our tags: left alone, and still recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Disowned {
    /// The resource.
    pub address: Address,
    /// Its AWS id.
    pub id: String,
}

/// What the user should know before agreeing.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Survey {
    /// Data, the largest first.
    pub data: Vec<DataLine>,
    /// Resources of others that block the teardown.
    pub foreign: Vec<Foreign>,
    /// Resources that AWS deletes only after their protection is lifted.
    pub protected: Vec<Protection>,
    /// Recorded resources that exist but no longer carry our tags.
    pub disowned: Vec<Disowned>,
}

/// The plan that deletes everything; `inputs.desired` is empty. With `keep_data`, what holds data is only recorded as kept.
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

/// Retains what exists and holds data. What AWS is already deleting cannot be kept, and what an earlier run kept needs no action.
/// Of what AWS does not show only the record is deleted, unless it was just created and may not be visible yet.
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

/// Takes out of a plan what stays, and everything that would be deleted after it: a key must not be deleted before what it
/// encrypts, nor the roles of a cluster that still exists.
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

/// Whether `--retain-data` keeps the kind: it holds data, or belongs to what does.
pub fn is_kept(kind: Kind) -> bool {
    kind.facts().holds_data || kind.facts().kept_with.is_some()
}

/// Deletes of the leftovers that were found, and of the records of those that no longer exist.
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

/// A resource found by its tags alone is deleted before those that its spec names. Only kinds that are created earlier count,
/// so that no cycle arises; leftovers are deleted after groups and cluster, whatever they name.
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
    // Nodes are terminated whatever still names them; leftovers are deleted after the cluster and its nodes, whatever they name.
    used.runs_nodes || user.leftover && !used.leftover && used.layer >= Layer::ControlPlane
}
