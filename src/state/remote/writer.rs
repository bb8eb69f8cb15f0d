//! A run on a remote state: entries that come close together become one write of the whole document.

use super::conditional_write::ConditionalWrites;
use super::lock::RemoteLock;
use super::objects::Objects;
use super::state_objects::StateObjects;
use crate::state::document::{Document, Entry};
use crate::state::error::StateError;
use crate::state::format;
use crate::state::recorder::Recorder;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

enum Job {
    Record(Box<Entry>, oneshot::Sender<Result<(), StateError>>),
    Finish(oneshot::Sender<Result<(), StateError>>),
}

/// What the writing task shares with the tasks that record.
struct Shared {
    /// The document with everything recorded so far, including what could not be written.
    document: Document,
    /// Whether all of it is in the bucket.
    saved: bool,
    /// Why this run must not write any more: another process wrote the state.
    fenced: Option<String>,
}

/// The store in a run: every entry is durable when `record` returns.
pub struct RemoteWriter<O> {
    jobs: mpsc::UnboundedSender<Job>,
    shared: Arc<Mutex<Shared>>,
    lock: Arc<RemoteLock<O>>,
}

impl<O> Clone for RemoteWriter<O> {
    fn clone(&self) -> Self {
        Self { jobs: self.jobs.clone(), shared: self.shared.clone(), lock: self.lock.clone() }
    }
}

/// The writing task has ended.
fn over() -> StateError {
    StateError::Fenced { why: "the run is over".to_owned() }
}

fn held(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<O: Objects> RemoteWriter<O> {
    pub(super) fn start(objects: StateObjects<O>, lock: Arc<RemoteLock<O>>, document: Document, etag: String) -> Self {
        let (jobs, receiver) = mpsc::unbounded_channel();
        let shared = Arc::new(Mutex::new(Shared { document, saved: true, fenced: None }));
        tokio::spawn(write_all(objects, receiver, shared.clone(), ConditionalWrites::new(Some(etag))));
        Self { jobs, shared, lock }
    }

    /// The document with everything recorded so far, including what could not be written; in that case with the serial after the one in
    /// the bucket.
    pub(in crate::state) fn document(&self) -> Document {
        let shared = held(&self.shared);
        Document { serial: shared.document.serial + u64::from(!shared.saved), ..shared.document.clone() }
    }

    /// Whether everything recorded is in the bucket.
    pub(in crate::state) fn is_saved(&self) -> bool {
        held(&self.shared).saved
    }

    /// Ends the run: the document is written once more; nothing can be recorded afterwards.
    ///
    /// # Errors
    /// When it cannot be written; [`Self::document`] still has everything.
    pub(in crate::state) async fn finish(&self) -> Result<Document, StateError> {
        let (answer, answered) = oneshot::channel();
        self.jobs.send(Job::Finish(answer)).map_err(|_| over())?;
        answered.await.map_err(|_| over())??;
        Ok(self.document())
    }
}

impl<O: Objects> Recorder for RemoteWriter<O> {
    async fn record(&self, entry: Entry) -> Result<(), StateError> {
        let (answer, answered) = oneshot::channel();
        self.jobs.send(Job::Record(Box::new(entry), answer)).map_err(|_| over())?;
        answered.await.map_err(|_| over())?
    }

    fn check_lock(&self) -> Result<(), String> {
        match &held(&self.shared).fenced {
            Some(why) => Err(why.clone()),
            None => self.lock.check(),
        }
    }
}

/// The one task that writes.
async fn write_all<O: Objects>(
    objects: StateObjects<O>,
    mut jobs: mpsc::UnboundedReceiver<Job>,
    shared: Arc<Mutex<Shared>>,
    mut writes: ConditionalWrites,
) {
    while let Some(first) = jobs.recv().await {
        let mut batch = vec![first];
        if !matches!(batch[0], Job::Finish(_)) {
            sleep(objects.timings.batch_window).await;
        }
        while let Ok(job) = jobs.try_recv() {
            batch.push(job);
        }
        let (mut waiting, mut finish) = (Vec::new(), None);
        let (next, fenced) = {
            let mut shared = held(&shared);
            for job in batch {
                match job {
                    Job::Record(entry, answer) => {
                        shared.document.apply(*entry);
                        shared.saved = false;
                        waiting.push(answer);
                    }
                    Job::Finish(answer) => finish = Some(answer),
                }
            }
            // The serial grows only with a successful write: what could not be written must not look newer than what another run wrote.
            (Document { serial: shared.document.serial + 1, ..shared.document.clone() }, shared.fenced.clone())
        };
        let result = match (fenced, format::encode(&next)) {
            (Some(why), _) => Err(StateError::Fenced { why }),
            (None, Err(error)) => Err(StateError::damaged(&objects.document_location(), error)),
            (None, Ok(bytes)) => objects.write(&mut writes, bytes).await.map(drop),
        };
        match &result {
            Ok(()) => {
                let mut shared = held(&shared);
                (shared.document.serial, shared.saved) = (next.serial, true);
            }
            Err(StateError::Fenced { why }) => held(&shared).fenced = Some(why.clone()),
            Err(_) => {}
        }
        waiting.into_iter().for_each(|answer| drop(answer.send(result.clone())));
        if let Some(answer) = finish {
            if result.is_ok() {
                // A failure is not worth an error: the floor of the last run still refuses every state older than that run.
                drop(objects.raise_serial_floor(&next).await);
            }
            drop(answer.send(result));
            return;
        }
    }
}
