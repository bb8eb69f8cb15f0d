//! What stands in the way of a deletion, and what the cluster left there (RUN-4).

use super::item::Observed;
use crate::resource::Address;
use serde::Serialize;

/// Field of a leftover's spec: who made it, in words.
pub const MADE_BY: &str = "made_by";
/// Field of a leftover's spec: for what it was made, in words.
pub const MADE_FOR: &str = "made_for";
/// The controller that lives in the control plane and not on nodes.
pub const CLOUD_CONTROLLER: &str = "the cloud controller of EKS";

/// Something that AWS holds against a deletion.
#[derive(Debug, Clone, PartialEq)]
pub struct Blocker {
    /// Kind and id: `network interface eni-1`.
    pub name: String,
    /// What tags and description tell of who made it; empty when nothing does.
    pub origin: String,
    /// Whose it is.
    pub whose: Whose,
}

/// Whose something is that stands in the way.
#[derive(Debug, Clone, PartialEq)]
pub enum Whose {
    /// Part of the cluster: it goes in this run.
    Ours,
    /// Of a service that takes it away by itself: an instance that ends, the interface of a load balancer.
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
            Whose::Leaving => "going by itself",
            Whose::Leftover(_) => "left by Kubernetes",
            Whose::Foreign => "not ours",
        }
    }
}

impl std::fmt::Display for Blocker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.name)?;
        // Who made it matters where somebody must be asked.
        if self.whose == Whose::Foreign && !self.origin.is_empty() {
            write!(f, " ({})", self.origin)?;
        }
        write!(f, ", {}", self.whose.words())
    }
}

/// The blockers in a line, the foreign ones first.
pub(crate) fn listed(blockers: &[Blocker]) -> String {
    let mut sorted: Vec<&Blocker> = blockers.iter().collect();
    sorted.sort_by_key(|blocker| (blocker.whose != Whose::Foreign, blocker.name.clone()));
    let shown: Vec<String> = sorted.iter().take(5).map(ToString::to_string).collect();
    let more = sorted.len().saturating_sub(shown.len());
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!("{}{more}", shown.join("; "))
}

/// Something that is not of this cluster but stands in it: what it uses cannot be deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Foreign {
    /// Kind and id: `network interface eni-1`.
    pub name: String,
    /// What tags and description tell of who made it.
    pub origin: String,
    /// What of ours it keeps from being deleted.
    pub holds: Vec<Address>,
}
