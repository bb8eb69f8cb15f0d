//! RUN-4: `destroy` deletes everything of the cluster, including what Kubernetes and AWS left behind, and touches nothing of others.

use crate::harness::{APPLY_QUIETLY, DESTROY, ForeignObjects, Request, SINGLE_ZONE, TeardownAccount, Workspace, example, says};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;

const THREE: &str = "domino-test-cluster";

/// The report of the last destroy.
#[track_caller]
fn reported(workspace: &Workspace) -> Value {
    serde_json::from_str(&fs::read_to_string(workspace.path("report.json")).unwrap()).unwrap()
}

/// Kinds in a list of the report.
fn kinds(list: &Value) -> BTreeSet<String> {
    let address = |entry: &Value| entry["address"].as_str().unwrap().split('/').next().unwrap().to_owned();
    list.as_array().unwrap().iter().map(address).collect()
}

#[test]
fn a_used_cluster_goes_and_its_neighbours_stay() {
    let site = TeardownAccount::with(&["--page-size", "5"]);
    let workspace = Workspace::new(&site.emulator, &example("domino-test-cluster.yaml"));
    workspace.run_soon(&APPLY_QUIETLY).expect(0);
    site.used(THREE);
    let theirs = site.neighbours(THREE);

    let since = site.emulator.count();
    let plan = workspace.run_soon(&["plan", "--destroy", "--detailed-exitcode"]).expect(2);
    assert!(site.emulator.mutating(since).is_empty(), "plan changed something");
    let lines: Vec<&str> = plan.stdout.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines[0], "Data (deleted with `--delete-data`, kept with `--retain-data`)");
    assert!(!plan.stdout.contains("Not ours"), "{}", plan.stdout);

    let arguments = ["destroy", "--confirm", THREE, "--delete-data", "--report", "report.json"];
    site.destroyed(&workspace, &arguments, &theirs);
    in_pages(&site);
    let report = reported(&workspace);
    assert_eq!((&report["result"], &report["cluster"]), (&json!("nothing_left"), &json!(THREE)));
    assert_eq!((&report["left"], &report["kept"], &report["in_the_way"]), (&json!([]), &json!([]), &json!([])));
    assert_eq!(kinds(&report["scheduled"]), BTreeSet::from(["kms-key".to_owned()]));
    let deleted = kinds(&report["deleted"]);
    for kind in [
        "vpc",
        "eks-cluster",
        "s3-bucket",
        "load-balancer",
        "classic-load-balancer",
        "target-group",
        "kubernetes-security-group",
        "ebs-volume",
        "ebs-snapshot",
        "container-log-group",
        "network-interface",
    ] {
        assert!(deleted.contains(kind), "{kind} is not in {deleted:?}");
    }
    // Objects that nodes and EKS left while they were deleted blocked the deletion of subnets and VPC.
    let cleared: Vec<&str> = report["cleared"].as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap()).collect();
    let is = |start: &str| cleared.iter().filter(|id| id.starts_with(start)).count();
    assert_eq!((is("eni-"), is("sg-"), cleared.len()), (2, 1, 3), "{cleared:?}");
    assert!(workspace.state(THREE)["resources"].as_object().unwrap().is_empty());

    // There is nothing left to destroy, and the command says so.
    let since = site.emulator.count();
    says(site.destroyed(&workspace, &arguments, &theirs), &["Nothing to destroy."]);
    assert_eq!(site.emulator.mutating(since).len(), 0);
    assert_eq!(reported(&workspace)["deleted"], json!([]));

    // A run that is refused removes the report of an earlier one.
    workspace.run_soon(&["destroy", "--confirm", "other", "--report", "report.json"]).expect(7);
    assert_eq!(reported(&workspace)["result"], "unknown");

    // The state still exists, and is empty.
    let listed = workspace.run_soon(&["state", "list"]).expect(0);
    assert_eq!(listed.stdout, "");
    says(listed, &["Nothing is recorded"]);
    assert_eq!(workspace.run_soon(&["state", "list", "--format", "json"]).expect(0).json()["resources"], json!([]));
    assert_eq!(workspace.run_soon(&["state", "pull"]).expect(0).json()["state"]["resources"], json!({}));
    says(workspace.run_soon(&["outputs"]).expect(1), &["nothing is applied yet"]);
    let status = workspace.run_soon(&["status", "--format", "json"]).expect(0).json();
    assert_eq!((&status["healthy"], &status["resources"][0]["health"]), (&json!(false), &json!("absent")));
    assert_eq!(workspace.run_soon(&["status"]).expect(0).stdout, "\nNothing exists yet: `domino-eks apply` creates it.\n");
}

/// Lists of EC2 that have no pages, and that of the versions of one template.
const WITHOUT_PAGES: [&str; 5] =
    ["DescribeAddresses", "DescribeVpnGateways", "DescribeVpcAttribute", "DescribeInstanceAttribute", "DescribeLaunchTemplateVersions"];

/// Every list of EC2 is read in pages: EC2 refuses to list everything at once in large accounts.
#[track_caller]
fn in_pages(site: &TeardownAccount) {
    let whole = |request: &Request| {
        request.service == "ec2" && request.operation.starts_with("Describe") && request.params.get("MaxResults").is_none()
    };
    let lists = site.emulator.requests(0).into_iter().filter(whole).filter(|request| !WITHOUT_PAGES.contains(&request.operation.as_str()));
    let lists: Vec<String> = lists.map(|request| request.brief()).collect();
    assert_eq!(lists, Vec::<String>::new());
}

#[test]
fn where_nothing_exists_nothing_is_left() {
    let site = TeardownAccount::new();
    let workspace = site.fresh();
    let theirs = site.neighbours(SINGLE_ZONE);
    let since = site.emulator.count();
    says(site.destroyed(&workspace, &DESTROY, &theirs), &["Nothing to destroy."]);
    assert!(site.emulator.mutating(since).is_empty());
    let nobody = ForeignObjects::nobody();
    site.emulator.reset();
    says(site.destroyed(&workspace, &DESTROY, &nobody), &["Nothing to destroy."]);
}

/// Retained resources are used again by a later apply, or deleted by a later destroy.
#[test]
fn data_is_kept_and_taken_up_again() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    site.used(SINGLE_ZONE);
    let theirs = site.neighbours(SINGLE_ZONE);
    let bucket = site.objects("blobs", &json!({ "keys": 7, "versions_per_key": 3, "delete_markers": 2 }));
    let kept = |kind: &str| {
        let others: BTreeSet<String> = theirs_of(&site, kind);
        site.ids(kind).into_iter().filter(|id| !others.contains(id)).collect::<BTreeSet<_>>()
    };
    let data = ["bucket", "file-system", "access-point", "volume", "snapshot", "object"];
    let nodes = |found: BTreeSet<String>, kind: &str| if kind == "volume" { BTreeSet::new() } else { found };
    let before = data.map(|kind| (kind, nodes(kept(kind), kind)));

    let retain = ["destroy", "--confirm", SINGLE_ZONE, "--retain-data", "--report", "report.json"];
    let since = site.emulator.count();
    let run = workspace.run_soon(&retain).expect(0);
    let command =
        format!("`domino-eks destroy --delete-data --confirm {SINGLE_ZONE}` deletes what is kept; `domino-eks apply` takes it back.");
    let run = says(run, &["Data that is kept", "Kept:", "Nothing else left: searched by ", &command]);
    theirs.unharmed(&site);
    theirs.unnamed(&site, since);
    for (kind, were) in &before {
        let now = kept(kind);
        assert_eq!(nodes(now.clone(), kind), *were, "{kind}");
        assert!(!now.is_empty(), "{kind}");
    }
    let types: BTreeSet<String> = site.ours(&theirs).iter().map(|entry| entry.split('"').nth(3).unwrap().to_owned()).collect();
    let stay = ["access-point", "alias", "bucket", "file-system", "key", "log-group", "object", "snapshot", "volume"];
    assert_eq!(types, stay.map(str::to_owned).into(), "{}", run.stderr);
    assert_eq!(reported(&workspace)["result"], "kept_as_asked");
    let list = workspace.run(&["state", "list"]).expect(0).stdout;
    for address in ["s3-bucket/blobs", "efs-file-system/datasets", "kms-key/main", "ebs-volume/"] {
        let line = list.lines().find(|line| line.starts_with(address)).unwrap_or_else(|| panic!("{address} is not in {list}"));
        assert!(line.ends_with("(kept by destroy)"), "{line}");
    }

    // `status` tells which resources exist. Retained resources that the configuration no longer wants are kept, too.
    let status = workspace.run_soon(&["status", "--format", "json"]).expect(0).json();
    assert_eq!(status["healthy"], false);
    let health = |start: &str| {
        let lines = status["resources"].as_array().unwrap();
        let line = lines.iter().find(|line| line["address"].as_str().unwrap().starts_with(start));
        line.unwrap_or_else(|| panic!("{start} is not in {lines:?}"))["health"].clone()
    };
    assert_eq!((health("s3-bucket/blobs"), health("ebs-volume/")), (json!("kept"), json!("kept")));
    assert_eq!((health("eks-cluster/main"), health("vpc/main")), (json!("absent"), json!("absent")));
    let text = workspace.run_soon(&["status"]).expect(0).stdout;
    assert!(
        text.contains("not in AWS (`domino-eks apply` creates what is missing)") && text.contains("kept by an earlier destroy"),
        "{text}"
    );

    // Running the command again changes nothing.
    let since = site.emulator.count();
    workspace.run_soon(&retain).expect(0);
    assert_eq!(site.emulator.mutating(since).len(), 0);

    workspace.run_soon(&APPLY_QUIETLY).expect(0);
    assert!(workspace.planned().is_empty(), "{:?}", workspace.planned());
    for (kind, were) in &before {
        assert_eq!(nodes(kept(kind), kind), *were, "{kind}");
    }
    assert!(kept("object").iter().all(|id| id.starts_with(&bucket)));
    site.destroyed(&workspace, &DESTROY, &theirs);
}

/// Ids of what the neighbours have of this type.
fn theirs_of(site: &TeardownAccount, kind: &str) -> BTreeSet<String> {
    let is_theirs = |entry: &&Value| entry["tags"]["team"] == "b" || entry["tags"]["domino-eks:cluster"] == format!("{SINGLE_ZONE}-2");
    let named = |entry: &&Value| entry["id"].as_str().unwrap().contains("team-b") || entry["id"].as_str().unwrap().contains("scratch");
    let found = site.emulator.of_type(kind);
    found.iter().filter(|entry| is_theirs(entry) || named(entry)).map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
}
