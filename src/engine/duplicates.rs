//! Second resources of one address: a create request whose answer was lost may leave one where AWS takes neither client token
//! nor name (docs/design-rules.md, rule 2). The recorded one stays, an empty and unused one is deleted, any other is reported.

use super::failure::{Failure, FailureKind};
use super::item::{Item, Observed, Readiness};
use super::plan::{Inputs, by_address};
use super::policy::DeletionPolicy;
use super::provider::Provider;
use super::recover::uses;
use crate::resource::{Idempotency, ownership};
use serde_json::Value;
use std::sync::Arc;

/// Attempts of a delete whose answer was lost or that was throttled.
const TRIES: usize = 3;

/// Resources that carry the address of another one.
#[derive(Debug, Clone, Default)]
pub struct Duplicates {
    /// Made under this state, empty and unused: deleted by the run.
    pub empty: Vec<Observed>,
    /// All others: reported, and left to the user.
    pub unclear: Vec<Observed>,
}

impl Duplicates {
    /// A duplicate as messages name it.
    pub fn name(duplicate: &Observed) -> String {
        format!("{} ({})", duplicate.address, duplicate.id)
    }
}

/// Finds the duplicates among what AWS shows.
pub fn duplicates(inputs: &Inputs<'_>) -> Duplicates {
    let chosen = by_address(inputs);
    let is_chosen = |seen: &&Observed| chosen.get(&seen.address).is_some_and(|chosen| chosen.id == seen.id);
    let all = || inputs.observed.into_iter().flatten();
    // A resource that AWS deletes already needs no action: the key of an earlier cluster waits up to thirty days for that.
    let others = all().filter(|seen| !is_chosen(seen) && seen.readiness != Readiness::Deleting);
    let (mut empty, unclear): (Vec<Observed>, Vec<Observed>) = others.cloned().partition(|duplicate| {
        let facts = duplicate.address.kind().facts();
        let recorded = inputs.state.resources.contains_key(&duplicate.address);
        let lineage = duplicate.tags.as_ref().and_then(|tags| tags.get(ownership::LINEAGE));
        recorded
            && facts.idempotency == Idempotency::TagOnly
            && !facts.holds_data
            && lineage.is_some_and(|lineage| *lineage == inputs.state.lineage)
            && !is_attached(duplicate)
            && !all().any(|other| uses(other, duplicate))
    });
    // Later kinds first, because they may be inside of an earlier one: AWS refuses to delete a VPC with a gateway attached.
    empty.sort_by(|a, b| b.address.cmp(&a.address));
    Duplicates { empty, unclear }
}

/// An internet gateway names the VPC that it is attached to.
fn is_attached(duplicate: &Observed) -> bool {
    duplicate.spec.get("vpc").and_then(Value::as_str).is_some_and(|vpc| !vpc.is_empty())
}

/// Deletes a duplicate; AWS refuses if it is in use after all.
///
/// # Errors
/// What AWS says; [`FailureKind::InUse`] when something uses it.
pub async fn delete_duplicate<P: Provider>(provider: &P, duplicate: &Observed, policy: &Arc<DeletionPolicy>) -> Result<(), Failure> {
    let item = Item::seen(duplicate);
    let mut tries = 0;
    loop {
        tries += 1;
        match provider.delete(item.clone(), policy.clone()).await {
            Err(failure) if failure.kind == FailureKind::NotFound => return Ok(()),
            Err(failure) if tries < TRIES && matches!(failure.kind, FailureKind::Busy | FailureKind::LostAnswer) => {}
            other => return other,
        }
    }
}
