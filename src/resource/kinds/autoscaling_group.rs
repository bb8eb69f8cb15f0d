//! Auto Scaling Group of one pool in one zone (POOL-5, POOL-6).

use crate::resource::Input;
use crate::resource::facts::Change::Replace;
use crate::resource::facts::{Facts, Idempotency, Layer, Managed, Service};
use serde::{Deserialize, Serialize};

/// Auto Scaling Group of one pool in one zone. Its desired capacity belongs to the cluster autoscaler (POOL-6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutoScalingGroup {
    /// Group name.
    pub name: String,
    /// Zone of all its nodes.
    pub zone: String,
    /// Id of the launch template.
    pub launch_template: Input,
    /// Number of the template's version.
    pub version: Input,
    /// Private subnet of the zone.
    pub subnet: Input,
    /// Minimum number of nodes.
    pub min: i32,
    /// Maximum number of nodes.
    pub max: i32,
    /// Keys of the tags that are propagated to the instances.
    pub propagated_tags: Vec<String>,
}

/// Facts of the kind.
pub(crate) const FACTS: Facts = Facts {
    reusable_name: true,
    runs_nodes: true,
    ..Managed {
        name: "autoscaling-group",
        layer: Layer::NodePools,
        service: Service::AutoScaling,
        idempotency: Idempotency::NaturalKey,
        headline: &["min", "max"],
        holds_data: false,
        create_seconds: 45,
        delete_seconds: 90,
        timeout_seconds: 1200,
        changes: &[("name", Replace), ("zone", Replace)],
    }
    .facts()
};
