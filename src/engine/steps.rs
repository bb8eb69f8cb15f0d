//! The steps of a plan, and what waits for what.

use super::blocker::{CLOUD_CONTROLLER, MADE_BY};
use super::graph::Graph;
use super::plan::{Action, Plan, Verb};
use crate::resource::{Address, Facts, VpcEvidence};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A node of the graph.
pub(super) struct Node {
    pub(super) action: usize,
    pub(super) removes: bool,
    /// The deletion of its parent deletes it as well: nothing is sent, and its record is deleted after the parent.
    pub(super) dies_with_parent: Option<usize>,
    /// Seconds for which it is checked after its deletion, because a resource that is deleted as well may create it again.
    pub(super) watch_seconds: u32,
    pub(super) seconds: u64,
}

/// The graph of a plan's steps.
pub(super) struct Steps {
    pub(super) nodes: Vec<Node>,
    pub(super) graph: Graph,
    /// Pairs of which the second waits only until the first has an id.
    pub(super) created: Vec<(usize, usize)>,
}

impl Steps {
    pub(super) fn of(plan: &Plan) -> Self {
        let mut nodes = Vec::new();
        let (mut applies, mut removals) = (HashMap::new(), HashMap::new());
        for (index, action) in plan.actions.iter().enumerate() {
            let facts = action.kind.facts();
            if matches!(action.verb, Verb::Delete | Verb::Replace) {
                removals.insert(&action.address, nodes.len());
                let watch_seconds = watch_seconds(plan, action);
                let seconds = u64::from(facts.delete_seconds + watch_seconds);
                nodes.push(Node { action: index, removes: true, dies_with_parent: None, watch_seconds, seconds });
            }
            if matches!(action.verb, Verb::Create | Verb::Update | Verb::Replace | Verb::Adopt | Verb::Retain) {
                applies.insert(&action.address, nodes.len());
                let seconds = expected_seconds(action);
                nodes.push(Node { action: index, removes: false, dies_with_parent: None, watch_seconds: 0, seconds });
            }
        }
        bind_to_parents(plan, &mut nodes, &removals);
        let mut graph = Graph::new(nodes.len());
        let mut created = Vec::new();
        for (position, node) in nodes.iter().enumerate() {
            let action = &plan.actions[node.action];
            if let Some(parent) = node.dies_with_parent {
                graph.add(parent, position);
                role_edges(&mut graph, position, action, &removals);
            } else if node.removes {
                removal_edges(&mut graph, position, action, &removals);
            } else {
                apply_edges(&mut graph, &mut created, position, action, &applies, &removals);
            }
        }
        release_edges(&mut graph, plan, &nodes, &removals);
        data_last_edges(&mut graph, plan, &nodes);
        leftover_edges(&mut graph, plan, &nodes);
        network_last_edges(&mut graph, plan, &nodes);
        writer_edges(&mut graph, plan, &nodes);
        Self { nodes, graph, created }
    }
}

/// The actions that wait, directly or not, for the deletion of one of these, each with the first one that it waits for.
pub(super) fn waiting_for(plan: &Plan, stay: &BTreeSet<Address>) -> BTreeMap<Address, Address> {
    let steps = Steps::of(plan);
    let address = |node: usize| &plan.actions[steps.nodes[node].action].address;
    let mut waiting = BTreeMap::new();
    for first in (0..steps.nodes.len()).filter(|node| steps.nodes[*node].removes && stay.contains(address(*node))) {
        let mut open = vec![first];
        while let Some(node) = open.pop() {
            for next in steps.graph.after(node).iter().filter(|next| !stay.contains(address(**next))) {
                if !waiting.contains_key(address(*next)) {
                    waiting.insert(address(*next).clone(), address(first).clone());
                    open.push(*next);
                }
            }
        }
    }
    waiting
}

/// EKS may create the log group of a cluster again for a minute after the cluster is gone.
fn watch_seconds(plan: &Plan, action: &Action) -> u32 {
    let Some((writer, seconds)) = action.kind.facts().rewritten_by else { return 0 };
    let is_writer = |other: &&Action| other.kind == writer && other.verb == Verb::Delete && other.existing.is_some();
    plan.actions.iter().find(is_writer).map_or(0, |_| seconds)
}

/// Add-ons and access entries are deleted with their cluster; deleting each of them first only costs time (docs/aws.md, "Deletion order").
fn bind_to_parents(plan: &Plan, nodes: &mut [Node], removals: &Positions<'_>) {
    for node in nodes.iter_mut().filter(|node| node.removes) {
        let action = &plan.actions[node.action];
        let parent = action.kind.facts().dies_with.filter(|_| action.verb == Verb::Delete);
        let deleted = |kind| plan.actions.iter().find(|other| other.kind == kind && other.verb == Verb::Delete);
        node.dies_with_parent = parent.and_then(deleted).and_then(|parent| removals.get(&parent.address).copied());
        if node.dies_with_parent.is_some() {
            node.seconds = 0;
        }
    }
}

fn expected_seconds(action: &Action) -> u64 {
    match action.verb {
        Verb::Create | Verb::Replace => u64::from(action.kind.facts().create_seconds),
        _ => 1,
    }
}

type Positions<'a> = HashMap<&'a Address, usize>;

/// What an apply step waits for: its own removal, and what it depends on.
fn apply_edges(
    graph: &mut Graph,
    created: &mut Vec<(usize, usize)>,
    position: usize,
    action: &Action,
    applies: &Positions<'_>,
    removals: &Positions<'_>,
) {
    if let Some(own) = removals.get(&action.address) {
        graph.add(*own, position);
    }
    let only_created = action.desired.iter().flat_map(|desired| &desired.after_created);
    created.extend(only_created.filter_map(|address| Some((*applies.get(address)?, position))));
    for first in action.depends_on.iter().filter_map(|address| applies.get(address)) {
        graph.add(*first, position);
    }
}

/// The role of an add-on is deleted after the add-on: a cluster whose deletion fails still needs its drivers.
fn role_edges(graph: &mut Graph, position: usize, action: &Action, removals: &Positions<'_>) {
    let recorded = action.existing.iter().flat_map(|record| &record.dependencies);
    let roles = recorded.chain(&action.depends_on).filter(|address| address.kind().facts().grants_permissions);
    roles.filter_map(|address| removals.get(address)).for_each(|role| graph.add(position, *role));
}

/// Dependents are deleted before what they depend on.
fn removal_edges(graph: &mut Graph, position: usize, action: &Action, removals: &Positions<'_>) {
    let recorded = action.existing.iter().flat_map(|record| &record.dependencies);
    for dependency in recorded.chain(action.verb.eq(&Verb::Delete).then_some(&action.depends_on).into_iter().flatten()) {
        if let Some(later) = removals.get(dependency) {
            graph.add(position, *later);
        }
    }
}

/// What nodes write to or reach AWS through is deleted after the nodes, and so is the cluster, because its network interfaces
/// are released with them (docs/aws.md, "Deletion order"). These edges do not need records of dependencies.
fn data_last_edges(graph: &mut Graph, plan: &Plan, nodes: &[Node]) {
    let removed = |position: &usize| nodes[*position].removes;
    let facts = |position: usize| plan.actions[nodes[position].action].kind.facts();
    let groups: Vec<usize> = (0..nodes.len()).filter(removed).filter(|position| facts(*position).runs_nodes).collect();
    for data in (0..nodes.len()).filter(removed).filter(|position| facts(*position).waits_for_nodes()) {
        groups.iter().for_each(|group| graph.add(*group, data));
    }
}

/// A resource that another one may create again is deleted after that one, also without records of dependencies.
fn writer_edges(graph: &mut Graph, plan: &Plan, nodes: &[Node]) {
    let kind = |node: &Node| plan.actions[node.action].kind;
    for (position, node) in nodes.iter().enumerate().filter(|(_, node)| node.watch_seconds > 0) {
        let is_writer = |other: &&Node| other.removes && kind(node).facts().rewritten_by.is_some_and(|(writer, _)| writer == kind(other));
        nodes.iter().enumerate().filter(|(_, other)| is_writer(other)).for_each(|(writer, _)| graph.add(writer, position));
    }
}

/// Leftovers are deleted when no controller can create them again: after the last node, on which the controllers run, and
/// those of the cloud controller, which runs in the control plane, after the cluster.
fn leftover_edges(graph: &mut Graph, plan: &Plan, nodes: &[Node]) {
    let kind = |position: usize| plan.actions[nodes[position].action].kind;
    let removed: Vec<usize> = (0..nodes.len()).filter(|position| nodes[*position].removes).collect();
    for position in removed.iter().copied().filter(|position| kind(*position).facts().leftover) {
        let facts = kind(position).facts();
        for other in removed.iter().copied() {
            let first = kind(other).facts();
            if first.runs_nodes && !first.leftover {
                graph.add(other, position);
            }
            if facts.goes_before == Some(kind(other)) {
                graph.add(position, other);
            }
            // The cluster waits for its nodes, so a node never waits for the cluster.
            if first.runs_controllers && !facts.runs_nodes && is_of_cloud_controller(&plan.actions[nodes[position].action]) {
                graph.add(other, position);
            }
        }
    }
}

/// In an existing network, only our security groups tell in which VPC the cluster runs. They are deleted last, so that an
/// interrupted destroy still finds the leftovers there.
fn network_last_edges(graph: &mut Graph, plan: &Plan, nodes: &[Node]) {
    let facts = |position: usize| plan.actions[nodes[position].action].kind.facts();
    let removed: Vec<usize> = (0..nodes.len()).filter(|position| nodes[*position].removes).collect();
    if removed.iter().any(|position| facts(*position).vpc_evidence == VpcEvidence::Itself) {
        return;
    }
    let is_there = |facts: &Facts| facts.runs_controllers || facts.leftover && !facts.holds_data;
    for group in removed.iter().filter(|position| facts(**position).vpc_evidence == VpcEvidence::Member) {
        removed.iter().filter(|other| is_there(facts(**other))).for_each(|other| graph.add(*other, *group));
    }
}

fn is_of_cloud_controller(action: &Action) -> bool {
    let spec = action.existing.as_ref().map(|existing| &existing.spec);
    spec.and_then(|spec| spec.get(MADE_BY)?.as_str()) == Some(CLOUD_CONTROLLER)
}

/// A resource that is updated stops using a deleted one first (an Auto Scaling Group its old launch template).
fn release_edges(graph: &mut Graph, plan: &Plan, nodes: &[Node], removals: &Positions<'_>) {
    // A replacement deletes before it creates, and an update may wait for its new resource: these edges could then form a cycle.
    // The deletion is retried instead, until AWS no longer refuses it.
    if plan.actions.iter().any(|action| action.verb == Verb::Replace) {
        return;
    }
    // A retained resource is not updated, so it does not stop using anything.
    for (position, node) in nodes.iter().enumerate().filter(|(_, node)| !node.removes && plan.actions[node.action].verb != Verb::Retain) {
        let used = plan.actions[node.action].existing.iter().flat_map(|record| &record.dependencies);
        used.filter_map(|address| removals.get(address)).for_each(|removal| graph.add(position, *removal));
    }
}
