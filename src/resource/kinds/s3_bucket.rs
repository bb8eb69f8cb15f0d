//! S3 bucket with its settings (S3-1).

use crate::resource::Input;
use crate::resource::facts::Change::Blocked;
use crate::resource::facts::{Facts, Idempotency, Layer, Managed, Service};
use serde::{Deserialize, Serialize};
use serde_json::Value;

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

/// Facts of the kind.
pub(crate) const FACTS: Facts = Facts {
    keeps_attributes: true,
    ..Managed {
        name: "s3-bucket",
        layer: Layer::Storage,
        service: Service::S3,
        idempotency: Idempotency::NaturalKey,
        headline: &["name", "versioned", "kms_key", "noncurrent_days"],
        holds_data: true,
        create_seconds: 1,
        delete_seconds: 1,
        timeout_seconds: 300,
        changes: &[("name", Blocked)],
    }
    .facts()
};
