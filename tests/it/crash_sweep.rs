//! RUN-2, RUN-4: the crash sweep. The real binary is killed (SIGKILL) at each call of an apply and of a destroy: while the
//! call is on its way, so that it never takes effect, and after it took effect, before its answer arrives. The same command
//! again must converge, make nothing twice, and in the end leave nothing behind.
//!
//! `tests/reliability/run sweep` goes through every point; a plain test takes a sample that changes with every commit.

use crate::harness::{APPLY_QUIETLY, Bench, Calls, DESTROY_QUIETLY, Reference, Report, StateLocation, Workspace, sample, workers};
use serde_json::{Value, json};

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
    fn all(calls: Calls) -> Vec<Self> {
        (1..=calls.all).map(Death::Before).chain((1..=calls.mutating).map(Death::After)).collect()
    }
}

/// One cluster: where its apply is killed, where its destroy is killed, and whether AWS shows new objects only after a delay.
#[derive(Debug, Clone, Copy)]
struct Life {
    apply: Death,
    destroy: Death,
    late: bool,
}

/// For so many seconds AWS does not show new objects: ten seconds of AWS at the program's time scale.
const LAG: f64 = 0.1;

/// Starts a run and kills it at this point. Returns the call at which it was killed, or nothing when the run ended before.
fn killed(bench: &Bench, workspace: &Workspace, arguments: &[&str], death: Death, late: bool) -> Option<String> {
    let fault = bench.emulator.fault(&death.rule());
    let mut run = workspace.spawn(arguments);
    let mut struck = None;
    while struck.is_none() && run.try_wait().unwrap().is_none() {
        struck = bench.emulator.struck(&fault, 0.2);
    }
    // The run may have ended by itself; then there is nothing to kill.
    let _ = run.kill();
    run.wait().unwrap();
    bench.emulator.mend();
    if late {
        // The next run does not see what the killed run has just created.
        bench.emulator.fault(&json!({ "mode": "stale", "by": "any", "seconds": LAG }));
    }
    struck
}

/// One cluster, killed once during its apply and once during its destroy.
fn life(bench: &Bench, reference: &Reference, Life { apply, destroy, late }: Life) -> Result<String, String> {
    let workspace = bench.fresh();
    let before = bench.emulator.living();
    let shown = |what: Option<String>| what.unwrap_or_else(|| "ended before".to_owned());
    let first = shown(killed(bench, &workspace, &APPLY_QUIETLY, apply, late));
    let about = format!("{}apply {apply:?} ({first})", if late { "late, " } else { "" });
    bench.converges(&workspace, reference).map_err(|why| format!("{about}: {why}"))?;
    let second = shown(killed(bench, &workspace, &DESTROY_QUIETLY, destroy, late));
    let about = format!("{about}, destroy {destroy:?} ({second})");
    bench.vanishes(&workspace, &before).map_err(|why| format!("{about}: {why}"))?;
    Ok(about)
}

/// Each cluster has a point of an apply and one of a destroy, and together they cover every point. For every third one, AWS shows new
/// objects late.
fn lives(reference: &Reference) -> Vec<Life> {
    let (apply, destroy) = (Death::all(reference.apply), Death::all(reference.destroy));
    assert!(apply.len() > 300 && destroy.len() > 200, "{} and {} points", apply.len(), destroy.len());
    let count = apply.len().max(destroy.len());
    let life = |index: usize| Life { apply: apply[index % apply.len()], destroy: destroy[index % destroy.len()], late: index % 3 == 2 };
    (0..count).map(life).collect()
}

fn sweep(name: &str, location: StateLocation, least: usize) {
    let reference = Bench::new(location).reference();
    let chosen = sample(lives(&reference), least);
    let report = Report::begin(name, 2);
    let work = |bench: &Bench, one: &Life| report.point(&format!("{one:?}"), || life(bench, &reference, *one));
    workers(chosen, || Bench::new(location), work);
    report.end();
}

#[test]
fn a_crash_at_any_call_is_survived() {
    sweep("sweep", StateLocation::Folder, 8);
}

#[test]
fn a_crash_at_any_call_is_survived_with_the_state_in_a_bucket() {
    sweep("sweep-s3", StateLocation::Bucket, 3);
}
