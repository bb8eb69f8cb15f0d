//! Key, policies, roles and instance profiles (IAM-1, IAM-2, EKS-2).

use super::addresses;
use super::resource_builder::ResourceBuilder;
use crate::config::model::Encryption;
use crate::resource::{Address, Desired, Input, Kind, spec};
use serde_json::Value;

const NODE_POLICIES: [&str; 4] =
    ["AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryPullOnly", "AmazonSSMManagedInstanceCore"];

pub(super) fn resources(builder: &ResourceBuilder<'_>) -> Vec<Desired> {
    let mut resources: Vec<Desired> = key(builder).into_iter().collect();
    resources.extend(policies(builder));
    resources.extend(roles(builder));
    resources.extend(["platform-node", "compute-node"].map(|name| instance_profile(builder, name)));
    resources
}

fn key(builder: &ResourceBuilder<'_>) -> Option<Desired> {
    let spec = spec::KmsKey {
        alias: format!("alias/{}", builder.config.name),
        description: format!("Domino cluster {}: secrets, volumes, buckets, file system", builder.config.name),
        policy: builder.document(include_str!("../../policies/key-policy.json"), &[]),
        rotation: true,
    };
    (builder.config.encryption == Encryption::OwnKey).then(|| builder.resource(addresses::key(), &spec))
}

fn policy_address(name: &str) -> Address {
    Address::new(Kind::IamPolicy, name)
}

fn policies(builder: &ResourceBuilder<'_>) -> Vec<Desired> {
    let policy = |name: &str, description: &str, document: Value| {
        let spec =
            spec::IamPolicy { name: builder.iam_name(name), path: builder.iam_path(), description: description.to_owned(), document };
        builder.resource(policy_address(name), &spec)
    };
    let names = ["blobs", "registry", "logs", "backups"].map(|kind| (format!("bucket.{kind}"), builder.bucket_name(kind)));
    let names: Vec<(&str, Input)> = names.iter().map(|(key, name)| (key.as_str(), name.clone())).collect();
    let s3 = builder.document(include_str!("../../policies/node-s3.json"), &names);
    let autoscaler = builder.document(include_str!("../../policies/autoscaler.json"), &[]);
    let mut policies = vec![
        policy("s3", "Domino nodes: the four buckets", s3),
        policy("autoscaler", "Platform nodes: the cluster autoscaler", autoscaler),
    ];
    if let Some(key) = builder.key_arn() {
        let key = [("key.arn", key)];
        let bucket = builder.document(include_str!("../../policies/bucket-key.json"), &key);
        let volume = builder.document(include_str!("../../policies/volume-key.json"), &key);
        policies.push(policy("bucket-key", "Domino nodes: the key of the buckets", bucket));
        policies.push(policy("volume-key", "EBS CSI driver: the key of the volumes", volume));
    }
    policies
}

/// Two node roles, because only platform nodes may run the autoscaler; CSI drivers have their own (EKS-2).
fn roles(builder: &ResourceBuilder<'_>) -> Vec<Desired> {
    let own = |name: &str| Input::arn(&policy_address(name));
    let with_key = |name: &str| builder.key_arn().map(|_| own(name));
    let node = |more: &[Input]| {
        let aws = NODE_POLICIES.iter().map(|name| builder.managed_policy(name));
        aws.chain([own("s3")]).chain(with_key("bucket-key")).chain(more.iter().cloned()).collect::<Vec<_>>()
    };
    let eks = builder.document(include_str!("../../policies/trust-eks.json"), &[]);
    let ec2 = builder.document(include_str!("../../policies/trust-ec2.json"), &[]);
    let pods = builder.document(include_str!("../../policies/trust-pods.json"), &[]);
    let ebs = [builder.managed_policy("service-role/AmazonEBSCSIDriverPolicy")].into_iter().chain(with_key("volume-key")).collect();
    let efs = vec![builder.managed_policy("service-role/AmazonEFSCSIDriverPolicy")];
    vec![
        role(builder, "cluster", "EKS control plane", &eks, vec![builder.managed_policy("AmazonEKSClusterPolicy")]),
        role(builder, "platform-node", "Domino platform nodes", &ec2, node(&[own("autoscaler")])),
        role(builder, "compute-node", "Domino compute nodes", &ec2, node(&[])),
        role(builder, "ebs-csi-driver", "EBS CSI driver", &pods, ebs),
        role(builder, "efs-csi-driver", "EFS CSI driver", &pods, efs),
    ]
}

fn role(builder: &ResourceBuilder<'_>, name: &str, description: &str, trust: &Value, policies: Vec<Input>) -> Desired {
    let spec = spec::IamRole {
        name: builder.iam_name(name),
        path: builder.iam_path(),
        description: description.to_owned(),
        trust: trust.clone(),
        policies,
    };
    builder.resource(addresses::role(name), &spec)
}

fn instance_profile(builder: &ResourceBuilder<'_>, name: &str) -> Desired {
    let spec = spec::InstanceProfile {
        name: builder.iam_name(name),
        path: builder.iam_path(),
        role: Input::reference(addresses::role(name), "name"),
    };
    builder.resource(Address::new(Kind::InstanceProfile, name), &spec)
}
