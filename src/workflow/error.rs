//! How a workflow can end without success. Exit codes and hints are added in `cli/exit.rs`.

use crate::config::model::Lifecycle;
use crate::engine::{Failure, LookupError, PlanError, RecoverError, RunError};
use crate::resource::Address;
use crate::state::StateError;
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

/// Largest number of names in a message; the rest is counted.
const MOST_NAMES: usize = 5;

/// Why a workflow did not complete.
#[derive(Debug, thiserror::Error)]
pub enum WorkflowError {
    /// A call failed.
    #[error(transparent)]
    Provider(#[from] Failure),
    /// A look-up has no usable answer.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The state cannot be read, locked or written.
    #[error(transparent)]
    State(#[from] StateError),
    /// The plan cannot be made.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The state cannot be rebuilt.
    #[error(transparent)]
    Recover(#[from] RecoverError),
    /// The run had to be ended.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Refused before anything was changed.
    #[error("{0}; nothing was changed")]
    Refused(Box<Refusal>),
    /// The user stopped it before anything was changed.
    #[error("interrupted; nothing was changed")]
    Interrupted,
    /// The user stopped it while a cluster was drained.
    #[error("interrupted; some Services and Ingresses may be deleted already, nothing else was changed")]
    InterruptedDrain,
    /// The lock was lost.
    #[error("{0}")]
    LockLost(String),
    /// An entry could not be recorded.
    #[error("the state cannot be written: {0}")]
    NotRecorded(#[source] StateError),
    /// The last write of a run did not succeed.
    #[error("{source}")]
    NotSaved {
        /// Why.
        source: Box<WorkflowError>,
        /// Where the document was saved instead.
        saved: SavedAside,
    },
    /// The store did not answer the last write of a run.
    #[error("{location} did not answer: the state could not be written")]
    NoAnswer {
        /// Where the state is.
        location: String,
    },
    /// The inspection after a run failed.
    #[error("what was done is recorded, but what is left could not be determined: {}", without_nothing_changed(.0))]
    Unverified(#[source] Box<WorkflowError>),
}

/// Where the document of a run is when it could not be written to its location.
#[derive(Debug)]
pub enum SavedAside {
    /// Beside the configuration.
    File {
        /// The file.
        path: PathBuf,
        /// Whether another run has written a newer state meanwhile, so that this one must not be pushed.
        superseded: bool,
    },
    /// It could not be saved there either.
    Failed(io::Error),
}

impl WorkflowError {
    /// An inspection after a run failed: it says nothing about what was done.
    pub(super) fn unverified(error: WorkflowError) -> Self {
        WorkflowError::Unverified(Box::new(error))
    }
}

impl From<Refusal> for WorkflowError {
    fn from(refusal: Refusal) -> Self {
        WorkflowError::Refused(Box::new(refusal))
    }
}

fn without_nothing_changed(error: &WorkflowError) -> String {
    error.to_string().trim_end_matches("; nothing was changed").to_owned()
}

/// Why nothing was started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The state belongs to another account, region, partition or cluster.
    #[error("the state {0}")]
    OtherOwner(String),
    /// AWS has resources of the cluster that this state does not know.
    #[error("AWS holds {} resources tagged as cluster `{cluster}` that this state does not know ({})", .addresses.len(), listed(.addresses))]
    OtherLineage {
        /// Cluster name.
        cluster: String,
        /// Region.
        region: String,
        /// Their addresses.
        addresses: BTreeSet<Address>,
        /// Lineages in their tags.
        lineages: BTreeSet<String>,
        /// Whether this state knows nothing yet.
        state_is_empty: bool,
    },
    /// The resources were made under several states, and none was chosen.
    #[error("the resources were made under several states: {0}")]
    SeveralLineages(String),
    /// No resource has the lineage that was asked for.
    #[error("AWS holds nothing of lineage {asked}")]
    LineageAbsent {
        /// What was asked for.
        asked: String,
        /// The lineages that exist instead; empty when there are none.
        present: String,
    },
    /// The state is of another lineage than was asked for.
    #[error("the state is of lineage {recorded}, not {asked}")]
    LineageDiffers {
        /// What was asked for.
        asked: String,
        /// The lineage of the state.
        recorded: String,
    },
    /// The plan has changes that cannot be made.
    #[error("a change is blocked")]
    Blocked,
    /// `protect: true` in the file, or in the configuration applied last.
    #[error("cluster `{0}` is protected")]
    ProtectedCluster(String),
    /// AWS would refuse to delete these.
    #[error("protected against deletion: {}", listed(.0))]
    ProtectedInAws(Vec<String>),
    /// `--lift-protection` with `--yes` and without the cluster's name.
    #[error("`--lift-protection` needs the cluster's name")]
    LiftNeedsName(String),
    /// Auto Scaling Groups that have lost our tags.
    #[error("recorded, but without our tags, so perhaps not ours any more: {}; its nodes use what would be deleted", listed(.0))]
    UntaggedNodes(Vec<String>),
    /// There is data, and neither `--delete-data` nor `--retain-data`.
    #[error("Refused: these resources hold or may hold data: {}", listed(.0))]
    Data(Vec<String>),
    /// `--yes` alone, on a cluster that is not `lifecycle: ephemeral`.
    #[error("`--yes` alone destroys only clusters with `lifecycle: ephemeral`{}", why_not_ephemeral(*.written, *.has_state))]
    NotEphemeral {
        /// Cluster name.
        name: String,
        /// What the configuration says, where there is one.
        written: Option<Lifecycle>,
        /// Whether there is a state, which records what was applied.
        has_state: bool,
    },
    /// Standard input is no terminal; the flag that answers the question.
    #[error("there is no terminal to ask on")]
    NoTerminal(String),
    /// The user did not answer `yes`.
    #[error("not confirmed")]
    NotConfirmed,
    /// The user typed another name.
    #[error("`{typed}` is not the cluster's name `{name}`")]
    WrongName {
        /// What was typed.
        typed: String,
        /// The name.
        name: String,
    },
}

/// The first few, and how many more.
fn listed<T: std::fmt::Display>(all: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>) -> String {
    let all = all.into_iter();
    let more = all.len().saturating_sub(MOST_NAMES);
    let shown = all.take(MOST_NAMES).map(|one| one.to_string()).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// Why `--yes` is not enough: `lifecycle` counts only once it was applied.
fn why_not_ephemeral(written: Option<Lifecycle>, has_state: bool) -> &'static str {
    match (written, has_state) {
        (Some(Lifecycle::Ephemeral), true) => ": the file says so, but it was not applied since",
        (Some(Lifecycle::Ephemeral), false) => ": the file says so, but there is no state to say that it was applied",
        (None, false) => ": without a state nothing says that this is one",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_yes_is_not_enough() {
        let why = |written, has_state| Refusal::NotEphemeral { name: "c".to_owned(), written, has_state }.to_string();
        assert!(why(Some(Lifecycle::Ephemeral), true).ends_with("`lifecycle: ephemeral`: the file says so, but it was not applied since"));
        assert!(why(Some(Lifecycle::Ephemeral), false).contains("the file says so, but there is no state"));
        assert!(why(None, false).contains("without a state"));
        for has_state in [true, false] {
            assert!(why(Some(Lifecycle::Permanent), has_state).ends_with("`lifecycle: ephemeral`"));
        }
    }

    #[test]
    fn five_names_are_listed_and_the_rest_is_counted() {
        assert_eq!(listed(["a", "b"]), "a, b");
        assert_eq!(listed(["a", "b", "c", "d", "e", "f", "g"]), "a, b, c, d, e and 2 more");
    }

    #[test]
    fn a_failed_verification_does_not_say_that_nothing_was_changed() {
        let error = WorkflowError::Unverified(Box::new(Refusal::Blocked.into()));
        assert!(error.to_string().ends_with("could not be determined: a change is blocked"), "{error}");
    }
}
