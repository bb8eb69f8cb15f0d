//! Log group, cluster and access entries (EKS-1).

use super::addresses::{self, node_role};
use super::resource_builder::ResourceBuilder;
use crate::config::model::{Network, PoolRole, Support, Tier};
use crate::resource::{Address, Desired, Input, Kind, spec};

pub(super) fn resources(builder: &ResourceBuilder<'_>) -> Vec<Desired> {
    let mut resources = vec![log_group(builder), cluster(builder)];
    resources.extend([PoolRole::Platform, PoolRole::Compute].map(|role| node_entry(builder, node_role(role))));
    resources.extend(builder.config.kubernetes.administrators.iter().map(|arn| administrator(builder, arn)));
    resources
}

fn log_group_address() -> Address {
    Address::new(Kind::LogGroup, "control-plane")
}

fn log_group(builder: &ResourceBuilder<'_>) -> Desired {
    let spec = spec::LogGroup {
        name: format!("/aws/eks/{}/cluster", builder.config.name),
        retention_days: builder.config.kubernetes.log_retention_days,
    };
    builder.resource(log_group_address(), &spec)
}

fn cluster(builder: &ResourceBuilder<'_>) -> Desired {
    let kubernetes = &builder.config.kubernetes;
    let spec = spec::EksCluster {
        name: builder.config.name.clone(),
        version: kubernetes.version.clone(),
        role: Input::arn(&addresses::role("cluster")),
        subnets: cluster_subnets(builder),
        public_endpoint: kubernetes.public_endpoint,
        public_cidrs: kubernetes.public_cidrs.iter().map(ToString::to_string).collect(),
        service_cidr: kubernetes.service_cidr.to_string(),
        log_types: kubernetes.log_types.clone(),
        kms_key: builder.key_arn(),
        support: match kubernetes.support {
            Support::Standard => "STANDARD".to_owned(),
            Support::Extended => "EXTENDED".to_owned(),
        },
        deletion_protection: builder.config.protect,
    };
    // The log group is created first: otherwise EKS creates it, and keeps logs for ever.
    builder.resource(addresses::cluster(), &spec).after([log_group_address()])
}

/// EKS needs subnets in at least two zones, even when nodes run in one.
fn cluster_subnets(builder: &ResourceBuilder<'_>) -> Vec<Input> {
    match &builder.config.network {
        Network::Managed(_) => {
            let own = |tier| builder.own_subnets(tier).map(move |subnet| Input::id(&addresses::subnet(tier, &subnet.zone)));
            own(Tier::Private).chain(own(Tier::ControlPlane)).collect()
        }
        Network::Existing(network) => {
            network.private_subnets.values().chain(network.control_plane_subnets.values()).map(|id| Input::from(id.as_str())).collect()
        }
    }
}

/// Self-managed nodes can join only through an entry of this type (docs/aws.md, "Access entries").
fn node_entry(builder: &ResourceBuilder<'_>, role: &str) -> Desired {
    let spec = spec::EksAccessEntry {
        cluster: Input::reference(addresses::cluster(), "name"),
        principal: Input::arn(&addresses::role(role)),
        entry_type: "EC2_LINUX".to_owned(),
        policies: Vec::new(),
    };
    builder.resource(addresses::node_entry(role), &spec)
}

fn administrator(builder: &ResourceBuilder<'_>, arn: &str) -> Desired {
    let spec = spec::EksAccessEntry {
        cluster: Input::reference(addresses::cluster(), "name"),
        principal: Input::from(arn),
        entry_type: "STANDARD".to_owned(),
        policies: vec![format!("arn:{}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy", builder.config.partition)],
    };
    // The name contains the whole path, because `role/team-a/admin` and `role/team-b/admin` are two roles.
    let name = arn.rsplit(':').next().unwrap_or(arn).replace('/', "-");
    builder.resource(Address::new(Kind::EksAccessEntry, &format!("administrator/{name}")), &spec)
}
