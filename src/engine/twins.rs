//! Second objects of one address: what a request whose answer was lost may leave where AWS knows neither token nor name
//! (design rule 2). The recorded one stays; an empty one that nothing uses goes; any other is for a person to judge.

use super::plan::{Inputs, by_address};
use super::provider::{Failure, FailureKind, Item, Observed, Provider};
use super::recover::uses;
use crate::resource::{Address, Identity};
use serde_json::Value;

/// Tries of a delete that was not answered or came too fast.
const TRIES: usize = 3;

/// Objects that carry the address of another one.
#[derive(Debug, Clone, Default)]
pub struct Twins {
    /// Of this state, empty and used by nothing: to be deleted.
    pub empty: Vec<Observed>,
    /// All others.
    pub unclear: Vec<Observed>,
}

impl Twins {
    /// How people see one.
    pub fn name(twin: &Observed) -> String {
        format!("{} ({})", twin.address, twin.id)
    }
}

/// Finds them.
pub fn twins(inputs: &Inputs<'_>) -> Twins {
    let chosen = by_address(inputs);
    let is_chosen = |seen: &&Observed| chosen.get(&seen.address).is_some_and(|chosen| chosen.id == seen.id);
    let all = || inputs.observed.into_iter().flatten();
    let (empty, unclear) = all().filter(|seen| !is_chosen(seen)).cloned().partition(|twin| {
        let facts = twin.address.kind().facts();
        let recorded = inputs.state.resources.contains_key(&twin.address);
        let lineage = twin.tags.as_ref().and_then(|tags| tags.get("domino-eks:lineage"));
        recorded
            && facts.identity == Identity::TagOnly
            && !facts.holds_data
            && lineage.is_some_and(|lineage| *lineage == inputs.state.lineage)
            && !is_attached(twin)
            && !all().any(|other| uses(other, twin))
    });
    Twins { empty, unclear }
}

/// An internet gateway says itself what it belongs to.
fn is_attached(twin: &Observed) -> bool {
    twin.spec.get("vpc").and_then(Value::as_str).is_some_and(|vpc| !vpc.is_empty())
}

/// Deletes the empty ones, what may lie in another first. AWS refuses what is not empty after all.
///
/// # Errors
/// Each that could not be deleted, with its address.
pub async fn delete_twins<P: Provider>(provider: &P, empty: &[Observed]) -> Result<(), Vec<(Address, Failure)>> {
    let mut failed = Vec::new();
    let mut ordered: Vec<&Observed> = empty.iter().collect();
    ordered.sort_by(|a, b| b.address.cmp(&a.address));
    for twin in ordered {
        let item = Item {
            address: twin.address.clone(),
            spec: twin.spec.clone(),
            tags: twin.tags.clone().unwrap_or_default(),
            id: twin.id.clone(),
            attributes: twin.attributes.clone(),
        };
        let mut result = provider.delete(item.clone()).await;
        for _ in 1..TRIES {
            match &result {
                Err(failure) if matches!(failure.kind, FailureKind::Busy | FailureKind::LostAnswer) => {
                    result = provider.delete(item.clone()).await;
                }
                _ => break,
            }
        }
        match result {
            Err(failure) if failure.kind != FailureKind::NotFound => failed.push((twin.address.clone(), failure)),
            _ => {}
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(failed) }
}
