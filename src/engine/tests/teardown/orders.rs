//! The order in which resources without a record are deleted: before those they name, and never in a cycle.

use super::*;
use crate::engine::steps::{Steps, waiting_for};
use crate::engine::{Observed, Readiness, Reason, hold_back};
use crate::state::{Record, RecordStatus};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn seen(of: &str, id: &str, spec: Value) -> Observed {
    let tags = Some(BTreeMap::from([("domino-eks:cluster".to_owned(), "demo".to_owned())]));
    Observed { address: address(of), id: id.to_owned(), attributes: BTreeMap::new(), spec, tags, readiness: Readiness::Ready }
}

fn blank() -> Document {
    Document::new("111122223333", "aws", "us-west-2", "demo")
}

fn torn_down(state: &Document, observed: &[Observed], left: &[Observed], keep_data: bool) -> Plan {
    let none = Attributes::new();
    teardown(&Inputs { desired: &[], state, observed: Some(observed), lookups: &none }, left, keep_data).unwrap()
}

fn record(seen: &Observed, dependencies: Vec<Address>) -> Record {
    Record {
        id: seen.id.clone(),
        status: RecordStatus::Ready,
        spec: seen.spec.clone(),
        tags: BTreeMap::new(),
        attributes: BTreeMap::new(),
        dependencies,
    }
}

#[test]
fn what_has_no_record_goes_before_what_it_names() {
    let observed = [
        seen("vpc/main", "vpc-1", json!({})),
        seen("subnet/a", "subnet-1", json!({"vpc": "vpc-1"})),
        seen("nat-gateway/a", "nat-1", json!({"subnet": "subnet-1"})),
    ];
    let left = [seen("network-interface/eni-1", "eni-1", json!({"subnet": "subnet-1"}))];
    let plan = torn_down(&blank(), &observed, &left, false);
    let needs = |of: &str| plan.actions.iter().find(|action| action.address.to_string() == of).unwrap().depends_on.clone();
    assert_eq!(needs("nat-gateway/a"), [address("subnet/a")]);
    assert_eq!(needs("network-interface/eni-1"), [address("subnet/a")]);
    assert_eq!(needs("subnet/a"), [address("vpc/main")]);
    assert_eq!(needs("vpc/main"), []);
}

#[test]
fn a_record_knows_its_order_better_than_the_text_of_its_spec() {
    let observed = [seen("vpc/main", "vpc-1", json!({})), seen("subnet/a", "subnet-1", json!({"vpc": "vpc-1"}))];
    let mut state = blank();
    state.resources.insert(address("subnet/a"), record(&observed[1], Vec::new()));
    let plan = torn_down(&state, &observed, &[], false);
    assert!(plan.actions.iter().all(|action| action.depends_on.is_empty()));
}

#[test]
fn a_leftover_that_names_a_group_or_the_cluster_still_goes_after_it() {
    let observed = [seen("eks-cluster/main", "demo", json!({})), seen("autoscaling-group/a", "demo-a", json!({}))];
    let left = [
        seen("instance/i-1", "i-1", json!({"group": "demo-a", "cluster": "demo"})),
        seen("load-balancer/x", "x", json!({"cluster": "demo", "made_by": CLOUD_CONTROLLER})),
    ];
    let plan = torn_down(&blank(), &observed, &left, false);
    Steps::of(&plan).graph.order().expect("an order");
}

#[test]
fn a_key_that_waits_for_its_deletion_is_no_work() {
    let key = Observed { readiness: Readiness::Deleting, ..seen("kms-key/main", "key-1", json!({})) };
    for keep_data in [false, true] {
        let plan = torn_down(&blank(), std::slice::from_ref(&key), &[], keep_data);
        assert_eq!(verb_of(&plan, "kms-key/main"), Verb::NoChange);
        assert!(!plan.has_changes());
    }
    // A recorded one is still deleted, so that its record is.
    let mut state = blank();
    state.resources.insert(address("kms-key/main"), record(&key, Vec::new()));
    let plan = torn_down(&state, std::slice::from_ref(&key), &[], false);
    assert_eq!(verb_of(&plan, "kms-key/main"), Verb::Delete);
}

/// Whether the first must be gone before the second is deleted.
fn goes_before(plan: &Plan, first: &str, second: &str) -> bool {
    waiting_for(plan, &BTreeSet::from([address(first)])).contains_key(&address(second))
}

#[test]
fn the_role_of_an_add_on_outlives_the_cluster() {
    let role = seen("iam-role/ebs-csi-driver", "demo-ebs", json!({}));
    let group = seen("autoscaling-group/a", "demo-a", json!({}));
    let cluster = seen("eks-cluster/main", "demo", json!({}));
    let add_on = seen("eks-add-on/ebs", "ebs", json!({}));
    let mut state = blank();
    let needs = vec![role.address.clone(), cluster.address.clone(), group.address.clone()];
    state.resources.insert(add_on.address.clone(), record(&add_on, needs));
    let plan = torn_down(&state, &[role, group, cluster, add_on], &[], false);
    assert!(goes_before(&plan, "eks-cluster/main", "iam-role/ebs-csi-driver"));
    assert!(goes_before(&plan, "autoscaling-group/a", "iam-role/ebs-csi-driver"));
}

#[test]
fn in_a_network_of_others_a_group_of_ours_is_known_until_nothing_is_to_be_found_there() {
    let group = seen("security-group/nodes", "sg-1", json!({"vpc": "vpc-1"}));
    let cluster = seen("eks-cluster/main", "demo", json!({}));
    let left = [seen("load-balancer/x", "x", json!({"made_by": CLOUD_CONTROLLER})), seen("ebs-volume/v", "v", json!({}))];
    let theirs = torn_down(&blank(), &[group.clone(), cluster.clone()], &left, false);
    for first in ["eks-cluster/main", "load-balancer/x"] {
        assert!(goes_before(&theirs, first, "security-group/nodes"), "{first}");
    }
    assert!(!goes_before(&theirs, "ebs-volume/v", "security-group/nodes"), "claims are found by their tags");
    let ours = torn_down(&blank(), &[seen("vpc/main", "vpc-1", json!({})), group, cluster], &left, false);
    assert!(!goes_before(&ours, "load-balancer/x", "security-group/nodes"), "the network itself goes last");
}

#[test]
fn what_goes_after_something_that_stays_stays() {
    let key = seen("kms-key/main", "key-1", json!({}));
    let bucket = seen("s3-bucket/logs", "logs", json!({"key": "key-1"}));
    let vpc = seen("vpc/main", "vpc-1", json!({}));
    let mut plan = torn_down(&blank(), &[key, bucket, vpc], &[], false);
    hold_back(&mut plan, &BTreeSet::from([address("s3-bucket/logs")]));
    assert_eq!(verb_of(&plan, "s3-bucket/logs"), Verb::NoChange);
    assert_eq!(verb_of(&plan, "kms-key/main"), Verb::NoChange);
    assert_eq!(verb_of(&plan, "vpc/main"), Verb::Delete);
    let reason = plan.actions.iter().find(|action| action.kind == Kind::KmsKey).map(|action| &action.reason);
    assert_eq!(reason, Some(&Reason::After(address("s3-bucket/logs"))));
}

#[test]
fn what_is_gone_within_days_is_not_kept() {
    let key = Observed { readiness: Readiness::Deleting, ..seen("kms-key/main", "key-1", json!({})) };
    let mut state = blank();
    state.resources.insert(address("kms-key/main"), record(&key, Vec::new()));
    let plan = torn_down(&state, std::slice::from_ref(&key), &[], true);
    assert_ne!(verb_of(&plan, "kms-key/main"), Verb::Retain, "what AWS is about to delete cannot be kept");
}

#[test]
fn nothing_is_made_by_a_teardown() {
    let observed = [seen("vpc/main", "vpc-1", json!({})), seen("s3-bucket/logs", "logs", json!({}))];
    for keep_data in [false, true] {
        let plan = torn_down(&blank(), &observed, &[seen("ebs-volume/v", "v", json!({}))], keep_data);
        let wrong = |action: &&crate::engine::Action| !matches!(action.verb, Verb::Delete | Verb::Retain);
        assert!(plan.actions.iter().find(wrong).is_none());
    }
}

/// Resources of any kind that name each other, some of them recorded with their dependencies.
#[derive(Debug, Clone)]
struct Found {
    objects: Vec<(usize, bool)>,
    mentions: Vec<(usize, usize)>,
    of_cloud_controller: usize,
}

fn found() -> impl Strategy<Value = Found> {
    let objects = prop::collection::vec((0..Kind::ALL.len(), any::<bool>()), 1..16);
    let mentions = prop::collection::vec((0usize..16, 0usize..16), 0..60);
    (objects, mentions, 0usize..16).prop_map(|(objects, mentions, of_cloud_controller)| Found { objects, mentions, of_cloud_controller })
}

impl Found {
    fn plan(&self, keep_data: bool) -> Plan {
        let kind = |index: usize| Kind::ALL[self.objects[index].0];
        let named = |index: usize| format!("{}/{index}", kind(index));
        let count = self.objects.len();
        let used = |index: usize| {
            let of = self.mentions.iter().filter(move |(user, used)| *user == index && *used < count);
            of.map(|(_, used)| *used).collect::<Vec<_>>()
        };
        let (mut state, mut observed, mut left) = (blank(), Vec::new(), Vec::new());
        for index in 0..count {
            let ids: Vec<String> = used(index).iter().map(|used| format!("id-{used}")).collect();
            let maker = if index == self.of_cloud_controller { CLOUD_CONTROLLER } else { "somebody" };
            let seen = seen(&named(index), &format!("id-{index}"), json!({"uses": ids, "made_by": maker}));
            let is_left = kind(index).facts().leftover;
            if self.objects[index].1 {
                // A record depends on kinds that are created earlier, as in the blueprint; a leftover depends on nothing.
                let earlier = used(index).into_iter().filter(|used| !is_left && kind(*used) < kind(index));
                state.resources.insert(seen.address.clone(), record(&seen, earlier.map(|used| address(&named(used))).collect()));
            }
            if is_left { left.push(seen) } else { observed.push(seen) }
        }
        torn_down(&state, &observed, &left, keep_data)
    }
}

proptest! {
    #[test]
    fn whatever_names_whatever_there_is_an_order(found in found(), keep_data in any::<bool>()) {
        let plan = found.plan(keep_data);
        let steps = Steps::of(&plan);
        let names = |cycle: Vec<usize>| cycle.iter().map(|node| plan.actions[steps.nodes[*node].action].address.to_string()).collect::<Vec<_>>();
        prop_assert!(steps.graph.order().is_ok(), "{:?}", steps.graph.order().map_err(names));
        // Every resource is deleted or kept, and only data is kept, where that was asked for.
        for action in &plan.actions {
            let is_data = action.kind.facts().holds_data || action.kind == Kind::EfsAccessPoint;
            let expected = if keep_data && is_data { Verb::Retain } else { Verb::Delete };
            prop_assert_eq!(action.verb, expected);
        }
    }
}
