//! Security group that EKS or a controller made.

use crate::resource::facts::{Facts, Leftover, Service};
use serde_json::Value;

/// The fields that are read of it, as JSON: what made it, for what purpose, and which resources it uses.
pub type KubernetesSecurityGroup = Value;

/// Facts of the kind.
pub(crate) const FACTS: Facts =
    Leftover { name: "kubernetes-security-group", service: Service::Ec2, holds_data: false, delete_seconds: 1 }.facts();
