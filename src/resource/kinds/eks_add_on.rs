//! EKS add-on with its pod identity associations (EKS-2).

use crate::resource::Input;
use crate::resource::facts::Change::Replace;
use crate::resource::facts::{Facts, Idempotency, Layer, Managed, Service};
use crate::resource::kind::Kind;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Add-on installed through the EKS API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EksAddOn {
    /// Cluster name.
    pub cluster: Input,
    /// Add-on name.
    pub name: String,
    /// Add-on version, pinned in the state.
    pub version: Input,
    /// `configurationValues` as JSON.
    pub configuration: Option<Value>,
    /// Roles for its service accounts.
    pub pod_identity: Vec<PodIdentity>,
}

/// Role of one service account of an add-on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodIdentity {
    /// Service account name.
    pub service_account: String,
    /// ARN of its role.
    pub role: Input,
}

/// Facts of the kind.
pub(crate) const FACTS: Facts = Facts {
    dies_with: Some(Kind::EksCluster),
    reusable_name: true,
    ..Managed {
        name: "eks-add-on",
        layer: Layer::AddOns,
        service: Service::Eks,
        idempotency: Idempotency::Token,
        headline: &["version", "configuration"],
        holds_data: false,
        create_seconds: 25,
        delete_seconds: 20,
        timeout_seconds: 1200,
        changes: &[("cluster", Replace), ("name", Replace)],
    }
    .facts()
};
