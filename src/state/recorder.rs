//! What the engine needs from a store during a run.

use super::document::Entry;
use super::error::StateError;

/// Takes the entries of a run.
pub trait Recorder: Send + Sync + 'static {
    /// Writes one entry; it is durable when this returns.
    ///
    /// # Errors
    /// When it could not be written, or the lock was lost.
    fn record(&self, entry: Entry) -> impl Future<Output = Result<(), StateError>> + Send;

    /// Whether the lock is still held; asked before every call that changes something.
    ///
    /// # Errors
    /// Why the lock is lost, or may be, so that nothing may be changed any more.
    fn check_lock(&self) -> Result<(), String> {
        Ok(())
    }
}
