//! What we remember of a cluster: the document, its journal, the local store and its lock.
//!
//! Invariant: a document on disk is always whole. Every change is first a line of the journal, made durable before the
//! engine goes on; the document itself is replaced atomically when a run ends.

mod document;
mod local;
mod lock;

#[cfg(test)]
mod tests;

/// Durable memory. `record` returns when the entry cannot be lost any more.
pub trait Recorder: Send + Sync + 'static {
    /// Makes one entry durable.
    fn record(&self, entry: Entry) -> impl Future<Output = Result<(), String>> + Send;
}

pub use document::{Document, Entry, FORMAT_VERSION, Intent, Record, Status};
pub use local::{LocalStore, StateError, Writer};
pub use lock::{Holder, Lock};
