//! One interface to both stores: a folder of this machine, and objects of a bucket.

use super::document::{Document, Entry};
use super::error::StateError;
use super::local::{LocalStore, LocalWriter};
use super::lock::Lock;
use super::lock_holder::LockHolder;
use super::recorder::Recorder;
use super::remote::{Objects, RemoteLock, RemoteStore, RemoteWriter};
use std::sync::Arc;

/// The store of one cluster's state.
#[derive(Debug, Clone)]
pub enum Store<O> {
    /// A folder of this machine.
    Local(LocalStore),
    /// Objects of a bucket.
    Remote(RemoteStore<O>),
}

/// A held lock. It is released at the end of a command; when the process dies before, a local one is free at once and a remote one
/// after its time-to-live.
#[derive(Debug)]
pub enum Guard<O> {
    /// Of a folder.
    Local(Arc<Lock>),
    /// Of a bucket.
    Remote(Arc<RemoteLock<O>>),
}

impl<O> Clone for Guard<O> {
    fn clone(&self) -> Self {
        match self {
            Guard::Local(lock) => Guard::Local(lock.clone()),
            Guard::Remote(lock) => Guard::Remote(lock.clone()),
        }
    }
}

/// Writes the entries of a run.
pub enum Writer<O> {
    /// Into a folder.
    Local(LocalWriter),
    /// Into a bucket.
    Remote(RemoteWriter<O>),
}

impl<O> Clone for Writer<O> {
    fn clone(&self) -> Self {
        match self {
            Writer::Local(writer) => Writer::Local(writer.clone()),
            Writer::Remote(writer) => Writer::Remote(writer.clone()),
        }
    }
}

impl<O: Objects> Store<O> {
    /// Where the document is stored.
    pub fn location(&self) -> String {
        match self {
            Store::Local(store) => store.path().display().to_string(),
            Store::Remote(store) => store.location(),
        }
    }

    /// Reads the document. `None` when there is none. Writes nothing.
    ///
    /// # Errors
    /// When it cannot be read, or must not be used.
    pub async fn load(&self) -> Result<Option<Document>, StateError> {
        match self {
            Store::Local(store) => store.load(),
            Store::Remote(store) => store.load().await,
        }
    }

    /// The highest serial that is known here, whether or not the document can be read; after a [`Self::load`].
    pub fn highest_serial(&self) -> u64 {
        match self {
            Store::Local(store) => store.highest_serial(),
            Store::Remote(store) => store.highest_serial(),
        }
    }

    /// Takes the lock. `notice` is told why it takes long.
    ///
    /// # Errors
    /// When a running process holds it, or the location cannot be written.
    pub async fn lock(&self, command: &str, notice: &(dyn Fn(&str) + Sync)) -> Result<Guard<O>, StateError> {
        match self {
            Store::Local(store) => store.lock(command).map(|lock| Guard::Local(Arc::new(lock))),
            Store::Remote(store) => store.lock(command, notice).await.map(|lock| Guard::Remote(Arc::new(lock))),
        }
    }

    /// Who holds the lock, if it is held; the inner `None` is a holder whose entry cannot be read.
    ///
    /// # Errors
    /// When the bucket refuses.
    pub async fn holder(&self) -> Result<Option<Option<LockHolder>>, StateError> {
        match self {
            Store::Local(store) => Ok(store.holder()),
            Store::Remote(store) => store.holder().await,
        }
    }

    /// Begins a run under the lock of this store.
    ///
    /// # Errors
    /// When the location cannot be written.
    pub async fn begin(&self, document: Document, guard: &Guard<O>) -> Result<Writer<O>, StateError> {
        match (self, guard) {
            (Store::Local(store), Guard::Local(lock)) => store.begin(document, lock.clone()).map(Writer::Local),
            (Store::Remote(store), Guard::Remote(lock)) => store.begin(document, lock.clone()).await.map(Writer::Remote),
            _ => Err(StateError::Fenced { why: "the lock belongs to another state".to_owned() }),
        }
    }

    /// Replaces the document that was read last.
    ///
    /// # Errors
    /// When the location cannot be written.
    pub async fn replace(&self, document: &Document) -> Result<(), StateError> {
        match self {
            Store::Local(store) => store.replace(document),
            Store::Remote(store) => store.write(document).await.map(drop),
        }
    }

    /// Replaces a moved state with a note that names its new location.
    ///
    /// # Errors
    /// When the location cannot be written.
    pub async fn mark_moved(&self, to: &str) -> Result<(), StateError> {
        match self {
            Store::Local(store) => store.mark_moved(to),
            Store::Remote(store) => store.mark_moved(to).await,
        }
    }
}

impl<O: Objects> Guard<O> {
    /// Whether this process certainly still holds the lock.
    ///
    /// # Errors
    /// When another process may have taken it over.
    pub fn check_lock(&self) -> Result<(), String> {
        match self {
            Guard::Local(lock) => lock.check(),
            Guard::Remote(lock) => lock.check(),
        }
    }

    /// Releases the lock.
    ///
    /// # Errors
    /// When the bucket refuses; the lock is then free after its time-to-live.
    pub async fn release(&self) -> Result<(), StateError> {
        match self {
            // The operating system frees it when the file is closed.
            Guard::Local(_) => Ok(()),
            Guard::Remote(lock) => lock.release().await,
        }
    }
}

impl<O: Objects> Writer<O> {
    /// The document with everything recorded so far, including what could not be written.
    pub fn document(&self) -> Document {
        match self {
            Writer::Local(writer) => writer.document(),
            Writer::Remote(writer) => writer.document(),
        }
    }

    /// Whether everything recorded is durable.
    pub fn is_saved(&self) -> bool {
        match self {
            // What could not be written to the journal is written with the document at the end of the run.
            Writer::Local(_) => true,
            Writer::Remote(writer) => writer.is_saved(),
        }
    }

    /// Ends the run; nothing can be recorded afterwards.
    ///
    /// # Errors
    /// When the document cannot be written; [`Self::document`] still has everything.
    pub async fn finish(&self) -> Result<Document, StateError> {
        match self {
            Writer::Local(writer) => writer.finish(),
            Writer::Remote(writer) => writer.finish().await,
        }
    }
}

impl<O: Objects> Recorder for Writer<O> {
    async fn record(&self, entry: Entry) -> Result<(), StateError> {
        match self {
            Writer::Local(writer) => writer.record(entry).await,
            Writer::Remote(writer) => writer.record(entry).await,
        }
    }

    fn check_lock(&self) -> Result<(), String> {
        match self {
            Writer::Local(writer) => writer.check_lock(),
            Writer::Remote(writer) => writer.check_lock(),
        }
    }
}
