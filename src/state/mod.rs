//! What we remember of a cluster: the document, its journal, its two stores and their locks.
//!
//! Invariant: a document that can be read is always whole. In a folder every change is first a line of the journal, made
//! durable before the engine goes on, and the document is replaced atomically when a run ends; in a bucket every change
//! is a conditional write of the whole document.

mod document;
mod error;
mod format;
mod local;
mod lock;
mod lock_holder;
mod remote;
mod store;

#[cfg(test)]
mod tests;

/// Durable memory. `record` returns when the entry cannot be lost any more.
pub trait Recorder: Send + Sync + 'static {
    /// Makes one entry durable.
    fn record(&self, entry: Entry) -> impl Future<Output = Result<(), String>> + Send;

    /// Whether the lock is still held; asked before every call that changes something.
    ///
    /// # Errors
    /// Why the lock is lost, or may be, so that nothing may be changed any more.
    fn check_lock(&self) -> Result<(), String> {
        Ok(())
    }
}

pub use document::{Document, Entry, FORMAT_VERSION, Intent, Record, Status, TeardownPolicy};
pub use error::StateError;
pub use local::{LocalStore, LocalWriter};
pub use lock::Lock;
pub use lock_holder::LockHolder;
pub use remote::{Condition, LockTimings, Object, ObjectError, ObjectFault, Objects, RemoteLock, RemoteStore, RemoteWriter};
pub use store::{Guard, Store, Writer};

/// The document as bytes, as they stand in a file or an object.
///
/// # Errors
/// Never for a document that this program made.
pub fn encode(document: &Document) -> Result<Vec<u8>, serde_json::Error> {
    format::encode(document)
}

/// The document of these bytes. `location` is for the errors.
///
/// # Errors
/// When it is damaged, newer than this program, or a note that it was moved.
pub fn decode(bytes: &[u8], location: &str) -> Result<Document, StateError> {
    format::decode(bytes, location)
}
