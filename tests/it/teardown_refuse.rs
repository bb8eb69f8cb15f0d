//! RUN-4, RUN-3: what `destroy` refuses, what it cannot do, and its messages; nothing of others is touched.

use crate::harness::{APPLY_QUIETLY, DESTROY, Emulator, ForeignObjects, Run, SINGLE_ZONE, TeardownAccount, Workspace, example, says};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;

/// Refused with this code and these texts, and nothing was changed.
#[track_caller]
fn refused(emulator: &Emulator, run: impl FnOnce() -> Run, code: i32, texts: &[&str]) {
    let since = emulator.count();
    let before = emulator.inventory();
    let run = says(run().expect(code), texts);
    assert!(run.stderr.contains("error") && !run.stderr.contains("panicked"), "{}", run.stderr);
    assert!(emulator.mutating(since).is_empty(), "{:?}", emulator.mutating(since));
    assert_eq!(emulator.inventory(), before);
}

/// Bad input of every kind, against one cluster that stays as it is.
#[test]
fn bad_input_changes_nothing() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    let emulator = &site.emulator;
    let run = |arguments: &[&str], code: i32, texts: &[&str]| {
        refused(emulator, || workspace.run_soon(arguments), code, texts);
    };
    run(&["destroy", "--confirm", "domino-test-single", "--delete-data"], 7, &["`domino-test-single`", SINGLE_ZONE]);
    run(&["destroy", "--confirm", "", "--delete-data"], 7, &[SINGLE_ZONE]);
    run(&["destroy", "--confirm", SINGLE_ZONE, "--delete-data", "--retain-data"], 2, &["--delete-data", "--retain-data"]);
    run(&["destroy", "--cluster", SINGLE_ZONE, "--confirm", SINGLE_ZONE, "--delete-data"], 2, &["--region", "AWS_REGION"]);
    run(
        &["destroy", "--cluster", SINGLE_ZONE, "--region", "us-west-2", "-f", "domino-eks.yaml", "--confirm", SINGLE_ZONE],
        2,
        &["--cluster", "--file"],
    );
    run(&["destroy", "--cluster", "Bad_Name", "--region", "us-west-2", "--confirm", "Bad_Name"], 2, &["`Bad_Name` is not a cluster name"]);
    run(&["destroy", "--cluster", "../other", "--region", "us-west-2", "--confirm", "../other"], 2, &["is not a cluster name"]);
    run(&["destroy", "--cluster", SINGLE_ZONE, "--region", "moon-1", "--confirm", SINGLE_ZONE], 2, &["`moon-1` is not a region"]);
    run(&["destroy", "--cluster", SINGLE_ZONE, "--region", "us-west-2", "--confirm", "other", "--delete-data"], 7, &["`other`"]);
    run(&["destroy", "--cluster", SINGLE_ZONE, "--region", "us-west-2", "--yes", "--delete-data"], 7, &["ephemeral", "--confirm"]);
    run(&["plan", "--cluster", SINGLE_ZONE, "--region", "us-west-2"], 2, &["`--cluster` requires `--destroy`"]);
    run(
        &["destroy", "--confirm", SINGLE_ZONE, "--delete-data", "--report", "absent/report.json"],
        2,
        &["absent/report.json", "nothing was changed"],
    );
    run(&["destroy", "--confirm", SINGLE_ZONE, "--delete-data", "--report", "."], 2, &["the report `.` cannot be written"]);
    run(&["destroy", "--delete-data"], 2, &["no terminal", "--confirm"]);
    run(&["destroy", "--yes", "--delete-data"], 7, &["ephemeral", "--confirm"]);
    run(&["destroy", "--confirm", SINGLE_ZONE], 7, &["efs-file-system/datasets", "--delete-data", "--retain-data"]);
    // The plan is shown before the question even with --quiet.
    let asked = ["--quiet", "destroy", "--delete-data"];
    run(&asked, 2, &["Data that is deleted", "vpc/main", "no terminal"]);
    // The setting in the configuration alone is not enough, and the message says so.
    let file = fs::read_to_string(workspace.path("domino-eks.yaml")).unwrap();
    workspace.write("domino-eks.yaml", &format!("{file}lifecycle: ephemeral\n"));
    run(&["destroy", "--yes", "--delete-data"], 7, &["the file says so, but it was not applied since", "--confirm"]);
    run(&["destroy", "--yes", "--delete-data", "--state", "empty"], 7, &["the file says so, but there is no state", "--confirm"]);
    // With a damaged state and without a configuration, the message still says what to do.
    fs::create_dir(workspace.path("damaged")).unwrap();
    workspace.write("damaged/state.json", "hello");
    fs::remove_file(workspace.path("domino-eks.yaml")).unwrap();
    let by_name =
        ["destroy", "--cluster", SINGLE_ZONE, "--region", "us-west-2", "--state", "damaged", "--confirm", SINGLE_ZONE, "--delete-data"];
    run(&by_name, 1, &["is damaged", "an empty folder with `--state`"]);
    workspace.write("domino-eks.yaml", &file);
    // Without its configuration, the message says what to do.
    fs::remove_file(workspace.path("domino-eks.yaml")).unwrap();
    run(&["destroy", "--confirm", SINGLE_ZONE, "--delete-data"], 3, &["--cluster NAME --region REGION"]);
}

/// `plan --destroy` says the same as destroy about resources of another state and about missing ones.
#[test]
fn a_plan_warns_like_the_destroy() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    site.emulator.aws(&format!(
        "s3.create_bucket(Bucket='earlier', CreateBucketConfiguration={{'LocationConstraint': 'us-west-2'}})
tags = {{'domino-eks:cluster': '{SINGLE_ZONE}', 'domino-eks:address': 's3-bucket/blobs', 'domino-eks:lineage': '2693aea3-eb53-4f28-9d86-f02a4b716755'}}
s3.put_bucket_tagging(Bucket='earlier', Tagging={{'TagSet': [{{'Key': key, 'Value': tags[key]}} for key in tags]}})"
    ));
    let warning = "warning: 1 with this cluster's tags were made under another state: they are left alone";
    let plan = says(workspace.run_soon(&["plan", "--destroy"]).expect(0), &[warning]);
    assert!(plan.stdout.contains("Data (deleted with `--delete-data`, kept with `--retain-data`)"), "{}", plan.stdout);
    says(workspace.run_soon(&["destroy", "--confirm", SINGLE_ZONE]).expect(7), &[warning, "Data that is deleted"]);
}

/// A state of another account or region is not used for this one.
#[test]
fn a_state_of_another_account_or_region() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    let path = workspace.path(&format!(".domino-eks/{SINGLE_ZONE}/state.json"));
    let state = workspace.state(SINGLE_ZONE);
    for (member, value) in [("account", "999999999999"), ("region", "eu-west-1")] {
        let mut other = state.clone();
        other[member] = json!(value);
        fs::write(&path, crate::harness::sealed(&other)).unwrap();
        refused(&site.emulator, || workspace.run_soon(&DESTROY), 1, &[&format!("the state belongs to {member} `{value}`")]);
    }
    fs::write(&path, crate::harness::sealed(&state)).unwrap();
    let elsewhere = ["destroy", "--cluster", SINGLE_ZONE, "--region", "eu-west-1", "--confirm", SINGLE_ZONE, "--delete-data"];
    refused(&site.emulator, || workspace.run_soon(&elsewhere), 1, &["the state belongs to region `us-west-2`"]);
    // From an empty folder nothing of that name is found in that region, and nothing else is taken for it.
    let empty = site.folder("");
    let since = site.emulator.count();
    let before = site.emulator.inventory();
    says(empty.run_soon(&elsewhere).expect(0), &["Nothing to destroy.", "Nothing left: "]);
    assert!(site.emulator.mutating(since).is_empty());
    assert_eq!(site.emulator.inventory(), before);
}

/// Objects with our names but without our tag belong to somebody else.
#[test]
fn names_of_ours_without_our_tag() {
    let site = TeardownAccount::new();
    let workspace = site.fresh();
    let before = site.emulator.inventory();
    site.emulator.aws(&format!(
        "trust = json.dumps({{'Version': '2012-10-17', 'Statement': [{{'Effect': 'Allow', 'Principal': {{'Service': 'ec2.amazonaws.com'}}, 'Action': 'sts:AssumeRole'}}]}})
s3.create_bucket(Bucket='{SINGLE_ZONE}-123456789012-us-west-2-blobs', CreateBucketConfiguration={{'LocationConstraint': 'us-west-2'}})
s3.put_object(Bucket='{SINGLE_ZONE}-123456789012-us-west-2-blobs', Key='theirs', Body=b'x')
iam.create_role(RoleName='{SINGLE_ZONE}-us-west-2-compute-node', AssumeRolePolicyDocument=trust)
iam.create_role(RoleName='{SINGLE_ZONE}-us-west-2-cluster', Path='/domino-eks/{SINGLE_ZONE}/', AssumeRolePolicyDocument=trust)
logs.create_log_group(logGroupName='/aws/eks/{SINGLE_ZONE}/cluster')
key = kms.create_key(Description='theirs')['KeyMetadata']['KeyId']
kms.create_alias(AliasName='alias/{SINGLE_ZONE}', TargetKeyId=key)
ec2.create_launch_template(LaunchTemplateName='{SINGLE_ZONE}-platform', LaunchTemplateData={{'InstanceType': 'm5.large'}})
vpc = ec2.create_vpc(CidrBlock='10.0.0.0/16', TagSpecifications=[{{'ResourceType': 'vpc', 'Tags': [{{'Key': 'Name', 'Value': '{SINGLE_ZONE}'}}]}}])
ec2.create_security_group(GroupName='{SINGLE_ZONE}-nodes', Description='theirs', VpcId=vpc['Vpc']['VpcId'])"
    ));
    let new: Vec<Value> = site.emulator.inventory().into_iter().filter(|entry| !before.contains(entry)).collect();
    let theirs = ForeignObjects::of(&site.emulator, &new);
    for arguments in
        [&DESTROY[..], &["destroy", "--cluster", SINGLE_ZONE, "--region", "us-west-2", "--confirm", SINGLE_ZONE, "--delete-data"]]
    {
        let since = site.emulator.count();
        let run = site.destroyed(&workspace, arguments, &theirs);
        assert!(run.stderr.contains("Nothing to destroy."), "{}", run.stderr);
        assert!(site.emulator.mutating(since).is_empty());
    }
    // An apply stops at these objects; destroy deletes what it made, and they stay. Only a log group of the control plane is taken: EKS
    // leaves one, and nobody else creates one of that name.
    site.emulator.aws(&format!("logs.delete_log_group(logGroupName='/aws/eks/{SINGLE_ZONE}/cluster')"));
    let new: Vec<Value> = new.into_iter().filter(|entry| entry["type"] != "log-group").collect();
    let theirs = ForeignObjects::of(&site.emulator, &new);
    workspace.run_soon(&APPLY_QUIETLY).expect(1);
    site.destroyed(&workspace, &DESTROY, &theirs);
}

/// IAM is the same in all regions: roles of a cluster of the same name in another region are not taken.
#[test]
fn a_cluster_of_the_same_name_in_another_region() {
    let site = TeardownAccount::new();
    let there = site.fresh();
    there.write("domino-eks.yaml", &example("domino-test-cluster-single-az.yaml").replace("us-west-2", "eu-west-1"));
    there.run_soon(&APPLY_QUIETLY).expect(0);
    let theirs = ForeignObjects::of(&site.emulator, &site.emulator.living());
    let here = site.folder("");
    let by_name = ["destroy", "--cluster", SINGLE_ZONE, "--region", "us-west-2", "--confirm", SINGLE_ZONE, "--delete-data"];
    says(site.destroyed(&here, &by_name, &theirs), &["Nothing to destroy."]);
    for lost in [false, true] {
        here.run_soon(&APPLY_QUIETLY).expect(0);
        site.used(SINGLE_ZONE);
        if lost {
            fs::remove_dir_all(here.path(".domino-eks")).unwrap();
        }
        let run = here.run_soon(if lost { &by_name } else { &DESTROY }).expect(0);
        // Keys of earlier clusters that wait for their deletion are not mentioned.
        let run = says(run, &["Nothing left: "]);
        assert!(!run.stderr.contains("warning"), "{}", run.stderr);
        site.nothing_left(&theirs);
    }
    assert!(there.planned().is_empty(), "{:?}", there.planned());
}

/// Another team's instance in a subnet of ours stays, and the message names it.
#[test]
fn what_is_not_ours_is_named_and_left_alone() {
    let site = TeardownAccount::new();
    for attached in [true, false] {
        let workspace = site.made();
        site.used(SINGLE_ZONE);
        let theirs = site.neighbours(SINGLE_ZONE);
        let seeded = site.emulator.seed(&json!({ "what": "foreign", "cluster": SINGLE_ZONE, "attached": attached }));
        let id = |kind: &str| {
            let found = seeded.iter().find(|entry| entry["type"] == kind).unwrap();
            found["id"].as_str().unwrap().to_owned()
        };
        let (interface, group) = (id("network-interface"), id("security-group"));
        let both = ForeignObjects::of(&site.emulator, &seeded).and(theirs);
        let plan = workspace.run_soon(&["plan", "--destroy"]).expect(0).stdout;
        let line = plan.lines().find(|line| line.contains(&interface)).unwrap_or_else(|| panic!("{interface} is not in {plan}"));
        for text in ["team=b", "Name=bastion", "bastion of team b", "holds ", "subnet/private/us-west-2a", "vpc/main"] {
            assert!(line.contains(text), "`{text}` is not in {line}");
        }
        assert!(plan.contains(&group) && plan.contains("Not ours, and in the way"), "{plan}");
        let json = workspace.run_soon(&["plan", "--destroy", "--format", "json"]).expect(0).json();
        assert_eq!(json["foreign"].as_array().map(Vec::len), Some(2), "{:#}", json["foreign"]);

        let since = site.emulator.count();
        let run = workspace.run_soon(&[&DESTROY[..], &["--report", "report.json"]].concat());
        let run = says(run.expect(1), &["error: ", &interface, "team=b", "not ours", "Left:", "hint: "]);
        assert!(!run.stderr.contains("Nothing left"), "{}", run.stderr);
        both.unharmed(&site);
        both.unnamed(&site, since);
        let left: BTreeSet<String> = site.ours(&both).iter().map(|entry| entry.split('"').nth(3).unwrap().to_owned()).collect();
        assert!(left.is_subset(&["subnet", "vpc"].map(str::to_owned).into()), "all else goes: {left:?}");
        let report: Value = serde_json::from_str(&fs::read_to_string(workspace.path("report.json")).unwrap()).unwrap();
        assert_eq!(report["result"], "left");
        assert!(report["in_the_way"].to_string().contains(&interface), "{report:#}");

        site.emulator.seed(&json!({ "what": "remove-foreign", "cluster": SINGLE_ZONE }));
        says(workspace.run_soon(&DESTROY).expect(0), &["Nothing left: "]);
    }
}

/// One permission is missing: everything that does not depend on it is deleted, and the rest by the next run, with the permission.
#[test]
fn a_missing_permission_is_named() {
    let site = TeardownAccount::new();
    for operation in ["DeleteNatGateway", "DeleteRole", "DeleteObjects", "DeleteLoadBalancer", "DeleteNetworkInterface"] {
        let workspace = site.made();
        site.used(SINGLE_ZONE);
        site.objects("blobs", &json!({ "keys": 3 }));
        let theirs = site.neighbours(SINGLE_ZONE);
        site.emulator.fault(&json!({ "mode": "access-denied", "operation": operation, "times": 0 }));
        let since = site.emulator.count();
        let run = says(workspace.run_soon(&DESTROY).expect(6), &[operation, "error: ", "hint: "]);
        assert!(!run.stderr.contains("Nothing left"), "{}", run.stderr);
        theirs.unnamed(&site, since);
        theirs.unharmed(&site);
        assert!(!site.ours(&theirs).is_empty());
        site.emulator.mend();
        site.destroyed(&workspace, &DESTROY, &theirs);
    }
}

/// Buckets with delete markers, unusual keys, unfinished uploads, objects written meanwhile and partial failures are emptied.
#[test]
fn buckets_are_emptied_of_everything() {
    let site = TeardownAccount::with(&["--page-size", "50"]);
    let workspace = site.made();
    site.objects("blobs", &json!({ "keys": 120, "versions_per_key": 3, "delete_markers": 40, "uploads": 7, "odd_keys": true }));
    site.objects("logs", &json!({ "keys": 30, "filling": 2, "partial": 2 }));
    site.objects("registry", &json!({ "uploads": 60 }));
    let plan = workspace.run_soon(&["plan", "--destroy"]).expect(0).stdout;
    let line = plan.lines().find(|line| line.contains("s3-bucket/blobs")).unwrap();
    assert!(line.contains("40 delete markers") || line.contains("delete marker"), "{line}");
    let theirs = site.neighbours(SINGLE_ZONE);
    site.destroyed(&workspace, &DESTROY, &theirs);
}

#[test]
fn locked_objects_stay_and_are_explained() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    let bucket = site.objects("blobs", &json!({ "keys": 20, "versions_per_key": 2, "locked": 2 }));
    let theirs = site.neighbours(SINGLE_ZONE);
    let since = site.emulator.count();
    let run = says(workspace.run_soon(&DESTROY).expect(1), &["s3-bucket/blobs", "Object Lock", "error: ", "hint: ", "Left:"]);
    assert!(!run.stderr.contains("Nothing left"), "{}", run.stderr);
    theirs.unharmed(&site);
    theirs.unnamed(&site, since);
    let ours = site.ours(&theirs);
    assert_eq!(ours.iter().filter(|entry| entry.contains("\"object\"")).count(), 2, "{ours:?}");
    // The key that encrypts them stays, too.
    assert!(ours.iter().all(|entry| entry.contains(&bucket) || entry.contains("\"kms\"")), "{ours:?}");
    // Running the command again says the same.
    says(workspace.run_soon(&DESTROY).expect(1), &["Object Lock"]);
    assert_eq!(site.ours(&theirs), ours);
}

#[test]
fn recovery_points_of_a_vault_of_ones_own_go() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    site.emulator.seed(&json!({ "what": "leftovers", "cluster": SINGLE_ZONE, "only": ["recovery-points"], "vault": "Default" }));
    let theirs = site.neighbours(SINGLE_ZONE);
    let plan = workspace.run_soon(&["plan", "--destroy"]).expect(0).stdout;
    assert!(plan.contains("recovery-point/") && plan.contains("in vault Default"), "{plan}");
    site.destroyed(&workspace, &DESTROY, &theirs);
}

#[test]
fn a_vault_that_forbids_it_keeps_its_recovery_points() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    site.emulator.seed(&json!({ "what": "leftovers", "cluster": SINGLE_ZONE, "only": ["recovery-points"] }));
    let theirs = site.neighbours(SINGLE_ZONE);
    let since = site.emulator.count();
    // Nobody may delete there: this is a matter of the vault, and not of the caller's permissions.
    let by_itself = "AWS deletes it by itself on 2";
    let told = [
        "recovery-point/",
        "`backup:DeleteRecoveryPoint`",
        "get-backup-vault-access-policy --backup-vault-name aws/efs/",
        by_itself,
        "hint: ",
    ];
    let run = says(workspace.run_soon(&DESTROY).expect(1), &told);
    assert!(!run.stderr.contains("Nothing left"), "{}", run.stderr);
    theirs.unnamed(&site, since);
    theirs.unharmed(&site);
    let ours = site.ours(&theirs);
    assert!(ours.len() == 1 && ours[0].contains("recovery-point"), "{ours:?}");
}

/// Another vault may be closed to this caller only.
#[test]
fn a_caller_who_may_not_delete_recovery_points_is_told_so() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    site.emulator.seed(&json!({ "what": "leftovers", "cluster": SINGLE_ZONE, "only": ["recovery-points"], "vault": "Default" }));
    site.emulator.fault(&json!({ "mode": "access-denied", "operation": "DeleteRecoveryPoint", "times": 0 }));
    says(workspace.run_soon(&DESTROY).expect(6), &["DeleteRecoveryPoint", "is not authorized to perform"]);
    site.emulator.mend();
    site.destroyed(&workspace, &DESTROY, &ForeignObjects::nobody());
}

/// `protect: true`, EKS's deletion protection, and the flag that lifts both.
#[test]
fn protection_is_lifted_only_by_name() {
    let site = TeardownAccount::new();
    let workspace = site.fresh();
    let protected = example("domino-test-cluster-single-az.yaml") + "protect: true\n";
    workspace.write("domino-eks.yaml", &protected);
    workspace.run_soon(&APPLY_QUIETLY).expect(0);
    site.used(SINGLE_ZONE);
    let theirs = site.neighbours(SINGLE_ZONE);
    let emulator = &site.emulator;
    refused(emulator, || workspace.run_soon(&DESTROY), 7, &["is protected", "protect: false", "--lift-protection"]);
    let yes = ["destroy", "--lift-protection", "--yes", "--delete-data"];
    refused(emulator, || workspace.run_soon(&yes), 7, &["`--lift-protection` needs the cluster's name", "--confirm"]);
    // Without the configuration, the state tells that the cluster is protected.
    fs::remove_file(workspace.path("domino-eks.yaml")).unwrap();
    let by_name = ["destroy", "--cluster", SINGLE_ZONE, "--region", "us-west-2", "--confirm", SINGLE_ZONE, "--delete-data"];
    refused(emulator, || workspace.run_soon(&by_name), 7, &["is protected", "--lift-protection"]);
    // Without the state, too, EKS's protection still refuses.
    let empty = site.folder("");
    fs::remove_file(empty.path("domino-eks.yaml")).unwrap();
    refused(emulator, || empty.run_soon(&by_name), 7, &["by EKS's deletion protection", "--lift-protection"]);
    workspace.write("domino-eks.yaml", &protected);
    site.destroyed(&workspace, &[&DESTROY[..], &["--lift-protection"]].concat(), &theirs);
    assert!(!emulator.calls("UpdateClusterConfig").is_empty());
}

/// Load balancers and groups have deletion protection of their own. It is found before anything is deleted, and not when the nodes are
/// gone.
#[test]
fn what_aws_protects_is_refused_before_anything_is_deleted() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    site.emulator.seed(&json!({ "what": "leftovers", "cluster": SINGLE_ZONE, "only": ["lbc"] }));
    site.emulator.aws(
        "import boto3
elb = boto3.client('elbv2', region_name='us-west-2')
for found in elb.describe_load_balancers()['LoadBalancers']:
    elb.modify_load_balancer_attributes(LoadBalancerArn=found['LoadBalancerArn'], Attributes=[{'Key': 'deletion_protection.enabled', 'Value': 'true'}])
asg = boto3.client('autoscaling', region_name='us-west-2')
names = [group['AutoScalingGroupName'] for group in asg.describe_auto_scaling_groups()['AutoScalingGroups']]
for name, level in zip(sorted(names), ['prevent-force-deletion', 'prevent-all-deletion']):
    asg.update_auto_scaling_group(AutoScalingGroupName=name, DeletionProtection=level)",
    );
    let theirs = site.neighbours(SINGLE_ZONE);
    let told = ["protected against deletion: ", "load-balancer/", "autoscaling-group/", "--lift-protection"];
    refused(&site.emulator, || workspace.run_soon(&DESTROY), 7, &told);
    let plan = workspace.run_soon(&["plan", "--destroy"]).expect(0);
    assert!(plan.stdout.contains("Protected (deleted only with `--lift-protection`)"), "{}", plan.stdout);
    let plan: Value = serde_json::from_str(&workspace.run_soon(&["plan", "--destroy", "--format", "json"]).expect(0).stdout).unwrap();
    let protected = plan["protected"].to_string();
    assert!(protected.contains("`prevent-force-deletion`") && protected.contains("`prevent-all-deletion`"), "{protected}");
    // An apply that removes a pool does not delete a protected group either.
    let config = fs::read_to_string(workspace.path("domino-eks.yaml")).unwrap();
    workspace.write("domino-eks.yaml", &format!("{config}\npools: {{default-gpu: {{enabled: false}}}}\n"));
    let before = site.emulator.calls("UpdateAutoScalingGroup").len();
    says(workspace.run_soon(&APPLY_QUIETLY).expect(1), &["autoscaling-group/default-gpu/us-west-2a", "has deletion protection (`prevent-"]);
    assert_eq!(site.emulator.calls("UpdateAutoScalingGroup").len(), before, "its nodes were taken");
    workspace.write("domino-eks.yaml", &config);
    site.destroyed(&workspace, &[&DESTROY[..], &["--lift-protection"]].concat(), &theirs);
}

/// Log groups have deletion protection, too, and instances have two: stop protection also prevents their termination.
#[test]
fn protected_logs_and_nodes_are_refused_before_anything_is_deleted() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    site.emulator.seed(&json!({ "what": "leftovers", "cluster": SINGLE_ZONE, "only": ["logs"] }));
    for _ in 0..2 {
        site.emulator.seed(&json!({ "what": "karpenter", "cluster": SINGLE_ZONE }));
    }
    site.emulator.aws(&format!(
        "for name in ['/aws/eks/{SINGLE_ZONE}/cluster', '/aws/containerinsights/{SINGLE_ZONE}/performance']:
    logs.put_log_group_deletion_protection(logGroupIdentifier=name, deletionProtectionEnabled=True)
found = full(ec2, 'describe_instances', Filters=[{{'Name': 'tag-key', 'Values': ['karpenter.sh/nodepool']}}])['Reservations']
for found, switch in zip([one['Instances'][0]['InstanceId'] for one in found], ['DisableApiTermination', 'DisableApiStop']):
    ec2.modify_instance_attribute(InstanceId=found, **{{switch: {{'Value': True}}}})"
    ));
    let theirs = site.neighbours(SINGLE_ZONE);
    let told = [
        "protected against deletion: ",
        &format!("log-group/control-plane (/aws/eks/{SINGLE_ZONE}/cluster) by its deletion protection"),
        &format!("(/aws/containerinsights/{SINGLE_ZONE}/performance) by its deletion protection"),
        "by its termination protection",
        "by its stop protection",
        "--lift-protection",
    ];
    refused(&site.emulator, || workspace.run_soon(&DESTROY), 7, &told);
    let plan: Value = workspace.run_soon(&["plan", "--destroy", "--format", "json"]).expect(0).json();
    assert_eq!(plan["protected"].as_array().map(Vec::len), Some(4), "{:#}", plan["protected"]);
    let run = site.destroyed(&workspace, &[&DESTROY[..], &["--lift-protection"]].concat(), &theirs);
    assert_eq!(site.emulator.calls("PutLogGroupDeletionProtection").len(), 4, "two set them, and two lift them: {}", run.stderr);
}

/// Protection that is switched on after the inspection: AWS refuses, and the message names the flag.
#[test]
fn a_protection_that_comes_late_is_told() {
    let site = TeardownAccount::new();
    let logs = format!(
        "logs.put_log_group_deletion_protection(logGroupIdentifier='/aws/eks/{SINGLE_ZONE}/cluster', deletionProtectionEnabled=True)"
    );
    let node = "found = full(ec2, 'describe_instances', Filters=[{'Name': 'tag-key', 'Values': ['karpenter.sh/nodepool']}])['Reservations']
ec2.modify_instance_attribute(InstanceId=found[0]['Instances'][0]['InstanceId'], DisableApiTermination={'Value': True})";
    for (protect, refusal) in [(logs.as_str(), "deletion protection first"), (node, "instance attribute and try again")] {
        let workspace = site.made();
        site.emulator.seed(&json!({ "what": "karpenter", "cluster": SINGLE_ZONE }));
        let run = destroyed_while(&site, &workspace, "UpdateAutoScalingGroup", protect);
        says(run.expect(1), &[&format!("{refusal}; `destroy --lift-protection` lifts this protection"), "Left:"]);
        site.destroyed(&workspace, &[&DESTROY[..], &["--lift-protection"]].concat(), &ForeignObjects::nobody());
    }
}

/// Runs a destroy, and this script of somebody else's while the destroy waits for the answer to a call.
fn destroyed_while(site: &TeardownAccount, workspace: &Workspace, operation: &str, script: &str) -> Run {
    let held = site.emulator.fault(&json!({ "mode": "hold-before", "operation": operation }));
    let run = workspace.spawn(&DESTROY);
    assert!(site.emulator.struck(&held, 60.0).is_some(), "no {operation}");
    site.emulator.aws(script);
    site.emulator.mend();
    run.wait_with_output().unwrap().into()
}

/// Data that only our key decrypts may be created after the confirmation.
#[test]
fn a_key_that_is_needed_meanwhile_stays() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    let backup = "key = kms.describe_key(KeyId=next(a['TargetKeyId'] for a in kms.list_aliases()['Aliases'] if 'domino' in a['AliasName']))['KeyMetadata']['Arn']
volume = ec2.create_volume(AvailabilityZone='us-west-2a', Size=8, Encrypted=True, KmsKeyId=key)['VolumeId']
ec2.create_snapshot(VolumeId=volume, Description='nightly')
ec2.delete_volume(VolumeId=volume)";
    let run = destroyed_while(&site, &workspace, "DeleteCluster", backup);
    let told = ["kms-key/main", "the key is needed by", "(held by snapshot snap-", "nightly", "`destroy --lift-protection`", "Left:"];
    says(run.expect(1), &told);
    assert!(site.emulator.calls("ScheduleKeyDeletion").is_empty() && site.emulator.calls("DeleteAlias").is_empty());
    let left = site.ours(&ForeignObjects::nobody());
    assert!(
        left.len() == 3 && left.iter().all(|entry| ["key", "alias", "snapshot"].iter().any(|kind| entry.contains(&format!("\"{kind}\"")))),
        "{left:?}"
    );
    // The next run finds it before it deletes anything; with a further flag, it is deleted.
    says(workspace.run_soon(&DESTROY).expect(7), &["1 snapshots or volumes that stay and that only this key decrypts (snap-"]);
    says(workspace.run_soon(&[&DESTROY[..], &["--lift-protection"]].concat()).expect(0), &["Nothing left: "]);
}

/// While its controllers run, the cluster deletes its load balancers by itself.
#[test]
fn a_cluster_that_answers_is_drained_first() {
    let site = TeardownAccount::with(&["--kubernetes-api"]);
    let workspace = site.made();
    let seeded = site.emulator.seed(&json!({ "what": "leftovers", "cluster": SINGLE_ZONE, "only": ["lbc"] }));
    let balancer = |part: &str| {
        let found = seeded.iter().find(|entry| entry["type"] == "load-balancer" && entry["id"].as_str().unwrap().contains(part));
        found.unwrap()["id"].clone()
    };
    site.emulator.kubernetes(&json!({
        "cluster": SINGLE_ZONE,
        "services": [{ "namespace": "web", "name": "gateway", "type": "LoadBalancer", "load_balancer": balancer("/net/"),
                       "finalizers": ["service.kubernetes.io/load-balancer-cleanup"] }],
        "ingresses": [{ "namespace": "app", "name": "front", "load_balancer": balancer("/app/"), "finalizers": ["ingress.k8s.aws/resources"] }]
    }));
    let theirs = site.neighbours(SINGLE_ZONE);
    let since = site.emulator.count();
    let run = site.destroyed(&workspace, &[&DESTROY[..], &["--drain-kubernetes"]].concat(), &theirs);
    says(run, &["Deleting LoadBalancer Services and Ingresses first.", "1 Services and 1 Ingresses are gone."]);
    let operations: Vec<String> = site.emulator.requests(since).into_iter().map(|request| request.operation).collect();
    let at = |operation: &str| operations.iter().position(|one| one == operation).unwrap_or_else(|| panic!("no {operation}"));
    assert!(at("DeleteService") < at("DeleteAutoScalingGroup") && at("DeleteIngress") < at("DeleteAutoScalingGroup"));
}

#[test]
fn a_cluster_that_does_not_answer_is_taken_down_all_the_same() {
    let site = TeardownAccount::with(&["--kubernetes-api"]);
    for switch in ["unreachable", "forbid"] {
        let workspace = site.made();
        site.used(SINGLE_ZONE);
        let services = json!([{ "namespace": "web", "name": "gateway", "type": "LoadBalancer", "load_balancer": null,
                                "finalizers": ["service.kubernetes.io/load-balancer-cleanup"] }]);
        site.emulator.kubernetes(&json!({ "cluster": SINGLE_ZONE, "services": services, switch: true }));
        let theirs = site.neighbours(SINGLE_ZONE);
        let run = site.destroyed(&workspace, &[&DESTROY[..], &["--drain-kubernetes"]].concat(), &theirs);
        says(run, &["warning: the cluster was not drained: ", "load balancers are deleted in AWS instead"]);
    }
    // Controllers that do nothing delay destroy no longer than that.
    let workspace = site.made();
    let services = json!([{ "namespace": "web", "name": "gateway", "type": "LoadBalancer", "load_balancer": null,
                            "finalizers": ["service.kubernetes.io/load-balancer-cleanup"] }]);
    site.emulator.kubernetes(&json!({ "cluster": SINGLE_ZONE, "services": services, "controllers": false }));
    let run = site.destroyed(&workspace, &[&DESTROY[..], &["--drain-kubernetes"]].concat(), &ForeignObjects::nobody());
    says(run, &["warning: ", "web/gateway", "is still there"]);
}
