//! Storage kinds (EFS-1, S3-1).

use crate::resource::Input;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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

/// Private, encrypted, versioned bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct S3Bucket {
    /// Bucket name.
    pub name: Input,
    /// ARN of the key; `None` is SSE-S3.
    pub kms_key: Option<Input>,
    /// Object versioning.
    pub versioned: bool,
    /// All four switches of the public access block.
    pub public_access_blocked: bool,
    /// Bucket policy document (TLS only).
    pub policy: Value,
    /// Days after which noncurrent versions expire; `None` keeps them.
    pub noncurrent_days: Option<i32>,
    /// Days after which unfinished multipart uploads are aborted.
    pub abort_multipart_days: i32,
}
