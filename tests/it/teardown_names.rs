//! RUN-4: a name alone proves nothing: objects with our names that are not ours, our objects that lost their tags, and our objects that
//! others need.

use crate::harness::{DESTROY, ForeignObjects, SINGLE_ZONE, TeardownAccount, says};
use serde_json::{Value, json};
use std::fs;

/// Somebody's own cluster of our name, with a network of its own, and what it wrote.
fn namesake(site: &TeardownAccount) {
    let make = format!(
        "vpc = ec2.create_vpc(CidrBlock='10.9.0.0/16')['Vpc']['VpcId']
ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={{'Value': True}})
zones = [('10.9.0.0/24', 'us-west-2a'), ('10.9.1.0/24', 'us-west-2b')]
subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone)['Subnet']['SubnetId'] for cidr, zone in zones]
trust = {{'Version': '2012-10-17', 'Statement': [{{'Effect': 'Allow', 'Principal': {{'Service': 'eks.amazonaws.com'}}, 'Action': ['sts:AssumeRole', 'sts:TagSession']}}]}}
role = iam.create_role(RoleName='their-cluster', AssumeRolePolicyDocument=json.dumps(trust))['Role']
iam.attach_role_policy(RoleName='their-cluster', PolicyArn='arn:aws:iam::aws:policy/AmazonEKSClusterPolicy')
import time
for _ in range(50):
    try:
        eks.create_cluster(name='{SINGLE_ZONE}', roleArn=role['Arn'], resourcesVpcConfig={{'subnetIds': subnets}})
        break
    except eks.exceptions.InvalidParameterException:
        time.sleep(0.2)
for _ in range(200):
    if eks.describe_cluster(name='{SINGLE_ZONE}')['cluster']['status'] == 'ACTIVE':
        break
    time.sleep(0.1)
for name in ['/aws/eks/{SINGLE_ZONE}/cluster', '/aws/containerinsights/{SINGLE_ZONE}/performance']:
    if not logs.describe_log_groups(logGroupNamePrefix=name)['logGroups']:
        logs.create_log_group(logGroupName=name)"
    );
    site.emulator.aws(&make);
}

fn lives(site: &TeardownAccount) -> bool {
    let look = format!(
        "groups = [group['logGroupName'] for group in logs.describe_log_groups()['logGroups']]
result = ['{SINGLE_ZONE}' in eks.list_clusters()['clusters'], '/aws/eks/{SINGLE_ZONE}/cluster' in groups, '/aws/containerinsights/{SINGLE_ZONE}/performance' in groups]"
    );
    site.emulator.aws(&look) == json!([true, true, true])
}

/// Apply creates nothing when somebody else's cluster of the same name exists.
#[test]
fn an_apply_beside_a_cluster_of_the_name_makes_nothing() {
    let site = TeardownAccount::new();
    let workspace = site.fresh();
    namesake(&site);
    let since = site.emulator.count();
    let told = [&format!("cluster/{SINGLE_ZONE} exists and was not made under this state"), "choose another `name`", "nothing was changed"];
    says(workspace.run_soon(&["apply", "--yes"]).expect(7), &told.map(|text| text as &str));
    assert!(site.emulator.mutating(since).is_empty(), "{:?}", site.emulator.mutating(since));
    let run = says(workspace.run_soon(&DESTROY).expect(0), &["Nothing to destroy.", &format!("cluster/{SINGLE_ZONE}"), "Not ours"]);
    assert!(site.emulator.mutating(since).is_empty(), "{}", run.stderr);
    assert!(lives(&site));
}

/// Our cluster was deleted by hand, and somebody made another one of that name.
#[test]
fn a_destroy_spares_what_a_living_cluster_of_the_name_uses() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    site.emulator.aws(&format!(
        "import time
for addon in eks.list_addons(clusterName='{SINGLE_ZONE}')['addons']:
    eks.delete_addon(clusterName='{SINGLE_ZONE}', addonName=addon)
eks.delete_cluster(name='{SINGLE_ZONE}')
for _ in range(400):
    if '{SINGLE_ZONE}' not in eks.list_clusters()['clusters']:
        break
    time.sleep(0.1)"
    ));
    namesake(&site);
    for _ in 0..2 {
        let run = workspace.run_soon(&DESTROY).expect(0);
        assert!(run.stderr.contains("Nothing left: "), "{}", run.stderr);
        assert!(lives(&site), "{}", run.stderr);
    }
    assert!(workspace.state(SINGLE_ZONE)["resources"].as_object().unwrap().is_empty());
}

fn without_tags(site: &TeardownAccount, is_on: bool) {
    let bucket = format!("{SINGLE_ZONE}-123456789012-us-west-2-logs");
    let (sets, systems) = if is_on {
        (
            "s3.put_bucket_tagging(Bucket=bucket, Tagging={'TagSet': saved['bucket']})",
            "efs.tag_resource(ResourceId=id, Tags=saved['system'])",
        )
    } else {
        ("s3.delete_bucket_tagging(Bucket=bucket)", "efs.untag_resource(ResourceId=id, TagKeys=[tag['Key'] for tag in saved['system']])")
    };
    // The retained resources are recorded in a bucket, from which they are taken again.
    let read = if is_on {
        "saved = json.loads(s3.get_object(Bucket='scratch', Key='tags')['Body'].read())"
    } else {
        "saved = {'bucket': s3.get_bucket_tagging(Bucket=bucket)['TagSet'], 'system': efs.list_tags_for_resource(ResourceId=id)['Tags']}
s3.create_bucket(Bucket='scratch', CreateBucketConfiguration={'LocationConstraint': 'us-west-2'})
s3.put_object(Bucket='scratch', Key='tags', Body=json.dumps(saved))"
    };
    site.emulator.aws(&format!(
        "bucket = '{bucket}'\nid = efs.describe_file_systems()['FileSystems'][0]['FileSystemId']\n{read}\n{sets}\n{systems}"
    ));
}

/// A tool replaced all tags: resources that hold data are neither deleted nor removed from the state.
#[test]
fn what_lost_its_tags_is_left_alone_and_not_forgotten() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    site.objects("logs", &json!({ "keys": 3 }));
    // New objects may be invisible for a while; a rebuilt state does not know that these are not new.
    fs::remove_dir_all(workspace.path(".domino-eks")).unwrap();
    workspace.run_soon(&["state", "recover", "--yes"]).expect(0);
    without_tags(&site, false);
    let told = ["Recorded, but without our tags", "s3-bucket/logs", "efs-file-system/datasets", "our tags were removed", "put the tags"];
    for more in ["--delete-data", "--retain-data"] {
        let arguments = ["destroy", "--confirm", SINGLE_ZONE, more, "--report", "report.json"];
        says(workspace.run_soon(&arguments).expect(1), &told);
        let report: Value = serde_json::from_str(&fs::read_to_string(workspace.path("report.json")).unwrap()).unwrap();
        assert_eq!(report["result"], "left", "{report:#}");
        assert!(!report["deleted"].to_string().contains("s3-bucket/logs"), "{report:#}");
        assert_eq!(report["scheduled"], json!([]), "what stays is unreadable without the key");
        let left = report["left"].to_string();
        assert!(more == "--retain-data" || left.contains("it is deleted after ") && left.contains("kms-key/main"), "{left}");
        let recorded = workspace.state(SINGLE_ZONE)["resources"].clone();
        assert!(recorded.get("s3-bucket/logs").is_some() && recorded.get("efs-file-system/datasets").is_some(), "{recorded:#}");
    }
    without_tags(&site, true);
    site.emulator.aws("s3.delete_object(Bucket='scratch', Key='tags')\ns3.delete_bucket(Bucket='scratch')");
    site.destroyed(&workspace, &DESTROY, &ForeignObjects::nobody());
}

/// An Auto Scaling group lost its tags: its nodes use what would be deleted, so destroy is refused.
#[test]
fn a_group_that_lost_its_tags_keeps_the_cluster() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    fs::remove_dir_all(workspace.path(".domino-eks")).unwrap();
    workspace.run_soon(&["state", "recover", "--yes"]).expect(0);
    let saved = site.emulator.aws(
        "import boto3
asg = boto3.client('autoscaling', region_name='us-west-2')
group = next(group for group in asg.describe_auto_scaling_groups()['AutoScalingGroups'] if 'platform' in group['AutoScalingGroupName'])
result = group['Tags']
asg.delete_tags(Tags=group['Tags'])",
    );
    let since = site.emulator.count();
    let told = ["without our tags", "autoscaling-group/platform/us-west-2a", "its nodes use what would be deleted", "nothing was changed"];
    says(workspace.run_soon(&[&DESTROY[..], &["--lift-protection"]].concat()).expect(7), &told);
    assert!(site.emulator.mutating(since).is_empty());
    site.emulator.aws(&format!(
        "import boto3
boto3.client('autoscaling', region_name='us-west-2').create_or_update_tags(Tags=json.loads({:?}))",
        saved.to_string()
    ));
    site.destroyed(&workspace, &DESTROY, &ForeignObjects::nobody());
}

/// A cluster that lost its tags is recognised by its endpoint.
#[test]
fn a_cluster_without_tags_is_known_by_its_endpoint() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    site.emulator.aws(&format!(
        "cluster = eks.describe_cluster(name='{SINGLE_ZONE}')['cluster']
eks.untag_resource(resourceArn=cluster['arn'], tagKeys=list(cluster['tags']))"
    ));
    assert!(workspace.run_soon(&["plan"]).expect(0).stdout.contains("0 to add"));
    site.destroyed(&workspace, &DESTROY, &ForeignObjects::nobody());
}

/// Backups of others are encrypted with our key: it is deleted only with a further flag.
#[test]
fn a_key_that_others_need_wants_a_further_word() {
    let site = TeardownAccount::new();
    let workspace = site.made();
    let theirs = site.neighbours(SINGLE_ZONE);
    site.emulator.aws(
        "key = kms.describe_key(KeyId=next(a['TargetKeyId'] for a in kms.list_aliases()['Aliases'] if 'domino' in a['AliasName']))['KeyMetadata']['Arn']
volume = ec2.create_volume(AvailabilityZone='us-west-2a', Size=8, Encrypted=True, KmsKeyId=key)['VolumeId']
ec2.create_snapshot(VolumeId=volume, Description='nightly')
ec2.delete_volume(VolumeId=volume)",
    );
    let since = site.emulator.count();
    let told = ["kms-key/main", "1 snapshots or volumes that stay and that only this key decrypts (snap-", "--lift-protection"];
    says(workspace.run_soon(&DESTROY).expect(7), &told);
    assert!(site.emulator.mutating(since).is_empty());
    let plan = workspace.run_soon(&["plan", "--destroy"]).expect(0);
    assert!(plan.stdout.contains("that only this key decrypts"), "{}", plan.stdout);
    // When the key is retained, the question is not asked.
    workspace.run_soon(&["destroy", "--confirm", SINGLE_ZONE, "--retain-data"]).expect(0);
    says(workspace.run_soon(&[&DESTROY[..], &["--lift-protection"]].concat()).expect(0), &["Nothing left: "]);
    theirs.unharmed(&site);
}
