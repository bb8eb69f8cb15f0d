//! The objects of one cluster's state in a bucket: the document `state.json` and the serial floor `serial.json`.

use super::conditional_write::{ConditionalWrites, WriteError};
use super::objects::{Condition, ObjectError, ObjectFault, Objects};
use super::timings::LockTimings;
use crate::state::document::Document;
use crate::state::error::StateError;
use crate::state::format;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};

/// How often raising the serial floor is attempted while others write the same object.
const FLOOR_ATTEMPTS: usize = 4;

/// Where the objects are stored, and what was read or written there last.
#[derive(Debug, Clone)]
pub(super) struct StateObjects<O> {
    pub(super) bucket: O,
    /// `s3://bucket/prefix/cluster`.
    pub(super) location: String,
    /// Key of the folder, without a slash at its end.
    pub(super) folder: String,
    pub(super) timings: LockTimings,
    last_seen: Arc<Mutex<LastSeen>>,
}

/// The document as it was read or written last.
#[derive(Debug, Clone, Default)]
struct LastSeen {
    /// `None` when there was none.
    etag: Option<String>,
    /// Its serial, as far as it could be read, or the serial floor when that is higher.
    serial: u64,
}

/// The object `serial.json`: the highest serial that was written here. A document with a lower one is an older one that was put back, and
/// is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SerialFloor {
    lineage: String,
    serial: u64,
}

impl<O: Objects> StateObjects<O> {
    pub(super) fn new(bucket: O, location: String, folder: String, timings: LockTimings) -> Self {
        Self { bucket, location, folder, timings, last_seen: Arc::default() }
    }

    /// Where the document is stored.
    pub(super) fn document_location(&self) -> String {
        format!("{}/state.json", self.location)
    }

    pub(super) fn key(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }

    /// The serial of what was read or written last, even if it could not be parsed.
    pub(super) fn highest_serial(&self) -> u64 {
        self.last_seen().serial
    }

    fn last_seen(&self) -> LastSeen {
        self.last_seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, seen: LastSeen) {
        *self.last_seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }

    /// A refusal of the bucket as an error of this state.
    pub(super) fn refused(&self) -> impl Fn(ObjectError) -> StateError {
        |error| StateError::remote(&self.location, error)
    }

    /// The document's bytes and the serial floor; the ETag is kept for the next write.
    async fn read(&self) -> Result<(Option<Vec<u8>>, Option<SerialFloor>), StateError> {
        // The floor is read before the document: a reader without the lock must not get a floor that is newer than its document.
        let floor = self.bucket.get(&self.key("serial.json")).await.map_err(self.refused())?;
        let floor: Option<SerialFloor> = floor.and_then(|object| serde_json::from_slice(&object.bytes).ok());
        let found = self.bucket.get(&self.key("state.json")).await.map_err(self.refused())?;
        let serial = found.as_ref().and_then(|object| format::serial(&object.bytes));
        self.remember(LastSeen {
            etag: found.as_ref().map(|object| object.etag.clone()),
            serial: serial.max(floor.as_ref().map(|floor| floor.serial)).unwrap_or(0),
        });
        Ok((found.map(|object| object.bytes), floor))
    }

    /// Reads the document. `None` when there is none.
    pub(super) async fn load(&self) -> Result<Option<Document>, StateError> {
        let (bytes, floor) = self.read().await?;
        let location = self.document_location();
        let document = bytes.map(|bytes| format::decode(&bytes, &location)).transpose()?;
        match (document, floor) {
            (None, Some(_)) => Err(StateError::damaged(&location, "the document is missing")),
            (Some(document), Some(floor)) if document.lineage == floor.lineage && document.serial < floor.serial => {
                Err(StateError::Backwards { location, found: document.serial, newest: floor.serial })
            }
            (document, _) => Ok(document),
        }
    }

    /// Writes the bytes over the document that was read or written last; returns the new ETag.
    pub(super) async fn replace(&self, bytes: Vec<u8>) -> Result<String, StateError> {
        let serial = format::serial(&bytes).unwrap_or(0);
        let mut writes = ConditionalWrites::new(self.last_seen().etag);
        let etag = self.write(&mut writes, bytes).await?;
        self.remember(LastSeen { etag: Some(etag.clone()), serial });
        Ok(etag)
    }

    /// Writes the bytes over the document that these writes know; returns the new ETag.
    pub(super) async fn write(&self, writes: &mut ConditionalWrites, bytes: Vec<u8>) -> Result<String, StateError> {
        let written = writes.put(&self.bucket, &self.key("state.json"), self.timings, bytes).await;
        written.map_err(|error| match error {
            WriteError::Superseded => StateError::Fenced { why: format!("another process wrote the state `{}`", self.document_location()) },
            WriteError::Refused(error) => StateError::remote(&self.location, error),
        })
    }

    /// Raises the serial floor to this document's serial, unless it is there already.
    pub(super) async fn raise_serial_floor(&self, document: &Document) -> Result<(), StateError> {
        let key = self.key("serial.json");
        let ours = SerialFloor { lineage: document.lineage.clone(), serial: document.serial };
        for _ in 0..FLOOR_ATTEMPTS {
            let standing = self.bucket.get(&key).await.map_err(self.refused())?;
            let theirs = standing.as_ref().and_then(|object| serde_json::from_slice::<SerialFloor>(&object.bytes).ok());
            if theirs.is_some_and(|theirs| theirs.lineage == ours.lineage && theirs.serial >= ours.serial) {
                return Ok(());
            }
            let condition = standing.as_ref().map_or(Condition::Absent, |object| Condition::Unchanged(&object.etag));
            match self.bucket.put(&key, serde_json::to_vec(&ours).unwrap_or_default(), condition).await {
                Ok(_) => return Ok(()),
                Err(error)
                    if matches!(error.fault, ObjectFault::Denied | ObjectFault::Credentials | ObjectFault::Unfit | ObjectFault::Other) =>
                {
                    return Err(self.refused()(error));
                }
                Err(_) => tokio::time::sleep(self.timings.retry_interval).await,
            }
        }
        Ok(())
    }
}
