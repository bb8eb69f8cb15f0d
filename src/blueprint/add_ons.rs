//! EKS add-ons (EKS-2, EKS-3): some before nodes, some after.

use super::context::{self, Context};
use super::lookup::{Lookup, Question};
use super::node_pools::group_address;
use crate::config::model::{NetworkPolicy, PoolRole};
use crate::resource::{Address, Desired, Input, Kind, ownership, spec};
use serde_json::{Value, json};

/// Daemon sets: installed without nodes, and there when the first node boots.
const BEFORE_NODES: [&str; 3] = ["vpc-cni", "kube-proxy", "eks-pod-identity-agent"];
/// Deployments: they stay degraded until a node can run them.
const AFTER_NODES: [&str; 3] = ["coredns", "aws-ebs-csi-driver", "aws-efs-csi-driver"];

pub(super) fn resources(context: &Context<'_>) -> Vec<Desired> {
    let before = BEFORE_NODES.iter().map(|name| add_on(context, name));
    let platform = platform_groups(context);
    let after = AFTER_NODES.iter().map(|name| add_on(context, name).after(platform.clone()));
    before.chain(after).collect()
}

pub(super) fn lookups(context: &Context<'_>) -> Vec<Lookup> {
    let all = BEFORE_NODES.iter().chain(&AFTER_NODES);
    let open = all.filter(|name| !context.config.kubernetes.add_on_versions.contains_key(**name));
    open.map(|name| Lookup {
        key: version_key(context, name),
        question: Question::AddOnVersion { name: (*name).to_owned(), kubernetes: context.config.kubernetes.version.clone() },
    })
    .collect()
}

/// Addresses of what every node runs.
pub(super) fn before_nodes() -> Vec<Address> {
    BEFORE_NODES.iter().map(|name| address(name)).collect()
}

fn address(name: &str) -> Address {
    Address::new(Kind::EksAddOn, name)
}

fn version_key(context: &Context<'_>, name: &str) -> String {
    format!("add-on-version/{name}/{}", context.config.kubernetes.version)
}

fn platform_groups(context: &Context<'_>) -> Vec<Address> {
    let pools = context.config.pools.iter().filter(|pool| pool.role == PoolRole::Platform);
    pools.flat_map(|pool| pool.zones.iter().map(|zone| group_address(pool, &zone.zone))).collect()
}

fn add_on(context: &Context<'_>, name: &str) -> Desired {
    let given = context.config.kubernetes.add_on_versions.get(name);
    let spec = spec::EksAddOn {
        cluster: Input::reference(context::cluster(), "name"),
        name: name.to_owned(),
        version: given.map_or_else(|| Input::reference(version_key(context, name), "version"), |version| Input::from(version.as_str())),
        configuration: configuration(context, name),
        pod_identity: pod_identity(name),
    };
    context.resource(address(name), &spec)
}

/// Switches are strings: the add-on's schema refuses booleans (aws-facts §2.4).
fn configuration(context: &Context<'_>, name: &str) -> Option<Value> {
    match (name, context.config.kubernetes.network_policy) {
        ("vpc-cni", NetworkPolicy::VpcCni) => Some(json!({ "enableNetworkPolicy": "true" })),
        // Never two engines; Calico reads pod addresses from the annotation.
        ("vpc-cni", NetworkPolicy::Calico) => Some(json!({ "enableNetworkPolicy": "false", "env": { "ANNOTATE_POD_IP": "true" } })),
        // Volumes and snapshots of claims outlive the cluster: our tag finds them again (aws-facts §7.2).
        ("aws-ebs-csi-driver", _) => {
            let mut tags = json!(context.user_tags());
            // A later cluster of the same name must not take them for its own.
            tags[ownership::LINEAGE] = json!(Input::reference("aws", "lineage"));
            Some(json!({ "controller": { "extraVolumeTags": tags } }))
        }
        _ => None,
    }
}

fn pod_identity(name: &str) -> Vec<spec::PodIdentity> {
    let identity = |service_account: &str, role: &str| spec::PodIdentity {
        service_account: service_account.to_owned(),
        role: Input::arn(&context::role(role)),
    };
    match name {
        "aws-ebs-csi-driver" => vec![identity("ebs-csi-controller-sa", "ebs-csi-driver")],
        "aws-efs-csi-driver" => vec![identity("efs-csi-controller-sa", "efs-csi-driver")],
        _ => Vec::new(),
    }
}
