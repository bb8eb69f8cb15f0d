//! EFS access point (EFS-1); immutable.

use crate::resource::Input;
use crate::resource::facts::Change::Replace;
use crate::resource::facts::{Facts, Idempotency, Layer, Managed, Service};
use crate::resource::kind::Kind;
use serde::{Deserialize, Serialize};

/// Access point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EfsAccessPoint {
    /// Its file system.
    pub file_system: Input,
    /// Root directory.
    pub path: String,
    /// User that all access is made as.
    pub uid: i64,
    /// Group that all access is made as.
    pub gid: i64,
    /// Owner of the root directory.
    pub owner_uid: i64,
    /// Group of the root directory.
    pub owner_gid: i64,
    /// Permissions of the root directory, octal text.
    pub permissions: String,
}

/// Facts of the kind.
pub(crate) const FACTS: Facts = Facts {
    used_by_nodes: true,
    kept_with: Some(Kind::EfsFileSystem),
    ..Managed {
        name: "efs-access-point",
        layer: Layer::Storage,
        service: Service::Efs,
        idempotency: Idempotency::Token,
        headline: &["path", "uid", "gid", "permissions"],
        holds_data: false,
        create_seconds: 5,
        delete_seconds: 5,
        timeout_seconds: 300,
        changes: &[
            ("file_system", Replace),
            ("path", Replace),
            ("uid", Replace),
            ("gid", Replace),
            ("owner_uid", Replace),
            ("owner_gid", Replace),
            ("permissions", Replace),
        ],
    }
    .facts()
};
