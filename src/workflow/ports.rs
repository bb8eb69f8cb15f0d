//! What a workflow asks of the state and of the person.

use super::destroy::{Inspection, TeardownRecord};
use super::error::{Refusal, SavedAside};
use crate::engine::{Connection, Drained, Duplicates, Event, Failure, Plan};
use crate::resource::Address;
use crate::state::{Document, Recorder, StateError};
use std::future::Future;
use std::io;
use std::path::PathBuf;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

/// The state of a cluster, whose lock is held.
pub trait StateStore: Send + Sync {
    /// A run that writes it.
    type Writer: RunWriter;

    /// Where it is, for people.
    fn location(&self) -> String;

    /// Reads the document; `None` when there is none.
    fn load(&self) -> impl Future<Output = Result<Option<Document>, StateError>> + Send;

    /// Begins a run.
    fn begin(&self, document: Document) -> impl Future<Output = Result<Self::Writer, StateError>> + Send;

    /// Whether the lock is still held.
    ///
    /// # Errors
    /// Why it may not be.
    fn check_lock(&self) -> Result<(), String>;

    /// Saves a document that could not be written in its place. Never over an earlier one.
    ///
    /// # Errors
    /// When no file can be written.
    fn save_aside(&self, document: &Document) -> io::Result<PathBuf>;
}

/// A run that writes the state.
pub trait RunWriter: Recorder + Clone {
    /// The document with everything recorded so far, also what could not be written.
    fn document(&self) -> Document;

    /// Ends the run; nothing can be recorded afterwards.
    fn finish(&self) -> impl Future<Output = Result<Document, StateError>> + Send;
}

/// Something that a person should hear.
#[derive(Debug)]
pub enum Notice<'a> {
    /// Second objects of an address, and what becomes of them.
    Duplicates(&'a Duplicates),
    /// The plan of an apply.
    Plan {
        /// What would be done.
        plan: &'a Plan,
        /// A question or a refusal is about it, so it is shown in any case.
        needed: bool,
    },
    /// A run records its progress in the state.
    Recording {
        /// Where the state is.
        location: String,
    },
    /// A duplicate that nothing used was deleted.
    DuplicateDeleted {
        /// Its address and id.
        name: String,
    },
    /// A duplicate is used by something that is not ours, and stays.
    DuplicateInUse {
        /// Its address and id.
        name: String,
        /// What AWS says.
        failure: &'a Failure,
    },
    /// There is no state: what AWS shows by its tags is taken.
    NoState {
        /// Where it was looked for.
        location: String,
    },
    /// Resources with the cluster's tags were made under another state, and are left alone.
    OtherLineage {
        /// How many.
        count: usize,
    },
    /// The plan of a teardown.
    Teardown {
        /// The plan and what is known beside it.
        inspection: &'a Inspection,
        /// A question or a refusal is about it, so it is shown in any case.
        needed: bool,
    },
    /// A teardown runs again.
    NextRound {
        /// What the further round deletes.
        inspection: &'a Inspection,
    },
    /// There is nothing to destroy.
    NothingToDestroy,
    /// A run that was cut off may have created these a moment ago, and AWS may show them late.
    WaitingForCreations {
        /// How long is waited, in seconds of AWS's time.
        seconds: f64,
        /// What may appear.
        addresses: Vec<&'a Address>,
    },
    /// The cluster is not active, so its Services and Ingresses are not deleted through Kubernetes.
    NotDrainable,
    /// Services and Ingresses are being deleted.
    Draining,
    /// How draining goes.
    DrainProgress {
        /// In words.
        line: String,
    },
    /// Draining has ended.
    Drained {
        /// What became of them.
        drained: &'a Drained,
    },
    /// Draining failed; load balancers are deleted through AWS.
    DrainFailed {
        /// Why.
        failure: &'a Failure,
    },
}

/// A question before something is changed.
#[derive(Debug)]
pub enum Consent<'a> {
    /// Apply the plan that was shown.
    Apply {
        /// Where.
        connection: &'a Connection,
    },
    /// Destroy what was shown; answered by the cluster's name.
    Destroy {
        /// Where.
        connection: &'a Connection,
        /// The cluster's name.
        name: &'a str,
    },
}

/// The person, or the program that runs us.
pub trait Ui: Send + Sync {
    /// Says something.
    fn say(&self, notice: &Notice<'_>);

    /// Asks.
    fn ask(&self, question: &Consent<'_>) -> impl Future<Output = Result<(), Refusal>> + Send;

    /// Shows the events of a run until all their senders are gone.
    fn show(&self, events: UnboundedReceiver<Event>) -> JoinHandle<()>;

    /// A teardown has come so far. Nothing is broken off when this cannot be kept.
    fn note(&self, record: &TeardownRecord);
}

impl SavedAside {
    /// Saves what could not be written in its place.
    pub(super) fn save<S: StateStore>(store: &S, document: &Document, superseded: bool) -> Self {
        store.save_aside(document).map_or_else(SavedAside::Failed, |path| SavedAside::File { path, superseded })
    }
}
