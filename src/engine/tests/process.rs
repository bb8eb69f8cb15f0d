//! The process of a test: its log, its state, and its end at a given point.

use crate::resource::{Address, Desired};
use crate::state::{Document, Entry, RecordStatus, Recorder, StateError};
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;
use tokio::time::Instant;

/// What happened, in order: calls that arrived at the world and entries that became durable.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }

    /// Position of the first line with this beginning.
    pub(crate) fn position(&self, line: &str) -> usize {
        let lines = self.0.lock().unwrap();
        lines.iter().position(|found| found.starts_with(line)).unwrap_or_else(|| panic!("no `{line}` in\n{}", lines.join("\n")))
    }

    /// Number of lines with this beginning.
    pub(crate) fn count(&self, start: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|line| line.starts_with(start)).count()
    }

    pub(crate) fn lines(&self, start: &str) -> Vec<String> {
        self.0.lock().unwrap().iter().filter(|line| line.starts_with(start)).cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}

/// The point at which the process is killed: before or after the effect of a call or an entry.
#[derive(Debug)]
pub(crate) struct Death {
    at: Option<usize>,
    points: AtomicUsize,
    dead: AtomicBool,
    told: Notify,
}

impl Death {
    pub(crate) fn new(at: Option<usize>) -> Self {
        Self { at, points: AtomicUsize::new(0), dead: AtomicBool::new(false), told: Notify::new() }
    }

    /// A point at which the process may be killed; in a killed process this never returns.
    pub(crate) async fn point(&self) {
        if self.dead.load(Ordering::SeqCst) || self.at == Some(self.points.fetch_add(1, Ordering::SeqCst)) {
            self.dead.store(true, Ordering::SeqCst);
            self.told.notify_one();
            std::future::pending::<()>().await;
        }
    }

    pub(crate) async fn alive(&self) {
        if self.dead.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
    }
}

/// The state in memory, which logs its entries.
pub(crate) struct Memory {
    document: Mutex<Document>,
    log: Log,
    death: Mutex<Arc<Death>>,
    /// Entries after which the disk is full.
    pub(crate) room: AtomicUsize,
    /// When intents were recorded, in the paused time of the test.
    written: Mutex<HashMap<Address, Instant>>,
}

/// A copy of the memory at some moment.
#[derive(Clone)]
pub(crate) struct Copy {
    document: Document,
    written: HashMap<Address, Instant>,
}

impl Memory {
    pub(crate) fn new(document: Document, log: Log, death: Arc<Death>) -> Self {
        Self {
            document: Mutex::new(document),
            log,
            death: Mutex::new(death),
            room: AtomicUsize::new(usize::MAX),
            written: Mutex::default(),
        }
    }

    pub(crate) fn document(&self) -> Document {
        self.document.lock().unwrap().clone()
    }

    pub(crate) fn edit(&self, edit: impl FnOnce(&mut Document)) {
        edit(&mut self.document.lock().unwrap());
    }

    pub(crate) fn copy(&self) -> Copy {
        Copy { document: self.document(), written: self.written.lock().unwrap().clone() }
    }

    pub(crate) fn put_back(&self, copy: &Copy) {
        *self.document.lock().unwrap() = copy.document.clone();
        *self.written.lock().unwrap() = copy.written.clone();
    }

    /// Begins a run: sets the age of intents from the paused time, because the real clock does not advance, and drops old ones.
    pub(crate) fn begin(&self) {
        let written = self.written.lock().unwrap();
        let mut document = self.document.lock().unwrap();
        for (address, intent) in &mut document.intents {
            if let Some(at) = written.get(address) {
                intent.since = Timestamp::now() - SignedDuration::try_from(at.elapsed()).unwrap();
            }
        }
        document.forget_old_intents();
    }
}

fn line_of(entry: &Entry) -> String {
    match entry {
        Entry::Intent { address, .. } => format!("intent {address}"),
        Entry::Recorded { address, record } if record.status == RecordStatus::Creating => format!("id {address}"),
        Entry::Recorded { address, .. } => format!("ready {address}"),
        Entry::IntentDropped { address } => format!("dropped {address}"),
        Entry::Deleting { address } => format!("deleting {address}"),
        Entry::Gone { address } => format!("gone {address}"),
        Entry::Pinned { .. } => "pinned".to_owned(),
        Entry::TeardownPolicySet { .. } => "teardown policy".to_owned(),
        Entry::Applied { .. } => "applied".to_owned(),
    }
}

impl Recorder for Memory {
    async fn record(&self, entry: Entry) -> Result<(), StateError> {
        let death = self.death.lock().unwrap().clone();
        death.point().await;
        if self.room.load(Ordering::SeqCst) == 0 {
            return Err(StateError::io("memory", std::io::Error::other("no space left on device")));
        }
        self.room.fetch_sub(1, Ordering::SeqCst);
        self.log.add(line_of(&entry));
        if let Entry::Intent { address, .. } = &entry {
            self.written.lock().unwrap().insert(address.clone(), Instant::now());
        }
        // An entry that is written and read must be the same.
        let text = serde_json::to_string(&entry).unwrap();
        self.document.lock().unwrap().apply(serde_json::from_str(&text).unwrap());
        death.point().await;
        Ok(())
    }
}

impl super::Lab {
    /// Runs until the process is killed or done; returns whether it was killed. A new process can run afterwards.
    pub(crate) async fn run_to_death(&self, desired: &[Desired]) -> bool {
        let died = tokio::select! {
            biased;
            () = self.died() => true,
            _ = self.try_run(desired) => false,
        };
        self.restart();
        died
    }

    /// Ends when the process is killed.
    pub(crate) async fn died(&self) {
        let death = self.world.death.lock().unwrap().clone();
        death.told.notified().await;
    }

    /// Starts a new process.
    pub(crate) fn restart(&self) {
        self.start(Death::new(None));
    }

    /// Starts a new process that is killed at this point.
    pub(crate) fn die_at(&self, at: usize) {
        self.start(Death::new(Some(at)));
    }

    fn start(&self, death: Death) {
        let death = Arc::new(death);
        *self.world.death.lock().unwrap() = death.clone();
        *self.memory.death.lock().unwrap() = death;
    }
}
