//! Looking before anything is deleted, and again afterwards: ours, what Kubernetes left, what stands in the way, data.

use super::Subject;
use crate::aws::{Aws, data, foreign, leftovers, observe_all, observe_everything};
use crate::cli::exit::CliError;
use crate::cli::session::{Session, items, refuse_other_lineage, state_for};
use crate::engine::{INTENT_ATTRIBUTE, Inputs, Item, Observed, Scope, Survey, teardown, twins};
use crate::resource::{Attributes, Kind};
use crate::state::{Document, Status};
use serde_json::Value;
use std::collections::BTreeMap;

/// How far to look.
pub(in crate::cli) enum Means {
    /// By state, configuration and tags; wider where one of the two is missing.
    Known {
        /// Whether what holds data stays.
        keep_data: bool,
    },
    /// By every means, and under names that were known before.
    Everything {
        /// Whether what holds data stays.
        keep_data: bool,
        /// What was known before anything was deleted.
        names: Vec<Item>,
    },
}

/// Everything known before a decision.
pub(in crate::cli) struct Looked {
    pub(in crate::cli) session: Session,
    pub(in crate::cli) survey: Survey,
    /// What was looked for by name or id.
    pub(super) items: Vec<Item>,
    /// What Kubernetes left.
    pub(super) leftovers: Vec<Observed>,
    /// Whether the cluster is marked as protected, and as a test environment.
    pub(super) marks: crate::state::Marks,
}

impl Looked {
    /// Whether a run would do anything.
    pub(in crate::cli) fn has_work(&self) -> bool {
        self.session.has_work()
    }
}

/// Looks, and makes the plan. Writes nothing.
pub(in crate::cli) async fn look(mut aws: Aws, subject: &Subject, found: Option<Document>, means: Means) -> Result<Looked, CliError> {
    let has_state = found.is_some();
    let mut state = state_for(&aws, found)?;
    let wanted = subject.wanted();
    let mut items = items(&state, &wanted, &Attributes::new());
    let (keep_data, everything, first) = match means {
        Means::Known { keep_data } => (keep_data, !has_state || subject.loaded.is_none(), true),
        Means::Everything { keep_data, names } => {
            let unknown = names.into_iter().filter(|name| !state.resources.contains_key(&name.address)).map(nameless);
            let unknown: Vec<Item> = unknown.filter(|name| items.iter().all(|item| item.address != name.address)).collect();
            items.extend(unknown);
            (keep_data, true, false)
        }
    };
    let observed = if everything { observe_everything(&aws, items.clone()).await? } else { observe_all(&aws, items.clone()).await? };
    if has_state && first {
        refuse_other_lineage(&state, &observed)?;
    } else if let Some(lineage) = lineage(&observed).filter(|_| !has_state) {
        state.lineage = lineage;
    }
    items.extend(observed.iter().filter(|seen| !items.iter().any(|item| item.id == seen.id)).map(item_of).collect::<Vec<_>>());
    widen(&mut aws.scope, &state, &observed);
    let (leftovers, foreign) = tokio::try_join!(leftovers(&aws), foreign(&aws))?;
    let none = Attributes::new();
    let inputs = Inputs { desired: &[], state: &state, observed: Some(&observed), lookups: &none };
    let plan = teardown(&inputs, &leftovers, keep_data)?;
    let twins = twins(&inputs);
    let marks = subject.marks(state.marks);
    let survey = Survey { data: data(&aws, &plan, marks.ephemeral).await?, foreign };
    let session = Session { aws, state, lookups: Attributes::new(), observed, plan, twins, new_pins: BTreeMap::new() };
    Ok(Looked { session, survey, items, leftovers, marks })
}

/// What was found by its tags, to be looked for under its name later.
fn item_of(seen: &Observed) -> Item {
    Item {
        address: seen.address.clone(),
        spec: seen.spec.clone(),
        tags: seen.tags.clone().unwrap_or_default(),
        id: seen.id.clone(),
        attributes: seen.attributes.clone(),
    }
}

/// Known before by its id: from now on only by its name, and only when its tags say that it is ours. What was ours beyond
/// doubt is looked for harder: a log group that AWS writes anew has no tags.
fn nameless(mut item: Item) -> Item {
    if !item.id.is_empty() && item.address.kind() == Kind::LogGroup {
        item.attributes.insert(INTENT_ATTRIBUTE.to_owned(), String::new());
    }
    item.id.clear();
    item
}

/// The state that most of what AWS shows was made under.
fn lineage(observed: &[Observed]) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for seen in observed {
        if let Some(lineage) = seen.tags.as_ref().and_then(|tags| tags.get("domino-eks:lineage")) {
            *counts.entry(lineage).or_default() += 1;
        }
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(lineage, _)| lineage.to_owned())
}

/// Adds what is known of the cluster's surroundings; what was known before stays, as AWS may show less by now.
fn widen(scope: &mut Scope, state: &Document, observed: &[Observed]) {
    let recorded = state.resources.iter().map(|(address, record)| (address, &record.id, &record.spec));
    let seen = observed.iter().map(|seen| (&seen.address, &seen.id, &seen.spec));
    for (address, id, spec) in recorded.chain(seen) {
        scope.ours.insert(id.clone(), address.clone());
        match address.kind() {
            Kind::Vpc => {
                scope.vpcs.insert(id.clone());
                scope.owns_vpc = true;
            }
            Kind::AutoScalingGroup => drop(scope.groups.insert(id.clone())),
            Kind::EfsFileSystem => drop(scope.file_systems.insert(id.clone())),
            Kind::SecurityGroup => scope.vpcs.extend(spec.get("vpc").and_then(Value::as_str).map(str::to_owned)),
            _ => {}
        }
    }
    scope.vpcs.retain(|vpc| vpc.starts_with("vpc-"));
}

/// What was kept for its data.
pub(super) fn is_retained(state: &Document, seen: &Observed) -> bool {
    state.resources.get(&seen.address).is_some_and(|record| record.status == Status::Retained && record.id == seen.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Readiness;
    use crate::resource::Address;
    use serde_json::json;

    fn seen(kind: Kind, id: &str, spec: Value, lineage: &str) -> Observed {
        Observed {
            address: Address::new(kind, "main"),
            id: id.to_owned(),
            attributes: BTreeMap::new(),
            spec,
            tags: Some(BTreeMap::from([("domino-eks:lineage".to_owned(), lineage.to_owned())])),
            readiness: Readiness::Ready,
        }
    }

    #[test]
    fn the_surroundings_are_read_from_what_is_ours() {
        let state = Document::new("1", "aws", "us-west-2", "c");
        let observed = [
            seen(Kind::SecurityGroup, "sg-1", json!({ "vpc": "vpc-9" }), "a"),
            seen(Kind::AutoScalingGroup, "c-platform", json!({}), "a"),
            seen(Kind::EfsFileSystem, "fs-1", json!({}), "b"),
        ];
        let mut scope = Scope::default();
        widen(&mut scope, &state, &observed);
        assert!(scope.vpcs.contains("vpc-9") && !scope.owns_vpc, "a network of somebody else's");
        assert!(scope.groups.contains("c-platform") && scope.file_systems.contains("fs-1"));
        widen(&mut scope, &state, &[seen(Kind::Vpc, "vpc-1", json!({}), "a")]);
        assert!(scope.owns_vpc && scope.vpcs.len() == 2);
        assert_eq!(lineage(&observed).as_deref(), Some("a"));
    }
}
