//! RUN-4: what real AWS does while a cluster is deleted, and a small test account does not show: slow deletions, limits of
//! requests, and objects that services of AWS leave in the network.

use crate::harness::{APPLY_QUIETLY, DESTROY, ForeignObjects, SINGLE_ZONE, TeardownAccount, Workspace, example, says};
use serde_json::{Value, json};

/// The id of the one seeded thing of that type.
#[track_caller]
fn id(seeded: &[Value], kind: &str) -> String {
    let found = seeded.iter().find(|entry| entry["type"] == kind).unwrap_or_else(|| panic!("no {kind} in {seeded:?}"));
    found["id"].as_str().unwrap().to_owned()
}

/// Nodes that Karpenter started are terminated as leftovers of the cluster, and not reported as somebody else's.
#[test]
fn a_node_of_karpenter_is_no_stranger() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    let node = id(&site.emulator.seed(&json!({ "what": "karpenter", "cluster": SINGLE_ZONE })), "instance");
    let theirs = site.neighbours(SINGLE_ZONE);
    let plan = workspace.run_soon(&["plan", "--destroy", "--format", "json"]).expect(0).json();
    assert_eq!(plan["foreign"], json!([]));
    let text = workspace.run_soon(&["plan", "--destroy"]).expect(0).stdout;
    assert!(text.contains(&node) && text.contains("Karpenter") && !text.contains("Not ours"), "{text}");
    site.destroyed(&workspace, &DESTROY, &theirs);
}

/// GuardDuty's endpoint and security group are deleted with a VPC of ours, because GuardDuty does not delete them.
#[test]
fn what_guardduty_left_goes_with_our_network() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    let seeded = site.emulator.seed(&json!({ "what": "guardduty", "cluster": SINGLE_ZONE }));
    let theirs = site.neighbours(SINGLE_ZONE);
    let plan = workspace.run_soon(&["plan", "--destroy"]).expect(0).stdout;
    for kind in ["vpc-endpoint", "security-group"] {
        assert!(plan.contains(&id(&seeded, kind)), "{kind} is not in {plan}");
    }
    assert!(plan.contains("guardduty-endpoint/") && plan.contains("GuardDuty") && !plan.contains("Not ours"), "{plan}");
    site.destroyed(&workspace, &DESTROY, &theirs);
}

/// A folder with the configuration of a cluster in a network that was brought along; the ids of that network.
fn in_a_network_of_others(site: &TeardownAccount) -> (Workspace, Value) {
    site.emulator.reset();
    let theirs = site.emulator.aws(
        "
vpc = ec2.create_vpc(CidrBlock='10.9.0.0/16')['Vpc']['VpcId']
for switch in ('EnableDnsSupport', 'EnableDnsHostnames'):
    ec2.modify_vpc_attribute(VpcId=vpc, **{switch: {'Value': True}})
result = {zone: ec2.create_subnet(VpcId=vpc, CidrBlock=f'10.9.{n * 32}.0/19', AvailabilityZone=f'us-west-2{zone}')['Subnet']['SubnetId']
          for n, zone in enumerate('abc')} | {'vpc': vpc}
",
    );
    let text = |name: &str| theirs[name].as_str().unwrap().to_owned();
    let network = format!(
        "profile: test\nnetwork:\n  existing:\n    vpcId: {}\n    privateSubnets: {{us-west-2a: {}, us-west-2b: {}, us-west-2c: {}}}\n",
        text("vpc"),
        text("a"),
        text("b"),
        text("c")
    );
    (Workspace::new(&site.emulator, &(example("domino-test-cluster.yaml") + &network)), theirs)
}

/// The cluster of three zones, made in a network of others.
fn made_in_a_network_of_others(site: &TeardownAccount) -> Workspace {
    let (workspace, _) = in_a_network_of_others(site);
    workspace.run_soon(&APPLY_QUIETLY).expect(0);
    workspace
}

/// In an existing network GuardDuty's endpoint stays, because it serves other machines, too.
#[test]
fn what_guardduty_left_stays_in_a_network_of_others() {
    let site = TeardownAccount::new();
    let workspace = made_in_a_network_of_others(&site);
    let guardduty =
        ForeignObjects::of(&site.emulator, &site.emulator.seed(&json!({ "what": "guardduty", "cluster": "domino-test-cluster" })));
    let since = site.emulator.count();
    says(workspace.run_soon(&["destroy", "--yes"]).expect(0), &["Nothing left: "]);
    guardduty.unharmed(&site);
    guardduty.unnamed(&site, since);
}

/// The state keeps the cluster's network until nothing of the cluster is found there.
#[test]
fn what_kubernetes_left_in_a_network_of_others_is_found_by_a_later_run() {
    let site = TeardownAccount::new();
    let workspace = made_in_a_network_of_others(&site);
    site.emulator.fault(&json!({ "mode": "access-denied", "operation": "DeleteCluster", "times": 0 }));
    workspace.run_soon(&["destroy", "--yes"]).expect(6);
    site.emulator.mend();
    // A running cluster goes on creating such objects.
    site.emulator.seed(&json!({ "what": "leftovers", "cluster": "domino-test-cluster", "only": ["ccm"] }));
    says(workspace.run_soon(&["destroy", "--yes", "--delete-data"]).expect(0), &["classic-load-balancer/", "Nothing left: "]);
    assert!(site.emulator.of_type("load-balancer").is_empty());
}

/// Creates load balancers of another team in these subnets, without any tag.
fn balancers_of_others(site: &TeardownAccount, count: usize, subnets: &str) {
    site.emulator.aws(&format!(
        "import boto3
elb = boto3.client('elbv2', region_name='us-west-2')
for n in range({count}):
    elb.create_load_balancer(Name=f'team-b-{{n}}', Subnets={subnets}, Scheme='internal', Type='network')"
    ));
}

/// The number of calls does not grow with the number of load balancers that others have in our network.
#[test]
fn strangers_are_asked_about_in_one_question() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    let ours = "[s['SubnetId'] for s in ec2.describe_subnets(Filters=[{'Name': 'tag:domino-eks:address', 'Values': ['subnet/private/us-west-2a']}])['Subnets']]";
    balancers_of_others(&site, 4, ours);
    let since = site.emulator.count();
    let plan = workspace.run_soon(&["plan", "--destroy", "--format", "json"]).expect(0).json();
    assert_eq!(plan["foreign"].as_array().map(Vec::len), Some(4), "{:#}", plan["foreign"]);
    let asked = site.emulator.requests(since).into_iter().filter(|request| request.operation == "DescribeLoadBalancers");
    let asked: Vec<Value> = asked.map(|request| request.params).collect();
    // Leftovers of Kubernetes and load balancers of others are each listed once with both APIs.
    assert!(asked.len() == 4 && asked.iter().all(|params| params.get("Names").is_none()), "{asked:?}");
}

/// In an existing network, interfaces of others are not examined one by one.
#[test]
fn a_shared_network_is_not_looked_into() {
    let site = TeardownAccount::new();
    let (workspace, network) = in_a_network_of_others(&site);
    workspace.run_soon(&APPLY_QUIETLY).expect(0);
    balancers_of_others(&site, 3, &format!("[{}]", network["a"]));
    let stranger = id(&site.emulator.seed(&json!({ "what": "foreign", "cluster": "domino-test-cluster" })), "instance");
    let since = site.emulator.count();
    let plan = workspace.run_soon(&["plan", "--destroy", "--format", "json"]).expect(0).json();
    assert_eq!(plan["foreign"], json!([]));
    let requests = site.emulator.requests(since);
    let balancers = requests.iter().filter(|request| request.operation == "DescribeLoadBalancers").count();
    assert_eq!(balancers, 2, "those that Kubernetes may have left, and no more");
    assert!(requests.iter().all(|request| !request.params.to_string().contains(&stranger)), "somebody asked whose {stranger} is");
}

/// Ids of volumes with the tags of our add-on's claims.
fn volumes(site: &TeardownAccount, workspace: &Workspace, count: usize) -> Vec<Value> {
    let lineage = workspace.state(SINGLE_ZONE)["lineage"].as_str().unwrap().to_owned();
    let made = site.emulator.aws(&format!(
        "tags = {{'domino-eks:cluster': '{SINGLE_ZONE}', 'domino-eks:lineage': '{lineage}', 'CSIVolumeName': 'pvc'}}
pairs = [{{'Key': key, 'Value': value}} for key, value in tags.items()]
make = lambda: ec2.create_volume(AvailabilityZone='us-west-2a', Size=1, TagSpecifications=[{{'ResourceType': 'volume', 'Tags': pairs}}])
result = [make()['VolumeId'] for _ in range({count})]"
    ));
    made.as_array().unwrap().clone()
}

/// Volumes are `deleting` for a while: each is deleted once and waited for, also when AWS has begun to delete it already.
#[test]
fn a_volume_that_is_being_deleted_is_waited_for() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    let made = volumes(&site, &workspace, 2);
    site.emulator.seed(&json!({ "what": "slow-volumes", "seconds": 4 }));
    site.emulator.aws(&format!("ec2.delete_volume(VolumeId={})", made[0]));
    let since = site.emulator.count();
    site.destroyed(&workspace, &DESTROY, &ForeignObjects::nobody());
    let deletes = site.emulator.mutating(since).into_iter().filter(|request| request.operation == "DeleteVolume");
    let deletes: Vec<Value> = deletes.map(|request| request.params["VolumeId"].clone()).collect();
    assert_eq!(deletes, made[1..]);
}

/// A volume that AWS is deleting already cannot be retained, and does not block the rest.
#[test]
fn a_volume_that_is_being_deleted_cannot_be_kept() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    let volume = volumes(&site, &workspace, 1)[0].clone();
    site.emulator.seed(&json!({ "what": "slow-volumes", "seconds": 4 }));
    site.emulator.aws(&format!("ec2.delete_volume(VolumeId={volume})"));
    let since = site.emulator.count();
    let run = workspace.run_soon(&["destroy", "--confirm", SINGLE_ZONE, "--retain-data"]).expect(0);
    says(run, &["Nothing else left: "]);
    assert!(site.emulator.mutating(since).iter().all(|request| request.operation != "DeleteVolume"));
    assert!(site.ids("volume").is_empty());
}

/// EC2 takes two hundred values in a filter.
#[test]
fn more_volumes_than_a_question_takes() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    assert_eq!(volumes(&site, &workspace, 205).len(), 205);
    let theirs = site.neighbours(SINGLE_ZONE);
    site.destroyed(&workspace, &DESTROY, &theirs);
}

/// Without the permission to list objects of others, destroy still works.
#[test]
fn questions_about_strangers_may_be_denied() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    for (service, operation) in
        [("eks", "ListNodegroups"), ("eks", "ListFargateProfiles"), ("ec2", "DescribeNetworkAcls"), ("ec2", "DescribeVpnGateways")]
    {
        site.emulator.fault(&json!({ "mode": "access-denied", "service": service, "operation": operation, "times": 0 }));
    }
    let theirs = site.neighbours(SINGLE_ZONE);
    site.destroyed(&workspace, &DESTROY, &theirs);
}

/// AWS Backup accepts the deletion of a recovery point even where it cannot delete it.
#[test]
fn a_deletion_that_aws_backup_accepts_in_vain_is_told() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    let vault = "vault-without-role";
    site.emulator.seed(&json!({ "what": "leftovers", "cluster": SINGLE_ZONE, "only": ["recovery-points"], "vault": vault }));
    let theirs = site.neighbours(SINGLE_ZONE);
    let told = ["recovery-point/", "EXPIRED", "could not assume the role", "iam:CreateServiceLinkedRole", "Left:"];
    says(workspace.run_soon(&DESTROY).expect(1), &told);
    let ours = site.ours(&theirs);
    assert!(ours.len() == 1 && ours[0].contains("recovery-point"), "{ours:?}");
}

/// Between a list and a question about one of its rows, the row may be gone.
#[test]
fn what_vanishes_while_it_is_looked_at_is_skipped() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    for operation in ["CreateVpc", "CreateLaunchTemplate"] {
        let rule = json!({ "mode": "stale", "by": "id", "service": "ec2", "operation": operation, "seconds": 600.0 });
        site.emulator.fault(&rule);
    }
    site.emulator.aws(&format!(
        "tags = lambda kind, address: [{{'ResourceType': kind, 'Tags': [
    {{'Key': 'domino-eks:cluster', 'Value': '{SINGLE_ZONE}'}}, {{'Key': 'domino-eks:address', 'Value': address}}, {{'Key': 'domino-eks:lineage', 'Value': 'x'}}]}}]
ec2.create_vpc(CidrBlock='10.7.0.0/16', TagSpecifications=tags('vpc', 'vpc/other'))
ec2.create_launch_template(LaunchTemplateName='other', LaunchTemplateData={{'InstanceType': 'm5.large'}},
                           TagSpecifications=tags('launch-template', 'launch-template/other'))"
    ));
    let plan = workspace.run_soon(&["plan", "--destroy"]).expect(0);
    assert!(!plan.stdout.contains("/other"), "{}", plan.stdout);
    assert!(!site.emulator.calls("DescribeLaunchTemplateVersions").is_empty());
    // With all their tags visible, they belong to another state, and the command says so.
    site.emulator.mend();
    let refused = workspace.run_soon(&["plan", "--destroy"]);
    assert!(refused.stderr.contains("vpc/other, launch-template/other"), "{}", refused.stderr);
}
