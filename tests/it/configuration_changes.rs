//! RUN-1: a changed file changes only what it must, and what was changed outside is seen and mended.

use crate::harness::{Emulator, Workspace, example};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const CLUSTER: &str = "domino-test-cluster";

/// An applied three-zone cluster whose file is changed in steps.
struct Cluster {
    emulator: Emulator,
    workspace: Workspace,
}

impl Cluster {
    fn applied() -> Self {
        let emulator = Emulator::start();
        let workspace = Workspace::new(&emulator, &example("domino-test-cluster.yaml"));
        workspace.run(&["apply", "--yes"]).expect(0);
        Self { emulator, workspace }
    }

    /// Replaces everything below name, region and zones in the configuration.
    fn write(&self, more: &str) {
        self.workspace.write("domino-eks.yaml", &(example("domino-test-cluster.yaml") + more));
    }

    /// Changes the file: exactly these actions are planned and done, and nothing is left after them.
    #[track_caller]
    fn step(&self, more: &str, expected: &[(&str, &str)]) {
        self.write(more);
        self.mend(expected);
    }

    /// Exactly these actions are planned and done, and nothing is left after them.
    #[track_caller]
    fn mend(&self, expected: &[(&str, &str)]) {
        let mut wanted = BTreeMap::new();
        for (address, action) in expected {
            match address.strip_suffix("/*") {
                Some(pool) => {
                    wanted.extend(["a", "b", "c"].map(|zone| (format!("{pool}/us-west-2{zone}"), (*action).to_owned())));
                }
                None => drop(wanted.insert((*address).to_owned(), (*action).to_owned())),
            }
        }
        assert_eq!(self.workspace.planned(), wanted);
        self.workspace.run(&["apply", "--yes"]).expect(0);
        let left = self.workspace.planned();
        assert!(left.is_empty(), "still to do after apply: {left:?}");
    }

    /// Exit code 7, the address named, and no call that changes anything.
    #[track_caller]
    fn refused(&self, more: &str, address: &str) {
        self.write(more);
        assert_eq!(self.workspace.planned().get(address).map(String::as_str), Some("blocked"));
        let (before, serial) = (self.emulator.count(), self.workspace.state(CLUSTER)["serial"].clone());
        let run = self.workspace.run(&["apply", "--yes"]).expect(7);
        assert!(run.stderr.contains(address) && run.stderr.contains("cannot change after creation"), "{}", run.stderr);
        assert!(self.emulator.mutating(before).is_empty());
        assert_eq!(self.workspace.state(CLUSTER)["serial"], serial);
    }

    fn groups(&self) -> BTreeMap<String, Value> {
        let groups = self.emulator.aws("result = full(autoscaling, 'describe_auto_scaling_groups')['AutoScalingGroups']");
        groups.as_array().unwrap().iter().map(|group| (group["AutoScalingGroupName"].as_str().unwrap().to_owned(), group.clone())).collect()
    }
}

fn tag(group: &Value, key: &str) -> Option<Value> {
    group["Tags"].as_array()?.iter().find(|tag| tag["Key"] == key).map(|tag| tag["Value"].clone())
}

/// RUN-1, POOL-4, POOL-6: sizes, labels, disks and whole pools.
#[test]
fn pools_change_only_what_they_must() {
    let cluster = Cluster::applied();
    let group = |name: &str| format!("{CLUSTER}-{name}");

    // 21 over three zones are 7, 7, 7; before they were 7, 7, 6.
    cluster.step("pools: {default: {max: 21}}\n", &[("autoscaling-group/default/us-west-2c", "update")]);
    assert_eq!(cluster.groups()[&group("default-us-west-2c")]["MaxSize"], 7);

    // A label changes the user data, and a tag of the group tells the autoscaler about it while the group is empty.
    cluster.step(
        "pools: {default: {max: 21, labels: {example.com/kind: large}}}\n",
        &[("launch-template/default", "update"), ("autoscaling-group/default/*", "update")],
    );
    let groups = cluster.groups();
    for zone in ["a", "b", "c"] {
        let group = &groups[&group(&format!("default-us-west-2{zone}"))];
        assert_eq!(group["LaunchTemplate"]["Version"], "2");
        assert_eq!(tag(group, "k8s.io/cluster-autoscaler/node-template/label/example.com/kind"), Some(json!("large")));
        assert_eq!(tag(group, "k8s.io/cluster-autoscaler/node-template/label/domino/build-node"), Some(json!("true")));
    }

    // The label is removed again, so its tags must go. At the same time another pool gets a larger disk.
    cluster.step(
        "pools: {default: {max: 21}, platform: {diskGiB: 200}}\n",
        &[
            ("launch-template/default", "update"),
            ("autoscaling-group/default/*", "update"),
            ("launch-template/platform", "update"),
            ("autoscaling-group/platform/*", "update"),
        ],
    );
    let groups = cluster.groups();
    let platform = &groups[&group("platform-us-west-2b")];
    assert_eq!(tag(platform, "k8s.io/cluster-autoscaler/node-template/resources/ephemeral-storage"), Some(json!("200G")));
    assert_eq!(tag(&groups[&group("default-us-west-2a")], "k8s.io/cluster-autoscaler/node-template/label/example.com/kind"), None);
    let disk = cluster.emulator.aws(&format!(
        "result = ec2.describe_launch_template_versions(LaunchTemplateName='{CLUSTER}-platform', Versions=['{}'])\
         ['LaunchTemplateVersions'][0]['LaunchTemplateData']['BlockDeviceMappings'][0]['Ebs']['VolumeSize']",
        platform["LaunchTemplate"]["Version"].as_str().unwrap()
    ));
    assert_eq!(disk, 200);

    // One pool is added and one is removed.
    let pools = "pools: {default: {max: 21}, platform: {diskGiB: 200}, large: {instanceType: r6i.4xlarge, min: 0, max: 3, diskGiB: 400}}\n";
    cluster.step(pools, &[("launch-template/large", "create"), ("autoscaling-group/large/*", "create")]);
    assert_eq!(cluster.groups().len(), 12);
    cluster.step(
        "pools: {default: {max: 21}, platform: {diskGiB: 200}}\n",
        &[("launch-template/large", "delete"), ("autoscaling-group/large/*", "delete")],
    );
    assert_eq!(cluster.groups().len(), 9);
    assert_eq!(cluster.emulator.of_type("launch-template").len(), 3);
}

/// RUN-1, EKS-1, EKS-2, S3-1, EFS-1: control plane, storage and add-ons; and the changes that are refused.
#[test]
fn settings_change_only_what_they_must() {
    let cluster = Cluster::applied();
    cluster.step(
        "kubernetes: {logRetentionDays: 30, publicEndpoint: true, publicCidrs: [203.0.113.0/24]}\n",
        &[("log-group/control-plane", "update"), ("eks-cluster/main", "update")],
    );
    let more = "kubernetes:
  logRetentionDays: 30
  logTypes: [audit, api]
  support: extended
  addOnVersions: {vpc-cni: v1.21.2-eksbuild.1}
storage:
  buckets: {registry: {noncurrentDays: 5}}
  efs: {throughputMode: bursting}
";
    cluster.step(
        more,
        &[
            ("eks-cluster/main", "update"),
            ("eks-add-on/vpc-cni", "update"),
            ("s3-bucket/registry", "update"),
            ("efs-file-system/datasets", "update"),
        ],
    );
    let seen = crate::harness::look(&cluster.emulator);
    assert_eq!(seen["log_groups"][0]["retentionInDays"], 30);
    assert_eq!(seen["cluster"]["resourcesVpcConfig"]["endpointPublicAccess"], false);
    let logging = seen["cluster"]["logging"]["clusterLogging"].as_array().unwrap();
    let on: Vec<&Value> = logging.iter().filter(|set| set["enabled"] == true).flat_map(|set| set["types"].as_array().unwrap()).collect();
    assert_eq!(on.len(), 2, "{logging:?}");
    assert_eq!(seen["cluster"]["upgradePolicy"]["supportType"], "EXTENDED");
    assert_eq!(seen["addons"]["vpc-cni"]["addonVersion"], "v1.21.2-eksbuild.1");
    assert_eq!(seen["system"]["ThroughputMode"], "bursting");
    let rules = seen["buckets"]["domino-test-cluster-123456789012-us-west-2-registry"]["lifecycle"].as_array().unwrap();
    assert!(rules.iter().any(|rule| rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == 5), "{rules:?}");
    assert_eq!(rules.len(), 2);

    // A change that is impossible is refused, and the other changes in the same file are not made either.
    let block = "kubernetes: {logRetentionDays: 60, serviceCidr: 172.21.0.0/16}\n";
    cluster.refused(block, "eks-cluster/main");
    cluster.refused("encryption: {key: aws-managed}\n", "efs-file-system/datasets");
    cluster.refused("network: {cidr: 10.4.0.0/16}\n", "vpc/main");
    cluster.write(more);
    assert!(cluster.workspace.planned().is_empty());
}

/// RUN-1: the user's tags come, change and go on everything that carries tags, and nothing else changes.
#[test]
fn tags_come_change_and_go() {
    let cluster = Cluster::applied();
    let taggable: Vec<String> = cluster.workspace.state(CLUSTER)["resources"].as_object().unwrap().keys().cloned().collect();
    let taggable: Vec<(&str, &str)> =
        taggable.iter().filter(|address| !address.starts_with("efs-mount-target/")).map(|address| (address.as_str(), "update")).collect();
    let tagged = |key: &str, value: &str| {
        let objects = cluster.emulator.inventory();
        objects.iter().filter(|object| object["tags"].get("domino-eks:address").is_some() && object["tags"][key] == value).count()
    };
    cluster.step("tags: {team: a, cost-center: \"7\"}\n", &taggable);
    assert_eq!((tagged("team", "a"), tagged("cost-center", "7")), (taggable.len(), taggable.len()));
    // Tags that somebody else added are not removed.
    cluster
        .emulator
        .aws("for one in ec2.describe_vpcs()['Vpcs']: ec2.create_tags(Resources=[one['VpcId']], Tags=[{'Key': 'theirs', 'Value': '1'}])");
    cluster.step("tags: {team: b}\n", &taggable);
    assert_eq!((tagged("team", "a"), tagged("team", "b"), tagged("cost-center", "7")), (0, taggable.len(), 0));
    assert_eq!(tagged("theirs", "1"), 1);
}

/// RUN-1, POOL-6: `status` shows what was changed outside, `plan` and `apply` mend it; the autoscaler's work is left alone.
#[test]
fn what_was_changed_outside_is_mended() {
    let cluster = Cluster::applied();
    cluster.emulator.aws(
        "
vpc = [v for v in ec2.describe_vpcs()['Vpcs'] if v.get('Tags')][0]['VpcId']
ec2.delete_tags(Resources=[vpc], Tags=[{'Key': 'Name'}])
ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={'Value': False})
role = 'domino-test-cluster-us-west-2-compute-node'
iam.detach_role_policy(RoleName=role, PolicyArn='arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy')
iam.attach_role_policy(RoleName=role, PolicyArn='arn:aws:iam::aws:policy/ReadOnlyAccess')
autoscaling.update_auto_scaling_group(AutoScalingGroupName='domino-test-cluster-default-us-west-2a', MaxSize=3)
autoscaling.delete_tags(Tags=[{'ResourceId': 'domino-test-cluster-default-us-west-2b', 'ResourceType': 'auto-scaling-group',
                               'Key': 'k8s.io/cluster-autoscaler/enabled'}])
autoscaling.set_desired_capacity(AutoScalingGroupName='domino-test-cluster-default-gpu-us-west-2a', DesiredCapacity=1)
group = [g for g in full(ec2, 'describe_security_groups')['SecurityGroups'] if g['GroupName'] == 'domino-test-cluster-efs'][0]['GroupId']
ec2.authorize_security_group_ingress(GroupId=group, IpProtocol='tcp', FromPort=22, ToPort=22, CidrIp='0.0.0.0/0')
bucket = 'domino-test-cluster-123456789012-us-west-2-'
s3.put_bucket_versioning(Bucket=bucket + 'logs', VersioningConfiguration={'Status': 'Suspended'})
s3.delete_public_access_block(Bucket=bucket + 'blobs')
logs.put_retention_policy(logGroupName='/aws/eks/domino-test-cluster/cluster', retentionInDays=7)
system = efs.describe_file_systems()['FileSystems'][0]['FileSystemId']
efs.put_backup_policy(FileSystemId=system, BackupPolicy={'Status': 'DISABLED'})
mount = full(efs, 'describe_mount_targets', FileSystemId=system)['MountTargets'][0]
efs.delete_mount_target(MountTargetId=mount['MountTargetId'])
import time; time.sleep(1)
",
    );
    let gone = {
        let status = cluster.workspace.run(&["status", "--format", "json"]).expect(0).json();
        assert_eq!(status["healthy"], false);
        let line = |address: &str| {
            let found = status["resources"].as_array().unwrap().iter().find(|line| line["address"] == address);
            found.unwrap_or_else(|| panic!("{address} is not in {status:#}")).clone()
        };
        let drift = |address: &str, path: &str| {
            let line = line(address);
            assert!(line["drift"].as_array().unwrap().iter().any(|text| text.as_str().unwrap().starts_with(path)), "{line}");
            assert!(line["drift"].to_string().contains("changed outside"), "{line}");
        };
        drift("vpc/main", "tags.Name is ");
        drift("vpc/main", "dns_hostnames is ");
        drift("iam-role/compute-node", "policies is ");
        drift("autoscaling-group/default/us-west-2a", "max is 3");
        drift("autoscaling-group/default/us-west-2b", "tags.k8s.io/cluster-autoscaler/enabled is ");
        drift("security-group/efs", "ingress is ");
        drift("s3-bucket/logs", "versioned is ");
        drift("s3-bucket/blobs", "public_access_blocked is ");
        drift("log-group/control-plane", "retention_days is 7");
        drift("efs-file-system/datasets", "backup is ");
        // The desired capacity belongs to the autoscaler: a change of it is not drift.
        assert_eq!(line("autoscaling-group/default-gpu/us-west-2a")["drift"], json!([]));
        let missing: Vec<Value> =
            status["resources"].as_array().unwrap().iter().filter(|line| line["health"] == "missing").cloned().collect();
        assert_eq!(missing.len(), 1, "{missing:?}");
        missing[0]["address"].as_str().unwrap().to_owned()
    };
    assert!(gone.starts_with("efs-mount-target/datasets/us-west-2"), "{gone}");
    cluster.mend(&[
        ("vpc/main", "update"),
        ("iam-role/compute-node", "update"),
        ("autoscaling-group/default/us-west-2a", "update"),
        ("autoscaling-group/default/us-west-2b", "update"),
        ("security-group/efs", "update"),
        ("s3-bucket/logs", "update"),
        ("s3-bucket/blobs", "update"),
        ("log-group/control-plane", "update"),
        ("efs-file-system/datasets", "update"),
        (&gone, "create"),
    ]);
    let groups = cluster.groups();
    assert_eq!(groups[&format!("{CLUSTER}-default-gpu-us-west-2a")]["DesiredCapacity"], 1, "the autoscaler's work was undone");
    assert_eq!(groups[&format!("{CLUSTER}-default-us-west-2a")]["MaxSize"], 7);
    assert_eq!(cluster.workspace.run(&["status", "--format", "json"]).expect(0).json()["healthy"], true);
}
