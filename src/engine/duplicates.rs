//! Second objects of one address: what a request whose answer was lost may leave where AWS knows neither token nor name
//! (docs/design-rules.md, rule 2). The recorded one stays; an empty one that nothing uses goes; any other is for a person to judge.

use super::failure::{Failure, FailureKind};
use super::item::{Item, Observed, Readiness};
use super::plan::{Inputs, by_address};
use super::policy::DeletionPolicy;
use super::provider::Provider;
use super::recover::uses;
use crate::resource::{Idempotency, ownership};
use serde_json::Value;
use std::sync::Arc;

/// Tries of a delete that was not answered or came too fast.
const TRIES: usize = 3;

/// Objects that carry the address of another one.
#[derive(Debug, Clone, Default)]
pub struct Duplicates {
    /// Of this state, empty and used by nothing: to be deleted.
    pub empty: Vec<Observed>,
    /// All others.
    pub unclear: Vec<Observed>,
}

impl Duplicates {
    /// How people see one.
    pub fn name(duplicate: &Observed) -> String {
        format!("{} ({})", duplicate.address, duplicate.id)
    }
}

/// Finds them.
pub fn duplicates(inputs: &Inputs<'_>) -> Duplicates {
    let chosen = by_address(inputs);
    let is_chosen = |seen: &&Observed| chosen.get(&seen.address).is_some_and(|chosen| chosen.id == seen.id);
    let all = || inputs.observed.into_iter().flatten();
    // What is going already is nobody's concern: a key of an earlier life for weeks.
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
    // What may lie in another one first.
    empty.sort_by(|a, b| b.address.cmp(&a.address));
    Duplicates { empty, unclear }
}

/// An internet gateway says itself what it belongs to.
fn is_attached(duplicate: &Observed) -> bool {
    duplicate.spec.get("vpc").and_then(Value::as_str).is_some_and(|vpc| !vpc.is_empty())
}

/// Deletes one; AWS refuses when it is not empty after all.
///
/// # Errors
/// What AWS says; [`FailureKind::InUse`] when somebody uses it.
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
