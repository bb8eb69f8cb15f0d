//! The inspection before a deletion, and again afterwards: resources of ours, leftovers of Kubernetes, resources of others that
//! block the teardown, and data.

use crate::engine::{
    Action, Discovery, Disowned, Duplicates, Foreign, INTENT_ATTRIBUTE, Inputs, Item, Namesake, Observed, Plan, Reason, Scope, Survey,
    Verb, duplicates, hold_back, is_kept, teardown,
};
use crate::resource::{Address, Attributes, Kind, Service, VpcEvidence};
use crate::state::{Document, RecordStatus, TeardownPolicy};
use crate::workflow::error::{Refusal, WorkflowError};
use crate::workflow::lineage::{lineage_of, refuse_other_lineage, the_lineage};
use crate::workflow::session::{items, state_for};
use crate::workflow::target::TeardownTarget;
use serde_json::Value;
use std::collections::BTreeSet;

/// What an inspection starts from.
#[derive(Debug, Clone)]
pub enum Basis {
    /// Nothing was inspected before.
    First {
        /// The lineage that was asked for, when AWS shows resources of several.
        lineage: Option<String>,
    },
    /// What the first inspection found and showed to the user.
    Later(Known),
}

impl Basis {
    fn known(&self) -> Option<&Known> {
        match self {
            Basis::First { .. } => None,
            Basis::Later(known) => Some(known),
        }
    }
}

/// What an earlier inspection found.
#[derive(Debug, Clone)]
pub struct Known {
    /// The items that were looked for by name or id.
    items: Vec<Item>,
    /// Ids of the data resources that were shown to the user.
    data: BTreeSet<String>,
    /// The scope in which leftovers were looked for.
    scope: Scope,
}

/// Everything known before a decision.
#[derive(Debug)]
pub struct Inspection {
    /// The state as it was read.
    pub state: Document,
    /// Our resources as AWS shows them.
    pub observed: Vec<Observed>,
    /// What would be deleted.
    pub plan: Plan,
    /// Second resources of an address.
    pub duplicates: Duplicates,
    /// Data, protections, and resources of others that block the teardown.
    pub survey: Survey,
    /// What Kubernetes left.
    pub leftovers: Vec<Observed>,
    /// Resources with the cluster's tags that were made under another state.
    pub others: Vec<Observed>,
    /// Whether the cluster is protected, and whether it is a test environment.
    pub policy: TeardownPolicy,
    /// Whether there is a state.
    pub has_state: bool,
    /// The scope in which leftovers are looked for.
    pub(super) scope: Scope,
    /// The items that were looked for by name or id, and those that were found.
    items: Vec<Item>,
}

impl Inspection {
    /// Whether a run would do anything.
    pub fn has_work(&self) -> bool {
        self.plan.has_changes() || !self.duplicates.empty.is_empty()
    }

    /// For later inspections.
    pub(super) fn known(&self) -> Known {
        let data = self.survey.data.iter().map(|line| line.id.clone()).collect();
        Known { items: self.items.clone(), data, scope: self.scope.clone() }
    }

    /// Whether an earlier destroy kept it for its data.
    pub(super) fn is_retained(&self, seen: &Observed) -> bool {
        let record = self.state.resources.get(&seen.address);
        record.is_some_and(|record| record.status == RecordStatus::Retained && record.id == seen.id)
    }
}

/// Asks AWS by every means of discovery, and makes the plan. Changes nothing.
///
/// # Errors
/// When AWS refuses, and when it is not clear which state is meant.
pub async fn inspect<P: Discovery>(
    provider: &P,
    target: &TeardownTarget,
    found: Option<Document>,
    basis: Basis,
    keep_data: bool,
) -> Result<Inspection, WorkflowError> {
    let has_state = found.is_some();
    let mut state = state_for(provider, found)?;
    let mut scope = Scope::default();
    let mut items: Vec<Item> = items(&state, &target.desired(), &Attributes::new()).into_iter().map(with_tags_read).collect();
    if let Some(known) = basis.known() {
        scope = known.scope.clone();
        let unknown = known.items.iter().filter(|name| items.iter().all(|item| item.address != name.address));
        items.extend(unknown.cloned().map(by_name_only).collect::<Vec<_>>());
    }
    let observed = provider.observe_everything(items.clone()).await?;
    match &basis {
        Basis::First { lineage } if has_state => {
            refuse_lineage(&state, lineage.as_deref())?;
            refuse_other_cluster(&state, &observed)?;
        }
        Basis::First { lineage } => {
            state.lineage = lineage_shown(provider, &scope, &observed, lineage.as_deref()).await?.unwrap_or(state.lineage);
        }
        Basis::Later(_) => {}
    }
    let (mut observed, mut others): (Vec<Observed>, Vec<Observed>) =
        observed.into_iter().partition(|seen| is_of(&state, seen) || is_rewritten(seen, basis.known()));
    let another = provider.another_cluster(&state.lineage, recorded_endpoint(&state)).await?;
    let spared = if another.is_some() { take_log_groups(&mut observed) } else { Vec::new() };
    items.extend(observed.iter().filter(|seen| !items.iter().any(|item| item.id == seen.id)).map(Item::seen).collect::<Vec<_>>());
    widen(&mut scope, &state, &observed);
    scope.another_lives = another.is_some();
    scope.another_is_near = another.as_ref().is_some_and(|other| scope.vpcs.contains(&other.vpc));
    let (leftovers, mut foreign) =
        tokio::try_join!(provider.leftovers(&scope, recorded_leftovers(&state, &scope)), provider.foreign(&scope))?;
    let (leftovers, of_others): (Vec<Observed>, Vec<Observed>) = leftovers.into_iter().partition(|seen| is_of_lineage(&state, seen));
    others.extend(of_others);
    foreign.extend(another.map(|other| in_the_way(&other, scope.another_is_near, spared)));
    let (plan, disowned, duplicates) = planned(provider, &scope, &state, &observed, &leftovers, (&basis, keep_data)).await?;
    let policy = target.policy(has_state.then_some(state.teardown_policy));
    let (data, protected) = tokio::try_join!(provider.data(&plan, policy.ephemeral), provider.protections(&plan))?;
    let survey = Survey { data, foreign, protected, disowned };
    Ok(Inspection { state, observed, plan, duplicates, survey, leftovers, others, policy, has_state, scope, items })
}

/// The plan, the resources that stay because they lost our tags, and duplicates.
async fn planned<P: Discovery>(
    provider: &P,
    scope: &Scope,
    state: &Document,
    observed: &[Observed],
    leftovers: &[Observed],
    (basis, keep_data): (&Basis, bool),
) -> Result<(Plan, Vec<Disowned>, Duplicates), WorkflowError> {
    let none = Attributes::new();
    let inputs = Inputs { desired: &[], state, observed: Some(observed), lookups: &none };
    let mut plan = teardown(&inputs, leftovers, keep_data)?;
    if scope.another_lives {
        only_forget_cluster(&mut plan);
    }
    let disowned = disowned_of(provider, &mut plan, state).await?;
    if let Some(known) = basis.known() {
        spare_unseen(&mut plan, &known.data);
    }
    Ok((plan, disowned, duplicates(&inputs)))
}

/// The lineage of the resources that AWS shows, where there is no state. Volumes and snapshots of claims are asked when nothing
/// else is left, a key that is scheduled for deletion last, because an earlier cluster may have left it.
async fn lineage_shown<P: Discovery>(
    provider: &P,
    scope: &Scope,
    observed: &[Observed],
    asked: Option<&str>,
) -> Result<Option<String>, WorkflowError> {
    let tells = |seen: &Observed| lineage_of(seen).is_some_and(|lineage| asked.is_none_or(|asked| lineage == asked));
    let mut shown: Vec<Observed> = observed.iter().filter(|seen| !seen.is_scheduled()).cloned().collect();
    if !shown.iter().any(tells) {
        shown.extend(provider.volumes_and_snapshots(scope).await?);
    }
    Ok(the_lineage(if shown.iter().any(tells) { &shown } else { observed }, asked)?)
}

/// A state has one lineage, and only resources of that are deleted.
fn refuse_lineage(state: &Document, asked: Option<&str>) -> Result<(), Refusal> {
    match asked.filter(|asked| *asked != state.lineage) {
        None => Ok(()),
        Some(asked) => Err(Refusal::LineageDiffers { asked: asked.to_owned(), recorded: state.lineage.clone() }),
    }
}

fn recorded_endpoint(state: &Document) -> Option<&str> {
    let mut clusters = state.resources.iter().filter(|(address, _)| address.kind() == Kind::EksCluster);
    clusters.find_map(|(_, record)| record.attributes.get("endpoint")).map(String::as_str)
}

/// Takes out the log groups that an existing cluster of the name writes to.
fn take_log_groups(observed: &mut Vec<Observed>) -> Vec<Address> {
    observed.extract_if(.., |seen| seen.address.kind() == Kind::LogGroup).map(|seen| seen.address).collect()
}

/// Resources with the name of an existing cluster of others belong to that one: of ours, only the records are deleted.
fn only_forget_cluster(plan: &mut Plan) {
    let is_named = |action: &&mut Action| {
        let kind = action.kind;
        matches!(kind, Kind::EksCluster | Kind::LogGroup) || kind.facts().dies_with == Some(Kind::EksCluster)
    };
    for action in plan.actions.iter_mut().filter(is_named) {
        action.existing = None;
        action.reason = Reason::NameReused;
    }
}

/// An existing cluster of our name that is not ours, as the user sees it.
fn in_the_way(other: &Namesake, is_near: bool, holds: Vec<Address>) -> Foreign {
    let near = if is_near { "; what Kubernetes left under the name is left alone, too" } else { "" };
    Foreign { name: format!("EKS cluster {}", other.arn), origin: format!("of this name, but not made under this state{near}"), holds }
}

/// A recorded resource without our tags is neither deleted nor dropped from the state. What would be deleted after it stays as
/// well: the key of its data, and what the nodes of a group use.
async fn disowned_of<P: Discovery>(provider: &P, plan: &mut Plan, state: &Document) -> Result<Vec<Disowned>, WorkflowError> {
    let forgotten = plan.actions.iter().filter(|action| action.verb == Verb::Delete && action.existing.is_none());
    let items = forgotten.filter_map(|action| Some(Item::recorded(&action.address, state.resources.get(&action.address)?)));
    let found = provider.disowned(items.collect()).await?;
    hold_back(plan, &found.iter().map(|item| item.address.clone()).collect());
    Ok(found.into_iter().map(|item| Disowned { address: item.address, id: item.id }).collect())
}

/// Others may have taken a bucket's name since: before it is emptied, its tags must prove that it is ours.
fn with_tags_read(mut item: Item) -> Item {
    if item.address.kind() == Kind::S3Bucket {
        item.id.clear();
    }
    item
}

/// Refuses when a cluster of this name exists under another state, because what we know by name only may be part of it. Data
/// that an earlier cluster of the name left does not count, and is left alone.
fn refuse_other_cluster(state: &Document, observed: &[Observed]) -> Result<(), Refusal> {
    let is_kept = |seen: &&Observed| !is_of(state, seen) && is_kept(seen.address.kind());
    let living: Vec<Observed> = observed.iter().filter(|seen| !is_kept(seen)).cloned().collect();
    refuse_other_lineage(state, &living)
}

/// Whether it was not made under another state.
fn is_of_lineage(state: &Document, seen: &Observed) -> bool {
    lineage_of(seen).is_none_or(|lineage| lineage == state.lineage)
}

/// Whether it was made under this state, or is recorded in it and found by its id.
fn is_of(state: &Document, seen: &Observed) -> bool {
    match &seen.tags {
        Some(_) => lineage_of(seen) == Some(&state.lineage),
        None => state.resources.contains_key(&seen.address),
    }
}

/// Whether it is a log group that was ours and no longer has tags: EKS has created it again.
fn is_rewritten(seen: &Observed, known: Option<&Known>) -> bool {
    let was_ours = |known: &Known| known.items.iter().any(|item| item.address == seen.address && !item.id.is_empty());
    seen.address.kind() == Kind::LogGroup && known.is_some_and(was_ours)
}

/// Later rounds delete no data that was not shown to the user, and no key that such data needs.
fn spare_unseen(plan: &mut Plan, shown: &BTreeSet<String>) {
    let is_data = |action: &&Action| action.verb == Verb::Delete && action.kind.facts().holds_data && action.existing.is_some();
    let is_unseen = |action: &&Action| !action.id.as_ref().is_some_and(|id| shown.contains(id));
    let unseen: BTreeSet<Address> = plan.actions.iter().filter(is_data).filter(is_unseen).map(|action| action.address.clone()).collect();
    hold_back(plan, &unseen);
    for action in plan.actions.iter_mut().filter(|action| unseen.contains(&action.address)) {
        action.reason = Reason::DataNotShown;
    }
}

/// What an earlier destroy recorded of what Kubernetes left. Security groups are known by tags and names that the controllers of a
/// cluster of the same name give as well: while one runs in the VPC, they are left alone.
fn recorded_leftovers(state: &Document, scope: &Scope) -> Vec<Item> {
    let is_doubtful = |address: &Address| scope.another_is_near && address.kind() == Kind::KubernetesSecurityGroup;
    let recorded = state.resources.iter().filter(|(address, _)| address.kind().facts().leftover && !is_doubtful(address));
    recorded.map(|(address, record)| Item::recorded(address, record)).collect()
}

/// The item without its id: from now on a resource is found by its name, and counts only if its tags prove that it is ours. The
/// marker attribute also finds a log group of ours that EKS created again, which has no tags.
fn by_name_only(mut item: Item) -> Item {
    if !item.id.is_empty() && item.address.kind() == Kind::LogGroup {
        item.attributes.insert(INTENT_ATTRIBUTE.to_owned(), String::new());
    }
    item.id.clear();
    item
}

/// Adds VPCs, groups and ids of our resources to the scope. Earlier entries stay, because AWS may show less by now.
fn widen(scope: &mut Scope, state: &Document, observed: &[Observed]) {
    scope.lineage.clone_from(&state.lineage);
    let recorded = state.resources.iter().map(|(address, record)| (address, &record.id, &record.spec));
    let seen = observed.iter().map(|seen| (&seen.address, &seen.id, &seen.spec));
    for (address, id, spec) in recorded.chain(seen) {
        scope.ours.insert(id.clone(), address.clone());
        let facts = address.kind().facts();
        match facts.vpc_evidence {
            VpcEvidence::Itself => {
                scope.vpcs.insert(id.clone());
                scope.owns_vpc = true;
            }
            VpcEvidence::Member => scope.vpcs.extend(spec.get("vpc").and_then(Value::as_str).map(str::to_owned)),
            VpcEvidence::None => {}
        }
        if facts.runs_nodes && !facts.leftover {
            scope.groups.insert(id.clone());
        }
        if facts.service == Service::Efs && facts.holds_data {
            scope.file_systems.insert(id.clone());
        }
    }
    scope.vpcs.retain(|vpc| vpc.starts_with("vpc-"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Readiness;
    use crate::resource::ownership;
    use crate::state::Record;
    use serde_json::json;
    use std::collections::BTreeMap;

    fn seen(kind: Kind, id: &str, spec: Value, lineage: &str) -> Observed {
        Observed {
            address: Address::new(kind, "main"),
            id: id.to_owned(),
            attributes: BTreeMap::new(),
            spec,
            tags: Some(BTreeMap::from([(ownership::LINEAGE.to_owned(), lineage.to_owned())])),
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
        assert!(scope.vpcs.contains("vpc-9") && !scope.owns_vpc, "a network of others");
        assert!(scope.groups.contains("c-platform") && scope.file_systems.contains("fs-1"));
        widen(&mut scope, &state, &[seen(Kind::Vpc, "vpc-1", json!({}), "a")]);
        assert!(scope.owns_vpc && scope.vpcs.len() == 2);
    }

    #[test]
    fn a_recorded_group_is_left_alone_beside_another_cluster_of_the_name() {
        let mut state = Document::new("1", "aws", "us-west-2", "c");
        for kind in [Kind::KubernetesSecurityGroup, Kind::LoadBalancer, Kind::Vpc] {
            let record = Record {
                id: kind.name().to_owned(),
                status: RecordStatus::Deleting,
                spec: json!({}),
                tags: BTreeMap::new(),
                attributes: BTreeMap::new(),
                dependencies: Vec::new(),
            };
            state.resources.insert(Address::new(kind, "main"), record);
        }
        let asked = |another_is_near: bool| {
            let scope = Scope { another_is_near, ..Scope::default() };
            recorded_leftovers(&state, &scope).into_iter().map(|item| item.address.kind()).collect::<Vec<_>>()
        };
        assert_eq!(asked(false), [Kind::KubernetesSecurityGroup, Kind::LoadBalancer]);
        assert_eq!(asked(true), [Kind::LoadBalancer]);
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
            status: RecordStatus::Ready,
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
        let before = |id: &str| Known {
            items: vec![Item { id: id.to_owned(), ..Item::seen(&group) }],
            data: BTreeSet::new(),
            scope: Scope::default(),
        };
        assert!(!is_rewritten(&group, None));
        assert!(!is_rewritten(&group, Some(&before(""))), "only its name was known");
        assert!(is_rewritten(&group, Some(&before("/aws/eks/c/cluster"))));
    }

    #[test]
    fn later_rounds_delete_no_data_that_nobody_was_shown() {
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
        refuse_other_cluster(&state, &kept).unwrap();
        let alive = [kept[0].clone(), seen(Kind::EksCluster, "c", json!({}), "earlier")];
        let error = refuse_other_cluster(&state, &alive).unwrap_err().to_string();
        assert!(error.contains("eks-cluster/main") && !error.contains("s3-bucket"), "{error}");
    }
}
