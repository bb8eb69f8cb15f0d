//! The state of a cluster: the document, its journal, its two stores and their locks.
//!
//! Invariant: a document that can be read is always whole. In a folder every change is first a line of the journal, made
//! durable before the engine continues, and the document is replaced atomically when a run ends; in a bucket every change
//! is a conditional write of the whole document.

mod document;
mod error;
mod format;
mod local;
mod lock;
mod lock_holder;
mod recorder;
mod remote;
mod store;

#[cfg(test)]
mod tests;

pub use document::{Document, Entry, FORMAT_VERSION, Intent, Record, RecordStatus, TeardownPolicy};
pub use error::StateError;
pub use format::{decode, encode};
pub use local::LocalStore;
pub use recorder::Recorder;
pub use remote::{Condition, LockTimings, Object, ObjectError, ObjectFault, Objects, RemoteStore};
pub use store::{Guard, Store, Writer};
