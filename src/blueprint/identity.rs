//! Key, policies, roles and instance profiles (IAM-1, IAM-2, EKS-2).

use super::context::{self, Context};
use crate::config::model::Encryption;
use crate::resource::{Address, Desired, Input, Kind, spec};
use serde_json::Value;

const NODE_POLICIES: [&str; 4] =
    ["AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryPullOnly", "AmazonSSMManagedInstanceCore"];

pub(super) fn resources(context: &Context<'_>) -> Vec<Desired> {
    let mut resources: Vec<Desired> = key(context).into_iter().collect();
    resources.extend(policies(context));
    resources.extend(roles(context));
    resources.extend(["platform-node", "compute-node"].map(|name| instance_profile(context, name)));
    resources
}

fn key(context: &Context<'_>) -> Option<Desired> {
    let spec = spec::KmsKey {
        alias: format!("alias/{}", context.config.name),
        description: format!("Domino cluster {}: secrets, volumes, buckets, file system", context.config.name),
        policy: context.document(include_str!("../../policies/key-policy.json"), &[]),
        rotation: true,
    };
    (context.config.encryption == Encryption::OwnKey).then(|| context.resource(context::key(), &spec))
}

fn policy_address(name: &str) -> Address {
    Address::new(Kind::IamPolicy, name)
}

fn policies(context: &Context<'_>) -> Vec<Desired> {
    let policy = |name: &str, description: &str, document: Value| {
        let spec =
            spec::IamPolicy { name: context.iam_name(name), path: context.iam_path(), description: description.to_owned(), document };
        context.resource(policy_address(name), &spec)
    };
    let names = ["blobs", "registry", "logs", "backups"].map(|kind| (format!("bucket.{kind}"), context.bucket_name(kind)));
    let names: Vec<(&str, Input)> = names.iter().map(|(key, name)| (key.as_str(), name.clone())).collect();
    let s3 = context.document(include_str!("../../policies/node-s3.json"), &names);
    let autoscaler = context.document(include_str!("../../policies/autoscaler.json"), &[]);
    let mut policies = vec![
        policy("s3", "Domino nodes: the four buckets", s3),
        policy("autoscaler", "Platform nodes: the cluster autoscaler", autoscaler),
    ];
    if let Some(key) = context.key_arn() {
        let key = [("key.arn", key)];
        let bucket = context.document(include_str!("../../policies/bucket-key.json"), &key);
        let volume = context.document(include_str!("../../policies/volume-key.json"), &key);
        policies.push(policy("bucket-key", "Domino nodes: the key of the buckets", bucket));
        policies.push(policy("volume-key", "EBS CSI driver: the key of the volumes", volume));
    }
    policies
}

/// Two node roles: only platform nodes may drive the autoscaler; CSI drivers have their own (EKS-2).
fn roles(context: &Context<'_>) -> Vec<Desired> {
    let own = |name: &str| Input::arn(&policy_address(name));
    let with_key = |name: &str| context.key_arn().map(|_| own(name));
    let node = |more: &[Input]| {
        let aws = NODE_POLICIES.iter().map(|name| context.managed_policy(name));
        aws.chain([own("s3")]).chain(with_key("bucket-key")).chain(more.iter().cloned()).collect::<Vec<_>>()
    };
    let eks = context.document(include_str!("../../policies/trust-eks.json"), &[]);
    let ec2 = context.document(include_str!("../../policies/trust-ec2.json"), &[]);
    let pods = context.document(include_str!("../../policies/trust-pods.json"), &[]);
    let ebs = [context.managed_policy("service-role/AmazonEBSCSIDriverPolicy")].into_iter().chain(with_key("volume-key")).collect();
    let efs = vec![context.managed_policy("service-role/AmazonEFSCSIDriverPolicy")];
    vec![
        role(context, "cluster", "EKS control plane", &eks, vec![context.managed_policy("AmazonEKSClusterPolicy")]),
        role(context, "platform-node", "Domino platform nodes", &ec2, node(&[own("autoscaler")])),
        role(context, "compute-node", "Domino compute nodes", &ec2, node(&[])),
        role(context, "ebs-csi-driver", "EBS CSI driver", &pods, ebs),
        role(context, "efs-csi-driver", "EFS CSI driver", &pods, efs),
    ]
}

fn role(context: &Context<'_>, name: &str, description: &str, trust: &Value, policies: Vec<Input>) -> Desired {
    let spec = spec::IamRole {
        name: context.iam_name(name),
        path: context.iam_path(),
        description: description.to_owned(),
        trust: trust.clone(),
        policies,
    };
    context.resource(context::role(name), &spec)
}

fn instance_profile(context: &Context<'_>, name: &str) -> Desired {
    let spec = spec::InstanceProfile {
        name: context.iam_name(name),
        path: context.iam_path(),
        role: Input::reference(context::role(name), "name"),
    };
    context.resource(Address::new(Kind::InstanceProfile, name), &spec)
}
