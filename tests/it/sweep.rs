//! RUN-2, RUN-4: the crash sweep. The real binary is killed (SIGKILL) at each call of an apply and of a destroy: while the
//! call is on its way, so that it never takes effect, and after it took effect, before its answer arrives. The same command
//! again must converge, make nothing twice, and in the end leave nothing behind.
//!
//! `tests/reliability/run sweep` goes through every point; a plain test takes a sample that changes with every commit.

use crate::emulator::Emulator;
use crate::points::{Report, sample, workers};
use crate::workspace::{Workspace, example};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::Child;

const CLUSTER: &str = "domino-test-cluster";
const APPLY: [&str; 3] = ["apply", "--yes", "--quiet"];
const DESTROY: [&str; 5] = ["destroy", "--confirm", CLUSTER, "--delete-data", "--quiet"];
/// Made and cleared away by AWS itself, in its own time.
const OF_AWS: [&str; 3] = ["instance", "volume", "network-interface"];
const BUCKET: &str = "team-states";

/// A moment at which the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Death {
    /// Before the n-th call takes effect.
    Before(usize),
    /// After the n-th call that changes something took effect, before its answer arrives.
    After(usize),
}

impl Death {
    fn rule(self) -> Value {
        match self {
            Death::Before(call) => json!({ "mode": "hold-before", "call": call }),
            Death::After(call) => json!({ "mode": "hold-after", "call": call, "mutating": true }),
        }
    }

    /// Every point of a run that sends so many calls.
    fn all(calls: usize, mutating: usize) -> Vec<Self> {
        (1..=calls).map(Death::Before).chain((1..=mutating).map(Death::After)).collect()
    }
}

/// Where the state of a sweep lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Home {
    Folder,
    Bucket,
}

/// One account and one folder, with what an undisturbed run makes.
struct Bench {
    emulator: Emulator,
    home: Home,
}

/// What an undisturbed life of the cluster is like.
struct Reference {
    counts: BTreeMap<String, usize>,
    apply: Vec<Death>,
    destroy: Vec<Death>,
}

impl Bench {
    fn new(home: Home) -> Self {
        // AWS is quicker than our patience: no wait ends early on a busy machine.
        Self { emulator: Emulator::start_with(&["--scale", "0.001"]), home }
    }

    /// An empty account and an empty folder.
    fn fresh(&self) -> Workspace {
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

    fn calls(&self, since: usize) -> (usize, usize) {
        let requests = self.emulator.requests(since);
        (requests.len(), requests.iter().filter(|request| request.mutating).count())
    }

    fn reference(&self) -> Reference {
        let workspace = self.fresh();
        let since = self.emulator.count();
        workspace.run_soon(&APPLY).expect(0);
        let (calls, mutating) = self.calls(since);
        let apply = Death::all(calls, mutating);
        let counts = self.counts();
        let since = self.emulator.count();
        workspace.run_soon(&DESTROY).expect(0);
        let (calls, mutating) = self.calls(since);
        Reference { counts, apply, destroy: Death::all(calls, mutating) }
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

    /// Starts a run and kills it at this point. What it was about; nothing when the run ended before.
    fn killed(&self, workspace: &Workspace, arguments: &[&str], death: Death) -> Option<String> {
        let fault = self.emulator.fault(&death.rule());
        let mut run = workspace.spawn(arguments);
        let mut struck = None;
        while struck.is_none() && run.try_wait().unwrap().is_none() {
            struck = self.emulator.struck(&fault, 0.5);
        }
        kill(&mut run);
        self.emulator.mend();
        struck
    }

    /// One life: killed once while it is made and once while it is taken down.
    fn life(&self, reference: &Reference, apply: Death, destroy: Death) -> Result<String, String> {
        let workspace = self.fresh();
        let before = self.emulator.living();
        let first = self.killed(&workspace, &APPLY, apply);
        let shown = |what: &Option<String>| what.clone().unwrap_or_else(|| "ended before".to_owned());
        let about = format!("apply {apply:?} ({})", shown(&first));
        self.converges(&workspace, reference).map_err(|why| format!("{about}: {why}"))?;
        let second = self.killed(&workspace, &DESTROY, destroy);
        let about = format!("{about}, destroy {destroy:?} ({})", shown(&second));
        self.vanishes(&workspace, &before).map_err(|why| format!("{about}: {why}"))?;
        Ok(about)
    }

    fn converges(&self, workspace: &Workspace, reference: &Reference) -> Result<(), String> {
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

    fn vanishes(&self, workspace: &Workspace, before: &[Value]) -> Result<(), String> {
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

fn kill(run: &mut Child) {
    // It may have ended by itself.
    let _ = run.kill();
    run.wait().unwrap();
}

fn done(workspace: &Workspace, arguments: &[&str]) -> Result<(), String> {
    let run = workspace.run_soon(arguments);
    if run.code == 0 { Ok(()) } else { Err(format!("`{}` ends with {}: {}", arguments.join(" "), run.code, run.stderr.trim())) }
}

/// Pairs of points: each life has one of either kind, and every point is in some life.
fn lives(reference: &Reference) -> Vec<(Death, Death)> {
    let count = reference.apply.len().max(reference.destroy.len());
    let at = |points: &[Death], index: usize| points[index % points.len()];
    (0..count).map(|index| (at(&reference.apply, index), at(&reference.destroy, index))).collect()
}

fn sweep(name: &str, home: Home, least: usize) {
    let reference = Bench::new(home).reference();
    assert!(
        reference.apply.len() > 300 && reference.destroy.len() > 200,
        "{} and {} points",
        reference.apply.len(),
        reference.destroy.len()
    );
    let chosen = sample(lives(&reference), least);
    let report = Report::begin(name, 2);
    workers(
        chosen,
        || Bench::new(home),
        |bench, (apply, destroy)| {
            report.point(&format!("{apply:?}/{destroy:?}"), || bench.life(&reference, *apply, *destroy));
        },
    );
    report.end();
}

#[test]
fn a_crash_at_any_call_is_survived() {
    sweep("sweep", Home::Folder, 24);
}

#[test]
fn a_crash_at_any_call_is_survived_with_the_state_in_a_bucket() {
    sweep("sweep-s3", Home::Bucket, 8);
}
