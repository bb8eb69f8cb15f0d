//! Customer-managed IAM policy (IAM-1, IAM-2).

use crate::resource::facts::Change::{CreateOnly, Replace};
use crate::resource::facts::{Facts, Idempotency, Layer, Managed, Service};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Customer-managed policy; each change of its document is a new version (five at most).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IamPolicy {
    /// Policy name, at most 128 characters.
    pub name: String,
    /// Path, `/domino-eks/<cluster>/`.
    pub path: String,
    /// What it is for.
    pub description: String,
    /// Policy document, at most 6 144 characters without white space.
    pub document: Value,
}

/// Facts of the kind.
pub(crate) const FACTS: Facts = Facts {
    keeps_attributes: true,
    ..Managed {
        name: "iam-policy",
        layer: Layer::Identity,
        service: Service::Iam,
        idempotency: Idempotency::NaturalKey,
        headline: &["name", "document"],
        holds_data: false,
        create_seconds: 1,
        delete_seconds: 1,
        timeout_seconds: 300,
        changes: &[("name", Replace), ("path", Replace), ("description", CreateOnly)],
    }
    .facts()
};
