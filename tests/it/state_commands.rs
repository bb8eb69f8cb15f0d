//! `state list`, `show`, `pull`, `push` and `migrate`.

use crate::harness::{
    APPLY, BUCKET, SINGLE_ZONE, STATE_KEY, StateLocation, Workspace, account, changes, converged, ids, make_bucket, object, refused,
    sealed, unlocked, vanishes,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;

#[track_caller]
fn pulled(workspace: &Workspace) -> Value {
    workspace.run(&["state", "pull"]).expect(0).json()["state"].take()
}

#[test]
fn what_is_recorded_is_shown() {
    let emulator = account();
    for location in StateLocation::BOTH {
        let workspace = location.fresh(&emulator);
        let place = if location == StateLocation::Bucket {
            format!("s3://{BUCKET}/tests/{SINGLE_ZONE}")
        } else {
            format!(".domino-eks/{SINGLE_ZONE}")
        };
        for command in [&["list"][..], &["show", "vpc/main"], &["pull"]] {
            refused(workspace.run(&[&["state"], command].concat()), 1, &["there is no state in", &place, "domino-eks apply"]);
        }
        refused(workspace.run(&["state", "migrate", "elsewhere"]), 1, &["there is no state in", &place]);
        assert!(!workspace.path("elsewhere").exists());
        workspace.run_soon(&APPLY).expect(0);
        let since = emulator.count();
        let state = pulled(&workspace);
        let known: BTreeMap<String, String> = state["resources"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(address, record)| (address.clone(), record["id"].as_str().unwrap().to_owned()))
            .collect();
        assert_eq!(ids(&workspace), known);
        let listed = workspace.run(&["state", "list", "--format", "json"]).expect(0).json();
        for key in ["cluster", "account", "region", "lineage", "serial"] {
            assert_eq!(listed[key], state[key], "{key}");
        }
        assert!(listed["resources"].as_array().unwrap().iter().all(|resource| resource["status"] == "ready"));
        let text = workspace.run(&["state", "list"]).expect(0).stdout;
        let lines: BTreeMap<String, String> = text
            .lines()
            .map(|line| line.split_once(' ').unwrap())
            .map(|(address, id)| (address.to_owned(), id.trim().to_owned()))
            .collect();
        assert_eq!(lines, known);
        let shown = workspace.run(&["state", "show", "vpc/main"]).expect(0).json();
        assert_eq!((&shown["address"], &shown["kind"], &shown["id"]), (&json!("vpc/main"), &json!("vpc"), &json!(known["vpc/main"])));
        assert_eq!(shown["spec"], state["resources"]["vpc/main"]["spec"]);
        refused(workspace.run(&["state", "show", "subnet/other"]), 1, &["the state has no `subnet/other`", "subnet/private/us-west-2a"]);
        refused(workspace.run(&["state", "show", "moon"]), 1, &["the state has no `moon`", "state list"]);
        assert_eq!(emulator.mutating(since).len(), 0);
    }
}

#[test]
fn a_push_that_would_lose_something_is_refused() {
    let emulator = account();
    for location in StateLocation::BOTH {
        let workspace = location.fresh(&emulator);
        workspace.run_soon(&APPLY).expect(0);
        workspace.write("first.json", &workspace.run(&["state", "pull"]).expect(0).stdout);
        let same = workspace.run_soon(&["state", "push", "first.json"]).expect(0);
        assert!(same.stderr.contains("the same already"), "{}", same.stderr);

        let configuration = fs::read_to_string(workspace.path("domino-eks.yaml")).unwrap();
        workspace.write("domino-eks.yaml", &format!("{configuration}\ntags: {{team: data-science}}\n"));
        workspace.run_soon(&APPLY).expect(0);
        let standing = pulled(&workspace);
        let with = |key: &str, value: Value| {
            let mut state = standing.clone();
            state[key] = value;
            workspace.write("changed.json", &sealed(&state));
            workspace.run_soon(&["state", "push", "changed.json"])
        };
        let since = emulator.count();
        refused(workspace.run_soon(&["state", "push", "first.json"]), 1, &["serial", "would forget", "nothing was changed"]);
        refused(with("lineage", json!("2693aea3")), 1, &["has lineage 2693aea3", "two different clusters", "nothing was changed"]);
        refused(with("cluster", json!("another")), 1, &["file `changed.json`", "cluster `another`", "nothing was changed"]);
        refused(with("account", json!("999999999999")), 1, &["account `999999999999`", "nothing was changed"]);
        refused(with("format_version", json!(9)), 1, &["changed.json", "format 9", "newer"]);
        workspace.write("changed.json", "hello");
        let bad = refused(workspace.run_soon(&["state", "push", "changed.json"]), 1, &["the file `changed.json` is damaged", "state pull"]);
        assert!(!bad.stderr.contains("recover"), "the state is whole: {}", bad.stderr);
        let bad = refused(workspace.run_soon(&["state", "push", "absent.json"]), 1, &["absent.json", "No such file", "state pull"]);
        assert!(!bad.stderr.contains("disk"), "{}", bad.stderr);
        workspace.write("changed.json", r#"{"moved_to": "s3://there/now"}"#);
        refused(workspace.run_soon(&["state", "push", "changed.json"]), 1, &["`changed.json` contains no state", "s3://there/now"]);
        assert_eq!(pulled(&workspace), standing);
        assert_eq!(changes(&emulator, since).len(), 0);

        // A state that is not older than the current one replaces it, with a new serial.
        let serial = standing["serial"].as_u64().unwrap() + 10;
        with("serial", json!(serial)).expect(0);
        assert_eq!(pulled(&workspace)["serial"], serial + 1);
        workspace.run_soon(&APPLY).expect(0);
        unlocked(&workspace);
        assert_eq!(workspace.planned(), BTreeMap::new());

        // Where there is no state, it is taken as it is.
        if location == StateLocation::Folder {
            workspace.write("last.json", &workspace.run(&["state", "pull"]).expect(0).stdout);
            fs::remove_dir_all(workspace.path(".domino-eks")).unwrap();
            workspace.run_soon(&["state", "push", "last.json"]).expect(0);
            assert_eq!(workspace.planned(), BTreeMap::new());
        }
    }
}

/// A state is moved from a folder to a bucket and back: it has the same resources, and each old place names the new one.
#[test]
fn a_state_moves_and_leaves_a_note() {
    let emulator = account();
    let workspace = StateLocation::Folder.fresh(&emulator);
    make_bucket(&emulator, BUCKET);
    workspace.run_soon(&APPLY).expect(0);
    let known = ids(&workspace);
    let plain = fs::read_to_string(workspace.path("domino-eks.yaml")).unwrap();
    let (place, folder) = (format!("s3://{BUCKET}/tests"), format!(".domino-eks/{SINGLE_ZONE}"));

    // A place that has a state already is refused, and so is a bucket that does not exist.
    let mut other = pulled(&workspace);
    other["lineage"] = json!("2693aea3-eb53-4f28-9d86-f02a4b716755");
    fs::create_dir(workspace.path("taken")).unwrap();
    workspace.write("taken/state.json", &sealed(&other));
    let taken = workspace.files();
    refused(
        workspace.run_soon(&["state", "migrate", "taken"]),
        1,
        &["there is a state in taken/state.json already", "nothing was changed"],
    );
    assert_eq!(fs::read(workspace.path("taken/state.json")).unwrap(), taken[&workspace.path("taken/state.json")]);
    refused(workspace.run_soon(&["state", "migrate", "s3://nobodys-states/x"]), 1, &["there is no bucket `nobodys-states`"]);
    let run = workspace.run_soon(&["state", "migrate", &folder]).expect(2);
    assert!(run.stderr.contains("already"), "{}", run.stderr);

    let since = emulator.count();
    workspace.run_soon(&["state", "migrate", &place]).expect(0);
    for command in [&["plan"][..], &APPLY, &["state", "list"], &["state", "recover", "--yes"], &["state", "migrate", "third"]] {
        refused(workspace.run_soon(command), 1, &["the state was moved from", &format!("set `state: {place}`")]);
    }
    assert_eq!(object(&emulator, STATE_KEY)["state"]["resources"].as_object().unwrap().len(), known.len());
    workspace.write("domino-eks.yaml", &format!("{plain}\nstate: {place}\n"));
    assert_eq!(ids(&workspace), known);
    converged(&emulator, &workspace);
    unlocked(&workspace);

    workspace.run_soon(&["state", "migrate", &folder]).expect(0);
    refused(workspace.run_soon(&APPLY), 1, &["the state was moved from", &folder]);
    workspace.write("domino-eks.yaml", &plain);
    assert_eq!(ids(&workspace), known);
    assert_eq!(changes(&emulator, since).len(), 0);
    workspace.run_soon(&APPLY).expect(0);
    converged(&emulator, &workspace);

    // A place that only names another one can be used again.
    workspace.run_soon(&["state", "migrate", &place]).expect(0);
    workspace.write("domino-eks.yaml", &format!("{plain}\nstate: {place}\n"));
    assert_eq!(ids(&workspace), known);
    vanishes(&emulator, &workspace);
}
