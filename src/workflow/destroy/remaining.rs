//! What still exists after a destroy, and why.

use crate::engine::{Foreign, Reason};
use crate::resource::Address;

/// How everything is looked for, as shown to the user.
pub const SEARCHED_BY: [&str; 6] = [
    "ids and names of the state and the configuration",
    "ownership tags, service by service",
    "ownership tags across services (Resource Groups Tagging)",
    "the cluster's path in IAM",
    "tags, names and descriptions that controllers of Kubernetes give, in the cluster's VPC",
    "recovery points of its file systems",
];

/// A resource that still exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remaining {
    /// Its address.
    pub address: Address,
    /// Its AWS id.
    pub id: String,
    /// Why it still exists.
    pub reason: RemainingReason,
}

/// Why something still exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemainingReason {
    /// Kept for its data, as asked.
    Kept,
    /// AWS deletes it when its waiting period is over.
    Scheduled,
    /// It was made under another state.
    OtherLineage(Option<String>),
    /// Its deletion failed, or was not tried because something before it failed.
    Failed(String),
    /// The plan leaves it alone.
    HeldBack(Reason),
    /// AWS is still deleting it.
    BeingDeleted,
    /// It was not deleted, and no reason is known.
    NotDeleted,
    /// No inspection shows it, but its deletion is not confirmed either.
    Unconfirmed,
    /// It exists, but no longer carries our tags.
    Untagged,
}

/// What exists after a teardown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verification {
    /// Still existing although they should have been deleted.
    pub left: Vec<Remaining>,
    /// Kept for its data, as asked.
    pub kept: Vec<Remaining>,
    /// With the cluster's tags, but made under another state.
    pub others: Vec<Remaining>,
    /// Keys that are scheduled for deletion.
    pub scheduled: Vec<Remaining>,
    /// Resources of others that block the deletion of what is left.
    pub foreign: Vec<Foreign>,
}
