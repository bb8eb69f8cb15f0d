//! The calls to a cluster that a drain makes. Tests answer them from memory.

use super::objects::{Object, ObjectKind, Page};
use crate::engine::Failure;
use std::future::Future;

/// The calls to a cluster that a drain makes.
pub(super) trait Api: Sync {
    /// A page of a list over all namespaces: the first one, or the one after another.
    fn page(&self, kind: ObjectKind, after: Option<&str>) -> impl Future<Output = Result<Page, Failure>> + Send;
    /// Sends a deletion; "not found" counts as success.
    fn delete(&self, object: &Object) -> impl Future<Output = Result<(), Failure>> + Send;
}
