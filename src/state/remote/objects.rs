//! What the remote store asks of a bucket. The `aws` room answers with S3, tests answer from memory.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;

/// The condition of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition<'a> {
    /// There is no object (`If-None-Match: *`).
    Absent,
    /// The object is still the one with this ETag (`If-Match`).
    Unchanged(&'a str),
}

/// An object as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its ETag.
    pub etag: String,
}

/// What a refusal of a bucket means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectFault {
    /// The condition does not hold: 412.
    Precondition,
    /// The object that should be unchanged is gone: 404.
    Gone,
    /// Another conditional write was under way: 409, to be repeated.
    Conflict,
    /// The caller lacks the permission, or the bucket belongs to another account.
    Denied,
    /// Credentials are missing, wrong or expired.
    Credentials,
    /// No answer, or a transient fault: it may have been written.
    Lost,
    /// The bucket cannot hold a state: missing, in another region, not versioned.
    Unfit,
    /// Anything else.
    Other,
}

/// A refusal of a bucket.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ObjectError {
    /// What it means.
    pub fault: ObjectFault,
    /// What happened, for people.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The failed call behind it, if there is one.
    pub source: Option<Arc<dyn Error + Send + Sync>>,
}

/// A bucket with strongly consistent reads and conditional writes.
pub trait Objects: Clone + Send + Sync + 'static {
    /// Whether the bucket is there and fit to be written: versioned, in this region, of this account.
    fn check(&self) -> impl Future<Output = Result<(), ObjectError>> + Send;
    /// Reads an object; `None` when there is none.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Object>, ObjectError>> + Send;
    /// Writes an object under a condition; answers its ETag.
    fn put(&self, key: &str, bytes: Vec<u8>, condition: Condition<'_>) -> impl Future<Output = Result<String, ObjectError>> + Send;
    /// Deletes an object that is still the one with this ETag.
    fn delete(&self, key: &str, etag: &str) -> impl Future<Output = Result<(), ObjectError>> + Send;
}
