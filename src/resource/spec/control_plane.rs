//! Control-plane kinds (EKS-1, EKS-2).

use crate::resource::Input;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// CloudWatch log group; made before the cluster so that EKS finds it with our retention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogGroup {
    /// `/aws/eks/<cluster>/cluster`.
    pub name: String,
    /// Days that events are kept.
    pub retention_days: i32,
}

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
    /// Who may reach the public endpoint.
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
