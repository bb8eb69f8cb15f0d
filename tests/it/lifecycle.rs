//! The whole life of a cluster: plan, apply, second plan, status, outputs, destroy.

use crate::harness::{Emulator, Workspace, example};

/// Plans, applies, applies again, and destroys; the account is then what it was before.
fn whole_life(configuration: &str, cluster: &str) {
    let emulator = Emulator::start();
    let workspace = Workspace::new(&emulator, configuration);

    let plan = workspace.run(&["plan", "--format", "json", "--detailed-exitcode"]).expect(2).json();
    assert!(emulator.requests(0).iter().all(|request| !request.mutating), "plan changed something");
    let planned = plan["summary"]["create"].as_u64().unwrap();
    assert_eq!(planned, plan["actions"].as_array().unwrap().len() as u64);

    workspace.run(&["apply", "--yes"]).expect(0);
    assert_eq!(workspace.state(cluster)["resources"].as_object().unwrap().len() as u64, planned);

    let before = emulator.requests(0).len();
    let again = workspace.run(&["apply", "--yes"]).expect(0);
    assert!(again.stderr.contains("No changes"), "{}", again.stderr);
    let mutating: Vec<_> = emulator.requests(before).into_iter().filter(|request| request.mutating).collect();
    assert!(mutating.is_empty(), "a second apply changed something: {mutating:?}");
    workspace.run(&["plan", "--detailed-exitcode"]).expect(0);

    let status = workspace.run(&["status", "--format", "json"]).expect(0).json();
    assert_eq!(status["healthy"], true, "{status:#}");
    let outputs = workspace.run(&["outputs", "--format", "json"]).expect(0).json();
    assert_eq!(outputs["buckets"].as_object().unwrap().len(), 4);

    workspace.run(&["destroy", "--confirm", cluster, "--delete-data"]).expect(0);
    assert_eq!(emulator.living(), Vec::<serde_json::Value>::new());
    assert!(workspace.state(cluster)["resources"].as_object().unwrap().is_empty());
}

#[test]
fn three_zones() {
    whole_life(&example("domino-test-cluster.yaml"), "domino-test-cluster");
}

#[test]
fn one_zone() {
    whole_life(&example("domino-test-cluster-single-az.yaml"), "domino-test-single-az");
}

#[test]
fn legacy_sizes() {
    let text = example("legacy.yaml");
    let name = text.lines().find_map(|line| line.strip_prefix("name: ")).unwrap().trim().to_owned();
    whole_life(&text, &name);
}
