//! The events of a run, as one stream: the progress view, JSON lines and the report are made from it.

use super::plan::Verb;
use crate::resource::Address;
use serde::Serialize;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The run begins.
    RunStarted {
        /// Number of steps.
        steps: usize,
        /// Expected seconds along the critical path.
        expected_seconds: u64,
    },
    /// A step's first call is about to be sent.
    StepStarted {
        /// What it is about.
        address: Address,
        /// What is done.
        action: Verb,
        /// Expected seconds of the step.
        expected_seconds: u64,
        /// Expected seconds from its start to the end of the run, along the longest path.
        path_seconds: u64,
    },
    /// AWS created the resource and returned its id.
    StepCreated {
        /// What was created.
        address: Address,
        /// Its AWS id.
        id: String,
    },
    /// The step waits: for AWS, or before it tries again.
    StepWaiting {
        /// What waits.
        address: Address,
        /// For what, as shown to the user.
        why: String,
    },
    /// A leftover of Kubernetes blocked a deletion, and was deleted.
    Cleared {
        /// What was deleted.
        address: Address,
        /// Its AWS id.
        id: String,
        /// The resource whose deletion it blocked.
        held: Address,
    },
    /// The step is done.
    StepDone {
        /// What it is about.
        address: Address,
        /// What was done.
        action: Verb,
        /// Seconds that it took.
        seconds: f64,
    },
    /// The step failed.
    StepFailed {
        /// What it is about.
        address: Address,
        /// What was tried.
        action: Verb,
        /// What went wrong.
        error: String,
        /// What it leaves behind.
        left: LeftBehind,
    },
    /// The step was not tried because something before it failed.
    StepSkipped {
        /// What it is about.
        address: Address,
        /// What failed before it.
        because: Address,
    },
    /// The user asked to stop; nothing new is started.
    Stopping,
    /// The run ends.
    RunFinished {
        /// Steps done.
        done: usize,
        /// Steps failed.
        failed: usize,
        /// Steps skipped or not started.
        skipped: usize,
        /// Seconds since the start.
        seconds: f64,
        /// Expected seconds along the critical path.
        expected_seconds: u64,
        /// Whether the user stopped it.
        cancelled: bool,
    },
}

/// What a failed step leaves behind (docs/design-rules.md, rule 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftBehind {
    /// Nothing.
    Nothing,
    /// Something that is recorded in the state.
    Recorded,
    /// Something may exist; its intent is kept and the next run looks for it.
    Unknown,
}
