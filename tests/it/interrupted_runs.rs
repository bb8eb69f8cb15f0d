//! RUN-2: when a run is killed or interrupted at any moment, the same command continues where it stopped.

use crate::harness::{Emulator, Run, Workspace, example};
use std::collections::BTreeMap;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

const CLUSTER: &str = "domino-test-cluster";

/// How many objects of each type exist.
fn counted(emulator: &Emulator) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for object in emulator.living() {
        *counts.entry(object["type"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    counts
}

/// Waits until the run has sent `calls` calls that change something. False when it ended before.
fn reached(emulator: &Emulator, run: &mut Child, since: usize, calls: usize) -> bool {
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        if emulator.mutating(since).len() >= calls {
            return true;
        }
        if run.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("the run neither went on nor ended");
}

/// Runs a command, killing it after some calls, again and again until it ends by itself. Returns how often it was killed.
fn killed_again_and_again(emulator: &Emulator, workspace: &Workspace, arguments: &[&str], after: &[usize]) -> usize {
    for (killed, calls) in after.iter().enumerate() {
        let since = emulator.count();
        let mut run = workspace.spawn(arguments);
        if !reached(emulator, &mut run, since, *calls) {
            Run::from(run.wait_with_output().unwrap()).expect(0);
            return killed;
        }
        run.kill().unwrap();
        run.wait().unwrap();
    }
    workspace.run(arguments).expect(0);
    after.len()
}

/// Counts of the same cluster made without any disturbance.
fn undisturbed(configuration: &str) -> BTreeMap<String, usize> {
    let emulator = Emulator::start();
    Workspace::new(&emulator, configuration).run(&["apply", "--yes"]).expect(0);
    counted(&emulator)
}

/// RUN-2, RUN-4: killed at ten moments of apply and five of destroy, and nothing is made twice or left behind.
#[test]
fn kill_at_any_moment_and_go_on() {
    let configuration = example("domino-test-cluster.yaml");
    let emulator = Emulator::start();
    let workspace = Workspace::new(&emulator, &configuration);
    let killed = killed_again_and_again(&emulator, &workspace, &["apply", "--yes"], &[1, 4, 9, 14, 19, 24, 16, 8, 5, 3]);
    assert!(killed >= 8, "killed only {killed} times");
    assert_eq!(workspace.planned(), BTreeMap::new());
    assert_eq!(counted(&emulator), undisturbed(&configuration));
    assert_eq!(workspace.run(&["status", "--format", "json"]).expect(0).json()["healthy"], true);

    let destroy = ["destroy", "--confirm", CLUSTER, "--delete-data"];
    let killed = killed_again_and_again(&emulator, &workspace, &destroy, &[2, 10, 20, 25, 15]);
    assert!(killed >= 4, "killed only {killed} times");
    assert_eq!(emulator.living(), Vec::<serde_json::Value>::new());
    assert!(workspace.state(CLUSTER)["resources"].as_object().unwrap().is_empty());
    assert!(workspace.state(CLUSTER)["intents"].as_object().unwrap().is_empty());
}

/// RUN-2: an unfinished cluster can also be taken down straight away.
#[test]
fn destroy_takes_down_what_a_killed_apply_left() {
    let emulator = Emulator::start();
    for calls in [3, 30, 90] {
        let workspace = Workspace::new(&emulator, &example("domino-test-cluster-single-az.yaml"));
        let since = emulator.count();
        let mut run = workspace.spawn(&["apply", "--yes"]);
        assert!(reached(&emulator, &mut run, since, calls));
        run.kill().unwrap();
        run.wait().unwrap();
        workspace.run(&["destroy", "--confirm", "domino-test-single-az", "--delete-data"]).expect(0);
        assert_eq!(emulator.living(), Vec::<serde_json::Value>::new(), "after {calls} calls");
    }
}

/// RUN-2: the first interrupt ends the run within seconds, with the state saved.
#[test]
fn interrupt_saves_and_resumes() {
    let emulator = Emulator::start();
    let workspace = Workspace::new(&emulator, &example("domino-test-cluster-single-az.yaml"));
    for calls in [10, 25] {
        let since = emulator.count();
        let mut run = workspace.spawn(&["apply", "--yes"]);
        assert!(reached(&emulator, &mut run, since, calls));
        let asked = Instant::now();
        assert!(Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap().success());
        let run = Run::from(run.wait_with_output().unwrap()).expect(130);
        assert!(asked.elapsed() < Duration::from_secs(7), "it took {:?}", asked.elapsed());
        assert!(run.stderr.contains("run the same command again"), "{}", run.stderr);
        let state = workspace.state("domino-test-single-az");
        assert!(!state["resources"].as_object().unwrap().is_empty());
        let journal = workspace.path(".domino-eks/domino-test-single-az/journal.ndjson");
        assert_eq!(std::fs::metadata(journal).unwrap().len(), 0, "the state was not saved");
    }
    workspace.run(&["apply", "--yes"]).expect(0);
    assert_eq!(workspace.planned(), BTreeMap::new());
}

/// RUN-3: a run can be watched from beside it, at every moment.
#[test]
fn looking_is_possible_while_a_run_goes_on() {
    let emulator = Emulator::start();
    let workspace = Workspace::new(&emulator, &example("domino-test-cluster-single-az.yaml"));
    let mut run = workspace.spawn(&["apply", "--yes"]);
    assert!(reached(&emulator, &mut run, 0, 5));
    while run.try_wait().unwrap().is_none() {
        workspace.run(&["plan"]).expect(0);
        workspace.run(&["status"]).expect(0);
    }
    Run::from(run.wait_with_output().unwrap()).expect(0);
}
