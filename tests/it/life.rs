//! The life of a cluster, for exhaustive tests: it is made, looked at, and taken down, with disturbances in between.

use crate::emulator::Emulator;
use crate::workspace::{Workspace, example};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const CLUSTER: &str = "domino-test-cluster";
pub(crate) const APPLY: [&str; 3] = ["apply", "--yes", "--quiet"];
pub(crate) const DESTROY: [&str; 5] = ["destroy", "--confirm", CLUSTER, "--delete-data", "--quiet"];
/// Made and cleared away by AWS itself, in its own time.
const OF_AWS: [&str; 3] = ["instance", "volume", "network-interface"];
const BUCKET: &str = "team-states";

/// Where the state of a sweep lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Home {
    Folder,
    Bucket,
}

/// One account and one folder, with what an undisturbed run makes.
pub(crate) struct Bench {
    pub(crate) emulator: Emulator,
    home: Home,
}

/// What an undisturbed life of the cluster is like.
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
    pub(crate) fn new(home: Home) -> Self {
        // AWS is quicker than our patience: no wait ends early on a busy machine.
        Self { emulator: Emulator::start_with(&[]), home }
    }

    /// An empty account and an empty folder.
    pub(crate) fn fresh(&self) -> Workspace {
        self.emulator.reset();
        let configuration = example("domino-test-cluster.yaml");
        match self.home {
            Home::Folder => Workspace::new(&self.emulator, &configuration),
            Home::Bucket => {
                self.emulator.aws(&format!(
                    "s3.create_bucket(Bucket='{BUCKET}', CreateBucketConfiguration={{'LocationConstraint': 'us-west-2'}})\n\
                     s3.put_bucket_versioning(Bucket='{BUCKET}', VersioningConfiguration={{'Status': 'Enabled'}})"
                ));
                Workspace::new(&self.emulator, &format!("{configuration}\nstate: s3://{BUCKET}/sweep\n"))
            }
        }
    }

    fn calls(&self, since: usize) -> Calls {
        let requests = self.emulator.requests(since);
        Calls { all: requests.len(), mutating: requests.iter().filter(|request| request.mutating).count() }
    }

    pub(crate) fn reference(&self) -> Reference {
        let workspace = self.fresh();
        let since = self.emulator.count();
        workspace.run_soon(&APPLY).expect(0);
        let apply = self.calls(since);
        let counts = self.counts();
        let since = self.emulator.count();
        workspace.run_soon(&DESTROY).expect(0);
        Reference { counts, apply, destroy: self.calls(since) }
    }

    /// How many objects of each type live, without what AWS makes by itself.
    fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for kind in self.emulator.living().iter().map(|object| object["type"].as_str().unwrap()) {
            if !OF_AWS.contains(&kind) {
                *counts.entry(kind.to_owned()).or_default() += 1;
            }
        }
        counts
    }

    /// The same command ends well, the next plan is empty, and everything is there once and recorded once.
    pub(crate) fn converges(&self, workspace: &Workspace, reference: &Reference) -> Result<(), String> {
        done(workspace, &APPLY)?;
        let plan = workspace.run_soon(&["plan", "--format", "json", "--quiet"]);
        let actions = serde_json::from_str::<Value>(&plan.stdout).map_err(|error| format!("plan: {error}: {}", plan.stderr))?;
        let open = actions["actions"].as_array().map(Vec::len);
        if open != Some(0) {
            return Err(format!("the next plan has {open:?} actions"));
        }
        let counts = self.counts();
        if counts != reference.counts {
            let differs = counts.iter().filter(|(kind, count)| reference.counts.get(*kind) != Some(count)).collect::<Vec<_>>();
            return Err(format!("too many or too few: {differs:?}"));
        }
        self.each_is_recorded_once(workspace)
    }

    /// Every object that carries an address of ours is in the state, under this address and no other one.
    fn each_is_recorded_once(&self, workspace: &Workspace) -> Result<(), String> {
        let listed = workspace.run_soon(&["state", "list", "--format", "json"]);
        let state = serde_json::from_str::<Value>(&listed.stdout).map_err(|error| format!("state list: {error}: {}", listed.stderr))?;
        if state["begun"] != json!([]) {
            return Err(format!("begun and never finished: {}", state["begun"]));
        }
        let recorded: BTreeMap<&str, &str> = state["resources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|resource| (resource["address"].as_str().unwrap(), resource["id"].as_str().unwrap()))
            .collect();
        let mut seen = BTreeMap::new();
        for object in self.emulator.living() {
            let kind = object["type"].as_str().unwrap();
            let Some(address) = object["tags"]["domino-eks:address"].as_str().filter(|_| !OF_AWS.contains(&kind)) else { continue };
            let id = object["id"].as_str().unwrap();
            if let Some(other) = seen.insert(address.to_owned(), id.to_owned()) {
                return Err(format!("{address} lives twice: {other} and {id}"));
            }
            match recorded.get(address) {
                // The inventory has some by ARN.
                Some(recorded) if id.ends_with(recorded) || recorded.ends_with(id) || id.contains(&format!("/{recorded}")) => {}
                Some(recorded) => return Err(format!("{address} is {id}, but recorded as {recorded}")),
                None => return Err(format!("{address} ({id}) lives, but is not in the state")),
            }
        }
        Ok(())
    }

    /// The same command ends well, and the account is what it was before.
    pub(crate) fn vanishes(&self, workspace: &Workspace, before: &[Value]) -> Result<(), String> {
        done(workspace, &DESTROY)?;
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
