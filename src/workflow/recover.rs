//! `state recover`: a lost or damaged state, rebuilt from what AWS shows. Nothing in AWS is changed.

use super::error::WorkflowError;
use super::lineage::the_lineage;
use super::session::items;
use super::target::{Loaded, teardown_policy};
use crate::blueprint::{Blueprint, blueprint};
use crate::engine::{Discovery, Duplicates, INTENT_ATTRIBUTE, Inputs, Observed, Plan, Readiness, duplicates, plan, recover};
use crate::resource::Attributes;
use crate::state::Document;
use std::collections::{BTreeMap, BTreeSet};

/// Largest number of inspections: one looks for the children of the resources whose ids the one before it found.
const INSPECTIONS: usize = 4;

/// What AWS shows of a cluster whose state is lost.
#[derive(Debug)]
pub struct Recovered {
    /// The rebuilt state.
    pub state: Document,
    /// Second resources of an address.
    pub duplicates: Duplicates,
    /// What an apply would do with this state.
    pub plan: Plan,
}

/// Rebuilds the state from what AWS shows, on the empty document `blank`; nothing when AWS shows nothing of the cluster.
/// `lineage` chooses between several.
///
/// # Errors
/// When AWS refuses, and when it is not clear which state or resource is meant.
pub async fn search<P: Discovery>(
    provider: &P,
    loaded: &Loaded,
    blank: &Document,
    lineage: Option<&str>,
) -> Result<Option<Recovered>, WorkflowError> {
    let wanted = blueprint(&loaded.config);
    let pinned: BTreeSet<String> =
        wanted.lookups.iter().filter(|lookup| lookup.question.is_pinned()).map(|lookup| lookup.key.clone()).collect();
    let answers = provider.lookups(&wanted.lookups, &BTreeMap::new()).await?;
    let mut state = blank.clone();
    let mut observed = inspect(provider, &state, &wanted, &answers).await?;
    let Some(lineage) = the_lineage(&observed, lineage)? else { return Ok(None) };
    state.lineage = lineage;
    state.teardown_policy = teardown_policy(&loaded.config);
    for _ in 0..INSPECTIONS {
        let inputs = Inputs { desired: &wanted.resources, state: &state, observed: Some(&observed), lookups: &answers };
        let next = recover(&inputs, &pinned)?;
        let grew = next.resources.len() > state.resources.len();
        state = next;
        if !grew {
            break;
        }
        // Resources that take no tags are found through the ids of their parents.
        observed = merged(observed, inspect(provider, &state, &wanted, &answers).await?);
    }
    let mut known: Attributes = answers;
    known.extend(state.pins.iter().map(|(key, values)| (key.clone(), values.clone())));
    let inputs = Inputs { desired: &wanted.resources, state: &state, observed: Some(&observed), lookups: &known };
    let (plan, duplicates) = (plan(&inputs)?, duplicates(&inputs));
    Ok(Some(Recovered { state, duplicates, plan }))
}

async fn inspect<P: Discovery>(
    provider: &P,
    state: &Document,
    wanted: &Blueprint,
    answers: &Attributes,
) -> Result<Vec<Observed>, WorkflowError> {
    let mut items = items(state, &wanted.resources, answers);
    // The creation of an unknown resource may have been interrupted before it got its name: a key has no alias then.
    for item in items.iter_mut().filter(|item| item.id.is_empty()) {
        item.attributes.insert(INTENT_ATTRIBUTE.to_owned(), String::new());
    }
    Ok(provider.observe_all(items).await?)
}

/// The later inspection, completed with tags and attributes that only the first one read: they are not read again for what is
/// recorded.
fn merged(first: Vec<Observed>, later: Vec<Observed>) -> Vec<Observed> {
    let mut before: BTreeMap<_, _> = first.into_iter().map(|seen| ((seen.address.clone(), seen.id.clone()), seen)).collect();
    let with_before = |mut seen: Observed| {
        if let Some(before) = before.remove(&(seen.address.clone(), seen.id.clone())) {
            seen.tags = seen.tags.or(before.tags);
            seen.attributes = before.attributes.into_iter().chain(seen.attributes).collect();
            // Found by its id it looks complete; only the inspection without ids also checked that its creation was completed.
            if seen.readiness == Readiness::Ready && matches!(before.readiness, Readiness::NotYet(_)) {
                seen.readiness = before.readiness;
            }
        }
        seen
    };
    later.into_iter().map(with_before).collect()
}
