//! Looking before anything is deleted, and again afterwards: ours, what Kubernetes left, what stands in the way, data.

use super::Subject;
use super::proof::is_scheduled;
use crate::aws::{Aws, Namesake, another_cluster, claims, data, disowned, foreign, leftovers, observe_everything, protections};
use crate::cli::exit::{CliError, Exit};
use crate::cli::session::{Session, items, lineage_of, refuse_other_lineage, state_for, the_lineage};
use crate::engine::{
    Action, Disowned, Foreign, INTENT_ATTRIBUTE, Inputs, Item, Observed, Plan, Scope, Survey, Twins, Verb, hold_back, is_kept, teardown,
    twins,
};
use crate::resource::{Address, Attributes, Kind};
use crate::state::{Document, Status, TeardownPolicy};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What the look is for.
#[derive(Default)]
pub(in crate::cli) struct Means {
    /// Whether what holds data stays.
    pub(in crate::cli) keep_data: bool,
    /// The state that is meant, when AWS shows things of several.
    pub(in crate::cli) lineage: Option<String>,
    /// What was known before anything was deleted; `None` for the first look.
    pub(in crate::cli) before: Option<Before>,
}

/// What an earlier look has shown, and a person has seen.
#[derive(Clone)]
pub(in crate::cli) struct Before {
    /// Everything that was known by name or id.
    pub(super) names: Vec<Item>,
    /// Ids of what holds data, as it was shown.
    pub(super) data: BTreeSet<String>,
    /// Where was looked.
    pub(super) scope: Scope,
}

/// Everything known before a decision.
pub(in crate::cli) struct Looked {
    pub(in crate::cli) session: Session,
    pub(in crate::cli) survey: Survey,
    /// What was looked for by name or id, and what was found.
    pub(super) items: Vec<Item>,
    /// What Kubernetes left.
    pub(super) leftovers: Vec<Observed>,
    /// What carries the cluster's tags, but was made under another state.
    pub(super) strangers: Vec<Observed>,
    /// Whether the cluster is marked as protected, and as a test environment.
    pub(super) teardown_policy: TeardownPolicy,
    /// Whether there is a state.
    pub(super) has_state: bool,
}

impl Looked {
    /// Whether a run would do anything.
    pub(in crate::cli) fn has_work(&self) -> bool {
        self.session.has_work()
    }

    /// For later looks.
    pub(super) fn before(&self) -> Before {
        let data = self.survey.data.iter().map(|line| line.id.clone()).collect();
        Before { names: self.items.clone(), data, scope: self.session.aws.scope.clone() }
    }
}

/// Looks by every means, and makes the plan. Writes nothing.
pub(in crate::cli) async fn look(mut aws: Aws, subject: &Subject, found: Option<Document>, means: Means) -> Result<Looked, CliError> {
    let has_state = found.is_some();
    let mut state = state_for(&aws, found)?;
    let mut items: Vec<Item> = items(&state, &subject.wanted(), &Attributes::new()).into_iter().map(with_tags_read).collect();
    if let Some(before) = &means.before {
        aws.scope = before.scope.clone();
        let unknown = before.names.iter().filter(|name| items.iter().all(|item| item.address != name.address));
        items.extend(unknown.cloned().map(nameless).collect::<Vec<_>>());
    }
    let observed = observe_everything(&aws, items.clone()).await?;
    match &means.before {
        None if has_state => {
            refuse_asked(&state, means.lineage.as_deref())?;
            refuse_other_life(&state, &observed)?;
        }
        None => state.lineage = lineage_shown(&aws, &observed, means.lineage.as_deref()).await?.unwrap_or(state.lineage),
        Some(_) => {}
    }
    let (mut observed, mut strangers): (Vec<Observed>, Vec<Observed>) =
        observed.into_iter().partition(|seen| is_of(&state, seen) || is_written_anew(seen, means.before.as_ref()));
    let another = another_cluster(&aws, &state.lineage, recorded_endpoint(&state)).await?;
    let spared = if another.is_some() { take_logs(&mut observed) } else { Vec::new() };
    items.extend(observed.iter().filter(|seen| !items.iter().any(|item| item.id == seen.id)).map(Item::seen).collect::<Vec<_>>());
    widen(&mut aws.scope, &state, &observed);
    aws.scope.another_lives = another.is_some();
    aws.scope.another_is_near = another.as_ref().is_some_and(|other| aws.scope.vpcs.contains(&other.vpc));
    let (leftovers, mut foreign) = tokio::try_join!(leftovers(&aws, recorded_leftovers(&state)), foreign(&aws))?;
    let (leftovers, of_others): (Vec<Observed>, Vec<Observed>) = leftovers.into_iter().partition(|seen| is_of_lineage(&state, seen));
    strangers.extend(of_others);
    foreign.extend(another.map(|other| in_the_way(&other, aws.scope.another_is_near, spared)));
    let (plan, disowned, twins) = planned(&aws, &state, &observed, &leftovers, &means).await?;
    let teardown_policy = subject.teardown_policy(has_state.then_some(state.teardown_policy));
    let (data, protected) = tokio::try_join!(data(&aws, &plan, teardown_policy.ephemeral), protections(&aws, &plan))?;
    let survey = Survey { data, foreign, protected, disowned };
    let session = Session { aws, state, lookups: Attributes::new(), observed, plan, twins, new_pins: BTreeMap::new() };
    Ok(Looked { session, survey, items, leftovers, strangers, teardown_policy, has_state })
}

/// What goes, what stays because it lost our tags, and second objects.
async fn planned(
    aws: &Aws,
    state: &Document,
    observed: &[Observed],
    leftovers: &[Observed],
    means: &Means,
) -> Result<(Plan, Vec<Disowned>, Twins), CliError> {
    let none = Attributes::new();
    let inputs = Inputs { desired: &[], state, observed: Some(observed), lookups: &none };
    let mut plan = teardown(&inputs, leftovers, means.keep_data)?;
    if aws.scope.another_lives {
        only_forget_cluster(&mut plan);
    }
    let disowned = disowned_of(aws, &mut plan, state).await?;
    if let Some(before) = &means.before {
        spare_unseen(&mut plan, &before.data);
    }
    Ok((plan, disowned, twins(&inputs)))
}

/// The state under which everything was made, where none is at hand. Claims may have outlived all else; a key that AWS deletes
/// in some weeks says least.
async fn lineage_shown(aws: &Aws, observed: &[Observed], asked: Option<&str>) -> Result<Option<String>, CliError> {
    let tells = |seen: &Observed| lineage_of(seen).is_some_and(|lineage| asked.is_none_or(|asked| lineage == asked));
    let mut shown: Vec<Observed> = observed.iter().filter(|seen| !is_scheduled(seen)).cloned().collect();
    if !shown.iter().any(tells) {
        shown.extend(claims(aws).await?);
    }
    the_lineage(if shown.iter().any(tells) { &shown } else { observed }, asked)
}

/// A state is of one lineage, and that is what goes.
fn refuse_asked(state: &Document, asked: Option<&str>) -> Result<(), CliError> {
    match asked.filter(|asked| *asked != state.lineage) {
        None => Ok(()),
        Some(asked) => {
            Err(CliError::new(Exit::Failed, format!("the state is of lineage {}, not {asked}; nothing was changed", state.lineage))
                .hint("`--state EMPTY-FOLDER` beside `--lineage` destroys what AWS shows of another state"))
        }
    }
}

fn recorded_endpoint(state: &Document) -> Option<&str> {
    let mut clusters = state.resources.iter().filter(|(address, _)| address.kind() == Kind::EksCluster);
    clusters.find_map(|(_, record)| record.attributes.get("endpoint")).map(String::as_str)
}

/// Takes the log group of the control plane out: a living cluster of the name writes to it.
fn take_logs(observed: &mut Vec<Observed>) -> Vec<Address> {
    observed.extract_if(.., |seen| seen.address.kind() == Kind::LogGroup).map(|seen| seen.address).collect()
}

/// What bears the name of a living cluster is that one's: of ours, only the records go.
fn only_forget_cluster(plan: &mut Plan) {
    let is_named = |action: &&mut Action| {
        let kind = action.kind;
        matches!(kind, Kind::EksCluster | Kind::LogGroup) || kind.facts().dies_with == Some(Kind::EksCluster)
    };
    for action in plan.actions.iter_mut().filter(is_named) {
        action.existing = None;
        "another cluster has its name; only the record goes".clone_into(&mut action.reason);
    }
}

/// A living cluster of our name that is not ours.
fn in_the_way(other: &Namesake, is_near: bool, holds: Vec<Address>) -> Foreign {
    let near = if is_near { "; what Kubernetes left under the name is left alone, too" } else { "" };
    Foreign { name: format!("EKS cluster {}", other.arn), origin: format!("of this name, but not made under this state{near}"), holds }
}

/// What exists without our tags is neither deleted nor forgotten, and what would go after it stays as well: the key of data,
/// what the nodes of a group use.
async fn disowned_of(aws: &Aws, plan: &mut Plan, state: &Document) -> Result<Vec<Disowned>, CliError> {
    let forgotten = plan.actions.iter().filter(|action| action.verb == Verb::Delete && action.existing.is_none());
    let items = forgotten.filter_map(|action| Some(Item::recorded(&action.address, state.resources.get(&action.address)?)));
    let found = disowned(aws, items.collect()).await?;
    hold_back(plan, &found.iter().map(|item| item.address.clone()).collect());
    Ok(found.into_iter().map(|item| Disowned { address: item.address, id: item.id }).collect())
}

/// A bucket's name may be somebody else's by now: before it is emptied, its tags must say that it is ours.
fn with_tags_read(mut item: Item) -> Item {
    if item.address.kind() == Kind::S3Bucket {
        item.id.clear();
    }
    item
}

/// A cluster of this name that lives under another state: what we know by name only may be part of it. What an earlier one
/// kept for its data is no sign of life, and is left alone.
fn refuse_other_life(state: &Document, observed: &[Observed]) -> Result<(), CliError> {
    let is_kept = |seen: &&Observed| !is_of(state, seen) && is_kept(seen.address.kind());
    let living: Vec<Observed> = observed.iter().filter(|seen| !is_kept(seen)).cloned().collect();
    refuse_other_lineage(state, &living)
}

/// Not made under another state.
fn is_of_lineage(state: &Document, seen: &Observed) -> bool {
    lineage_of(seen).is_none_or(|lineage| lineage == state.lineage)
}

/// Made under this state, or recorded in it and found by its id.
fn is_of(state: &Document, seen: &Observed) -> bool {
    let lineage = seen.tags.as_ref().map(|tags| tags.get("domino-eks:lineage"));
    match lineage {
        Some(lineage) => lineage == Some(&state.lineage),
        None => state.resources.contains_key(&seen.address),
    }
}

/// A log group that was ours and has no tags any more: EKS has written it anew.
fn is_written_anew(seen: &Observed, before: Option<&Before>) -> bool {
    let was_ours = |before: &Before| before.names.iter().any(|item| item.address == seen.address && !item.id.is_empty());
    seen.address.kind() == Kind::LogGroup && before.is_some_and(was_ours)
}

/// Later runs take no data that nobody was shown, and no key that it needs.
fn spare_unseen(plan: &mut Plan, shown: &BTreeSet<String>) {
    let is_data = |action: &&Action| action.verb == Verb::Delete && action.kind.facts().holds_data && action.existing.is_some();
    let is_unseen = |action: &&Action| !action.id.as_ref().is_some_and(|id| shown.contains(id));
    let unseen: BTreeSet<Address> = plan.actions.iter().filter(is_data).filter(is_unseen).map(|action| action.address.clone()).collect();
    hold_back(plan, &unseen);
    for action in plan.actions.iter_mut().filter(|action| unseen.contains(&action.address)) {
        "it holds data and was not shown before; look at it, and run the same command again".clone_into(&mut action.reason);
    }
}

/// What an earlier destroy wrote down of what Kubernetes left.
fn recorded_leftovers(state: &Document) -> Vec<Item> {
    let recorded = state.resources.iter().filter(|(address, _)| address.kind().facts().leftover);
    recorded.map(|(address, record)| Item::recorded(address, record)).collect()
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

/// Adds what is known of the cluster's surroundings; what was known before stays, as AWS may show less by now.
fn widen(scope: &mut Scope, state: &Document, observed: &[Observed]) {
    scope.lineage.clone_from(&state.lineage);
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
    use crate::state::Record;
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
        assert!(the_lineage(&observed, None).is_err(), "there are two");
        assert_eq!(the_lineage(&observed, Some("b")).unwrap().as_deref(), Some("b"));
        assert!(the_lineage(&observed, Some("c")).is_err());
        assert_eq!(the_lineage(&observed[..1], None).unwrap().as_deref(), Some("a"));
        assert_eq!(the_lineage(&[], None).unwrap(), None);
    }

    #[test]
    fn only_what_was_made_under_the_state_or_is_recorded_counts() {
        let mut state = Document::new("1", "aws", "us-west-2", "c");
        let lineage = state.lineage.clone();
        assert!(is_of(&state, &seen(Kind::Vpc, "vpc-1", json!({}), &lineage)));
        assert!(!is_of(&state, &seen(Kind::Vpc, "vpc-1", json!({}), "another")));
        let untagged = Observed { tags: None, ..seen(Kind::Vpc, "vpc-1", json!({}), "") };
        assert!(!is_of(&state, &untagged), "nothing proves it");
        let record = Record {
            id: "vpc-1".to_owned(),
            status: Status::Ready,
            spec: json!({}),
            tags: BTreeMap::new(),
            attributes: BTreeMap::new(),
            dependencies: Vec::new(),
        };
        state.resources.insert(untagged.address.clone(), record);
        assert!(is_of(&state, &untagged), "recorded, and found by its id");
    }

    #[test]
    fn a_log_group_without_tags_is_ours_only_when_it_was() {
        let group = Observed { tags: Some(BTreeMap::new()), ..seen(Kind::LogGroup, "/aws/eks/c/cluster", json!({}), "") };
        let before = |id: &str| Before {
            names: vec![Item { id: id.to_owned(), ..Item::seen(&group) }],
            data: BTreeSet::new(),
            scope: Scope::default(),
        };
        assert!(!is_written_anew(&group, None));
        assert!(!is_written_anew(&group, Some(&before(""))), "only its name was known");
        assert!(is_written_anew(&group, Some(&before("/aws/eks/c/cluster"))));
    }

    #[test]
    fn later_runs_take_no_data_that_nobody_was_shown() {
        let state = Document::new("1", "aws", "us-west-2", "c");
        let lineage = state.lineage.clone();
        let observed = [seen(Kind::S3Bucket, "copy", json!({}), &lineage), seen(Kind::Vpc, "vpc-1", json!({}), &lineage)];
        let none = Attributes::new();
        let inputs = Inputs { desired: &[], state: &state, observed: Some(&observed), lookups: &none };
        let verbs = |shown: &[&str]| {
            let mut plan = teardown(&inputs, &[], false).unwrap();
            spare_unseen(&mut plan, &shown.iter().map(|id| (*id).to_owned()).collect());
            plan.actions.iter().map(|action| (action.kind, action.verb)).collect::<Vec<_>>()
        };
        assert_eq!(verbs(&[]), [(Kind::Vpc, Verb::Delete), (Kind::S3Bucket, Verb::NoChange)]);
        assert_eq!(verbs(&["copy"]), [(Kind::Vpc, Verb::Delete), (Kind::S3Bucket, Verb::Delete)]);
    }

    #[test]
    fn only_a_living_cluster_of_another_state_is_a_reason_to_stop() {
        let state = Document::new("1", "aws", "us-west-2", "c");
        let kept = [seen(Kind::S3Bucket, "c-blobs", json!({}), "earlier"), seen(Kind::EfsAccessPoint, "fsap-1", json!({}), "earlier")];
        refuse_other_life(&state, &kept).unwrap();
        let alive = [kept[0].clone(), seen(Kind::EksCluster, "c", json!({}), "earlier")];
        let error = refuse_other_life(&state, &alive).unwrap_err();
        assert!(error.message().contains("eks-cluster/main") && !error.message().contains("s3-bucket"), "{}", error.message());
    }
}
