//! CloudWatch log group of the control plane.

use crate::resource::facts::Change::Replace;
use crate::resource::facts::{Facts, Idempotency, Layer, Managed, Service};
use crate::resource::kind::Kind;
use serde::{Deserialize, Serialize};

/// CloudWatch log group; created before the cluster so that EKS finds it with our retention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogGroup {
    /// `/aws/eks/<cluster>/cluster`.
    pub name: String,
    /// Days that events are kept.
    pub retention_days: i32,
}

/// Facts of the kind.
pub(crate) const FACTS: Facts = Facts {
    rewritten_by: Some((Kind::EksCluster, 60)),
    keeps_attributes: true,
    ..Managed {
        name: "log-group",
        layer: Layer::ControlPlane,
        service: Service::Logs,
        idempotency: Idempotency::NaturalKey,
        headline: &["name", "retention_days"],
        holds_data: false,
        create_seconds: 1,
        delete_seconds: 1,
        timeout_seconds: 300,
        changes: &[("name", Replace)],
    }
    .facts()
};
