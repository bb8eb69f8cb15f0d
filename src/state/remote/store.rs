//! The state of one cluster in a bucket: read, locked, and written under a condition.

use super::lock::{self, RemoteLock};
use super::objects::Objects;
use super::state_objects::StateObjects;
use super::timings::LockTimings;
use super::writer::RemoteWriter;
use crate::state::document::Document;
use crate::state::error::StateError;
use crate::state::format;
use crate::state::lock_holder::LockHolder;
use std::sync::Arc;

/// The store of one cluster's state in a bucket.
#[derive(Debug, Clone)]
pub struct RemoteStore<O> {
    objects: StateObjects<O>,
}

impl<O: Objects> RemoteStore<O> {
    /// A store of the objects under `folder`; `location` is how messages name it. Nothing is read or written yet.
    pub fn new(bucket: O, location: impl Into<String>, folder: impl Into<String>, timings: LockTimings) -> Self {
        Self { objects: StateObjects::new(bucket, location.into(), folder.into(), timings) }
    }

    /// Where the document is stored.
    pub(in crate::state) fn location(&self) -> String {
        self.objects.document_location()
    }

    /// Reads the document. `None` when there is none. Writes nothing.
    ///
    /// # Errors
    /// When the bucket refuses, or the document is damaged, older than what was here before, or newer than this program.
    pub(in crate::state) async fn load(&self) -> Result<Option<Document>, StateError> {
        self.objects.load().await
    }

    /// The serial of what was loaded last, even if it could not be parsed.
    pub(in crate::state) fn highest_serial(&self) -> u64 {
        self.objects.highest_serial()
    }

    /// Takes the lock. `notice` is told why it takes long.
    ///
    /// # Errors
    /// When the bucket is not fit, refuses, or a living holder has the lock.
    pub(in crate::state) async fn lock(&self, command: &str, notice: &(dyn Fn(&str) + Sync)) -> Result<RemoteLock<O>, StateError> {
        let objects = &self.objects;
        objects.bucket.check().await.map_err(objects.refused())?;
        RemoteLock::take(&objects.bucket, &objects.key("lock.json"), &objects.location, objects.timings, command, notice).await
    }

    /// Who holds the lock, if it is held.
    ///
    /// # Errors
    /// When the bucket refuses.
    pub(in crate::state) async fn holder(&self) -> Result<Option<Option<LockHolder>>, StateError> {
        let found = lock::holder(&self.objects.bucket, &self.objects.key("lock.json")).await.map_err(self.objects.refused())?;
        Ok(found.map(|(_, holder)| holder))
    }

    /// Begins a run: the current document is written under a new serial, over the one that was read.
    ///
    /// # Errors
    /// When the bucket refuses, or another process wrote the state since it was read.
    pub(in crate::state) async fn begin(&self, mut document: Document, lock: Arc<RemoteLock<O>>) -> Result<RemoteWriter<O>, StateError> {
        document.serial += 1;
        document.forget_old_intents();
        let etag = self.write(&document).await?;
        Ok(RemoteWriter::start(self.objects.clone(), lock, document, etag))
    }

    /// Writes a document over what was read last, and raises the serial floor to its serial; returns its ETag.
    ///
    /// # Errors
    /// When the bucket refuses, or another process wrote the state since it was read.
    pub(in crate::state) async fn write(&self, document: &Document) -> Result<String, StateError> {
        let bytes = format::encode(document).map_err(|error| StateError::damaged(&self.location(), error))?;
        let etag = self.objects.replace(bytes).await?;
        self.objects.raise_serial_floor(document).await?;
        Ok(etag)
    }

    /// Replaces a moved state with a note that names its new location.
    ///
    /// # Errors
    /// When the bucket refuses, or another process wrote the state since it was read.
    pub(in crate::state) async fn mark_moved(&self, to: &str) -> Result<(), StateError> {
        let bytes = format::encode_moved(to).map_err(|error| StateError::damaged(&self.location(), error))?;
        self.objects.replace(bytes).await.map(drop)
    }
}
