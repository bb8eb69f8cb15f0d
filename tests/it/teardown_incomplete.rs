//! RUN-4: `destroy` of clusters that are incomplete: an apply that was killed, a state or a configuration that is lost, a
//! cluster that failed, resources that somebody deleted by hand.

use crate::harness::{
    APPLY_QUIETLY, DESTROY, ForeignObjects, Report, SINGLE_ZONE, TeardownAccount, Workspace, ended, held, sample, says, workers,
};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

const BY_NAME: [&str; 8] = ["destroy", "--cluster", SINGLE_ZONE, "--region", "us-west-2", "--confirm", SINGLE_ZONE, "--delete-data"];

/// The call that changes something before which an apply is killed.
fn points(site: &TeardownAccount) -> Vec<usize> {
    let workspace = site.fresh();
    let since = site.emulator.count();
    workspace.run_soon(&APPLY_QUIETLY).expect(0);
    (1..=site.emulator.mutating(since).len()).collect()
}

/// Applies, and kills the run at one of its calls.
fn half_made(site: &TeardownAccount, call: usize) -> Result<(Workspace, String), String> {
    let workspace = site.fresh();
    let mode = if call.is_multiple_of(2) { "hold-before" } else { "hold-after" };
    let rule = site.emulator.fault(&json!({ "mode": mode, "call": call, "mutating": true }));
    let mut run = workspace.spawn(&APPLY_QUIETLY);
    let mut struck = None;
    while struck.is_none() && run.try_wait().unwrap().is_none() {
        struck = site.emulator.struck(&rule, 0.2);
    }
    let _ = run.kill();
    run.wait().unwrap();
    site.emulator.mend();
    Ok((workspace, format!("{mode} {call} ({})", struck.as_deref().unwrap_or("ended before"))))
}

/// Adds what Kubernetes can have left by now, which is nothing while there is no network.
fn leave(site: &TeardownAccount) -> bool {
    let order = json!({ "what": "leftovers", "cluster": SINGLE_ZONE, "only": ["interfaces", "logs"] });
    let sown = ureq::post(&format!("{}/_emulator/seed", site.emulator.url)).send_json(&order);
    sown.is_ok()
}

/// Every third time the state is lost, too, and every other third time the configuration.
fn taken_down(site: &TeardownAccount, call: usize) -> Result<String, String> {
    let (workspace, about) = half_made(site, call)?;
    let left = leave(site);
    let theirs = site.neighbours(SINGLE_ZONE);
    let (arguments, how): (&[&str], &str) = match call % 3 {
        0 => (&DESTROY, "with both"),
        1 => {
            // Before the first call there may be none.
            let _ = fs::remove_dir_all(workspace.path(".domino-eks"));
            (&DESTROY, "without state")
        }
        _ => {
            fs::remove_file(workspace.path("domino-eks.yaml")).unwrap();
            (&BY_NAME, "without configuration")
        }
    };
    let about = format!("{about}, {}{how}", if left { "with leftovers, " } else { "" });
    let since = site.emulator.count();
    let run = workspace.run_soon(arguments);
    if run.code != 0 || !run.stderr.contains("Nothing left: ") {
        return Err(format!("{about}: {}: {}", run.code, run.stderr.trim()));
    }
    let ours = site.ours(&theirs);
    if !ours.is_empty() {
        return Err(format!("{about}: left: {ours:?}"));
    }
    theirs.unharmed(site);
    theirs.unnamed(site, since);
    Ok(about)
}

/// 30 points with `RELIABILITY=30`, every one with `RELIABILITY=full`, another sample with each commit else.
#[test]
fn what_a_killed_apply_left_goes() {
    let chosen = sample(points(&TeardownAccount::new()), 6);
    let report = Report::begin("teardown", 1);
    workers(chosen, TeardownAccount::new, |site, call| report.point(&call.to_string(), || taken_down(site, *call)));
    report.end();
}

/// The last request of a killed run takes effect only later: until then destroy must not say that nothing is left.
#[test]
fn what_appears_after_a_killed_apply_goes_too() {
    let site = TeardownAccount::new();
    let workspace = site.fresh();
    let rule = site.emulator.fault(&json!({ "mode": "hold-before", "operation": "AllocateAddress" }));
    let mut run = workspace.spawn(&APPLY_QUIETLY);
    held(&site.emulator, &mut run, &rule);
    run.kill().unwrap();
    run.wait().unwrap();
    site.emulator.mend();
    let lineage = workspace.state(SINGLE_ZONE)["lineage"].as_str().unwrap().to_owned();
    // At this time scale the program waits long enough for the address to appear.
    let told = workspace.path("told");
    let mut command = workspace.command(&DESTROY);
    let mut run = command.env("DOMINO_EKS_TIME_SCALE", "0.1").stderr(fs::File::create(&told).unwrap()).spawn().unwrap();
    while !fs::read_to_string(&told).unwrap().contains("an interrupted run was about to create elastic-ip/nat/us-west-2a") {
        assert!(run.try_wait().unwrap().is_none(), "{}", fs::read_to_string(&told).unwrap());
        std::thread::sleep(Duration::from_millis(20));
    }
    site.emulator.aws(&format!(
        "tags = {{'domino-eks:cluster': '{SINGLE_ZONE}', 'domino-eks:address': 'elastic-ip/nat/us-west-2a', 'domino-eks:lineage': '{lineage}'}}
ec2.allocate_address(Domain='vpc', TagSpecifications=[{{'ResourceType': 'elastic-ip', 'Tags': [{{'Key': key, 'Value': tags[key]}} for key in tags]}}])"
    ));
    let status = run.wait().unwrap();
    let told = fs::read_to_string(&told).unwrap();
    assert!(status.success() && told.contains("Found meanwhile") && told.contains("Nothing left: "), "{told}");
    site.nothing_left(&ForeignObjects::nobody());
}

/// Volumes of Kubernetes claims may be all that is left of a cluster.
#[test]
fn claims_alone_tell_of_a_cluster_without_a_state() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    let ours = workspace.state(SINGLE_ZONE)["lineage"].as_str().unwrap().to_owned();
    site.destroyed(&workspace, &DESTROY, &ForeignObjects::nobody());
    fs::remove_dir_all(workspace.path(".domino-eks")).unwrap();
    let earlier = "2693aea3-eb53-4f28-9d86-f02a4b716755";
    let volume = |lineage: &str| {
        site.emulator.aws(&format!(
            "tags = {{'domino-eks:cluster': '{SINGLE_ZONE}', 'domino-eks:lineage': '{lineage}', 'CSIVolumeName': 'pvc'}}
pairs = [{{'Key': key, 'Value': value}} for key, value in tags.items()]
result = ec2.create_volume(AvailabilityZone='us-west-2a', Size=1, TagSpecifications=[{{'ResourceType': 'volume', 'Tags': pairs}}])['VolumeId']"
        ))
    };
    volume(&ours);
    says(
        workspace.run_soon(&["destroy", "--confirm", SINGLE_ZONE]).expect(7),
        &["these resources hold or may hold data", "ebs-volume/vol-"],
    );
    let kept = volume(earlier);
    says(workspace.run_soon(&DESTROY).expect(1), &["made under several states", "--lineage", earlier]);
    let chosen = [&DESTROY[..], &["--lineage", &ours]].concat();
    let others = ["Nothing left: ", "Made under another state", &format!("ebs-volume/{}", kept.as_str().unwrap()), earlier];
    says(workspace.run_soon(&chosen).expect(0), &others);
    assert_eq!(site.ids("volume"), [kept.as_str().unwrap()]);
    site.destroyed(&workspace, &[&DESTROY[..], &["--state", "empty", "--lineage", earlier]].concat(), &ForeignObjects::nobody());
}

/// A cluster without state is found by its tags, its names, and the tags that Kubernetes gives its objects.
#[test]
fn without_state_or_configuration_or_both() {
    let site = TeardownAccount::with(&["--page-size", "5"]);
    for (state, configuration) in [(false, true), (true, false), (false, false)] {
        let workspace = site.made();
        site.used(SINGLE_ZONE);
        site.objects("blobs", &json!({ "keys": 3, "delete_markers": 1, "uploads": 1 }));
        let theirs = site.neighbours(SINGLE_ZONE);
        if !configuration {
            fs::remove_file(workspace.path("domino-eks.yaml")).unwrap();
        }
        if !state {
            fs::remove_dir_all(workspace.path(".domino-eks")).unwrap();
        }
        let arguments: &[&str] = if configuration { &DESTROY } else { &BY_NAME };
        let plan: &[&str] =
            if configuration { &["plan", "--destroy"] } else { &["plan", "--destroy", "--cluster", SINGLE_ZONE, "--region", "us-west-2"] };
        let since = site.emulator.count();
        let looked = workspace.run_soon(plan).expect(0);
        assert_eq!(looked.stderr.contains("There is no state at"), !state, "{}", looked.stderr);
        let planned = looked.stdout;
        assert_eq!(site.emulator.mutating(since).len(), 0);
        for what in ["vpc/main", "s3-bucket/blobs", "load-balancer/", "ebs-volume/", "network-interface/"] {
            assert!(planned.contains(what), "{what} is not in {planned}");
        }
        let run = site.destroyed(&workspace, arguments, &theirs);
        assert_eq!(run.stderr.contains("There is no state at"), !state, "{}", run.stderr);
    }
}

/// `AWS_REGION` gives the region where `--region` is missing.
#[test]
fn the_region_may_come_from_the_environment() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    fs::remove_file(workspace.path("domino-eks.yaml")).unwrap();
    let mut command = workspace.command(&["destroy", "--cluster", SINGLE_ZONE, "--confirm", SINGLE_ZONE, "--delete-data"]);
    let run: crate::harness::Run = command.env("AWS_REGION", "us-west-2").output().unwrap().into();
    says(run.expect(0), &["Nothing left: "]);
    site.nothing_left(&ForeignObjects::nobody());
}

#[test]
fn a_failed_cluster_goes() {
    let site = TeardownAccount::new();
    let workspace = site.fresh();
    site.emulator.seed(&json!({ "what": "failing-cluster", "cluster": SINGLE_ZONE }));
    says(workspace.run_soon(&APPLY_QUIETLY).expect(1), &["eks-cluster/main", "the control plane could not be started"]);
    assert!(leave(&site));
    let theirs = site.neighbours(SINGLE_ZONE);
    site.destroyed(&workspace, &DESTROY, &theirs);
    // The same with the name of the cluster alone.
    let workspace = site.fresh();
    site.emulator.seed(&json!({ "what": "failing-cluster", "cluster": SINGLE_ZONE }));
    workspace.run_soon(&APPLY_QUIETLY).expect(1);
    fs::remove_dir_all(workspace.path(".domino-eks")).unwrap();
    fs::remove_file(workspace.path("domino-eks.yaml")).unwrap();
    site.destroyed(&workspace, &BY_NAME, &ForeignObjects::nobody());
}

/// Deletes by hand every second Auto Scaling group, the route to the internet, roles, and what AWS allows of the network.
const BY_HAND: &str = r#"
from botocore.exceptions import ClientError
groups = full(autoscaling, "describe_auto_scaling_groups")["AutoScalingGroups"]
for group in groups[::2]:
    autoscaling.delete_auto_scaling_group(AutoScalingGroupName=group["AutoScalingGroupName"], ForceDelete=True)
ours = [{"Name": "tag:domino-eks:cluster", "Values": ["SINGLE_ZONE"]}]
for gateway in full(ec2, "describe_nat_gateways", Filter=ours)["NatGateways"]:
    ec2.delete_nat_gateway(NatGatewayId=gateway["NatGatewayId"])
gone = []
def tried(operation, **arguments):
    try:
        operation(**arguments)
        gone.append(next(iter(arguments.values())))
    except ClientError:
        pass
roles = [r["RoleName"] for r in full(iam, "list_roles", PathPrefix="/domino-eks/SINGLE_ZONE/")["Roles"]]
for name in roles[::2]:
    for policy in full(iam, "list_attached_role_policies", RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    tried(iam.delete_role, RoleName=name)
for addon in full(eks, "list_addons", clusterName="SINGLE_ZONE")["addons"][::2]:
    eks.delete_addon(clusterName="SINGLE_ZONE", addonName=addon)
for bucket in s3.list_buckets()["Buckets"][:2]:
    tried(s3.delete_bucket, Bucket=bucket["Name"])
for template in full(ec2, "describe_launch_templates", Filters=ours)["LaunchTemplates"][::2]:
    tried(ec2.delete_launch_template, LaunchTemplateId=template["LaunchTemplateId"])
for target in full(efs, "describe_mount_targets", FileSystemId=efs.describe_file_systems()["FileSystems"][0]["FileSystemId"])["MountTargets"]:
    tried(efs.delete_mount_target, MountTargetId=target["MountTargetId"])
for group in full(ec2, "describe_security_groups", Filters=ours)["SecurityGroups"]:
    tried(ec2.delete_security_group, GroupId=group["GroupId"])
for endpoint in full(ec2, "describe_vpc_endpoints", Filters=ours)["VpcEndpoints"]:
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])
for subnet in full(ec2, "describe_subnets", Filters=ours)["Subnets"]:
    tried(ec2.delete_subnet, SubnetId=subnet["SubnetId"])
result = gone
"#;

#[test]
fn what_others_deleted_meanwhile_is_no_reason_to_stop() {
    let site = TeardownAccount::new();
    for state in [true, false] {
        let workspace = site.made();
        site.used(SINGLE_ZONE);
        let gone = site.emulator.aws(&BY_HAND.replace("SINGLE_ZONE", SINGLE_ZONE));
        assert!(gone.as_array().unwrap().len() >= 6, "only {gone} let itself be deleted");
        let theirs = site.neighbours(SINGLE_ZONE);
        if !state {
            fs::remove_dir_all(workspace.path(".domino-eks")).unwrap();
        }
        site.destroyed(&workspace, &DESTROY, &theirs);
    }
}

/// Of two runs on one state the second is refused at once; two runs with states of their own do not disturb each other.
#[test]
fn two_at_once() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    site.used(SINGLE_ZONE);
    let theirs = site.neighbours(SINGLE_ZONE);
    let rule = site.emulator.fault(&json!({ "mode": "slow", "operation": "DeleteAutoScalingGroup", "seconds": 3 }));
    let mut first = workspace.spawn(&DESTROY);
    held(&site.emulator, &mut first, &rule);
    says(workspace.run_soon(&DESTROY).expect(5), &["locked", "`destroy`"]);
    says(ended(first).expect(0), &["Nothing left: "]);
    site.emulator.mend();
    site.nothing_left(&theirs);

    drop(site.made());
    site.used(SINGLE_ZONE);
    let theirs = site.neighbours(SINGLE_ZONE);
    let folders: Vec<Workspace> = (0..2).map(|_| site.folder("")).collect();
    let since = site.emulator.count();
    let runs: Vec<_> = folders.iter().map(|folder| folder.spawn(&DESTROY)).collect();
    for run in runs {
        says(ended(run).expect(0), &["Nothing left: "]);
    }
    site.nothing_left(&theirs);
    theirs.unnamed(&site, since);
    let ids: BTreeSet<String> = site.ids("key").into_iter().collect();
    assert_eq!(ids.len(), 2, "ours and that of team b");
    std::thread::sleep(Duration::from_millis(50));
    // A third run begins later.
    says(site.destroyed(&site.folder(""), &DESTROY, &theirs), &["Nothing to destroy."]);
}
