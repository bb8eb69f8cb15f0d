//! Choices of the configuration that the three-zone example does not make; each is applied, and the result is read from AWS.

use crate::harness::{Emulator, Workspace, example, look, tags};
use base64::Engine as _;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

fn list<'a>(value: &'a Value, key: &str) -> &'a Vec<Value> {
    value[key].as_array().unwrap_or_else(|| panic!("no list `{key}`"))
}

/// Applies a configuration; nothing is left to do, and all is healthy.
fn applied(emulator: &Emulator, configuration: &str) -> Workspace {
    let workspace = Workspace::new(emulator, configuration);
    workspace.run(&["apply", "--yes"]).expect(0);
    assert!(workspace.planned().is_empty());
    assert_eq!(workspace.run(&["status", "--format", "json"]).expect(0).json()["healthy"], true);
    workspace
}

/// One zone, AWS's own keys, Calico, a spot pool with taints and a script, administrators, a chosen image.
fn single() -> &'static Value {
    static SEEN: OnceLock<Value> = OnceLock::new();
    SEEN.get_or_init(|| {
        let emulator = Emulator::start();
        let image = emulator.aws(
            "result = sorted(full(ec2, 'describe_images', Owners=['amazon'], Filters=[{'Name': 'name', 'Values': \
             ['amazon-eks-node-al2023-x86_64-standard-1.34-v*']}])['Images'], key=lambda i: i['Name'])[0]['ImageId']",
        );
        emulator.aws(
            "iam.create_role(RoleName='Admins', Path='/people/', AssumeRolePolicyDocument=json.dumps({'Version': '2012-10-17', 'Statement': \
             [{'Effect': 'Allow', 'Principal': {'AWS': 'arn:aws:iam::123456789012:root'}, 'Action': 'sts:AssumeRole'}]}))",
        );
        let configuration = example("domino-test-cluster-single-az.yaml")
            + &format!(
                "encryption: {{key: aws-managed}}
kubernetes:
  networkPolicy: calico
  administrators: [arn:aws:iam::123456789012:role/people/Admins]
pools:
  default-gpu: {{enabled: false}}
  spare:
    instanceType: m5.4xlarge
    min: 1
    max: 3
    diskGiB: 500
    spot: true
    dockerBridge: false
    amiId: {}
    tags: {{owner: spare-team}}
    labels: {{example.com/kind: spare}}
    taints:
      - {{key: example.com/spare, value: \"yes\", effect: NoSchedule}}
      - {{key: dedicated, effect: NoExecute}}
    userData: |
      #!/bin/bash
      echo \"${{HOSTNAME}} is spare\" >/etc/motd
",
                image.as_str().unwrap()
            );
        applied(&emulator, &configuration);
        look(&emulator).as_object().map(|seen| {
            let mut seen = seen.clone();
            seen.insert("image".to_owned(), image.clone());
            Value::Object(seen)
        }).unwrap()
    })
}

/// EKS-1, NET-2: nodes in one zone, the control plane in two, one NAT gateway.
#[test]
fn one_zone_has_a_control_plane_in_two() {
    let seen = single();
    let zone = |id: &Value| list(seen, "subnets").iter().find(|subnet| subnet["SubnetId"] == *id).unwrap()["AvailabilityZone"].clone();
    let control_plane: Vec<Value> = list(&seen["cluster"]["resourcesVpcConfig"], "subnetIds").iter().map(zone).collect();
    assert_eq!(control_plane.len(), 2);
    assert_ne!(control_plane[0], control_plane[1]);
    assert!(list(seen, "groups").iter().all(|group| group["AvailabilityZones"] == json!(["us-west-2a"])));
    assert_eq!((list(seen, "nats").len(), list(seen, "mounts").len(), list(seen, "groups").len()), (1, 1, 3));
}

/// EKS-3: with Calico the CNI's own engine is off, and pods' addresses are in annotations.
#[test]
fn calico_turns_the_other_engine_off() {
    let values = single()["addons"]["vpc-cni"]["configurationValues"].as_str().unwrap();
    let values: Value = serde_json::from_str(values).unwrap();
    assert_eq!(values, json!({"enableNetworkPolicy": "false", "env": {"ANNOTATE_POD_IP": "true"}}));
}

/// EKS-1: administrators get cluster-admin by access entry.
#[test]
fn administrators_get_an_access_entry() {
    let admins = "arn:aws:iam::123456789012:role/people/Admins";
    let entry = list(single(), "entries").iter().find(|entry| entry["principalArn"] == admins).unwrap();
    assert_eq!(entry["type"], "STANDARD");
    let policies = list(entry, "policies");
    assert_eq!(policies.len(), 1);
    assert_eq!(policies[0]["policyArn"], "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy");
    assert_eq!(policies[0]["accessScope"]["type"], "cluster");
}

/// EKS-1, S3-1, EFS-1, POOL-9: without a key of one's own everything is still encrypted.
#[test]
fn aws_managed_keys_still_encrypt_everything() {
    let seen = single();
    assert!(seen["key"].is_null());
    assert_eq!(seen["cluster"]["encryptionConfig"].as_array().map_or(0, Vec::len), 0);
    assert_eq!(seen["system"]["Encrypted"], true);
    for bucket in seen["buckets"].as_object().unwrap().values() {
        assert_eq!(bucket["encryption"]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256");
    }
    for versions in seen["templates"].as_object().unwrap().values() {
        let volume = &versions[0]["LaunchTemplateData"]["BlockDeviceMappings"][0]["Ebs"];
        assert_eq!((&volume["Encrypted"], volume.get("KmsKeyId")), (&json!(true), None));
    }
    let policies = seen["policies"].as_object().unwrap();
    assert_eq!(policies.keys().filter(|name| name.ends_with("-key")).count(), 0, "{policies:?}");
}

/// POOL-4, POOL-6, POOL-9: a pool of one's own with spot instances, taints, script, tags and image.
#[test]
fn a_pool_of_ones_own() {
    let seen = single();
    let data = &seen["templates"]["domino-test-single-az-spare"][0]["LaunchTemplateData"];
    assert_eq!((&data["InstanceType"], &data["ImageId"]), (&json!("m5.4xlarge"), &seen["image"]));
    assert_eq!(data["InstanceMarketOptions"]["MarketType"], "spot");
    assert_eq!(data["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"], 500);
    let text = base64::engine::general_purpose::STANDARD.decode(data["UserData"].as_str().unwrap()).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("#!/bin/bash\necho \"${HOSTNAME} is spare\" >/etc/motd\n"), "{text}");
    assert!(text.contains("--node-labels=dominodatalab.com/node-pool=spare,example.com/kind=spare"), "{text}");
    assert!(text.contains("--register-with-taints=example.com/spare=yes:NoSchedule,dedicated=:NoExecute"), "{text}");
    assert!(!text.contains("docker0"));
    let group =
        list(seen, "groups").iter().find(|group| group["AutoScalingGroupName"] == "domino-test-single-az-spare-us-west-2a").unwrap();
    let found = tags(&group["Tags"]);
    let template = |key: &str| found.get(&format!("k8s.io/cluster-autoscaler/node-template/{key}")).cloned();
    assert_eq!(template("taint/example.com/spare"), Some(json!("yes:NoSchedule")));
    assert_eq!(template("taint/dedicated"), Some(json!(":NoExecute")));
    assert_eq!(template("label/example.com/kind"), Some(json!("spare")));
    assert_eq!(template("resources/ephemeral-storage"), Some(json!("500G")));
    let of_pool = |instance: &&Value| {
        tags(&instance["Tags"]).get("aws:autoscaling:groupName").is_some_and(|name| name == "domino-test-single-az-spare-us-west-2a")
    };
    let instance = list(seen, "instances").iter().find(of_pool).unwrap();
    assert_eq!(tags(&instance["Tags"])["owner"], "spare-team");
}

/// NET-2, NET-3, EKS-1: no NAT gateway but interface endpoints, and a key that exists already.
#[test]
fn no_nat_but_interface_endpoints_and_a_key_of_others() {
    let emulator = Emulator::start();
    let key = emulator.aws("result = kms.create_key(Description='theirs')['KeyMetadata']['Arn']");
    let key = key.as_str().unwrap();
    let configuration = example("domino-test-cluster.yaml")
        + &format!("encryption: {{key: \"{key}\"}}\nnetwork: {{nat: none, interfaceEndpoints: [ecr.api, ecr.dkr, sts, ec2]}}\n");
    let workspace = applied(&emulator, &configuration);
    let seen = look(&emulator);
    assert!(list(&seen, "nats").is_empty());
    assert!(emulator.of_type("elastic-ip").is_empty());
    let private: BTreeSet<&str> = list(&seen, "subnets")
        .iter()
        .filter(|subnet| tags(&subnet["Tags"])["domino-eks:address"].as_str().unwrap().starts_with("subnet/private/"))
        .map(|subnet| subnet["SubnetId"].as_str().unwrap())
        .collect();
    let mut services = BTreeSet::new();
    for endpoint in list(&seen, "endpoints").iter().filter(|endpoint| endpoint["VpcEndpointType"] == "Interface") {
        services.insert(endpoint["ServiceName"].as_str().unwrap());
        assert_eq!((&endpoint["PrivateDnsEnabled"], &endpoint["State"]), (&json!(true), &json!("available")));
        assert_eq!(list(endpoint, "SubnetIds").iter().map(|id| id.as_str().unwrap()).collect::<BTreeSet<_>>(), private);
        let group = &list(endpoint, "Groups")[0]["GroupId"];
        let group = list(&seen, "security_groups").iter().find(|one| one["GroupId"] == *group).unwrap();
        let rules = list(group, "IpPermissions");
        assert_eq!((rules.len(), &rules[0]["FromPort"], &rules[0]["ToPort"]), (1, &json!(443), &json!(443)));
        assert!(list(&rules[0], "IpRanges").is_empty() && list(&rules[0], "UserIdGroupPairs").len() == 1);
    }
    let service = |name: &str| format!("com.amazonaws.us-west-2.{name}");
    assert_eq!(services, ["ecr.api", "ecr.dkr", "sts", "ec2"].map(service).iter().map(String::as_str).collect());
    for table in list(&seen, "tables") {
        let out = list(table, "Routes").iter().filter(|route| route["DestinationCidrBlock"] == "0.0.0.0/0");
        assert!(out.clone().all(|route| route["GatewayId"].as_str().is_some_and(|id| id.starts_with("igw-"))), "{table}");
    }
    assert_eq!(seen["cluster"]["encryptionConfig"][0]["provider"]["keyArn"], key);
    assert_eq!(seen["system"]["KmsKeyId"], key);
    assert!(
        seen["buckets"]
            .as_object()
            .unwrap()
            .values()
            .all(|b| b["encryption"]["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == key)
    );
    assert!(emulator.calls("CreateKey").len() == 1 && emulator.calls("PutKeyPolicy").is_empty());
    workspace.run(&["destroy", "--confirm", "domino-test-cluster", "--delete-data"]).expect(0);
    let left = emulator.inventory();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!((&left[0]["type"], &left[0]["state"]), (&json!("key"), &json!("Enabled")));
}

/// NET-2: three zones may share one NAT gateway.
#[test]
fn three_zones_may_share_one_nat_gateway() {
    let emulator = Emulator::start();
    let configuration = example("domino-test-cluster.yaml") + "profile: test\n";
    let workspace = applied(&emulator, &configuration);
    let seen = look(&emulator);
    assert_eq!(list(&seen, "nats").len(), 1);
    assert_eq!(list(&seen, "nats")[0]["State"], "available");
    let exits: Vec<&Value> =
        list(&seen, "tables").iter().flat_map(|table| list(table, "Routes")).filter_map(|route| route.get("NatGatewayId")).collect();
    assert_eq!(exits, [&list(&seen, "nats")[0]["NatGatewayId"]; 3]);
    // A cluster of the profile `test` is ephemeral: `--yes` destroys it with its data, without its name.
    workspace.run(&["destroy", "--yes"]).expect(0);
    assert_eq!(emulator.living(), Vec::<Value>::new());
}

/// NET-5, RUN-4: an existing network is checked and used, and neither changed nor deleted.
#[test]
fn a_network_of_others_is_used_and_left_alone() {
    let emulator = Emulator::start();
    let theirs = emulator.aws(
        "
vpc = ec2.create_vpc(CidrBlock='10.9.0.0/16')['Vpc']['VpcId']
ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsSupport={'Value': True})
subnets = {}
for n, zone in enumerate('abc'):
    subnets[zone] = ec2.create_subnet(VpcId=vpc, CidrBlock=f'10.9.{n * 32}.0/19', AvailabilityZone=f'us-west-2{zone}')['Subnet']['SubnetId']
gateway = ec2.create_internet_gateway()['InternetGateway']['InternetGatewayId']
ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
other = ec2.create_vpc(CidrBlock='10.8.0.0/16')['Vpc']['VpcId']
elsewhere = ec2.create_subnet(VpcId=other, CidrBlock='10.8.0.0/19', AvailabilityZone='us-west-2b')['Subnet']['SubnetId']
s3.create_bucket(Bucket='somebody-elses-data', CreateBucketConfiguration={'LocationConstraint': 'us-west-2'})
result = {'vpc': vpc, 'elsewhere': elsewhere, **subnets}
",
    );
    let id = |name: &str| theirs[name].as_str().unwrap().to_owned();
    let network = |a: &str, b: &str, c: &str| {
        example("domino-test-cluster.yaml")
            + &format!(
                "profile: test\nnetwork:\n  existing:\n    vpcId: {}\n    privateSubnets: {{us-west-2a: {a}, us-west-2b: {b}, us-west-2c: {c}}}\n",
                id("vpc")
            )
    };
    let workspace = Workspace::new(&emulator, &network(&id("a"), &id("b"), &id("c")));
    let since = emulator.count();
    let refused = |text: &str| {
        let run = workspace.run(&["apply", "--yes"]).expect(4);
        assert!(run.stderr.contains(text) && run.stderr.contains("hint: "), "{}", run.stderr);
    };
    refused("`enableDnsHostnames` is off");
    emulator.aws(&format!("ec2.modify_vpc_attribute(VpcId='{}', EnableDnsHostnames={{'Value': True}})", id("vpc")));
    let before = emulator.inventory();
    for (configuration, text) in [
        (network(&id("a"), &id("c"), &id("b")), "is in us-west-2".to_owned()),
        (network(&id("a"), &id("elsewhere"), &id("c")), format!("the subnet {} is in vpc-", id("elsewhere"))),
        (network(&id("a"), "subnet-0123456789abcdef0", &id("c")), "the subnet subnet-0123456789abcdef0 does not exist".to_owned()),
    ] {
        workspace.write("domino-eks.yaml", &configuration);
        refused(&text);
    }
    assert_eq!(emulator.mutating(since).len(), 1, "only our own switch of the VPC");
    assert_eq!(emulator.inventory(), before);

    workspace.write("domino-eks.yaml", &network(&id("a"), &id("b"), &id("c")));
    workspace.run(&["apply", "--yes"]).expect(0);
    assert!(workspace.planned().is_empty());
    let kinds: BTreeMap<&str, usize> = [("vpc", 2), ("subnet", 4), ("nat-gateway", 0), ("route-table", 0), ("elastic-ip", 0)].into();
    for (kind, count) in kinds {
        assert_eq!(emulator.of_type(kind).len(), count, "{kind}");
    }
    let groups = emulator.aws("result = full(autoscaling, 'describe_auto_scaling_groups')['AutoScalingGroups']");
    for group in groups.as_array().unwrap() {
        let zone = group["AvailabilityZones"][0].as_str().unwrap().strip_prefix("us-west-2").unwrap();
        assert_eq!(group["VPCZoneIdentifier"], id(zone));
    }
    let changing = ["CreateTags", "ModifySubnetAttribute", "ModifyVpcAttribute", "CreateRoute", "CreateVpcEndpoint", "AssociateRouteTable"];
    let touched: Vec<_> =
        emulator.mutating(since + 1).into_iter().filter(|request| changing.contains(&request.operation.as_str())).skip(1).collect();
    assert!(touched.iter().all(|request| !request.params.to_string().contains(&id("vpc"))), "{touched:?}");

    workspace.run(&["destroy", "--yes"]).expect(0);
    assert_eq!(emulator.inventory(), before);
}

/// POOL-7: the older images are planned offline with the docker bridge in their bootstrap call.
#[test]
fn al2_is_planned_offline() {
    let more = "kubernetes: {version: \"1.32\", support: extended}\npools: {platform: {amiFamily: AL2}, default: {amiFamily: AL2}, default-gpu: {enabled: false}}\n";
    let workspace = Workspace::offline(&(example("domino-test-cluster.yaml") + more));
    let plan = workspace.run(&["plan", "--offline", "--format", "json"]).expect(0).json();
    let note = "docker bridge (platform, default): `--enable-docker-bridge true` in the bootstrap call";
    assert!(plan["notes"].as_array().unwrap().iter().any(|line| line.as_str().unwrap().starts_with(note)), "{}", plan["notes"]);
    let refused =
        Workspace::offline(&(example("domino-test-cluster.yaml") + "pools: {default: {amiFamily: AL2}}\n")).run(&["validate"]).expect(3);
    assert!(refused.stderr.contains("AL2") && refused.stderr.contains("1.32"), "{}", refused.stderr);
}
