//! EFS file system (EFS-1).

use crate::resource::Input;
use crate::resource::facts::Change::Blocked;
use crate::resource::facts::{Facts, Idempotency, Layer, Managed, Service};
use serde::{Deserialize, Serialize};

/// Encrypted regional file system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EfsFileSystem {
    /// ARN of the key; `None` is `aws/elasticfilesystem`.
    pub kms_key: Option<Input>,
    /// `elastic` or `bursting`.
    pub throughput_mode: String,
    /// Daily AWS Backup.
    pub backup: bool,
}

/// Facts of the kind.
pub(crate) const FACTS: Facts = Managed {
    name: "efs-file-system",
    layer: Layer::Storage,
    service: Service::Efs,
    idempotency: Idempotency::Token,
    headline: &["throughput_mode", "backup", "kms_key"],
    holds_data: true,
    create_seconds: 5,
    delete_seconds: 5,
    timeout_seconds: 600,
    changes: &[("kms_key", Blocked)],
}
.facts();
