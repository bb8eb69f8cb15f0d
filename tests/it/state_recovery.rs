//! RUN-2: `state recover` rebuilds a lost or damaged state from what AWS shows, and changes nothing in AWS.

use crate::harness::{
    APPLY, BUCKET, DESTROY, Emulator, SINGLE_ZONE, STATE_KEY, StateLocation, Workspace, account, changes, converged, counted, files, ids,
    killed_at, refused, sample, unlocked, vanishes,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;

const RECOVER: [&str; 3] = ["state", "recover", "--yes"];

/// Deletes the state with everything beside it.
fn lose(emulator: &Emulator, workspace: &Workspace, location: StateLocation) {
    match location {
        StateLocation::Folder => fs::remove_dir_all(workspace.path(".domino-eks")).unwrap(),
        StateLocation::Bucket => drop(emulator.aws(&format!("s3.delete_object(Bucket='{BUCKET}', Key='{STATE_KEY}')"))),
    }
}

#[track_caller]
fn pulled(workspace: &Workspace) -> Value {
    workspace.run(&["state", "pull"]).expect(0).json()["state"].take()
}

/// Every command that would act on a lost state says what to do, and changes nothing. Destroy needs no state; only where the serial
/// object in the bucket tells that there was one, it asks to recover it first.
#[track_caller]
fn refused_as_lost(emulator: &Emulator, workspace: &Workspace, location: StateLocation) {
    let since = emulator.count();
    // In a bucket the object with the serial is still there; of a folder nothing is left.
    let (texts, none): (&[&str], _) = match location {
        StateLocation::Folder => {
            (&["the state was lost", "--state", "domino-eks state recover", "nothing was changed"], "there is no state")
        }
        StateLocation::Bucket => (&[STATE_KEY, "the document is missing", "domino-eks state recover", "nothing was changed"], "is missing"),
    };
    let commands: [&[&str]; 4] = [&["plan"], &["status"], &APPLY, &["destroy", "--confirm", SINGLE_ZONE, "--delete-data"]];
    for command in &commands[..if location == StateLocation::Bucket { 4 } else { 3 }] {
        refused(workspace.run_soon(command), 1, texts);
    }
    refused(workspace.run_soon(&["state", "list"]), 1, &[none]);
    assert_eq!(changes(emulator, since).len(), 0);
}

/// Recovers; nothing in AWS is changed by it.
#[track_caller]
fn recovered(emulator: &Emulator, workspace: &Workspace, texts: &[&str]) {
    let since = emulator.count();
    let run = workspace.run_soon(&RECOVER).expect(0);
    for text in texts {
        assert!(run.stderr.contains(text), "`{text}` is not in: {}", run.stderr);
    }
    assert_eq!(changes(emulator, since).len(), 0);
}

#[test]
fn a_state_that_was_lost_after_an_apply() {
    let emulator = account();
    for location in StateLocation::BOTH {
        let workspace = location.fresh(&emulator);
        workspace.run_soon(&APPLY).expect(0);
        let (before, known) = (pulled(&workspace), ids(&workspace));
        lose(&emulator, &workspace, location);
        refused_as_lost(&emulator, &workspace, location);
        refused(workspace.run_soon(&RECOVER[..2]), 2, &["no terminal", "--yes"]);
        refused_as_lost(&emulator, &workspace, location);

        recovered(&emulator, &workspace, &["AWS shows 47 resources", "would say: "]);
        assert_eq!(ids(&workspace), known);
        let after = pulled(&workspace);
        for key in ["lineage", "account", "region", "partition", "cluster", "pins"] {
            assert_eq!(after[key], before[key], "{key}");
        }
        converged(&emulator, &workspace);
        unlocked(&workspace);

        // A state that is complete is not changed.
        let (since, kept) = (emulator.count(), files(&workspace));
        let run = workspace.run_soon(&RECOVER).expect(0);
        assert!(run.stderr.contains("nothing to recover"), "{}", run.stderr);
        assert_eq!((changes(&emulator, since).len(), files(&workspace), pulled(&workspace)), (0, kept, after));
        workspace.run_soon(&APPLY).expect(0);
        assert_eq!(changes(&emulator, since).len(), 0);
        vanishes(&emulator, &workspace);
    }
}

/// The state is damaged, edited by hand, or replaced by an older one.
#[test]
fn a_state_that_is_damaged() {
    let emulator = account();
    let workspace = StateLocation::Folder.fresh(&emulator);
    workspace.run_soon(&APPLY).expect(0);
    let known = ids(&workspace);
    let document = workspace.path(&format!(".domino-eks/{SINGLE_ZONE}/state.json"));
    let mut serial = pulled(&workspace)["serial"].as_u64().unwrap();
    for damage in ["cut", "edited", "missing", "older", "journal"] {
        let text = fs::read_to_string(&document).unwrap();
        match damage {
            "cut" => fs::write(&document, &text[..text.len() / 2]).unwrap(),
            "edited" => fs::write(&document, text.replace("us-west-2a", "us-west-2c")).unwrap(),
            "missing" => fs::remove_file(&document).unwrap(),
            "older" => {
                let backups = fs::read_dir(document.with_file_name("backups")).unwrap().map(|entry| entry.unwrap().path());
                let mut whole: Vec<_> = backups.filter(|path| !path.ends_with("damaged.json")).collect();
                whole.sort();
                fs::copy(&whole[0], &document).unwrap();
            }
            _ => fs::write(document.with_file_name("journal.ndjson"), "hello\n").unwrap(),
        }
        refused(workspace.run_soon(&APPLY), 1, &["domino-eks state recover", "nothing was changed"]);
        recovered(&emulator, &workspace, &["Lost: the state"]);
        assert_eq!(ids(&workspace), known, "{damage}");
        let now = pulled(&workspace)["serial"].as_u64().unwrap();
        assert!(now >= serial, "{damage}: {serial} and then {now}");
        serial = now;
        converged(&emulator, &workspace);
    }
    vanishes(&emulator, &workspace);
}

/// Calls between which a state is lost: creations, and what must follow them before a resource is whole.
const MOMENTS: [&str; 14] = [
    "ec2:CreateVpc",
    "kms:CreateAlias",
    "eks:CreateCluster",
    "ec2:ModifyVpcAttribute",
    "iam:AttachRolePolicy",
    "ec2:AttachInternetGateway",
    "iam:AddRoleToInstanceProfile",
    "ec2:CreateNatGateway",
    "s3:PutBucketVersioning",
    "ec2:CreateRoute",
    "logs:PutRetentionPolicy",
    "ec2:AuthorizeSecurityGroupIngress",
    "ec2:AssociateRouteTable",
    "autoscaling:CreateAutoScalingGroup",
];

/// The state is lost in the middle of an apply: existing resources are found and completed, and the others are created once.
#[test]
fn a_state_that_was_lost_in_the_middle() {
    let emulator = account();
    let moments: Vec<(usize, &str)> = MOMENTS.into_iter().enumerate().collect();
    for (number, call) in sample(moments, 5) {
        let location = StateLocation::BOTH[number % 2];
        let workspace = location.fresh(&emulator);
        let (service, operation) = call.split_once(':').unwrap();
        let mode = if operation.starts_with("Create") && operation != "CreateAlias" { "hold-after" } else { "hold-before" };
        killed_at(&emulator, &workspace, &json!({ "mode": mode, "service": service, "operation": operation, "times": 0 }));
        lose(&emulator, &workspace, location);
        refused_as_lost(&emulator, &workspace, location);
        recovered(&emulator, &workspace, &["AWS shows"]);
        // A cluster that was never completed can be destroyed, too.
        if number % 4 != 2 {
            workspace.run_soon(&APPLY).expect(0);
            converged(&emulator, &workspace);
        }
        vanishes(&emulator, &workspace);
    }
}

#[test]
fn nothing_to_recover_from() {
    let emulator = account();
    let workspace = StateLocation::Folder.fresh(&emulator);
    recovered(&emulator, &workspace, &["AWS shows nothing that carries this cluster's tags"]);
    let document = workspace.path(&format!(".domino-eks/{SINGLE_ZONE}/state.json"));
    assert!(!document.exists());
    // A damaged state is moved away, so that a new one can be written.
    fs::write(&document, "hello").unwrap();
    refused(workspace.run_soon(&APPLY), 1, &["damaged", "domino-eks state recover"]);
    refused(workspace.run_soon(&RECOVER[..2]), 2, &["no terminal", "--yes"]);
    assert_eq!(fs::read_to_string(&document).unwrap(), "hello");
    recovered(&emulator, &workspace, &["Lost: the state", "AWS shows nothing"]);
    workspace.run_soon(&APPLY).expect(0);
    converged(&emulator, &workspace);
}

/// The resources carry two lineages: the command asks which one is meant.
#[test]
fn resources_of_two_states() {
    let emulator = account();
    let workspace = StateLocation::Folder.fresh(&emulator);
    workspace.run_soon(&APPLY).expect(0);
    let (known, lineage) = (ids(&workspace), pulled(&workspace)["lineage"].as_str().unwrap().to_owned());
    let other = "2693aea3-eb53-4f28-9d86-f02a4b716755";
    let tag = |lineage: &str| {
        let id = &known["internet-gateway/main"];
        emulator.aws(&format!("ec2.create_tags(Resources=['{id}'], Tags=[{{'Key': 'domino-eks:lineage', 'Value': '{lineage}'}}])"));
    };
    tag(other);
    lose(&emulator, &workspace, StateLocation::Folder);
    let since = emulator.count();
    refused(workspace.run_soon(&RECOVER), 1, &["several states", &lineage, other, "--lineage", "nothing was changed"]);
    let absent = "00000000-0000-4000-8000-000000000000";
    let run = workspace.run_soon(&["state", "recover", "--yes", "--lineage", absent]);
    refused(run, 1, &[&format!("nothing of lineage {absent}"), &lineage, other]);
    assert!(!workspace.path(&format!(".domino-eks/{SINGLE_ZONE}/state.json")).exists());
    workspace.run_soon(&["state", "recover", "--yes", "--lineage", &lineage]).expect(0);
    assert_eq!(changes(&emulator, since).len(), 0);
    let others: BTreeMap<_, _> = known.iter().filter(|(address, _)| *address != "internet-gateway/main").collect();
    assert_eq!(ids(&workspace).iter().collect::<BTreeMap<_, _>>(), others);
    refused(workspace.run_soon(&APPLY), 1, &["this state does not know", "internet-gateway/main"]);
    refused(workspace.run_soon(&DESTROY), 1, &["this state does not know", "internet-gateway/main"]);
    assert_eq!(changes(&emulator, since).len(), 0);
    // Once the lineage is given, the resources are recorded again.
    tag(&lineage);
    workspace.run_soon(&APPLY).expect(0);
    assert_eq!(ids(&workspace), known);
    converged(&emulator, &workspace);
    vanishes(&emulator, &workspace);
    assert_eq!(counted(&emulator), BTreeMap::new());
}
