//! Security group with its ingress rules (NET-4).

use crate::resource::Input;
use crate::resource::facts::Change::Replace;
use crate::resource::facts::{Facts, Idempotency, Layer, Managed, Service, VpcEvidence};
use serde::{Deserialize, Serialize};

/// Security group; its egress rules stay AWS's default (all).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// Its VPC.
    pub vpc: Input,
    /// Group name, unique in the VPC.
    pub name: String,
    /// Description; immutable.
    pub description: String,
    /// All ingress rules.
    pub ingress: Vec<Rule>,
}

/// The source of a rule that stands for the group itself.
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
    /// Purpose of the rule.
    pub description: String,
}

/// Facts of the kind.
pub(crate) const FACTS: Facts = Facts {
    vpc_evidence: VpcEvidence::Member,
    ..Managed {
        name: "security-group",
        layer: Layer::Network,
        service: Service::Ec2,
        idempotency: Idempotency::NaturalKey,
        headline: &["name", "ingress"],
        holds_data: false,
        create_seconds: 1,
        delete_seconds: 1,
        timeout_seconds: 300,
        changes: &[("vpc", Replace), ("name", Replace), ("description", Replace)],
    }
    .facts()
};
