//! What exists in AWS after one apply of the three-zone example, as boto3 sees it.

use crate::harness::{ACCOUNT, Request, SECRET, THREE_ZONES, ZONES, applied, at, list, position, tags, text};
use base64::Engine as _;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// NET-1: a /16 with DNS; in each zone a private /19 and a public subnet.
#[test]
fn the_vpc_has_dns_and_room_for_pods() {
    let seen = &applied().seen;
    assert_eq!(seen["vpc"]["CidrBlock"], "10.0.0.0/16");
    assert_eq!((&seen["vpc"]["support"], &seen["vpc"]["hostnames"]), (&json!(true), &json!(true)));
    let subnets = list(seen, "subnets");
    assert_eq!(subnets.len(), 6);
    for (tier, prefix) in [("private", "/19"), ("public", "/24")] {
        for zone in ZONES {
            let subnet = at(subnets, &format!("subnet/{tier}/{zone}"));
            assert_eq!(subnet["AvailabilityZone"], zone);
            assert!(text(&subnet["CidrBlock"]).ends_with(prefix), "{subnet}");
        }
    }
}

/// NET-2: no node has a public address, and no subnet gives one out.
#[test]
fn nodes_have_private_addresses_only() {
    let seen = &applied().seen;
    assert!(list(seen, "subnets").iter().all(|subnet| subnet["MapPublicIpOnLaunch"] == false));
    let private: BTreeSet<&str> = ZONES.map(|zone| text(&at(list(seen, "subnets"), &format!("subnet/private/{zone}"))["SubnetId"])).into();
    let instances = list(seen, "instances");
    assert_eq!(instances.len(), 5);
    for instance in instances {
        assert!(instance.get("PublicIpAddress").is_none_or(|address| address == ""), "{instance}");
        assert!(private.contains(text(&instance["SubnetId"])));
    }
}

/// NET-2: a NAT gateway in each zone; every private subnet leaves by the one of its own zone.
#[test]
fn each_zone_leaves_by_its_own_nat_gateway() {
    let seen = &applied().seen;
    assert_eq!(list(seen, "nats").len(), 3);
    let gateway = text(&seen["gateways"][0]["InternetGatewayId"]);
    assert_eq!(seen["gateways"][0]["Attachments"][0]["VpcId"], seen["vpc"]["VpcId"]);
    let exit = |subnet: &str| {
        let table = list(seen, "tables").iter().find(|table| list(table, "Associations").iter().any(|one| one["SubnetId"] == subnet));
        let routes = list(table.unwrap_or_else(|| panic!("{subnet} has no table")), "Routes").clone();
        routes.into_iter().find(|route| route["DestinationCidrBlock"] == "0.0.0.0/0").unwrap()
    };
    for zone in ZONES {
        let subnet = |tier: &str| text(&at(list(seen, "subnets"), &format!("subnet/{tier}/{zone}"))["SubnetId"]);
        let nat = at(list(seen, "nats"), &format!("nat-gateway/{zone}"));
        assert_eq!(nat["SubnetId"], subnet("public"));
        assert_eq!(nat["State"], "available");
        assert_eq!(exit(subnet("private"))["NatGatewayId"], nat["NatGatewayId"]);
        assert_eq!(exit(subnet("public"))["GatewayId"], gateway);
    }
}

/// NET-3: traffic to S3 stays inside, on every private table.
#[test]
fn the_s3_gateway_endpoint_is_on_every_private_table() {
    let seen = &applied().seen;
    let endpoints = list(seen, "endpoints");
    assert_eq!(endpoints.len(), 1);
    assert_eq!(endpoints[0]["VpcEndpointType"], "Gateway");
    assert_eq!(endpoints[0]["ServiceName"], "com.amazonaws.us-west-2.s3");
    let tables: BTreeSet<&str> = list(&endpoints[0], "RouteTableIds").iter().map(text).collect();
    let private: BTreeSet<&str> =
        ZONES.map(|zone| text(&at(list(seen, "tables"), &format!("route-table/private/{zone}"))["RouteTableId"])).into();
    assert_eq!(tables, private);
}

/// NET-4: load balancers find their subnets by tags.
#[test]
fn subnets_carry_the_tags_of_load_balancers() {
    for subnet in list(&applied().seen, "subnets") {
        let tags = tags(&subnet["Tags"]);
        let public = text(&tags["domino-eks:address"]).starts_with("subnet/public/");
        assert_eq!(tags[&format!("kubernetes.io/cluster/{THREE_ZONES}")], "shared");
        assert_eq!(tags.get("kubernetes.io/role/elb").is_some_and(|role| role == "1"), public);
        assert_eq!(tags.get("kubernetes.io/role/internal-elb").is_some_and(|role| role == "1"), !public);
    }
}

/// NET-4: NFS comes from the nodes' group only.
#[test]
fn the_file_system_admits_the_nodes_only() {
    let seen = &applied().seen;
    let groups = list(seen, "security_groups");
    let (nodes, efs) = (at(groups, "security-group/nodes"), at(groups, "security-group/efs"));
    let rules = list(efs, "IpPermissions");
    assert_eq!(rules.len(), 1, "{rules:?}");
    assert_eq!((&rules[0]["FromPort"], &rules[0]["ToPort"], &rules[0]["IpProtocol"]), (&json!(2049), &json!(2049), &json!("tcp")));
    let sources: Vec<&Value> = list(&rules[0], "UserIdGroupPairs").iter().map(|pair| &pair["GroupId"]).collect();
    assert_eq!(sources, [&nodes["GroupId"]]);
    assert!(list(&rules[0], "IpRanges").is_empty());
    assert!(list(seen, "mounts").iter().all(|mount| mount["groups"] == json!([efs["GroupId"]])));
}

/// NET-4: the cloud provider refuses a node with two groups that carry the cluster's tag.
#[test]
fn one_group_of_a_node_carries_the_cluster_tag() {
    let seen = &applied().seen;
    let tag = format!("kubernetes.io/cluster/{THREE_ZONES}");
    let tagged = |id: &Value| {
        let group = list(seen, "security_groups").iter().find(|group| group["GroupId"] == *id).unwrap();
        tags(&group["Tags"]).contains_key(&tag)
    };
    for instance in list(seen, "instances") {
        for interface in list(instance, "NetworkInterfaces") {
            let groups = list(interface, "Groups");
            assert_eq!(groups.len(), 2, "{interface}");
            assert_eq!(groups.iter().filter(|group| tagged(&group["GroupId"])).count(), 1, "{groups:?}");
        }
    }
}

/// POOL-1, POOL-2, POOL-3, POOL-5: one group a pool and zone; totals are spread exactly.
#[test]
fn pools_are_spread_exactly_over_the_zones() {
    let seen = &applied().seen;
    let sizes: BTreeMap<&str, (u64, u64)> = list(seen, "groups")
        .iter()
        .map(|group| (text(&group["AutoScalingGroupName"]), (group["MinSize"].as_u64().unwrap(), group["MaxSize"].as_u64().unwrap())))
        .collect();
    let expected = [
        ("domino-test-cluster-platform-us-west-2a", (2, 2)),
        ("domino-test-cluster-platform-us-west-2b", (1, 2)),
        ("domino-test-cluster-platform-us-west-2c", (1, 2)),
        ("domino-test-cluster-default-us-west-2a", (1, 7)),
        ("domino-test-cluster-default-us-west-2b", (0, 7)),
        ("domino-test-cluster-default-us-west-2c", (0, 6)),
        ("domino-test-cluster-default-gpu-us-west-2a", (0, 2)),
        ("domino-test-cluster-default-gpu-us-west-2b", (0, 2)),
        ("domino-test-cluster-default-gpu-us-west-2c", (0, 1)),
    ];
    assert_eq!(sizes, expected.into());
    let templates = seen["templates"].as_object().unwrap();
    assert_eq!(templates.len(), 3);
    for group in list(seen, "groups") {
        let name = text(&group["AutoScalingGroupName"]);
        let (pool, zone) = name.split_at(name.len() - "-us-west-2a".len());
        assert_eq!(group["LaunchTemplate"]["LaunchTemplateName"], pool);
        assert_eq!(group["LaunchTemplate"]["Version"], "1");
        assert_eq!(group["AvailabilityZones"], json!([&zone[1..]]));
        assert_eq!(group["VPCZoneIdentifier"], at(list(seen, "subnets"), &format!("subnet/private/{}", &zone[1..]))["SubnetId"]);
        assert_eq!(group["DesiredCapacity"], group["MinSize"]);
    }
}

/// POOL-6: what the cloud provider and the cluster autoscaler read, each exactly; only the cluster's tag goes on to instances.
#[test]
fn groups_carry_the_autoscaler_tags() {
    let autoscaler = "k8s.io/cluster-autoscaler";
    for group in list(&applied().seen, "groups") {
        let name = text(&group["AutoScalingGroupName"]);
        let (pool, zone) = name.strip_prefix(THREE_ZONES).unwrap()[1..].split_at(name.len() - THREE_ZONES.len() - 1 - "-us-west-2a".len());
        let tags = tags(&group["Tags"]);
        let found: BTreeMap<&str, &str> = tags
            .iter()
            .filter(|(key, _)| key.contains("k8s.io") || key.contains("kubernetes.io"))
            .map(|(k, v)| (k.as_str(), text(v)))
            .collect();
        let label = |key: &str| format!("{autoscaler}/node-template/label/{key}");
        let mut expected = BTreeMap::from([
            (format!("kubernetes.io/cluster/{THREE_ZONES}"), "owned"),
            (format!("{autoscaler}/enabled"), "true"),
            (format!("{autoscaler}/{THREE_ZONES}"), "owned"),
            (label("dominodatalab.com/node-pool"), pool),
            (label("topology.ebs.csi.aws.com/zone"), &zone[1..]),
            (format!("{autoscaler}/node-template/resources/ephemeral-storage"), if pool == "platform" { "128G" } else { "400G" }),
            (format!("{autoscaler}/node-template/resources/smarter-devices/fuse"), "20"),
        ]);
        match pool {
            "default" => drop(expected.insert(label("domino/build-node"), "true")),
            "default-gpu" => {
                expected.insert(label("nvidia.com/gpu"), "true");
                expected.insert(label("k8s.amazonaws.com/accelerator"), "nvidia-a10g");
            }
            _ => {}
        }
        let expected: BTreeMap<&str, &str> = expected.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        assert_eq!(found, expected, "{name}");
        let propagated: BTreeSet<&str> =
            list(group, "Tags").iter().filter(|tag| tag["PropagateAtLaunch"] == true).map(|tag| text(&tag["Key"])).collect();
        assert_eq!(
            propagated,
            BTreeSet::from(["Name", "domino-eks:cluster", "kubernetes.io/cluster/domino-test-cluster", "team"]),
            "{name}"
        );
    }
}

/// POOL-6, POOL-9: nodes and their volumes carry cluster, owner and the user's tags.
#[test]
fn instances_and_volumes_are_tagged() {
    let seen = &applied().seen;
    for instance in list(seen, "instances") {
        let tags = tags(&instance["Tags"]);
        assert_eq!(tags[&format!("kubernetes.io/cluster/{THREE_ZONES}")], "owned");
        assert_eq!((&tags["domino-eks:cluster"], &tags["team"]), (&json!(THREE_ZONES), &json!("data-science")));
    }
    assert_eq!(list(seen, "volumes").len(), 5);
    for volume in list(seen, "volumes") {
        let tags = tags(&volume["Tags"]);
        assert_eq!((&tags["domino-eks:cluster"], &tags["team"]), (&json!(THREE_ZONES), &json!("data-science")));
        assert_eq!((&volume["Encrypted"], &volume["VolumeType"], &volume["KmsKeyId"]), (&json!(true), &json!("gp3"), &seen["key"]["arn"]));
    }
}

/// POOL-1, POOL-2, POOL-3, POOL-9: what each template says of its nodes.
#[test]
fn launch_templates_are_as_required() {
    let seen = &applied().seen;
    let groups = [
        &seen["cluster"]["resourcesVpcConfig"]["clusterSecurityGroupId"],
        &at(list(seen, "security_groups"), "security-group/nodes")["GroupId"],
    ];
    for (pool, instance_type, disk, role) in [
        ("platform", "m5.4xlarge", 128, "platform-node"),
        ("default", "m5.2xlarge", 400, "compute-node"),
        ("default-gpu", "g5.2xlarge", 400, "compute-node"),
    ] {
        let versions = seen["templates"][format!("{THREE_ZONES}-{pool}")].as_array().unwrap();
        assert_eq!(versions.len(), 1);
        let data = &versions[0]["LaunchTemplateData"];
        assert_eq!(data["InstanceType"], instance_type);
        let device = list(data, "BlockDeviceMappings");
        assert_eq!(device.len(), 1);
        assert_eq!(device[0]["DeviceName"], "/dev/xvda");
        let volume = json!({"Encrypted": true, "DeleteOnTermination": true, "KmsKeyId": seen["key"]["arn"], "VolumeSize": disk, "VolumeType": "gp3"});
        assert_eq!(device[0]["Ebs"], volume, "{pool}");
        let metadata = &data["MetadataOptions"];
        assert_eq!(
            (&metadata["HttpTokens"], &metadata["HttpPutResponseHopLimit"], &metadata["HttpEndpoint"]),
            (&json!("required"), &json!(2), &json!("enabled"))
        );
        assert_eq!(list(data, "SecurityGroupIds").len(), 2);
        assert!(groups.iter().all(|group| list(data, "SecurityGroupIds").contains(group)));
        assert!(text(&data["IamInstanceProfile"]["Arn"]).ends_with(role), "{data}");
        let kinds: BTreeSet<&str> = list(data, "TagSpecifications").iter().map(|one| text(&one["ResourceType"])).collect();
        assert_eq!(kinds, BTreeSet::from(["instance", "network-interface", "volume"]));
        for tagged in list(data, "TagSpecifications") {
            assert_eq!(tags(&tagged["Tags"])["domino-eks:cluster"], THREE_ZONES);
            assert_eq!(tags(&tagged["Tags"])["team"], "data-science");
        }
        // Spot or on-demand is chosen by the groups. A key pair or a public address would let people reach the nodes.
        assert!(data.get("InstanceMarketOptions").is_none() && data.get("KeyName").is_none() && data.get("NetworkInterfaces").is_none());
    }
    let image = |pool: &str| &seen["templates"][format!("{THREE_ZONES}-{pool}")][0]["LaunchTemplateData"]["ImageId"];
    assert_eq!(image("platform"), image("default"));
    assert_ne!(image("default"), image("default-gpu"), "GPU nodes need the image with NVIDIA's drivers");
}

/// POOL-7, POOL-9: user data decodes to a NodeConfig with the values of this cluster.
#[test]
fn user_data_joins_this_cluster() {
    let seen = &applied().seen;
    let cluster = &seen["cluster"];
    for (pool, labels) in [
        ("platform", "dominodatalab.com/node-pool=platform"),
        ("default", "domino/build-node=true,dominodatalab.com/node-pool=default"),
        ("default-gpu", "dominodatalab.com/node-pool=default-gpu,k8s.amazonaws.com/accelerator=nvidia-a10g,nvidia.com/gpu=true"),
    ] {
        let data = text(&seen["templates"][format!("{THREE_ZONES}-{pool}")][0]["LaunchTemplateData"]["UserData"]);
        assert!(data.len() <= 16 * 1024 * 4 / 3);
        let decoded = String::from_utf8(base64::engine::general_purpose::STANDARD.decode(data).unwrap()).unwrap();
        assert!(decoded.len() <= 16 * 1024, "EC2 takes 16 KiB");
        assert!(decoded.starts_with("MIME-Version: 1.0\n"));
        let part = decoded.split("--==DOMINO-EKS-NODE-BOOTSTRAP==").find(|part| part.contains("application/node.eks.aws")).unwrap();
        let lines: BTreeSet<&str> = part.lines().map(str::trim).collect();
        for line in [
            "kind: NodeConfig".to_owned(),
            format!("name: {THREE_ZONES}"),
            format!("apiServerEndpoint: {}", text(&cluster["endpoint"])),
            format!("certificateAuthority: {}", text(&cluster["certificateAuthority"]["data"])),
            format!("cidr: {}", text(&cluster["kubernetesNetworkConfig"]["serviceIpv4Cidr"])),
            format!("- \"--node-labels={labels}\""),
        ] {
            assert!(lines.contains(line.as_str()), "{pool} lacks `{line}`:\n{part}");
        }
        assert!(decoded.contains(".bridge=\"docker0\""), "docker's bridge is on by default");
        assert!(!decoded.contains("${domino-eks"), "a placeholder was left");
    }
}

/// EKS-1: the parameters that cannot be changed later, and those that matter for safety.
#[test]
fn the_cluster_is_as_required() {
    let applied = applied();
    let cluster = &applied.seen["cluster"];
    let sent: Vec<&Request> = applied.requests.iter().filter(|request| request.operation == "CreateCluster").collect();
    assert_eq!(sent.len(), 1);
    let sent = &sent[0].params;
    assert_eq!(sent["accessConfig"]["authenticationMode"], "API");
    assert_eq!(sent["bootstrapSelfManagedAddons"], false);
    let token = text(&sent["clientRequestToken"]);
    assert!((33..=126).contains(&token.len()), "{token}");
    assert_eq!(cluster["version"], "1.35");
    assert_eq!(cluster["accessConfig"]["authenticationMode"], "API");
    let network = &cluster["resourcesVpcConfig"];
    assert_eq!((&network["endpointPrivateAccess"], &network["endpointPublicAccess"]), (&json!(true), &json!(false)));
    assert_eq!(list(network, "subnetIds").len(), 3);
    let logging = &cluster["logging"]["clusterLogging"];
    assert_eq!(logging, &json!([{"types": ["api", "audit", "authenticator", "controllerManager", "scheduler"], "enabled": true}]));
    assert_eq!(cluster["encryptionConfig"], json!([{"resources": ["secrets"], "provider": {"keyArn": applied.seen["key"]["arn"]}}]));
    assert_eq!(cluster["kubernetesNetworkConfig"]["serviceIpv4Cidr"], "172.20.0.0/16");
    assert_eq!(cluster["upgradePolicy"]["supportType"], "STANDARD");
    assert!(applied.requests.iter().all(|request| !request.operation.contains("Fargate") && !request.operation.contains("Nodegroup")));
}

/// EKS-1: the log group is created before the cluster, with our retention. Otherwise EKS would create one that keeps logs for ever.
#[test]
fn the_log_group_comes_before_the_cluster() {
    let applied = applied();
    let group = &applied.seen["log_groups"][0];
    assert_eq!((&group["logGroupName"], &group["retentionInDays"]), (&json!(format!("/aws/eks/{THREE_ZONES}/cluster")), &json!(90)));
    assert_eq!(list(&applied.seen, "log_groups").len(), 1);
    let made = position(&applied.requests, "CreateLogGroup", |_| true);
    assert!(made < position(&applied.requests, "CreateCluster", |_| true));
}

/// EKS-1, POOL-5: node roles may join before the first node boots.
#[test]
fn nodes_may_join_before_they_boot() {
    let applied = applied();
    let entries: BTreeMap<&str, &Value> =
        list(&applied.seen, "entries").iter().map(|entry| (text(&entry["principalArn"]).rsplit('/').next().unwrap(), entry)).collect();
    let first_group = position(&applied.requests, "CreateAutoScalingGroup", |_| true);
    for role in ["platform-node", "compute-node"] {
        let name = format!("{THREE_ZONES}-us-west-2-{role}");
        let entry = entries[name.as_str()];
        assert_eq!((&entry["type"], &entry["kubernetesGroups"]), (&json!("EC2_LINUX"), &json!(["system:nodes"])));
        let made = position(&applied.requests, "CreateAccessEntry", |params| text(&params["principalArn"]).ends_with(&name));
        let group = position(&applied.requests, "CreateAutoScalingGroup", |params| {
            text(&params["AutoScalingGroupName"]).contains("-platform-") == (role == "platform-node")
        });
        assert!(made < group, "{role}");
    }
    for zone in ZONES {
        let way_out = at(list(&applied.seen, "tables"), &format!("route-table/private/{zone}"));
        let made = position(&applied.requests, "CreateRoute", |params| params["RouteTableId"] == way_out["RouteTableId"]);
        let group = position(&applied.requests, "CreateAutoScalingGroup", |params| text(&params["AutoScalingGroupName"]).ends_with(zone));
        assert!(made < group, "{zone} booted nodes without a route to the internet");
    }
    assert!(first_group > position(&applied.requests, "CreateCluster", |_| true));
}

/// EKS-2: daemon sets before the first node, deployments after the platform nodes.
#[test]
fn add_ons_come_in_order() {
    let applied = applied();
    let made = |name: &str| position(&applied.requests, "CreateAddon", |params| params["addonName"] == name);
    let groups = || applied.requests.iter().enumerate().filter(|(_, request)| request.operation == "CreateAutoScalingGroup");
    let first = groups().map(|(index, _)| index).min().unwrap();
    let last_platform = groups()
        .filter(|(_, request)| text(&request.params["AutoScalingGroupName"]).contains("-platform-"))
        .map(|(index, _)| index)
        .max()
        .unwrap();
    for name in ["vpc-cni", "kube-proxy", "eks-pod-identity-agent"] {
        assert!(made(name) < first, "{name}");
    }
    for name in ["coredns", "aws-ebs-csi-driver", "aws-efs-csi-driver"] {
        assert!(made(name) > last_platform, "{name}");
    }
    let addons = applied.seen["addons"].as_object().unwrap();
    assert_eq!(addons.len(), 6);
    assert!(addons.values().all(|addon| addon["status"] == "ACTIVE"), "{addons:?}");
}

/// EKS-2: CSI drivers have roles of their own, given by pod identity.
#[test]
fn csi_drivers_have_their_own_roles() {
    let seen = &applied().seen;
    let roles: BTreeMap<(&str, &str), &str> = list(seen, "identities")
        .iter()
        .map(|one| ((text(&one["namespace"]), text(&one["serviceAccount"])), text(&one["roleArn"]).rsplit('/').next().unwrap()))
        .collect();
    let expected = [
        (("kube-system", "ebs-csi-controller-sa"), "domino-test-cluster-us-west-2-ebs-csi-driver"),
        (("kube-system", "efs-csi-controller-sa"), "domino-test-cluster-us-west-2-efs-csi-driver"),
    ];
    assert_eq!(roles, expected.into());
    for role in ["ebs-csi-driver", "efs-csi-driver"] {
        let trust = &seen["roles"][format!("{THREE_ZONES}-us-west-2-{role}")]["trust"]["Statement"][0];
        assert_eq!(trust["Principal"], json!({"Service": "pods.eks.amazonaws.com"}));
        assert_eq!(trust["Action"], json!(["sts:AssumeRole", "sts:TagSession"]));
    }
}

/// EKS-3: the CNI's own engine, switched on by a string as its schema asks for.
#[test]
fn network_policies_are_enforced_by_the_cni() {
    let values = text(&applied().seen["addons"]["vpc-cni"]["configurationValues"]);
    assert_eq!(serde_json::from_str::<Value>(values).unwrap(), json!({"enableNetworkPolicy": "true"}));
}

/// EFS-1: the file system, its mount targets and the access point, exactly.
#[test]
fn the_file_system_is_as_required() {
    let seen = &applied().seen;
    let system = &seen["system"];
    assert_eq!((&system["Encrypted"], &system["KmsKeyId"], &system["backup"]), (&json!(true), &seen["key"]["arn"], &json!("ENABLED")));
    assert_eq!(system["ThroughputMode"], "elastic");
    let zones: BTreeMap<&str, &Value> =
        list(seen, "mounts").iter().map(|mount| (text(&mount["AvailabilityZoneName"]), &mount["SubnetId"])).collect();
    let expected = ZONES.map(|zone| (zone, &at(list(seen, "subnets"), &format!("subnet/private/{zone}"))["SubnetId"]));
    assert_eq!(zones, expected.into());
    let points = list(seen, "points");
    assert_eq!(points.len(), 1);
    assert_eq!(points[0]["PosixUser"], json!({"Uid": 0, "Gid": 0}));
    assert_eq!(
        points[0]["RootDirectory"],
        json!({"Path": "/domino", "CreationInfo": {"OwnerUid": 0, "OwnerGid": 0, "Permissions": "0777"}})
    );
}

/// S3-1: four private, encrypted, versioned buckets that take TLS only.
#[test]
fn buckets_are_private_encrypted_versioned_and_tls_only() {
    let seen = &applied().seen;
    let names: BTreeSet<String> =
        ["blobs", "registry", "logs", "backups"].map(|kind| format!("{THREE_ZONES}-{ACCOUNT}-us-west-2-{kind}")).into();
    let buckets = seen["buckets"].as_object().unwrap();
    assert_eq!(buckets.keys().cloned().collect::<BTreeSet<_>>(), names);
    for (name, bucket) in buckets {
        assert_eq!(bucket["location"], "us-west-2");
        assert!(
            bucket["public"].as_object().unwrap().values().all(|blocked| blocked == true)
                && bucket["public"].as_object().unwrap().len() == 4
        );
        let encryption = json!({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": seen["key"]["arn"]});
        assert_eq!(
            (&bucket["encryption"]["ApplyServerSideEncryptionByDefault"], &bucket["encryption"]["BucketKeyEnabled"]),
            (&encryption, &json!(true))
        );
        assert_eq!((&bucket["versioning"], &bucket["ownership"]), (&json!("Enabled"), &json!("BucketOwnerEnforced")));
        let statements = list(&bucket["policy"], "Statement");
        assert_eq!(statements.len(), 1);
        assert_eq!(
            (&statements[0]["Effect"], &statements[0]["Principal"], &statements[0]["Action"]),
            (&json!("Deny"), &json!("*"), &json!("s3:*"))
        );
        assert_eq!(statements[0]["Condition"], json!({"Bool": {"aws:SecureTransport": "false"}}));
        assert_eq!(statements[0]["Resource"], json!([format!("arn:aws:s3:::{name}"), format!("arn:aws:s3:::{name}/*")]));
        let expiry = list(bucket, "lifecycle").iter().find_map(|rule| rule.get("NoncurrentVersionExpiration"));
        let keeps_all = name.ends_with("-blobs") || name.ends_with("-backups");
        assert_eq!(expiry.is_none(), keeps_all, "{name}");
    }
}

/// IAM-1: the policy of the four buckets as the documents list it: two statements.
#[test]
fn the_bucket_policy_of_nodes_is_the_documents() {
    let policy = &applied().seen["policies"][format!("{THREE_ZONES}-us-west-2-s3")];
    let bucket = |kind: &str, tail: &str| format!("arn:aws:s3:::{THREE_ZONES}-{ACCOUNT}-us-west-2-{kind}{tail}");
    let all = |tail: &str| json!(["logs", "backups", "blobs", "registry"].map(|kind| bucket(kind, tail)));
    let statements = list(policy, "Statement");
    assert_eq!(statements.len(), 2);
    assert!(statements.iter().all(|statement| statement["Effect"] == "Allow" && statement.get("Condition").is_none()));
    assert_eq!(statements[0]["Action"], json!(["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"]));
    assert_eq!(statements[0]["Resource"], all(""));
    let objects = ["s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"];
    assert_eq!(statements[1]["Action"], json!(objects));
    assert_eq!(statements[1]["Resource"], all("/*"));
}

/// IAM-2: every action that the documents list; writes only to groups with this cluster's tag.
#[test]
fn the_autoscaler_may_write_to_this_cluster_only() {
    let policy = &applied().seen["policies"][format!("{THREE_ZONES}-us-west-2-autoscaler")];
    let statements = list(policy, "Statement");
    let actions: BTreeSet<&str> = statements.iter().flat_map(|statement| list(statement, "Action")).map(text).collect();
    for action in [
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:DescribeAutoScalingInstances",
        "autoscaling:DescribeLaunchConfigurations",
        "autoscaling:DescribeTags",
        "autoscaling:SetDesiredCapacity",
        "autoscaling:TerminateInstanceInAutoScalingGroup",
        "ec2:DescribeLaunchTemplateVersions",
        "ec2:DescribeInstanceTypes",
    ] {
        assert!(actions.contains(action), "{action}");
    }
    for statement in statements {
        let reads = list(statement, "Action").iter().map(text).all(|action| action.contains(":Describe") || action.contains(":Get"));
        let tag = format!("aws:ResourceTag/k8s.io/cluster-autoscaler/{THREE_ZONES}");
        assert!(reads || statement["Condition"] == json!({"StringEquals": {tag: "owned"}}), "{statement}");
    }
}

/// IAM-1, IAM-2, EKS-2: five roles, each with exactly its policies; only platform nodes may drive the autoscaler.
#[test]
fn roles_have_exactly_their_policies() {
    let seen = &applied().seen;
    let aws = |name: &str| format!("arn:aws:iam::aws:policy/{name}");
    let own = |name: &str| format!("arn:aws:iam::{ACCOUNT}:policy/domino-eks/{THREE_ZONES}/{THREE_ZONES}-us-west-2-{name}");
    let node = [
        aws("AmazonEKSWorkerNodePolicy"),
        aws("AmazonEKS_CNI_Policy"),
        aws("AmazonEC2ContainerRegistryPullOnly"),
        aws("AmazonSSMManagedInstanceCore"),
        own("s3"),
        own("bucket-key"),
    ];
    let platform: Vec<String> = node.iter().cloned().chain([own("autoscaler")]).collect();
    let expected: BTreeMap<&str, (&str, Vec<String>)> = BTreeMap::from([
        ("cluster", ("eks.amazonaws.com", vec![aws("AmazonEKSClusterPolicy")])),
        ("platform-node", ("ec2.amazonaws.com", platform)),
        ("compute-node", ("ec2.amazonaws.com", node.to_vec())),
        ("ebs-csi-driver", ("pods.eks.amazonaws.com", vec![aws("service-role/AmazonEBSCSIDriverPolicy"), own("volume-key")])),
        ("efs-csi-driver", ("pods.eks.amazonaws.com", vec![aws("service-role/AmazonEFSCSIDriverPolicy")])),
    ]);
    let roles = seen["roles"].as_object().unwrap();
    assert_eq!(roles.len(), expected.len());
    for (name, (principal, policies)) in expected {
        let role = &roles[&format!("{THREE_ZONES}-us-west-2-{name}")];
        let attached: BTreeSet<String> = list(role, "attached").iter().map(|arn| text(arn).to_owned()).collect();
        assert_eq!(attached, policies.into_iter().collect(), "{name}");
        assert_eq!(role["trust"]["Statement"][0]["Principal"]["Service"], principal);
    }
    assert_eq!(seen["policies"].as_object().unwrap().len(), 4);
    assert!(applied().inventory.iter().all(|object| object["type"] != "role-inline-policy"));
    for profile in ["platform-node", "compute-node"] {
        let name = format!("{THREE_ZONES}-us-west-2-{profile}");
        assert_eq!(seen["profiles"][&name], json!([name]));
    }
    // The key policy leaves permissions to IAM, and allows Auto Scaling to encrypt volumes.
    assert_eq!(seen["key"]["rotation"], true);
    assert!(seen["key"]["policy"].to_string().contains("AWSServiceRoleForAutoScaling"));
}

/// Design rule 3: whatever the API can tag at creation carries cluster, address and lineage from its first moment, and the user's tags.
#[test]
fn every_create_call_carries_our_tags() {
    let applied = applied();
    let untaggable = ["CreateAlias", "CreateMountTarget", "CreateRoute", "CreateOrUpdateTags"];
    let creates =
        applied.requests.iter().filter(|request| request.operation.starts_with("Create") || request.operation == "AllocateAddress");
    let mut seen = 0;
    for request in creates.filter(|request| !untaggable.contains(&request.operation.as_str())) {
        let text = request.params.to_string();
        for tag in ["domino-eks:cluster", "domino-eks:address", "domino-eks:lineage", "data-science"] {
            assert!(text.contains(tag), "{} has no {tag}: {text}", request.operation);
        }
        seen += 1;
    }
    assert!(seen >= 55, "{seen}");
    // And no two objects share an address.
    let mut addresses: BTreeSet<&str> = BTreeSet::new();
    for object in &applied.inventory {
        if let Some(address) = object["tags"].get("domino-eks:address") {
            assert!(addresses.insert(text(address)), "{address} exists twice");
        }
    }
}

/// RUN-1: AWS refuses no call of an apply, except reads of objects that do not exist yet.
#[test]
fn no_call_fails() {
    for request in &applied().requests {
        let absent = !request.mutating && matches!(request.status, 400 | 404);
        let eventual =
            ["CreateAutoScalingGroup", "CreateCluster", "CreateLaunchTemplate", "CreateAccessEntry"].contains(&request.operation.as_str());
        assert!(request.status < 400 || absent || eventual, "{} {}: {}", request.operation, request.status, request.params);
    }
    // A read that is refused for bad parameters would be repeated, and so be refused more than once.
    assert!(applied().requests.iter().filter(|request| request.status == 400).count() <= 3);
}

/// RUN-2: only its owner can read the state, and it contains no secret.
#[test]
fn the_state_is_private_and_holds_no_secret() {
    let applied = applied();
    assert!(applied.files.iter().any(|(path, mode, text)| path.ends_with("state.json") && *mode == 0o600 && text.contains("lineage")));
    for (path, mode, text) in &applied.files {
        assert_eq!(mode & 0o077, 0, "others may look into {}", path.display());
        assert!(!text.contains(SECRET), "{}", path.display());
    }
    assert!(!applied.output.contains(SECRET));
}
