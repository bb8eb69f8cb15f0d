//! EKS access entry (EKS-1).

use crate::resource::Input;
use crate::resource::facts::Change::Replace;
use crate::resource::facts::{Facts, Idempotency, Layer, Managed, Service};
use crate::resource::kind::Kind;
use serde::{Deserialize, Serialize};

/// Access entry of an IAM principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EksAccessEntry {
    /// Cluster name.
    pub cluster: Input,
    /// ARN of the role or user.
    pub principal: Input,
    /// `EC2_LINUX` for nodes, `STANDARD` for people.
    pub entry_type: String,
    /// ARNs of cluster access policies (only with `STANDARD`).
    pub policies: Vec<String>,
}

/// Facts of the kind.
pub(crate) const FACTS: Facts = Facts {
    dies_with: Some(Kind::EksCluster),
    reusable_name: true,
    ..Managed {
        name: "eks-access-entry",
        layer: Layer::ControlPlane,
        service: Service::Eks,
        idempotency: Idempotency::Token,
        headline: &["entry_type", "policies"],
        holds_data: false,
        create_seconds: 1,
        delete_seconds: 1,
        timeout_seconds: 300,
        changes: &[("cluster", Replace), ("principal", Replace), ("entry_type", Replace)],
    }
    .facts()
};
