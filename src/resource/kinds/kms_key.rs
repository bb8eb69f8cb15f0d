//! KMS key with its alias.

use crate::resource::facts::Change::Blocked;
use crate::resource::facts::{Facts, Idempotency, Layer, Managed, Service};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Customer-managed KMS key and its alias.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KmsKey {
    /// `alias/<name>`.
    pub alias: String,
    /// Description shown in the console.
    pub description: String,
    /// Key policy document.
    pub policy: Value,
    /// Yearly rotation.
    pub rotation: bool,
}

/// Facts of the kind.
pub(crate) const FACTS: Facts = Facts {
    scheduled_deletion: true,
    ..Managed {
        name: "kms-key",
        layer: Layer::Identity,
        service: Service::Kms,
        idempotency: Idempotency::TagOnly,
        headline: &["alias", "rotation"],
        holds_data: true,
        create_seconds: 1,
        delete_seconds: 1,
        timeout_seconds: 300,
        changes: &[("alias", Blocked)],
    }
    .facts()
};
