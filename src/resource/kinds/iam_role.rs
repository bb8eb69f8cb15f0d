//! IAM role with its attached policies (IAM-1, IAM-2).

use crate::resource::Input;
use crate::resource::facts::Change::{CreateOnly, Replace};
use crate::resource::facts::{Facts, Idempotency, Layer, Managed, Service};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Role with its trust and attached policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IamRole {
    /// Role name, at most 64 characters.
    pub name: String,
    /// Path, `/domino-eks/<cluster>/`.
    pub path: String,
    /// What it is for.
    pub description: String,
    /// Trust policy document.
    pub trust: Value,
    /// ARNs of all attached policies.
    pub policies: Vec<Input>,
}

/// Facts of the kind.
pub(crate) const FACTS: Facts = Facts {
    keeps_attributes: true,
    grants_permissions: true,
    ..Managed {
        name: "iam-role",
        layer: Layer::Identity,
        service: Service::Iam,
        idempotency: Idempotency::NaturalKey,
        headline: &["name", "policies"],
        holds_data: false,
        create_seconds: 1,
        delete_seconds: 1,
        timeout_seconds: 300,
        changes: &[("name", Replace), ("path", Replace), ("description", CreateOnly)],
    }
    .facts()
};
