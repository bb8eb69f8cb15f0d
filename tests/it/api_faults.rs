//! RUN-2: every fault at every call, without a crash. A run ends well, or with an error that names what it was about and
//! leaves a state from which the same command goes on.

use crate::harness::{
    APPLY_QUIETLY, Bench, DESTROY, DESTROY_QUIETLY, Emulator, Reference, Report, StateLocation, Workspace, account, converged, counted,
    is_state, sample, workers,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A way in which a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The connection is reset at once.
    Refused,
    /// The connection ends; the call never took effect.
    DroppedBefore,
    /// The connection ends; the call took effect.
    DroppedAfter,
    InternalError,
    /// The call took effect, and AWS answers with an internal error.
    InternalErrorAfter,
    Unavailable,
    Throttled,
    AccessDenied,
    /// The credentials have expired for this call and all that follow.
    Expired,
    Slow,
    /// During the whole run, AWS does not show a new object by its id, by its tags, or by either.
    StaleById,
    StaleByTag,
    Stale,
}

const ALL: [Fault; 13] = [
    Fault::Refused,
    Fault::DroppedBefore,
    Fault::DroppedAfter,
    Fault::InternalError,
    Fault::InternalErrorAfter,
    Fault::Unavailable,
    Fault::Throttled,
    Fault::AccessDenied,
    Fault::Expired,
    Fault::Slow,
    Fault::StaleById,
    Fault::StaleByTag,
    Fault::Stale,
];

/// For so many seconds AWS does not show new objects: ten seconds of AWS at the program's time scale.
const LAG: f64 = 0.1;

impl Fault {
    fn rule(self, call: usize) -> Value {
        let at = |mode: &str| json!({ "mode": mode, "call": call });
        match self {
            Fault::Refused => at("refuse"),
            Fault::DroppedBefore => at("drop-before"),
            Fault::DroppedAfter => at("drop-after"),
            Fault::InternalError => json!({ "mode": "status", "status": 500, "call": call }),
            Fault::InternalErrorAfter => json!({ "mode": "status-after", "status": 500, "call": call }),
            Fault::Unavailable => json!({ "mode": "status", "status": 503, "call": call }),
            Fault::Throttled => at("throttle"),
            Fault::AccessDenied => at("access-denied"),
            Fault::Expired => json!({ "mode": "expired-token", "call": call, "times": 0 }),
            Fault::Slow => json!({ "mode": "slow", "call": call, "seconds": 0.5 }),
            Fault::StaleById => json!({ "mode": "stale", "by": "id", "seconds": LAG }),
            Fault::StaleByTag => json!({ "mode": "stale", "by": "tag", "seconds": LAG }),
            Fault::Stale => json!({ "mode": "stale", "by": "any", "seconds": LAG }),
        }
    }

    /// Whether the fault affects one call, and not the whole run.
    fn is_one(self) -> bool {
        !matches!(self, Fault::Expired | Fault::StaleById | Fault::StaleByTag | Fault::Stale)
    }

    /// Whether a run must succeed in spite of the fault.
    fn is_passing(self) -> bool {
        !matches!(self, Fault::AccessDenied | Fault::Expired)
    }

    /// Every place of a run where it can strike.
    fn places(self, calls: usize) -> Vec<(Self, usize)> {
        // These faults do not depend on the number of a call, so a few runs of each are enough.
        let step = if matches!(self, Fault::StaleById | Fault::StaleByTag | Fault::Stale) { 20 } else { 1 };
        (1..=calls).step_by(step).map(|call| (self, call)).collect()
    }
}

type Place = (Fault, usize);

/// Runs a command with a fault. What was struck and how the run ended.
fn disturbed(bench: &Bench, workspace: &Workspace, arguments: &[&str], (fault, call): Place) -> Result<String, String> {
    let id = bench.emulator.fault(&fault.rule(call));
    let run = workspace.run_soon(arguments);
    let struck = bench.emulator.struck(&id, 0.0);
    bench.emulator.mend();
    let about = format!("{fault:?}({call}) ({})", struck.as_deref().unwrap_or("nothing struck"));
    let refused = |why: &str| Err(format!("{about}: {why}: {}: {}", run.code, run.stderr.trim()));
    if ![0, 1, 6].contains(&run.code) {
        return refused("an exit code that says nothing");
    }
    if run.code != 0 && fault.is_passing() {
        return refused("it should have got over this");
    }
    if run.code != 0 && !run.stderr.contains("hint: ") {
        return refused("it does not say what to do");
    }
    let operation = struck.as_deref().and_then(|struck| struck.split(':').nth(1)).unwrap_or_default();
    if run.code != 0 && fault.is_one() && !run.stderr.contains(operation) {
        return refused("it does not name what went wrong");
    }
    Ok(format!("{about} -> {}", run.code))
}

/// One cluster: a fault during its apply, if there is one, and a fault during its destroy, if there is one.
fn life(bench: &Bench, reference: &Reference, apply: Option<Place>, destroy: Option<Place>) -> Result<String, String> {
    let workspace = bench.fresh();
    let before = bench.emulator.living();
    let mut about = Vec::new();
    if let Some(place) = apply {
        about.push(format!("apply {}", disturbed(bench, &workspace, &APPLY_QUIETLY, place).map_err(|why| format!("apply {why}"))?));
        bench.converges(&workspace, reference).map_err(|why| format!("{about:?}: {why}"))?;
    } else {
        workspace.run_soon(&APPLY_QUIETLY).expect(0);
    }
    if let Some(place) = destroy {
        let run = disturbed(bench, &workspace, &DESTROY_QUIETLY, place);
        about.push(format!("destroy {}", run.map_err(|why| format!("{about:?}, destroy {why}"))?));
    }
    bench.vanishes(&workspace, &before).map_err(|why| format!("{about:?}: {why}"))?;
    Ok(about.join(", "))
}

/// Every fault at every call. Neighbours in this list differ in their fault, so that a sample of 13 or more has all of them, and
/// smaller samples have all of them in the course of a few commits.
fn places(calls: usize) -> Vec<Place> {
    let mut all: Vec<Place> = ALL.iter().flat_map(|fault| fault.places(calls)).collect();
    all.sort_by_key(|(_, call)| *call);
    all
}

fn every_fault(name: &str, location: StateLocation, least: usize) {
    let reference = Bench::new(location).reference();
    let (apply, destroy) = (places(reference.apply.all), places(reference.destroy.all));
    // The longer of the two lists goes on alone.
    let count = apply.len().max(destroy.len());
    let pairs = (0..count).map(|index| (apply.get(index).copied(), destroy.get(index).copied())).collect();
    let chosen = sample(pairs, least);
    let report = Report::begin(name, 1);
    workers(
        chosen,
        || Bench::new(location),
        |bench, (apply, destroy)| {
            report.point(&format!("{apply:?}/{destroy:?}"), || life(bench, &reference, *apply, *destroy));
        },
    );
    report.end();
}

#[test]
fn a_fault_at_any_call_is_survived() {
    every_fault("faults", StateLocation::Folder, 9);
}

#[test]
fn a_fault_at_any_call_is_survived_with_the_state_in_a_bucket() {
    every_fault("faults-s3", StateLocation::Bucket, 5);
}

/// Operations of requests that changed something in AWS, without those on the state.
fn changing(emulator: &Emulator, since: usize) -> BTreeSet<String> {
    emulator.mutating(since).into_iter().filter(|request| !is_state(request)).map(|request| request.operation).collect()
}

/// The first call of each operation takes effect and is answered with 500.
fn answer_with_500(emulator: &Emulator, operations: &BTreeSet<String>) {
    for operation in operations {
        emulator.fault(&json!({ "mode": "status-after", "status": 500, "operation": operation, "times": 1 }));
    }
}

/// The SDK repeats a call that was answered with 500, and AWS may refuse the repeated one in words of its own, because the first
/// one took effect: LimitExceeded for a role that is in the instance profile already. No operation of an apply or of a destroy may
/// take that for a failure.
#[test]
fn every_operation_may_take_effect_and_be_answered_with_an_error() {
    let emulator = account();
    let workspace = StateLocation::Folder.fresh(&emulator);
    workspace.run_soon(&APPLY_QUIETLY).expect(0);
    let of_apply = changing(&emulator, 0);
    let since = emulator.count();
    workspace.run_soon(&DESTROY).expect(0);
    let of_destroy = changing(&emulator, since);
    assert!(of_apply.len() > 30 && of_destroy.len() > 20, "{} and {}", of_apply.len(), of_destroy.len());

    let workspace = StateLocation::Folder.fresh(&emulator);
    answer_with_500(&emulator, &of_apply);
    workspace.run_soon(&APPLY_QUIETLY).expect(0);
    emulator.mend();
    converged(&emulator, &workspace);
    answer_with_500(&emulator, &of_destroy);
    workspace.run_soon(&DESTROY).expect(0);
    emulator.mend();
    assert_eq!(counted(&emulator), BTreeMap::new());
}
