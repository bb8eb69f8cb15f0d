//! Log group, cluster and access entries (EKS-1).

use super::context::{self, Context, node_role};
use crate::config::model::{Network, PoolRole, Support, Tier};
use crate::resource::{Address, Desired, Input, Kind, spec};

pub(super) fn resources(context: &Context<'_>) -> Vec<Desired> {
    let mut resources = vec![log_group(context), cluster(context)];
    resources.extend([PoolRole::Platform, PoolRole::Compute].map(|role| node_entry(context, node_role(role))));
    resources.extend(context.config.kubernetes.administrators.iter().map(|arn| administrator(context, arn)));
    resources
}

fn log_group_address() -> Address {
    Address::new(Kind::LogGroup, "control-plane")
}

fn log_group(context: &Context<'_>) -> Desired {
    let days = i32::try_from(context.config.kubernetes.log_retention_days).unwrap_or(90);
    let spec = spec::LogGroup { name: format!("/aws/eks/{}/cluster", context.config.name), retention_days: days };
    context.resource(log_group_address(), &spec)
}

fn cluster(context: &Context<'_>) -> Desired {
    let kubernetes = &context.config.kubernetes;
    let spec = spec::EksCluster {
        name: context.config.name.clone(),
        version: kubernetes.version.clone(),
        role: Input::arn(&context::role("cluster")),
        subnets: cluster_subnets(context),
        public_endpoint: kubernetes.public_endpoint,
        public_cidrs: kubernetes.public_cidrs.iter().map(ToString::to_string).collect(),
        service_cidr: kubernetes.service_cidr.to_string(),
        log_types: kubernetes.log_types.clone(),
        kms_key: context.key_arn(),
        support: match kubernetes.support {
            Support::Standard => "STANDARD".to_owned(),
            Support::Extended => "EXTENDED".to_owned(),
        },
        deletion_protection: context.config.protect,
    };
    // The log group first, or EKS makes it without our retention.
    context.resource(context::cluster(), &spec).after([log_group_address()])
}

/// Two zones at least, whatever the nodes use.
fn cluster_subnets(context: &Context<'_>) -> Vec<Input> {
    match &context.config.network {
        Network::Managed(_) => {
            let own = |tier| context.own_subnets(tier).map(move |subnet| Input::id(&context::subnet(tier, &subnet.zone)));
            own(Tier::Private).chain(own(Tier::ControlPlane)).collect()
        }
        Network::Existing(network) => {
            network.private_subnets.values().chain(network.control_plane_subnets.values()).map(|id| Input::from(id.as_str())).collect()
        }
    }
}

/// Self-managed nodes join only through an entry of this type (aws-facts §2.2).
fn node_entry(context: &Context<'_>, role: &str) -> Desired {
    let spec = spec::EksAccessEntry {
        cluster: Input::reference(context::cluster(), "name"),
        principal: Input::arn(&context::role(role)),
        entry_type: "EC2_LINUX".to_owned(),
        policies: Vec::new(),
    };
    context.resource(entry_address(role), &spec)
}

/// Address of the access entry of a node role.
pub(super) fn entry_address(role: &str) -> Address {
    Address::new(Kind::EksAccessEntry, role)
}

fn administrator(context: &Context<'_>, arn: &str) -> Desired {
    let spec = spec::EksAccessEntry {
        cluster: Input::reference(context::cluster(), "name"),
        principal: Input::from(arn),
        entry_type: "STANDARD".to_owned(),
        policies: vec![format!("arn:{}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy", context.config.partition)],
    };
    // The whole path: `role/team-a/admin` and `role/team-b/admin` are two.
    let name = arn.rsplit(':').next().unwrap_or(arn).replace('/', "-");
    context.resource(Address::new(Kind::EksAccessEntry, &format!("administrator/{name}")), &spec)
}
