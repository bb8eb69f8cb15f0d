//! The remote store: document and lock as two objects of a bucket, every write under a condition.
//!
//! Invariant: the document is only ever written over the very version that was read or written last (`If-Match`). A
//! holder whose lock was taken over can therefore not write any more, whatever it still believes.

mod lock;
mod objects;
mod writer;

#[cfg(test)]
mod tests;

pub use lock::RemoteLock;
pub use objects::{Condition, Object, ObjectError, ObjectFault, Objects};
pub use writer::RemoteWriter;

use super::{Document, Holder, StateError, format};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long things take. Tests scale them down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    /// Between two touches of the lock.
    pub heartbeat: Duration,
    /// A lock that did not change for so long is left by its holder.
    pub time_to_live: Duration,
    /// Between two looks at somebody else's lock.
    pub look: Duration,
    /// Entries that come within so long are written together.
    pub gather: Duration,
    /// Between two tries of a write that was not answered.
    pub retry: Duration,
    /// A write is tried for so long.
    pub patience: Duration,
}

impl Rhythm {
    /// Real seconds.
    pub const REAL: Rhythm = Rhythm {
        heartbeat: Duration::from_secs(10),
        time_to_live: Duration::from_secs(60),
        look: Duration::from_secs(2),
        gather: Duration::from_millis(100),
        retry: Duration::from_millis(500),
        patience: Duration::from_secs(30),
    };

    /// All of it, so many times as long.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self {
            heartbeat: self.heartbeat.mul_f64(factor),
            time_to_live: self.time_to_live.mul_f64(factor),
            look: self.look.mul_f64(factor),
            gather: self.gather.mul_f64(factor),
            retry: self.retry.mul_f64(factor),
            patience: self.patience.mul_f64(factor),
        }
    }
}

fn remote_error(place: &str, source: ObjectError) -> StateError {
    StateError::Remote { place: place.to_owned(), source }
}

/// The two objects of one cluster's state.
#[derive(Debug, Clone)]
pub struct RemoteStore<O> {
    objects: O,
    /// `s3://bucket/prefix/cluster`.
    place: String,
    /// Key of the folder, without a slash at its end.
    folder: String,
    rhythm: Rhythm,
    /// ETag of the document as it was read last; `None` when there was none.
    seen: Arc<Mutex<Option<String>>>,
}

impl<O: Objects> RemoteStore<O> {
    /// A store of the objects under `folder`; `place` is its name for people. Nothing is read or written yet.
    pub fn new(objects: O, place: impl Into<String>, folder: impl Into<String>, rhythm: Rhythm) -> Self {
        Self { objects, place: place.into(), folder: folder.into(), rhythm, seen: Arc::default() }
    }

    /// Where the document lies.
    pub fn place(&self) -> String {
        format!("{}/state.json", self.place)
    }

    fn key(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }

    fn seen(&self) -> Option<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The document's bytes; its ETag is kept for the next write.
    async fn read(&self) -> Result<Option<Vec<u8>>, StateError> {
        let found = self.objects.get(&self.key("state.json")).await.map_err(|error| remote_error(&self.place, error))?;
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = found.as_ref().map(|object| object.etag.clone());
        Ok(found.map(|object| object.bytes))
    }

    /// Reads the document. `None` when there is none. Writes nothing.
    ///
    /// # Errors
    /// When the bucket refuses, or the document is damaged or newer than this program.
    pub async fn load(&self) -> Result<Option<Document>, StateError> {
        self.read().await?.map(|bytes| format::decode(&bytes, &self.place())).transpose()
    }

    /// The serial of what lies there, whether or not it can be read.
    ///
    /// # Errors
    /// When the bucket refuses.
    pub async fn highest_serial(&self) -> Result<u64, StateError> {
        Ok(self.read().await?.and_then(|bytes| format::serial(&bytes)).unwrap_or(0))
    }

    /// Takes the lock. `notice` tells people why it takes long.
    ///
    /// # Errors
    /// When the bucket is not fit, refuses, or a living holder has the lock.
    pub async fn lock(&self, command: &str, notice: &(dyn Fn(&str) + Sync)) -> Result<RemoteLock<O>, StateError> {
        self.objects.check().await.map_err(|error| remote_error(&self.place, error))?;
        RemoteLock::take(&self.objects, &self.key("lock.json"), &self.place, self.rhythm, command, notice).await
    }

    /// Who holds the lock, if anybody does.
    ///
    /// # Errors
    /// When the bucket refuses.
    pub async fn holder(&self) -> Result<Option<Option<Holder>>, StateError> {
        let found = lock::holder(&self.objects, &self.key("lock.json")).await.map_err(|error| remote_error(&self.place, error))?;
        Ok(found.map(|(_, holder)| holder))
    }

    /// Begins a run: the document as it stands is written under a new serial, over the one that was read.
    ///
    /// # Errors
    /// When the bucket refuses, or somebody wrote the state since it was read.
    pub async fn begin(&self, mut document: Document, lock: Arc<RemoteLock<O>>) -> Result<RemoteWriter<O>, StateError> {
        document.serial += 1;
        document.forget_old_intents();
        let etag = self.write(&document).await?;
        Ok(RemoteWriter::start(self.clone(), lock, document, etag))
    }

    /// Puts a document here over what was read last; answers its ETag.
    ///
    /// # Errors
    /// When the bucket refuses, or somebody wrote the state since it was read.
    pub async fn write(&self, document: &Document) -> Result<String, StateError> {
        let bytes = format::encode(document).map_err(|error| StateError::Damaged { place: self.place(), why: error.to_string() })?;
        self.put(bytes).await
    }

    /// Leaves a note in the place of a state that was moved elsewhere.
    ///
    /// # Errors
    /// When the bucket refuses, or somebody wrote the state since it was read.
    pub async fn leave(&self, to: &str) -> Result<(), StateError> {
        let bytes = format::encode_moved(to).map_err(|error| StateError::Damaged { place: self.place(), why: error.to_string() })?;
        self.put(bytes).await.map(drop)
    }

    async fn put(&self, bytes: Vec<u8>) -> Result<String, StateError> {
        let mut attempts = writer::Attempts::new(self.seen());
        let etag = attempts.put(self, bytes).await?;
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(etag.clone());
        Ok(etag)
    }
}
