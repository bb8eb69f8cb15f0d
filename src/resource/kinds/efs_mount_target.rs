//! EFS mount target in a node zone (EFS-1).

use crate::resource::Input;
use crate::resource::facts::Change::Replace;
use crate::resource::facts::{Facts, Idempotency, Layer, Managed, Service};
use serde::{Deserialize, Serialize};

/// Mount target in a node zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EfsMountTarget {
    /// Its file system.
    pub file_system: Input,
    /// Private subnet of the zone.
    pub subnet: Input,
    /// Security groups of its interface.
    pub security_groups: Vec<Input>,
}

/// Facts of the kind.
pub(crate) const FACTS: Facts = Facts {
    // Deleting a mount target breaks the mounts by force, and what was not written yet is lost.
    used_by_nodes: true,
    ..Managed {
        name: "efs-mount-target",
        layer: Layer::Storage,
        service: Service::Efs,
        idempotency: Idempotency::NaturalKey,
        headline: &[],
        holds_data: false,
        create_seconds: 85,
        delete_seconds: 40,
        timeout_seconds: 900,
        changes: &[("file_system", Replace), ("subnet", Replace)],
    }
    .facts()
};
