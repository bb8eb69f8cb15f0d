//! What makes AWS refuse a deletion, and what the cluster left in the VPC (RUN-4).

use super::item::Observed;
use crate::resource::Address;
use serde::Serialize;

/// Field of a leftover's spec: who made it, as shown to the user.
pub const MADE_BY: &str = "made_by";
/// Field of a leftover's spec: for what it was made, as shown to the user.
pub const MADE_FOR: &str = "made_for";
/// The controller that runs in the control plane and not on nodes.
pub const CLOUD_CONTROLLER: &str = "the cloud controller of EKS";

/// A resource because of which AWS refuses a deletion.
#[derive(Debug, Clone, PartialEq)]
pub struct Blocker {
    /// Kind and id: `network interface eni-1`.
    pub name: String,
    /// Who made it, according to its tags and description; empty when they do not say.
    pub origin: String,
    /// Whose it is.
    pub whose: Whose,
}

/// Whose a blocker is.
#[derive(Debug, Clone, PartialEq)]
pub enum Whose {
    /// Part of the cluster: this run deletes it.
    Ours,
    /// Removed by AWS itself: an instance that is terminating, the interface of a deleted load balancer.
    Leaving,
    /// Left by what ran in the cluster: it may be deleted.
    Leftover(Box<Observed>),
    /// Not of this cluster: never touched.
    Foreign,
}

impl Whose {
    fn words(&self) -> &'static str {
        match self {
            Whose::Ours => "ours",
            Whose::Leaving => "removed by AWS itself",
            Whose::Leftover(_) => "left by Kubernetes",
            Whose::Foreign => "not ours",
        }
    }
}

impl std::fmt::Display for Blocker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.name)?;
        // Only of resources of others must the user know whom to ask.
        if self.whose == Whose::Foreign && !self.origin.is_empty() {
            write!(f, " ({})", self.origin)?;
        }
        write!(f, ", {}", self.whose.words())
    }
}

/// The blockers in one line, those of others first.
pub(crate) fn listed(blockers: &[Blocker]) -> String {
    let mut sorted: Vec<&Blocker> = blockers.iter().collect();
    sorted.sort_by_key(|blocker| (blocker.whose != Whose::Foreign, blocker.name.clone()));
    let shown: Vec<String> = sorted.iter().take(5).map(ToString::to_string).collect();
    let more = sorted.len().saturating_sub(shown.len());
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!("{}{more}", shown.join("; "))
}

/// A resource in the cluster's network that does not belong to it: what it uses cannot be deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Foreign {
    /// Kind and id: `network interface eni-1`.
    pub name: String,
    /// Who made it, according to its tags and description.
    pub origin: String,
    /// Resources of ours that cannot be deleted because of it.
    pub holds: Vec<Address>,
}
