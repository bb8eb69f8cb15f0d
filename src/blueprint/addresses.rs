//! Addresses that more than one layer refers to.

use crate::config::model::{Pool, PoolRole, Tier};
use crate::resource::{Address, Kind};

/// Address of the VPC.
pub(super) fn vpc() -> Address {
    Address::new(Kind::Vpc, "main")
}

/// Address of a subnet.
pub(super) fn subnet(tier: Tier, zone: &str) -> Address {
    Address::zonal(Kind::Subnet, tier.as_str(), zone)
}

/// Address of a private route table.
pub(super) fn private_routes(zone: &str) -> Address {
    Address::zonal(Kind::RouteTable, "private", zone)
}

/// Address of the nodes' security group.
pub(super) fn node_security_group() -> Address {
    Address::new(Kind::SecurityGroup, "nodes")
}

/// Address of the KMS key.
pub(super) fn key() -> Address {
    Address::new(Kind::KmsKey, "main")
}

/// Address of the EKS cluster.
pub(super) fn cluster() -> Address {
    Address::new(Kind::EksCluster, "main")
}

/// Address of a role.
pub(super) fn role(name: &str) -> Address {
    Address::new(Kind::IamRole, name)
}

/// Address of an interface endpoint.
pub(super) fn interface_endpoint(service: &str) -> Address {
    Address::new(Kind::VpcEndpoint, &service.replace('.', "-"))
}

/// Name of the IAM role of a pool's nodes: only platform nodes may run the cluster autoscaler, so they have a role of their own.
pub(super) fn node_role(role: PoolRole) -> &'static str {
    match role {
        PoolRole::Platform => "platform-node",
        PoolRole::Compute | PoolRole::Gpu => "compute-node",
    }
}

/// Address of the access entry of a node role.
pub(super) fn node_entry(role: &str) -> Address {
    Address::new(Kind::EksAccessEntry, role)
}

/// Add-ons that run as daemon sets: they are installed before there are nodes, so that they run when the first node boots.
pub(super) const BEFORE_NODES: [&str; 3] = ["vpc-cni", "kube-proxy", "eks-pod-identity-agent"];

/// Addresses of the add-ons that a node needs from its first boot on.
pub(super) fn add_ons_before_nodes() -> Vec<Address> {
    BEFORE_NODES.iter().map(|name| add_on(name)).collect()
}

/// Address of an EKS add-on.
pub(super) fn add_on(name: &str) -> Address {
    Address::new(Kind::EksAddOn, name)
}

/// Address of a pool's launch template.
pub(super) fn launch_template(pool: &Pool) -> Address {
    Address::new(Kind::LaunchTemplate, &pool.name)
}

/// Address of a pool's group in a zone.
pub(super) fn node_group(pool: &Pool, zone: &str) -> Address {
    Address::zonal(Kind::AutoScalingGroup, &pool.name, zone)
}
