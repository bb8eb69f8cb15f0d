//! Settings that take one of a few values, as they are written in the file and as the model has them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the cluster is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Lifecycle {
    /// `destroy` asks for the cluster's name.
    #[default]
    Permanent,
    /// A test environment: `destroy --yes` is enough.
    Ephemeral,
}

/// Engine that enforces NetworkPolicy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkPolicy {
    /// The VPC CNI's own agent.
    VpcCni,
    /// Calico, installed by you; the CNI's engine stays off.
    Calico,
}

/// EKS upgrade policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Support {
    /// AWS upgrades by itself at the end of standard support.
    Standard,
    /// The version stays, for a fee.
    Extended,
}

/// NAT gateways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Nat {
    /// One gateway in each node zone.
    PerZone,
    /// One gateway in the first zone.
    Single,
    /// No NAT gateway.
    None,
}

/// What a pool is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PoolRole {
    /// Domino's own services.
    Platform,
    /// Executions.
    Compute,
    /// Executions with NVIDIA devices.
    Gpu,
}

/// Image families.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum AmiFamily {
    /// Amazon Linux 2023.
    Al2023,
    /// Amazon Linux 2; Kubernetes 1.32 at most.
    Al2,
}
