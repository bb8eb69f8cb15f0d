//! What a destroy found, did and left, for its report.

use super::inspection::{Inspection, Known};
use super::remaining::Verification;
use crate::engine::{Action, Connection, Outcome, Plan, Survey, Verb};
use crate::resource::Address;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Something that was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// Its address.
    pub address: Address,
    /// Its AWS id, where one was known.
    pub id: Option<String>,
}

/// What happened so far.
#[derive(Debug, Clone)]
pub struct TeardownRecord {
    /// Cluster name.
    pub cluster: String,
    /// Account id.
    pub account: String,
    /// Region.
    pub region: String,
    /// Lineage of the state under which everything was made.
    pub lineage: String,
    /// When it began.
    pub started: Timestamp,
    /// Data, protections, and resources of others that block the teardown, as they were at the beginning.
    pub survey: Survey,
    /// What was deleted.
    pub deleted: Vec<Deleted>,
    /// Recorded resources that no longer existed.
    pub forgotten: Vec<Address>,
    /// Leftovers of Kubernetes that blocked a deletion and were deleted: address and id.
    pub cleared: Vec<(Address, String)>,
    /// What went wrong, by address.
    pub failures: BTreeMap<Address, String>,
    /// What is left; `None` until that is determined.
    pub end: Option<End>,
    /// What the first inspection found.
    pub(super) known: Known,
}

/// How it ended.
#[derive(Debug, Clone)]
pub struct End {
    /// When.
    pub finished: Timestamp,
    /// Seconds that the rounds took.
    pub seconds: f64,
    /// What is left.
    pub verification: Verification,
}

impl TeardownRecord {
    pub(super) fn of(inspection: &Inspection, connection: &Connection) -> Self {
        Self {
            cluster: inspection.state.cluster.clone(),
            account: connection.account.clone(),
            region: connection.region.clone(),
            lineage: inspection.state.lineage.clone(),
            started: Timestamp::now(),
            survey: inspection.survey.clone(),
            deleted: Vec::new(),
            forgotten: Vec::new(),
            cleared: Vec::new(),
            failures: BTreeMap::new(),
            end: None,
            known: inspection.known(),
        }
    }

    /// Adds a round.
    pub(super) fn ran(&mut self, plan: &Plan, outcome: &Outcome) {
        let failed: BTreeSet<&Address> = outcome.failed.iter().map(|failed| &failed.address).chain(&outcome.skipped).collect();
        let done = plan.actions.iter().filter(|action| action.verb == Verb::Delete && !failed.contains(&action.address));
        let (done, forgotten): (Vec<&Action>, Vec<&Action>) = done.partition(|action| action.existing.is_some());
        self.deleted.extend(done.iter().map(|action| Deleted { address: action.address.clone(), id: action.id.clone() }));
        self.forgotten.extend(forgotten.iter().map(|action| action.address.clone()));
        self.cleared.extend(outcome.cleared.iter().cloned());
        self.failures.extend(outcome.failed.iter().map(|failed| (failed.address.clone(), failed.failure.to_string())));
        let skipped = outcome.skipped.iter().map(|address| (address.clone(), "not tried, because something before it failed".to_owned()));
        self.failures.extend(skipped);
    }

    /// Adds what is left.
    pub(super) fn close(&mut self, verification: &Verification, seconds: f64) {
        self.end = Some(End { finished: Timestamp::now(), seconds, verification: verification.clone() });
    }
}
