//! The traits through which a workflow uses the state and talks to the user.

use super::destroy::inspection::Inspection;
use super::destroy::record::TeardownRecord;
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
    /// The writer of a run.
    type Writer: RunWriter;

    /// Where it is, as shown to the user.
    fn location(&self) -> String;

    /// Reads the document; `None` when there is none.
    fn load(&self) -> impl Future<Output = Result<Option<Document>, StateError>> + Send;

    /// Begins a run.
    fn begin(&self, document: Document) -> impl Future<Output = Result<Self::Writer, StateError>> + Send;

    /// Whether the lock is still held.
    ///
    /// # Errors
    /// Why the lock may be lost.
    fn check_lock(&self) -> Result<(), String>;

    /// Saves a document that could not be written to its location. Never overwrites an earlier file.
    ///
    /// # Errors
    /// When no file can be written.
    fn save_aside(&self, document: &Document) -> io::Result<PathBuf>;
}

/// A run that writes the state.
pub trait RunWriter: Recorder + Clone {
    /// The document with everything recorded so far, including entries that could not be written.
    fn document(&self) -> Document;

    /// Ends the run; nothing can be recorded afterwards.
    fn finish(&self) -> impl Future<Output = Result<Document, StateError>> + Send;
}

/// Something that the user is told.
#[derive(Debug)]
pub enum Notice<'a> {
    /// Second resources of an address, and whether they are deleted.
    Duplicates(&'a Duplicates),
    /// The plan of an apply.
    Plan {
        /// What would be done.
        plan: &'a Plan,
        /// Whether a question or a refusal refers to it: then it is shown also with `--quiet`.
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
    /// A duplicate is used by a resource of others, and stays.
    DuplicateInUse {
        /// Its address and id.
        name: String,
        /// What AWS says.
        failure: &'a Failure,
    },
    /// There is no state, so resources are found by their tags.
    NoState {
        /// Where it was looked for.
        location: String,
        /// A question follows, so it is shown in any case.
        needed: bool,
    },
    /// Resources with the cluster's tags were made under another state and are left alone.
    OtherLineage {
        /// How many.
        count: usize,
    },
    /// The plan of a teardown.
    Teardown {
        /// The plan, and what else was found.
        inspection: &'a Inspection,
        /// Whether a question or a refusal refers to it: then it is shown also with `--quiet`.
        needed: bool,
    },
    /// A teardown runs again.
    NextRound {
        /// What the further round deletes.
        inspection: &'a Inspection,
    },
    /// There is nothing to destroy.
    NothingToDestroy,
    /// A killed run may have created these a moment ago, and AWS may show them late.
    WaitingForCreations {
        /// Length of the wait, in unscaled seconds.
        seconds: f64,
        /// What may appear.
        addresses: Vec<&'a Address>,
    },
    /// The cluster is not active, so its Services and Ingresses are not deleted through Kubernetes.
    NotDrainable,
    /// Services and Ingresses are being deleted.
    Draining,
    /// Progress of draining.
    DrainProgress {
        /// A line for the user.
        line: String,
    },
    /// Draining has ended.
    Drained {
        /// Which were deleted and which remain.
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

/// The user, or the program that runs the command.
pub trait Ui: Send + Sync {
    /// Shows a notice.
    fn say(&self, notice: &Notice<'_>);

    /// Asks a question; a refusal unless it was answered as required.
    fn ask(&self, question: &Consent<'_>) -> impl Future<Output = Result<(), Refusal>> + Send;

    /// Shows the events of a run until all their senders are gone.
    fn show(&self, events: UnboundedReceiver<Event>) -> JoinHandle<()>;

    /// Writes the record of a teardown so far. A failure to write it does not end the teardown.
    fn note(&self, record: &TeardownRecord);
}

impl SavedAside {
    /// Saves a document that could not be written to its location.
    pub(super) fn save<S: StateStore>(store: &S, document: &Document, superseded: bool) -> Self {
        store.save_aside(document).map_or_else(SavedAside::Failed, |path| SavedAside::File { path, superseded })
    }
}
