//! Policies, roles and instance profiles (IAM-1, IAM-2, EKS-2).

use super::*;
use crate::resource::spec;
use serde_json::json;

const PARTITIONS: [(&str, &str); 3] = [("us-west-2", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")];
const DOCUMENTS: [(&str, &str); 9] = [
    ("autoscaler", include_str!("../../../policies/autoscaler.json")),
    ("bucket-key", include_str!("../../../policies/bucket-key.json")),
    ("bucket-tls-only", include_str!("../../../policies/bucket-tls-only.json")),
    ("key-policy", include_str!("../../../policies/key-policy.json")),
    ("node-s3", include_str!("../../../policies/node-s3.json")),
    ("trust-ec2", include_str!("../../../policies/trust-ec2.json")),
    ("trust-eks", include_str!("../../../policies/trust-eks.json")),
    ("trust-pods", include_str!("../../../policies/trust-pods.json")),
    ("volume-key", include_str!("../../../policies/volume-key.json")),
];
/// IAM counts a managed policy without white space.
const MAX_POLICY: usize = 6144;

// IAM-1
#[test]
fn nodes_may_use_the_four_buckets_exactly_as_the_documents_say() {
    for (region, partition) in PARTITIONS {
        let document = resolved(&blueprint(&in_region(region, "")), "iam-policy/s3")["document"].clone();
        let arn = |kind: &str| format!("arn:{partition}:s3:::demo-{ACCOUNT}-{region}-{kind}");
        let objects = |kind: &str| format!("{}/*", arn(kind));
        let kinds = ["logs", "backups", "blobs", "registry"];
        let expected = json!({
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
                    "Resource": kinds.map(arn),
                },
                {
                    "Effect": "Allow",
                    "Action": ["s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"],
                    "Resource": kinds.map(objects),
                },
            ],
        });
        assert_eq!(document, expected, "{partition}");
    }
}

// IAM-1
#[test]
fn both_node_roles_carry_the_bucket_policy() {
    let blueprint = of(THREE_ZONES);
    for role in ["platform-node", "compute-node"] {
        let policies = blueprint.field(&format!("iam-role/{role}"), "policies");
        assert!(policies.as_array().unwrap().contains(&attribute_of("iam-policy/s3", "arn")), "{role}");
    }
}

// IAM-2
#[test]
fn the_autoscaler_reads_everything_and_changes_this_clusters_groups_only() {
    let document = of(THREE_ZONES).field("iam-policy/autoscaler", "document");
    let [read, write] = document["Statement"].as_array().unwrap().as_slice() else { panic!("{document}") };
    let documented = [
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:DescribeAutoScalingInstances",
        "autoscaling:DescribeLaunchConfigurations",
        "autoscaling:DescribeTags",
        "ec2:DescribeLaunchTemplateVersions",
        "ec2:DescribeInstanceTypes",
    ];
    let actions = read["Action"].as_array().unwrap();
    for action in documented {
        assert!(actions.contains(&json!(action)), "{action}");
    }
    let reads = |action: &Value| action.as_str().is_some_and(|text| text.contains(":Describe") || text.contains(":Get"));
    assert!(actions.iter().all(reads), "only reading is free: {actions:?}");
    assert_eq!(write["Action"], json!(["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"]));
    let condition = json!({"StringEquals": {"aws:ResourceTag/k8s.io/cluster-autoscaler/domino-test-cluster": "owned"}});
    assert_eq!(write["Condition"], condition);
}

// IAM-2
#[test]
fn every_group_carries_the_tag_that_the_autoscalers_rights_ask_for() {
    for group in of(THREE_ZONES).of_kind(Kind::AutoScalingGroup) {
        assert_eq!(group.tags["k8s.io/cluster-autoscaler/domino-test-cluster"], "owned");
    }
}

// IAM-2
#[test]
fn only_platform_nodes_may_drive_the_autoscaler() {
    let blueprint = of(THREE_ZONES);
    let autoscaler = attribute_of("iam-policy/autoscaler", "arn");
    let holders: Vec<&str> = blueprint
        .of_kind(Kind::IamRole)
        .into_iter()
        .filter(|role| role.spec["policies"].as_array().unwrap().contains(&autoscaler))
        .map(|role| role.address.name())
        .collect();
    assert_eq!(holders, ["platform-node"]);
    for (pool, profile) in [("platform", "platform-node"), ("default", "compute-node"), ("default-gpu", "compute-node")] {
        let arn = attribute_of(&format!("instance-profile/{profile}"), "arn");
        assert_eq!(blueprint.field(&format!("launch-template/{pool}"), "instance_profile"), arn);
        assert_eq!(blueprint.field(&format!("instance-profile/{profile}"), "role"), attribute_of(&format!("iam-role/{profile}"), "name"));
    }
}

// IAM-1, EKS-2
#[test]
fn roles_carry_the_policies_of_aws_of_their_partition() {
    for (region, partition) in PARTITIONS {
        let blueprint = blueprint(&in_region(region, ""));
        let policies = |role: &str| resolved(&blueprint, &format!("iam-role/{role}"))["policies"].clone();
        let aws = |name: &str| format!("arn:{partition}:iam::aws:policy/{name}");
        let own = |name: &str| format!("<iam-policy/{name}#arn>");
        let node =
            ["AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryPullOnly", "AmazonSSMManagedInstanceCore"];
        let mut expected: Vec<String> = node.map(aws).into();
        expected.extend([own("s3"), own("bucket-key")]);
        assert_eq!(policies("compute-node"), json!(expected));
        expected.push(own("autoscaler"));
        assert_eq!(policies("platform-node"), json!(expected));
        assert_eq!(policies("cluster"), json!([aws("AmazonEKSClusterPolicy")]));
        assert_eq!(policies("ebs-csi-driver"), json!([aws("service-role/AmazonEBSCSIDriverPolicy"), own("volume-key")]));
        assert_eq!(policies("efs-csi-driver"), json!([aws("service-role/AmazonEFSCSIDriverPolicy")]));
    }
}

// EKS-2
#[test]
fn roles_are_trusted_to_the_services_that_take_them() {
    for (region, ec2) in
        [("us-west-2", "ec2.amazonaws.com"), ("cn-north-1", "ec2.amazonaws.com.cn"), ("us-gov-west-1", "ec2.amazonaws.com")]
    {
        let blueprint = blueprint(&in_region(region, ""));
        let principal = |role: &str| blueprint.field(&format!("iam-role/{role}"), "trust")["Statement"][0]["Principal"]["Service"].clone();
        assert_eq!([principal("platform-node"), principal("compute-node")], [ec2, ec2]);
        assert_eq!(principal("cluster"), "eks.amazonaws.com");
        assert_eq!([principal("ebs-csi-driver"), principal("efs-csi-driver")], ["pods.eks.amazonaws.com"; 2]);
        let pods = blueprint.field("iam-role/ebs-csi-driver", "trust");
        assert_eq!(pods["Statement"][0]["Action"], json!(["sts:AssumeRole", "sts:TagSession"]));
    }
}

// IAM-1
#[test]
fn names_in_iam_carry_the_region_and_one_path() {
    let blueprint = of(THREE_ZONES);
    let role: spec::IamRole = blueprint.spec("iam-role/cluster");
    assert_eq!((role.name.as_str(), role.path.as_str()), ("domino-test-cluster-us-west-2-cluster", "/domino-eks/domino-test-cluster/"));
    for kind in [Kind::IamPolicy, Kind::IamRole, Kind::InstanceProfile] {
        for desired in blueprint.of_kind(kind) {
            assert_eq!(desired.spec["path"], "/domino-eks/domino-test-cluster/");
            assert_eq!(desired.spec["name"], format!("domino-test-cluster-us-west-2-{}", desired.address.name()));
        }
    }
}

// EKS-1
#[test]
fn the_account_decides_on_the_key_and_autoscaling_may_use_it_for_volumes() {
    for (region, partition) in PARTITIONS {
        let policy = resolved(&blueprint(&in_region(region, "")), "kms-key/main")["policy"].clone();
        assert_eq!(policy["Statement"][0]["Principal"]["AWS"], format!("arn:{partition}:iam::{ACCOUNT}:root"));
        let role = format!("arn:{partition}:iam::{ACCOUNT}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling");
        for statement in &policy["Statement"].as_array().unwrap()[1..] {
            assert_eq!(statement["Condition"]["ArnEquals"]["aws:PrincipalArn"], role);
            assert_eq!(statement["Condition"]["StringEquals"]["kms:CallerAccount"], ACCOUNT);
        }
    }
}

// IAM-1
#[test]
fn every_policy_file_is_known_to_these_tests_and_parses() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let mut files: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect();
    files.sort();
    assert_eq!(files, DOCUMENTS.map(|(name, _)| name));
    for (name, text) in DOCUMENTS {
        let document: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(document["Version"], "2012-10-17", "{name}");
        for statement in document["Statement"].as_array().unwrap() {
            assert!(["Allow", "Deny"].contains(&statement["Effect"].as_str().unwrap()), "{name}");
            assert!(!statement["Action"].is_null(), "{name}");
        }
    }
}

/// All policy documents of a resolved blueprint.
fn documents(blueprint: &Blueprint) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (address, spec) in all_resolved(blueprint) {
        for field in ["document", "policy", "trust"] {
            if spec[field]["Statement"].is_array() {
                found.push((format!("{address} {field}"), spec[field].clone()));
            }
        }
    }
    found
}

// IAM-1, IAM-2
#[test]
fn resolved_documents_have_no_placeholder_and_fit_into_iam() {
    let longest = "name: a-cluster-with-quite\nregion: us-gov-west-1\nzones: [us-gov-west-1a, us-gov-west-1b, us-gov-west-1c]";
    for text in [THREE_ZONES, ONE_ZONE, LEGACY, longest] {
        let documents = documents(&of(text));
        assert_eq!(documents.len(), 4 + 5 + 4 + 1, "policies, trusts, bucket policies, key policy");
        for (name, document) in documents {
            let text = document.to_string();
            assert!(!text.contains("${"), "{name}: {text}");
            assert!(text.len() <= MAX_POLICY, "{name} has {} characters", text.len());
        }
    }
}
