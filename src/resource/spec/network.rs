//! Network kinds (NET-1…NET-4).

use crate::resource::Input;
use serde::{Deserialize, Serialize};

/// VPC; EKS needs both DNS switches on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vpc {
    /// IPv4 range.
    pub cidr: String,
    /// `enableDnsSupport`.
    pub dns_support: bool,
    /// `enableDnsHostnames`.
    pub dns_hostnames: bool,
}

/// Internet gateway and its attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InternetGateway {
    /// VPC it is attached to.
    pub vpc: Input,
}

/// Subnet; never gives public addresses by itself (NET-2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// Its VPC.
    pub vpc: Input,
    /// Availability zone name.
    pub zone: String,
    /// IPv4 range.
    pub cidr: String,
    /// `MapPublicIpOnLaunch`.
    pub public_addresses: bool,
}

/// Elastic IP address in the VPC scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElasticIp {}

/// Public NAT gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NatGateway {
    /// Public subnet that it stands in.
    pub subnet: Input,
    /// Allocation id of its address.
    pub allocation: Input,
}

/// Route table with routes and subnet associations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTable {
    /// Its VPC.
    pub vpc: Input,
    /// Routes of ours; the local route and prefix-list routes of endpoints are not ours.
    pub routes: Vec<Route>,
    /// Subnets that use it.
    pub subnets: Vec<Input>,
}

/// One route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Destination range.
    pub destination: String,
    /// Id of an internet gateway (`igw-`) or NAT gateway (`nat-`).
    pub target: Input,
}

/// VPC endpoint (NET-3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpcEndpoint {
    /// Its VPC.
    pub vpc: Input,
    /// Full service name, `com.amazonaws.us-west-2.s3`.
    pub service: String,
    /// `Gateway` or `Interface`.
    pub endpoint_type: String,
    /// Route tables of a gateway endpoint.
    pub route_tables: Vec<Input>,
    /// Subnets of an interface endpoint.
    pub subnets: Vec<Input>,
    /// Security groups of an interface endpoint.
    pub security_groups: Vec<Input>,
}

/// Security group; its egress stays AWS's default (all).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// Its VPC.
    pub vpc: Input,
    /// Group name, unique in the VPC.
    pub name: String,
    /// Description; immutable.
    pub description: String,
    /// Ingress rules, complete.
    pub ingress: Vec<Rule>,
}

/// Stands for the group itself as a rule's source.
pub const SELF_GROUP: &str = "self";

/// One ingress rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// `tcp`, `udp` or `-1` (all).
    pub protocol: String,
    /// First port; 0 with `-1`.
    pub from_port: i32,
    /// Last port; 0 with `-1`.
    pub to_port: i32,
    /// Source: a security group id, [`SELF_GROUP`] or a CIDR.
    pub source: Input,
    /// Why the rule is there.
    pub description: String,
}
