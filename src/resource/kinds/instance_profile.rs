//! Instance profile with its role.

use crate::resource::Input;
use crate::resource::facts::Change::Replace;
use crate::resource::facts::{Facts, Idempotency, Layer, Managed, Service};
use serde::{Deserialize, Serialize};

/// Instance profile with exactly one role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceProfile {
    /// Profile name, at most 128 characters.
    pub name: String,
    /// Path, `/domino-eks/<cluster>/`.
    pub path: String,
    /// Name of the role inside.
    pub role: Input,
}

/// Facts of the kind.
pub(crate) const FACTS: Facts = Facts {
    keeps_attributes: true,
    ..Managed {
        name: "instance-profile",
        layer: Layer::Identity,
        service: Service::Iam,
        idempotency: Idempotency::NaturalKey,
        headline: &["name"],
        holds_data: false,
        create_seconds: 1,
        delete_seconds: 1,
        timeout_seconds: 300,
        changes: &[("name", Replace), ("path", Replace)],
    }
    .facts()
};
