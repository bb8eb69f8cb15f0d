//! The remote store: document and lock as two objects of a bucket, every write under a condition.
//!
//! Invariant: the document is only ever written over the very version that was read or written last (`If-Match`). A
//! holder whose lock was taken over can therefore not write any more, whatever it still believes.

mod lock;
mod objects;
mod timings;
mod writer;

#[cfg(test)]
mod tests;

pub use lock::RemoteLock;
pub use objects::{Condition, Object, ObjectError, ObjectFault, Objects};
pub use timings::LockTimings;
pub use writer::RemoteWriter;

use super::{Document, LockHolder, StateError, format};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};

fn remote_error(location: &str, source: ObjectError) -> StateError {
    StateError::Remote { location: location.to_owned(), source }
}

/// The two objects of one cluster's state.
#[derive(Debug, Clone)]
pub struct RemoteStore<O> {
    objects: O,
    /// `s3://bucket/prefix/cluster`.
    location: String,
    /// Key of the folder, without a slash at its end.
    folder: String,
    timings: LockTimings,
    seen: Arc<Mutex<Seen>>,
}

/// The document as it was read or written last.
#[derive(Debug, Clone, Default)]
struct Seen {
    /// `None` when there was none.
    etag: Option<String>,
    /// Its serial, as far as it could be read, or the serial floor when that is higher.
    serial: u64,
}

/// The object `serial.json`: the highest serial that was written here. A document below it is an older one that somebody
/// put back, and is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SerialFloor {
    lineage: String,
    serial: u64,
}

/// How often raising the serial floor is tried while others write the same object.
const FLOOR_ATTEMPTS: usize = 4;

impl<O: Objects> RemoteStore<O> {
    /// A store of the objects under `folder`; `location` is its name for people. Nothing is read or written yet.
    pub fn new(objects: O, location: impl Into<String>, folder: impl Into<String>, timings: LockTimings) -> Self {
        Self { objects, location: location.into(), folder: folder.into(), timings, seen: Arc::default() }
    }

    /// Where the document lies.
    pub fn location(&self) -> String {
        format!("{}/state.json", self.location)
    }

    fn key(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }

    fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, seen: Seen) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }

    fn failed(&self) -> impl Fn(ObjectError) -> StateError {
        |error| remote_error(&self.location, error)
    }

    /// The document's bytes and the serial floor; the ETag is kept for the next write.
    async fn read(&self) -> Result<(Option<Vec<u8>>, Option<SerialFloor>), StateError> {
        // The floor is read before the document: a reader without the lock must not get a floor that is newer than its document.
        let floor = self.objects.get(&self.key("serial.json")).await.map_err(self.failed())?;
        let floor: Option<SerialFloor> = floor.and_then(|object| serde_json::from_slice(&object.bytes).ok());
        let found = self.objects.get(&self.key("state.json")).await.map_err(self.failed())?;
        let serial = found.as_ref().and_then(|object| format::serial(&object.bytes));
        self.note(Seen {
            etag: found.as_ref().map(|object| object.etag.clone()),
            serial: serial.max(floor.as_ref().map(|floor| floor.serial)).unwrap_or(0),
        });
        Ok((found.map(|object| object.bytes), floor))
    }

    /// Reads the document. `None` when there is none. Writes nothing.
    ///
    /// # Errors
    /// When the bucket refuses, or the document is damaged, older than what was here before, or newer than this program.
    pub async fn load(&self) -> Result<Option<Document>, StateError> {
        let (bytes, floor) = self.read().await?;
        let document = bytes.map(|bytes| format::decode(&bytes, &self.location())).transpose()?;
        match (document, floor) {
            (None, Some(_)) => Err(StateError::Damaged { location: self.location(), why: "the document is missing".to_owned() }),
            (Some(document), Some(floor)) if document.lineage == floor.lineage && document.serial < floor.serial => {
                Err(StateError::Backwards { location: self.location(), found: document.serial, newest: floor.serial })
            }
            (document, _) => Ok(document),
        }
    }

    /// Raises the serial floor to this document's serial, unless it is there already.
    async fn raise_serial_floor(&self, document: &Document) -> Result<(), StateError> {
        let key = self.key("serial.json");
        let ours = SerialFloor { lineage: document.lineage.clone(), serial: document.serial };
        for _ in 0..FLOOR_ATTEMPTS {
            let standing = self.objects.get(&key).await.map_err(self.failed())?;
            let theirs = standing.as_ref().and_then(|object| serde_json::from_slice::<SerialFloor>(&object.bytes).ok());
            if theirs.is_some_and(|theirs| theirs.lineage == ours.lineage && theirs.serial >= ours.serial) {
                return Ok(());
            }
            let condition = standing.as_ref().map_or(Condition::Absent, |object| Condition::Unchanged(&object.etag));
            match self.objects.put(&key, serde_json::to_vec(&ours).unwrap_or_default(), condition).await {
                Ok(_) => return Ok(()),
                Err(error)
                    if matches!(error.fault, ObjectFault::Denied | ObjectFault::Credentials | ObjectFault::Unfit | ObjectFault::Other) =>
                {
                    return Err(self.failed()(error));
                }
                Err(_) => tokio::time::sleep(self.timings.retry_interval).await,
            }
        }
        Ok(())
    }

    /// The serial of what was loaded last, whether or not it could be understood.
    pub fn highest_serial(&self) -> u64 {
        self.seen().serial
    }

    /// Takes the lock. `notice` tells people why it takes long.
    ///
    /// # Errors
    /// When the bucket is not fit, refuses, or a living holder has the lock.
    pub async fn lock(&self, command: &str, notice: &(dyn Fn(&str) + Sync)) -> Result<RemoteLock<O>, StateError> {
        self.objects.check().await.map_err(self.failed())?;
        RemoteLock::take(&self.objects, &self.key("lock.json"), &self.location, self.timings, command, notice).await
    }

    /// Who holds the lock, if anybody does.
    ///
    /// # Errors
    /// When the bucket refuses.
    pub async fn holder(&self) -> Result<Option<Option<LockHolder>>, StateError> {
        let found = lock::holder(&self.objects, &self.key("lock.json")).await.map_err(self.failed())?;
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

    /// Puts a document here over what was read last, and notes its serial; answers its ETag.
    ///
    /// # Errors
    /// When the bucket refuses, or somebody wrote the state since it was read.
    pub async fn write(&self, document: &Document) -> Result<String, StateError> {
        let bytes = format::encode(document).map_err(|error| StateError::Damaged { location: self.location(), why: error.to_string() })?;
        let etag = self.put(bytes).await?;
        self.raise_serial_floor(document).await?;
        Ok(etag)
    }

    /// Leaves a note in the place of a state that was moved elsewhere.
    ///
    /// # Errors
    /// When the bucket refuses, or somebody wrote the state since it was read.
    pub async fn leave(&self, to: &str) -> Result<(), StateError> {
        let bytes = format::encode_moved(to).map_err(|error| StateError::Damaged { location: self.location(), why: error.to_string() })?;
        self.put(bytes).await.map(drop)
    }

    async fn put(&self, bytes: Vec<u8>) -> Result<String, StateError> {
        let serial = format::serial(&bytes).unwrap_or(0);
        let mut attempts = writer::Attempts::new(self.seen().etag);
        let etag = attempts.put(self, bytes).await?;
        self.note(Seen { etag: Some(etag.clone()), serial });
        Ok(etag)
    }
}
