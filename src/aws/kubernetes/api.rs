//! What is asked of a cluster. Tests answer from memory.

use super::objects::{Object, ObjectKind, Page};
use crate::engine::Failure;
use std::future::Future;

/// What is asked of a cluster.
pub(super) trait Api: Sync {
    /// A page of a list over all namespaces: the first one, or the one after another.
    fn page(&self, kind: ObjectKind, after: Option<&str>) -> impl Future<Output = Result<Page, Failure>> + Send;
    /// Asks for a deletion; not found is success.
    fn delete(&self, object: &Object) -> impl Future<Output = Result<(), Failure>> + Send;
}
