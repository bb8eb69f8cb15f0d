//! What must hold after a run: the account, the state and the configuration agree.

use super::clusters::{APPLY, DESTROY, MADE_BY_AWS, account};
use super::emulator::Emulator;
use super::state_location::{BUCKET, StateLocation};
use super::workspace::Workspace;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// How many objects of each type exist, without what AWS makes by itself.
pub(crate) fn counted_with_state(emulator: &Emulator) -> BTreeMap<String, usize> {
    count(emulator, |_| true)
}

/// How many objects of each type exist, without what AWS makes by itself, the states and their bucket.
pub(crate) fn counted(emulator: &Emulator) -> BTreeMap<String, usize> {
    count(emulator, |id| id != BUCKET && !id.starts_with(&format!("{BUCKET}/")))
}

fn count(emulator: &Emulator, is_counted: impl Fn(&str) -> bool) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for object in emulator.living() {
        let (kind, id) = (object["type"].as_str().unwrap(), object["id"].as_str().unwrap_or_default());
        if !MADE_BY_AWS.contains(&kind) && is_counted(id) {
            *counts.entry(kind.to_owned()).or_default() += 1;
        }
    }
    counts
}

/// Counts of the same cluster made without any disturbance.
fn undisturbed() -> &'static BTreeMap<String, usize> {
    static COUNTS: OnceLock<BTreeMap<String, usize>> = OnceLock::new();
    COUNTS.get_or_init(|| {
        let emulator = account();
        StateLocation::Folder.fresh(&emulator).run_soon(&APPLY).expect(0);
        counted(&emulator)
    })
}

/// Address and id of every record of `state list`.
fn recorded_ids(state: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    state["resources"].as_array().unwrap().iter().map(|resource| (text(&resource["address"]), text(&resource["id"]))).collect()
}

/// The ids of all records.
#[track_caller]
pub(crate) fn ids(workspace: &Workspace) -> BTreeMap<String, String> {
    recorded_ids(&workspace.run(&["state", "list", "--format", "json"]).expect(0).json())
}

/// Every object that carries an address of ours is in the state, under this address and no other one, and nothing is unfinished.
pub(crate) fn each_is_recorded_once(emulator: &Emulator, workspace: &Workspace) -> Result<(), String> {
    let listed = workspace.run_soon(&["state", "list", "--format", "json"]);
    let state = serde_json::from_str::<Value>(&listed.stdout).map_err(|error| format!("state list: {error}: {}", listed.stderr))?;
    if state["begun"] != json!([]) {
        return Err(format!("begun and never finished: {}", state["begun"]));
    }
    let recorded = recorded_ids(&state);
    let mut seen = BTreeMap::new();
    for object in emulator.living() {
        let kind = object["type"].as_str().unwrap();
        let Some(address) = object["tags"]["domino-eks:address"].as_str().filter(|_| !MADE_BY_AWS.contains(&kind)) else { continue };
        let id = object["id"].as_str().unwrap();
        if let Some(other) = seen.insert(address.to_owned(), id.to_owned()) {
            return Err(format!("{address} exists twice: {other} and {id}"));
        }
        match recorded.get(address) {
            // The inventory has some by ARN.
            Some(recorded) if id.ends_with(recorded) || recorded.ends_with(id) || id.contains(&format!("/{recorded}")) => {}
            Some(recorded) => return Err(format!("{address} is {id}, but recorded as {recorded}")),
            None => return Err(format!("{address} ({id}) exists, but is not in the state")),
        }
    }
    Ok(())
}

/// The next plan is empty.
pub(crate) fn plans_nothing(workspace: &Workspace) -> Result<(), String> {
    let plan = workspace.run_soon(&["plan", "--format", "json", "--quiet"]);
    let plan = serde_json::from_str::<Value>(&plan.stdout).map_err(|error| format!("plan: {error}: {}", plan.stderr))?;
    match plan["actions"].as_array().map(Vec::len) {
        Some(0) => Ok(()),
        open => Err(format!("the next plan has {open:?} actions")),
    }
}

/// The cluster of one zone is as the configuration says, nothing is there twice, and everything is recorded under its own address.
#[track_caller]
pub(crate) fn converged(emulator: &Emulator, workspace: &Workspace) {
    assert_eq!(workspace.planned(), BTreeMap::new());
    assert_eq!(&counted(emulator), undisturbed());
    each_is_recorded_once(emulator, workspace).unwrap_or_else(|why| panic!("{why}"));
}

/// Destroy leaves nothing but the state itself.
#[track_caller]
pub(crate) fn vanishes(emulator: &Emulator, workspace: &Workspace) {
    workspace.run_soon(&DESTROY).expect(0);
    assert_eq!(counted(emulator), BTreeMap::new());
}

/// The lock was given back.
#[track_caller]
pub(crate) fn unlocked(workspace: &Workspace) {
    let run = workspace.run(&["state", "unlock"]).expect(0);
    assert!(run.stderr.contains("not locked"), "{}", run.stderr);
}
