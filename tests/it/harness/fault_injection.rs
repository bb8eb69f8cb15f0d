//! For tests that disturb a run at every call: the cluster of three zones is made, looked at and taken down, with disturbances in between.

use super::clusters::{APPLY_QUIETLY, THREE_ZONES, account};
use super::convergence::{counted_with_state, each_is_recorded_once, plans_nothing};
use super::emulator::Emulator;
use super::state_location::{BUCKET, StateLocation};
use super::workspace::{Workspace, example};
use serde_json::Value;
use std::collections::BTreeMap;

/// Destroys the cluster of three zones with its data.
pub(crate) const DESTROY_QUIETLY: [&str; 5] = ["destroy", "--confirm", THREE_ZONES, "--delete-data", "--quiet"];

/// An account that is used for one cluster after another.
pub(crate) struct Bench {
    pub(crate) emulator: Emulator,
    location: StateLocation,
}

/// What an undisturbed apply and destroy are like.
pub(crate) struct Reference {
    counts: BTreeMap<String, usize>,
    pub(crate) apply: Calls,
    pub(crate) destroy: Calls,
}

/// How many calls a run sends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Calls {
    pub(crate) all: usize,
    /// Those that change something.
    pub(crate) mutating: usize,
}

impl Bench {
    pub(crate) fn new(location: StateLocation) -> Self {
        Self { emulator: account(), location }
    }

    /// An empty account and an empty folder.
    pub(crate) fn fresh(&self) -> Workspace {
        self.location.fresh_with(&self.emulator, &example("domino-test-cluster.yaml"))
    }

    fn calls(&self, since: usize) -> Calls {
        let requests = self.emulator.requests(since);
        Calls { all: requests.len(), mutating: requests.iter().filter(|request| request.mutating).count() }
    }

    pub(crate) fn reference(&self) -> Reference {
        let workspace = self.fresh();
        let since = self.emulator.count();
        workspace.run_soon(&APPLY_QUIETLY).expect(0);
        let apply = self.calls(since);
        let counts = counted_with_state(&self.emulator);
        let since = self.emulator.count();
        workspace.run_soon(&DESTROY_QUIETLY).expect(0);
        Reference { counts, apply, destroy: self.calls(since) }
    }

    /// The same command ends well, the next plan is empty, and everything is there once and recorded once.
    pub(crate) fn converges(&self, workspace: &Workspace, reference: &Reference) -> Result<(), String> {
        done(workspace, &APPLY_QUIETLY)?;
        plans_nothing(workspace)?;
        let counts = counted_with_state(&self.emulator);
        if counts != reference.counts {
            let differs = counts.iter().filter(|(kind, count)| reference.counts.get(*kind) != Some(count)).collect::<Vec<_>>();
            return Err(format!("too many or too few: {differs:?}"));
        }
        each_is_recorded_once(&self.emulator, workspace)
    }

    /// The same command ends well, and the account is what it was before.
    pub(crate) fn vanishes(&self, workspace: &Workspace, before: &[Value]) -> Result<(), String> {
        done(workspace, &DESTROY_QUIETLY)?;
        let left = self.emulator.living();
        // The state itself stays, and so do the versions of it and of the lock.
        let is_state = |object: &&Value| object["id"].as_str().is_some_and(|id| id.starts_with(&format!("{BUCKET}/")));
        let names = |objects: &[Value]| {
            let others = objects.iter().filter(|object| !is_state(object));
            others.map(|object| format!("{} {}", object["type"], object["id"])).collect::<Vec<_>>()
        };
        if names(&left) != names(before) {
            return Err(format!("left: {:?}", names(&left)));
        }
        let lock = workspace.run_soon(&["state", "unlock"]);
        if !lock.stderr.contains("not locked") {
            return Err(format!("the lock was not given back: {}", lock.stderr));
        }
        Ok(())
    }
}

fn done(workspace: &Workspace, arguments: &[&str]) -> Result<(), String> {
    let run = workspace.run_soon(arguments);
    if run.code == 0 { Ok(()) } else { Err(format!("`{}` ends with {}: {}", arguments.join(" "), run.code, run.stderr.trim())) }
}
