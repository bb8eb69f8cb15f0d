//! EKS add-ons (EKS-2, EKS-3): some are installed before nodes, some after.

use super::addresses::{self, BEFORE_NODES};
use super::lookup::{Lookup, Question};
use super::resource_builder::ResourceBuilder;
use crate::config::model::{NetworkPolicy, PoolRole};
use crate::resource::{Address, Desired, Input, ownership, spec};
use serde_json::{Value, json};

/// Deployments: they stay degraded until a node can run them.
const AFTER_NODES: [&str; 3] = ["coredns", "aws-ebs-csi-driver", "aws-efs-csi-driver"];

pub(super) fn resources(builder: &ResourceBuilder<'_>) -> Vec<Desired> {
    let before = BEFORE_NODES.iter().map(|name| add_on(builder, name));
    let platform = platform_groups(builder);
    let after = AFTER_NODES.iter().map(|name| add_on(builder, name).after(platform.clone()));
    before.chain(after).collect()
}

pub(super) fn lookups(builder: &ResourceBuilder<'_>) -> Vec<Lookup> {
    let all = BEFORE_NODES.iter().chain(&AFTER_NODES);
    let open = all.filter(|name| !builder.config.kubernetes.add_on_versions.contains_key(**name));
    open.map(|name| Lookup {
        key: version_key(builder, name),
        question: Question::AddOnVersion { name: (*name).to_owned(), kubernetes: builder.config.kubernetes.version.clone() },
    })
    .collect()
}

fn version_key(builder: &ResourceBuilder<'_>, name: &str) -> String {
    format!("add-on-version/{name}/{}", builder.config.kubernetes.version)
}

fn platform_groups(builder: &ResourceBuilder<'_>) -> Vec<Address> {
    let pools = builder.config.pools.iter().filter(|pool| pool.role == PoolRole::Platform);
    pools.flat_map(|pool| pool.zones.iter().map(|zone| addresses::node_group(pool, &zone.zone))).collect()
}

fn add_on(builder: &ResourceBuilder<'_>, name: &str) -> Desired {
    let given = builder.config.kubernetes.add_on_versions.get(name);
    let spec = spec::EksAddOn {
        cluster: Input::reference(addresses::cluster(), "name"),
        name: name.to_owned(),
        version: given.map_or_else(|| Input::reference(version_key(builder, name), "version"), |version| Input::from(version.as_str())),
        configuration: configuration(builder, name),
        pod_identity: pod_identity(name),
    };
    builder.resource(addresses::add_on(name), &spec)
}

/// Switches are strings: the add-on's schema refuses booleans (docs/aws.md, "Add-ons").
fn configuration(builder: &ResourceBuilder<'_>, name: &str) -> Option<Value> {
    match (name, builder.config.kubernetes.network_policy) {
        ("vpc-cni", NetworkPolicy::VpcCni) => Some(json!({ "enableNetworkPolicy": "true" })),
        // Two engines must not enforce policies at once; Calico reads pod addresses from the annotation.
        ("vpc-cni", NetworkPolicy::Calico) => Some(json!({ "enableNetworkPolicy": "false", "env": { "ANNOTATE_POD_IP": "true" } })),
        // Volumes and snapshots of claims outlive the cluster: they are found again by our tag (docs/aws.md, "What Kubernetes leaves").
        ("aws-ebs-csi-driver", _) => {
            let mut tags = json!(builder.user_tags());
            // A later cluster of the same name must not treat them as its own.
            tags[ownership::LINEAGE] = json!(Input::reference("aws", "lineage"));
            Some(json!({ "controller": { "extraVolumeTags": tags } }))
        }
        _ => None,
    }
}

fn pod_identity(name: &str) -> Vec<spec::PodIdentity> {
    let identity = |service_account: &str, role: &str| spec::PodIdentity {
        service_account: service_account.to_owned(),
        role: Input::arn(&addresses::role(role)),
    };
    match name {
        "aws-ebs-csi-driver" => vec![identity("ebs-csi-controller-sa", "ebs-csi-driver")],
        "aws-efs-csi-driver" => vec![identity("efs-csi-controller-sa", "efs-csi-driver")],
        _ => Vec::new(),
    }
}
