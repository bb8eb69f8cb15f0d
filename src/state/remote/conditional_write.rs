//! One conditional write, repeated until its outcome is known.

use super::objects::{Condition, ObjectError, ObjectFault, Objects};
use super::timings::LockTimings;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep};

/// Why a write did not take place.
#[derive(Debug)]
pub(super) enum WriteError {
    /// Another process wrote the object since it was read.
    Superseded,
    /// The bucket refused, or did not answer before the time-out.
    Refused(ObjectError),
}

impl From<ObjectError> for WriteError {
    fn from(error: ObjectError) -> Self {
        WriteError::Refused(error)
    }
}

/// Writes of one object whose answers may be lost: its last known ETag, and what was sent since then without an answer.
pub(super) struct ConditionalWrites {
    /// `None`: there is no object.
    etag: Option<String>,
    /// Digests of everything that was sent and may have been written.
    sent: Vec<[u8; 32]>,
}

impl ConditionalWrites {
    pub(super) fn new(etag: Option<String>) -> Self {
        Self { etag, sent: Vec::new() }
    }

    /// Writes until the object is known to hold these bytes, or the write is refused, or the time-out is over. Returns the new ETag.
    pub(super) async fn put<O: Objects>(
        &mut self,
        objects: &O,
        key: &str,
        timings: LockTimings,
        bytes: Vec<u8>,
    ) -> Result<String, WriteError> {
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        self.sent.push(digest);
        let began = Instant::now();
        loop {
            let condition = self.etag.as_deref().map_or(Condition::Absent, Condition::Unchanged);
            let error = match objects.put(key, bytes.clone(), condition).await {
                Ok(etag) => return Ok(self.written(etag)),
                Err(error) => error,
            };
            match error.fault {
                ObjectFault::Precondition | ObjectFault::Gone => {
                    let found = match objects.get(key).await {
                        // The next attempt of the write is refused in the same way, and reads again.
                        Err(error) if error.fault == ObjectFault::Lost && began.elapsed() < timings.write_timeout => {
                            sleep(timings.retry_interval).await;
                            continue;
                        }
                        found => found?,
                    };
                    let found = found.map(|object| (<[u8; 32]>::from(Sha256::digest(&object.bytes)), object.etag));
                    match found {
                        // The SDK repeated the request, and the second one found what the first one had written.
                        Some((standing, etag)) if standing == digest => return Ok(self.written(etag)),
                        // An earlier write of this process, whose answer was lost: this one replaces it.
                        Some((standing, etag)) if self.sent.contains(&standing) => self.etag = Some(etag),
                        _ => return Err(WriteError::Superseded),
                    }
                }
                ObjectFault::Conflict | ObjectFault::Lost if began.elapsed() < timings.write_timeout => sleep(timings.retry_interval).await,
                _ => return Err(WriteError::Refused(error)),
            }
        }
    }

    fn written(&mut self, etag: String) -> String {
        self.sent.clear();
        self.etag = Some(etag.clone());
        etag
    }
}
