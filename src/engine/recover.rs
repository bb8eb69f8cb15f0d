//! A lost state, rebuilt from what AWS shows: tags tell which resources are ours and their addresses (RUN-2).

use super::item::{Observed, Readiness};
use super::plan::Inputs;
use crate::resource::{Address, Attributes, Desired, REF_KEY, ownership, resolve_known};
use crate::state::{Document, Record, RecordStatus};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A state that cannot be rebuilt without a decision of the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecoverError {
    /// Several resources have the same address, and more than one of them is in use.
    #[error("{address} exists several times, and each is used by something: {}", .ids.join(", "))]
    Duplicates {
        /// Their common address.
        address: Address,
        /// Their ids.
        ids: Vec<String>,
    },
}

/// The state with a record for every observed resource of its lineage. `inputs.state` is the empty document to fill: it names
/// the lineage. `pinned` are the keys of look-ups whose answers are kept; they are read back from the resources made with them.
///
/// # Errors
/// When two resources have the same address and both are in use.
pub fn recover(inputs: &Inputs<'_>, pinned: &BTreeSet<String>) -> Result<Document, RecoverError> {
    let mut state = inputs.state.clone();
    let chosen = chosen(&state.lineage, inputs.observed.unwrap_or_default())?;
    let wanted: HashMap<&Address, &Desired> = inputs.desired.iter().map(|desired| (&desired.address, desired)).collect();
    state.pins.extend(pins(&chosen, &wanted, inputs.lookups, pinned));
    let mut known = inputs.lookups.clone();
    known.extend(state.attributes());
    known.extend(chosen.iter().map(|(address, seen)| (address.to_string(), seen.attributes.clone())));
    for (address, seen) in &chosen {
        let record = match wanted.get(address) {
            Some(desired) => of_wanted(desired, seen, &known),
            None => of_unwanted(seen, &chosen),
        };
        state.resources.insert((*address).clone(), record);
    }
    Ok(state)
}

/// Whether it was made under this lineage; a resource that takes no tags is shown with those of its parent.
fn is_ours(lineage: &str, seen: &Observed) -> bool {
    seen.tags.as_ref().and_then(|tags| tags.get(ownership::LINEAGE)).is_some_and(|tag| tag == lineage)
}

/// One resource for each address; of duplicates, the one that something else uses.
fn chosen<'a>(lineage: &str, observed: &'a [Observed]) -> Result<BTreeMap<&'a Address, &'a Observed>, RecoverError> {
    let mut groups: BTreeMap<&Address, Vec<&Observed>> = BTreeMap::new();
    for seen in observed.iter().filter(|seen| is_ours(lineage, seen)) {
        groups.entry(&seen.address).or_default().push(seen);
    }
    let pick = |(address, group): (&'a Address, Vec<&'a Observed>)| {
        let alive = |seen: &&Observed| !is_dying(seen);
        let is_used = |seen: &&Observed| observed.iter().filter(alive).any(|other| uses(other, seen));
        let candidates: Vec<&Observed> =
            if group.iter().any(|seen| !is_dying(seen)) { group.into_iter().filter(alive).collect() } else { group };
        let used: Vec<&Observed> = candidates.iter().copied().filter(is_used).collect();
        match used.as_slice() {
            [] => Ok((address, candidates[0])),
            [one] => Ok((address, *one)),
            several => {
                let ids = several.iter().map(|seen| seen.id.clone()).collect();
                Err(RecoverError::Duplicates { address: address.clone(), ids })
            }
        }
    };
    groups.into_iter().map(pick).collect()
}

/// Whether it has failed or is being deleted.
fn is_dying(seen: &Observed) -> bool {
    matches!(seen.readiness, Readiness::Deleting | Readiness::Failed(_))
}

/// Whether `user` names `used` in its spec, by id or ARN.
pub(crate) fn uses(user: &Observed, used: &Observed) -> bool {
    user.id != used.id && (mentions(&user.spec, &used.id) || used.attributes.get("arn").is_some_and(|arn| mentions(&user.spec, arn)))
}

fn mentions(value: &Value, text: &str) -> bool {
    match value {
        Value::String(found) => found == text,
        Value::Array(items) => items.iter().any(|item| mentions(item, text)),
        Value::Object(map) => map.values().any(|item| mentions(item, text)),
        _ => false,
    }
}

/// The record of a desired resource: fields read from AWS count as applied, the others are taken from the configuration.
fn of_wanted(desired: &Desired, seen: &Observed, known: &Attributes) -> Record {
    let mut spec = resolve_known(&desired.spec, known);
    if let (Some(spec), Some(read)) = (spec.as_object_mut(), seen.spec.as_object()) {
        spec.extend(read.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    let has = |key: &String, value: &String| seen.tags.as_ref().is_none_or(|tags| tags.get(key) == Some(value));
    let tags = desired.tags.iter().filter(|(key, value)| has(key, value)).map(|(key, value)| (key.clone(), value.clone())).collect();
    Record {
        id: seen.id.clone(),
        status: status(seen),
        spec,
        tags,
        attributes: seen.attributes.clone(),
        dependencies: desired.dependencies(),
    }
}

/// The record of a resource that the configuration does not name: it will be deleted, after what uses it.
fn of_unwanted(seen: &Observed, chosen: &BTreeMap<&Address, &Observed>) -> Record {
    let dependencies = chosen.iter().filter(|(_, other)| uses(seen, other)).map(|(address, _)| (*address).clone()).collect();
    Record {
        id: seen.id.clone(),
        status: status(seen),
        spec: seen.spec.clone(),
        tags: BTreeMap::new(),
        attributes: seen.attributes.clone(),
        dependencies,
    }
}

fn status(seen: &Observed) -> RecordStatus {
    match seen.readiness {
        // As "creating", a failed cluster would be replaced by the next apply; as "ready", its plan is blocked and the user decides.
        Readiness::Ready | Readiness::Failed(_) => RecordStatus::Ready,
        Readiness::Deleting => RecordStatus::Deleting,
        Readiness::NotYet(_) => RecordStatus::Creating,
    }
}

/// The answers of look-ups as they were when the resources were made, so that the image of running nodes stays pinned.
fn pins(
    chosen: &BTreeMap<&Address, &Observed>,
    wanted: &HashMap<&Address, &Desired>,
    lookups: &Attributes,
    pinned: &BTreeSet<String>,
) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for (address, seen) in chosen {
        let Some(desired) = wanted.get(address) else { continue };
        collect(&desired.spec, &seen.spec, &mut |key: &str, attribute: &str, value: &str| {
            if pinned.contains(key) {
                let answer = found.entry(key.to_owned()).or_insert_with(|| lookups.get(key).cloned().unwrap_or_default());
                answer.insert(attribute.to_owned(), value.to_owned());
            }
        });
    }
    found
}

/// Every reference of a spec together with the text that AWS shows in its place.
fn collect(desired: &Value, seen: &Value, take: &mut impl FnMut(&str, &str, &str)) {
    let Some(fields) = desired.as_object() else { return };
    if let (Some(target), Some(text)) = (fields.get(REF_KEY).and_then(Value::as_str), seen.as_str()) {
        if let Some((key, attribute)) = target.split_once('#') {
            take(key, attribute, text);
        }
        return;
    }
    for (name, inner) in fields {
        if let Some(seen) = seen.get(name) {
            collect(inner, seen, take);
        }
    }
}
