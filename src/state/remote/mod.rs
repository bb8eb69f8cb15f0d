//! The remote store: document and lock as two objects of a bucket, every write under a condition.
//!
//! Invariant: the document is only ever written over the version that was read or written last (`If-Match`). A holder whose lock was
//! taken over can therefore not write any more, even if it does not know that yet.

mod conditional_write;
mod lock;
pub(super) mod objects;
mod state_objects;
mod store;
mod timings;
mod writer;

#[cfg(test)]
mod tests;

pub(super) use lock::RemoteLock;
pub use objects::{Condition, Object, ObjectError, ObjectFault, Objects};
pub use store::RemoteStore;
pub use timings::LockTimings;
pub(super) use writer::RemoteWriter;
