//! EKS cluster (EKS-1).

use crate::resource::Input;
use crate::resource::facts::Change::Blocked;
use crate::resource::facts::{Facts, Idempotency, Layer, Managed, Service};
use serde::{Deserialize, Serialize};

/// EKS cluster: access entries only, private endpoint on, no self-managed add-ons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EksCluster {
    /// Cluster name.
    pub name: String,
    /// Kubernetes version, `major.minor`.
    pub version: String,
    /// ARN of the cluster role.
    pub role: Input,
    /// Subnets of the control plane's interfaces, two zones at least.
    pub subnets: Vec<Input>,
    /// Whether the API endpoint is public too.
    pub public_endpoint: bool,
    /// Ranges that may reach the public endpoint.
    pub public_cidrs: Vec<String>,
    /// Range of service addresses.
    pub service_cidr: String,
    /// Control-plane log types that are on.
    pub log_types: Vec<String>,
    /// ARN of the key that encrypts secrets; `None` leaves EKS's own encryption.
    pub kms_key: Option<Input>,
    /// `STANDARD` or `EXTENDED`.
    pub support: String,
    /// EKS deletion protection.
    pub deletion_protection: bool,
}

/// Facts of the kind.
pub(crate) const FACTS: Facts = Facts {
    // EKS may report for a moment that a cluster that it is still deleting does not exist (docs/aws.md, "Eventual consistency").
    looks_until_gone: 3,
    reusable_name: true,
    blocked_when_failed: true,
    used_by_nodes: true,
    runs_controllers: true,
    ..Managed {
        name: "eks-cluster",
        layer: Layer::ControlPlane,
        service: Service::Eks,
        idempotency: Idempotency::Token,
        headline: &["version", "public_endpoint", "service_cidr", "support", "kms_key"],
        holds_data: false,
        create_seconds: 540,
        delete_seconds: 180,
        timeout_seconds: 2400,
        changes: &[("name", Blocked), ("role", Blocked), ("service_cidr", Blocked), ("kms_key", Blocked)],
    }
    .facts()
};
