//! The teardown as the destroy command runs it: leftovers, resources of others, resources that AWS creates again (RUN-4).

mod keeping;
mod orders;

use super::world::Strikes;
use super::*;
use crate::engine::{CLOUD_CONTROLLER, FailureKind, Scope, teardown};

const GROUP: &str = "autoscaling-group/default/a";
const SUBNET: &str = "subnet/private/a";

impl Lab {
    /// The plan of a teardown, from the same inspection as that of the command.
    pub(super) async fn try_teardown(&self, keep_data: bool) -> Option<Plan> {
        let state = self.document();
        let observed = self.world.observe_all(&state, &[], &self.lookups).await.ok()?;
        let ids = state.resources.iter().map(|(address, record)| (address, &record.id));
        let ids = ids.chain(observed.iter().map(|seen| (&seen.address, &seen.id)));
        let vpcs = ids.filter(|(address, _)| address.kind() == Kind::Vpc).map(|(_, id)| id.clone()).collect();
        let left = self.world.left(&Scope { vpcs, owns_vpc: true, ..Scope::default() }).await.ok()?;
        let inputs = Inputs { desired: &[], state: &state, observed: Some(&observed), lookups: &self.lookups };
        Some(teardown(&inputs, &left, keep_data).unwrap())
    }

    async fn teardown(&self, keep_data: bool) -> Plan {
        self.try_teardown(keep_data).await.unwrap()
    }

    /// One round of the teardown.
    async fn round(&self, keep_data: bool) -> Done {
        self.execute(self.teardown(keep_data).await).await.unwrap()
    }

    /// One round, in which nothing may fail.
    async fn destroy(&self, keep_data: bool) -> Done {
        let done = self.round(keep_data).await;
        assert!(done.outcome.failed.is_empty() && done.outcome.skipped.is_empty(), "{:?}\n{}", done.outcome, self.log.text());
        done
    }

    /// Nothing exists, nothing is recorded, and the plan is empty.
    async fn assert_nothing(&self) {
        assert_eq!(self.world.live(), Vec::<String>::new(), "{}", self.log.text());
        assert!(self.document().is_empty(), "{:?}", self.document().resources.keys());
        assert!(!self.teardown(false).await.has_changes());
        assert_eq!(self.world.violations(), Vec::<String>::new(), "{}", self.log.text());
    }

    /// Waits until everything is visible and client tokens have expired.
    async fn grow_old(&self) {
        tokio::time::sleep(std::time::Duration::from_secs(700)).await;
        self.memory.begin();
    }

    /// The spec of a resource in our network.
    fn inside(&self) -> Value {
        let id = |of: &str| self.world.id(of);
        json!({"vpc": id("vpc/main"), "subnet": id(SUBNET), "groups": [id("security-group/nodes")]})
    }
}

async fn made(desired: &[Desired]) -> Lab {
    let lab = Lab::new();
    lab.apply(desired).await;
    lab.log.clear();
    lab
}

/// Only a network, so that its part of the log is easy to read.
fn network() -> Vec<Desired> {
    let parts = ["vpc/main", SUBNET, "security-group/nodes", "s3-bucket/logs", "kms-key/main"];
    cluster().into_iter().filter(|desired| parts.contains(&desired.address.to_string().as_str())).collect()
}

/// A cluster with its log group, with the dependencies of the blueprint.
fn logging() -> Vec<Desired> {
    let mut desired = cluster();
    desired.push(wanted("log-group/control-plane", json!({"name": "logs"})));
    let main = with(&mut desired, "eks-cluster/main");
    main.after.push(address("log-group/control-plane"));
    desired
}

fn waits(done: &Done, of: &str) -> Vec<String> {
    let waiting = |event: &Event| match event {
        Event::StepWaiting { address, why } if address.to_string() == of => Some(why.clone()),
        _ => None,
    };
    done.events.iter().filter_map(waiting).collect()
}

#[tokio::test(start_paused = true)]
async fn what_kubernetes_left_in_the_way_is_cleared_and_the_removal_goes_on() {
    let lab = made(&cluster()).await;
    lab.world.leave_after(GROUP, 0, "network-interface/pod", lab.inside());
    let done = lab.destroy(false).await;
    let cleared = [(address("network-interface/pod"), done.outcome.cleared[0].1.clone())];
    assert_eq!(done.outcome.cleared, cleared);
    let said = |event: &&Event| matches!(event, Event::Cleared { address, held, .. } if address.kind() == Kind::NetworkInterface && [SUBNET, "security-group/nodes"].contains(&held.to_string().as_str()));
    assert_eq!(done.events.iter().filter(said).count(), 1);
    lab.assert_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn what_holds_several_is_told_of_once() {
    for _ in 0..20 {
        let lab = made(&network()).await;
        let plan = lab.teardown(false).await;
        lab.world.leave("network-interface/pod", lab.inside());
        let done = lab.execute(plan).await.unwrap();
        assert_eq!(done.outcome.cleared.len(), 1);
        assert_eq!(done.events.iter().filter(|event| matches!(event, Event::Cleared { .. })).count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_takes_its_time_to_go_is_cleared_once() {
    let lab = made(&network()).await;
    let plan = lab.teardown(false).await;
    lab.world.leave("load-balancer/web", lab.inside());
    let done = lab.execute(plan).await.unwrap();
    assert!(done.outcome.failed.is_empty(), "{:?}", done.outcome);
    assert_eq!(done.outcome.cleared.len(), 1, "{:?}\n{}", done.outcome.cleared, lab.log.text());
    assert!(done.seconds >= 30.0, "its interfaces hold the network until then: {}", done.seconds);
    lab.assert_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn what_one_leftover_holds_of_another_goes_in_a_later_try() {
    let lab = made(&network()).await;
    let plan = lab.teardown(false).await;
    let group = lab.world.leave("kubernetes-security-group/elb", json!({"vpc": lab.world.id("vpc/main")}));
    lab.world.leave("network-interface/pod", json!({"vpc": lab.world.id("vpc/main"), "groups": [group]}));
    let done = lab.execute(plan).await.unwrap();
    assert!(done.outcome.failed.is_empty(), "{:?}", done.outcome);
    let mut cleared: Vec<String> = done.outcome.cleared.iter().map(|(address, _)| address.to_string()).collect();
    cleared.sort();
    assert_eq!(cleared, ["kubernetes-security-group/elb", "network-interface/pod"]);
    lab.assert_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn what_holds_data_is_never_cleared() {
    let lab = made(&network()).await;
    let plan = lab.teardown(false).await;
    lab.world.leave("ebs-volume/claim", lab.inside());
    let done = lab.execute(plan).await.unwrap();
    assert_eq!(lab.log.count("delete ebs-volume"), 0);
    assert!(done.outcome.cleared.is_empty());
    let failed = done.outcome.failed.iter().find(|failed| failed.address == address(SUBNET)).unwrap();
    assert_eq!(failed.failure.kind, FailureKind::InUse);
    assert!(failed.failure.message.contains("left by Kubernetes"), "{}", failed.failure.message);
    assert_eq!(lab.world.live(), ["ebs-volume/claim", "security-group/nodes", SUBNET, "vpc/main"]);
}

#[tokio::test(start_paused = true)]
async fn a_stranger_alone_ends_the_wait_soon_and_what_is_independent_goes() {
    let lab = made(&network()).await;
    let spec = json!({"vpc": lab.world.id("vpc/main"), "subnet": lab.world.id(SUBNET)});
    lab.world.foreign_with("network-interface/database", spec, &[("owner", "somebody")]);
    let stranger = lab.world.print(true);
    let done = lab.round(false).await;
    assert!((30.0..60.0).contains(&done.seconds), "{}", done.seconds);
    let [failed] = done.outcome.failed.as_slice() else { panic!("{:?}", done.outcome) };
    assert_eq!((&failed.address, failed.failure.kind), (&address(SUBNET), FailureKind::Foreign));
    let id = lab.world.id("network-interface/database");
    let message = &failed.failure.message;
    assert!(message.ends_with(&format!("(held by network-interface {id} (of the database team), not ours)")), "{message}");
    assert_eq!(done.outcome.skipped, [address("vpc/main")]);
    assert_eq!(lab.world.live(), ["network-interface/database", SUBNET, "vpc/main"]);
    assert_eq!(lab.world.print(true), stranger);
    lab.world.move_out("network-interface/database");
    lab.destroy(false).await;
    lab.assert_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn what_goes_by_itself_is_waited_for_also_beside_a_stranger() {
    let lab = made(&network()).await;
    lab.world.leave_for("network-interface/leaving", lab.inside(), 200);
    let done = lab.destroy(false).await;
    assert!((200.0..260.0).contains(&done.seconds), "{}", done.seconds);
    assert_eq!(lab.log.count("delete network-interface"), 0);
    lab.assert_nothing().await;

    let lab = made(&network()).await;
    lab.world.leave_for("network-interface/leaving", lab.inside(), 200);
    lab.world.foreign_with("network-interface/database", lab.inside(), &[]);
    let done = lab.round(false).await;
    assert!((230.0..290.0).contains(&done.seconds), "thirty seconds from when only the resource of others is left: {}", done.seconds);
    assert!(done.outcome.failed.iter().all(|failed| failed.failure.kind == FailureKind::Foreign), "{:?}", done.outcome.failed);
}

#[tokio::test(start_paused = true)]
async fn what_never_goes_ends_with_the_patience_for_its_kind() {
    let lab = made(&network()).await;
    lab.world.leave_for("network-interface/leaving", lab.inside(), 100_000);
    lab.world.foreign_with("network-interface/database", lab.inside(), &[]);
    let done = lab.round(false).await;
    assert!((600.0..660.0).contains(&done.seconds), "{}", done.seconds);
    let message = done.outcome.failed[0].failure.message.clone();
    assert!(
        message.contains("not ours; network-interface") && message.ends_with("removed by AWS itself)"),
        "those of others first: {message}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_denied_leaves_the_refusal_as_it_is() {
    let lab = made(&network()).await;
    lab.world.foreign_with("network-interface/database", lab.inside(), &[]);
    lab.world.fault("blockers", 10_000, Strikes::Before, FailureKind::Permission);
    let done = lab.round(false).await;
    let failed = done.outcome.failed.iter().find(|failed| failed.address == address(SUBNET)).unwrap();
    assert_eq!(failed.failure.kind, FailureKind::InUse);
    assert_eq!(failed.failure.message, format!("{SUBNET} is used by network-interface/database"));
    assert!((600.0..660.0).contains(&done.seconds), "{}", done.seconds);
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_wait_for_what_holds() {
    let lab = made(&network()).await;
    lab.world.leave_for("network-interface/leaving", lab.inside(), 100_000);
    let plan = lab.teardown(false).await;
    let stop = async {
        tokio::time::sleep(std::time::Duration::from_secs(100)).await;
        lab.stop.send_replace(true);
    };
    let (done, ()) = tokio::join!(lab.execute(plan), stop);
    let done = done.unwrap();
    assert!(done.outcome.cancelled && done.seconds < 106.0, "{}", done.seconds);
    lab.stop.send_replace(false);
    lab.world.move_out("network-interface/leaving");
    lab.world.vanish("network-interface/leaving");
    lab.destroy(false).await;
    lab.assert_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn a_log_group_that_comes_back_is_deleted_again() {
    for (delay, deletes) in [(3, 1), (20, 2), (57, 2), (90, 1)] {
        let lab = made(&logging()).await;
        lab.world.rewrite_after("eks-cluster/main", delay, "log-group/control-plane");
        let done = lab.destroy(false).await;
        assert_eq!(lab.log.count("delete log-group"), deletes, "after {delay} s\n{}", lab.log.text());
        let watching = waits(&done, "log-group/control-plane").iter().filter(|why| why.starts_with("watching")).count();
        assert_eq!(watching, 1);
        assert!(lab.document().is_empty());
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
        let left = usize::from(delay > 60);
        assert_eq!(lab.world.live().len(), left, "what appears after the watch is found by the verification");
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_group_is_watched_for_a_minute_after_its_cluster_is_gone() {
    for recorded in [true, false] {
        let lab = made(&logging()).await;
        if !recorded {
            // Without records, only the facts of the kinds give the order.
            lab.memory.edit(|state| (state.resources, state.intents) = Default::default());
        }
        lab.world.rewrite_after("eks-cluster/main", 40, "log-group/control-plane");
        lab.destroy(false).await;
        assert!(lab.log.position("gone eks-cluster/main") < lab.log.position("delete log-group"), "{}", lab.log.text());
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
        lab.world.take_early_deletes();
        lab.assert_nothing().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_group_is_not_watched_when_no_cluster_goes() {
    let lab = made(&[wanted("log-group/control-plane", json!({"name": "logs"}))]).await;
    let done = lab.destroy(false).await;
    assert!(done.seconds < 5.0, "{}", done.seconds);
    lab.assert_nothing().await;
    // Nor when the cluster was deleted long before.
    let lab = made(&logging()).await;
    assert!(lab.world.delete_outside("eks-cluster/main"));
    lab.grow_old().await;
    let done = lab.destroy(false).await;
    assert_eq!(waits(&done, "log-group/control-plane"), Vec::<String>::new());
    lab.assert_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn leftovers_go_after_the_groups_and_those_of_the_cloud_controller_after_the_cluster() {
    let lab = made(&cluster()).await;
    let by = |maker: &str| {
        let mut spec = lab.inside();
        spec["made_by"] = json!(maker);
        spec
    };
    lab.world.leave("load-balancer/ingress", by("the AWS Load Balancer Controller"));
    lab.world.leave("classic-load-balancer/service", by(CLOUD_CONTROLLER));
    lab.world.leave("ebs-volume/claim", json!({"made_by": "the EBS CSI driver"}));
    let done = lab.destroy(false).await;
    let at = |line: &str| lab.log.position(line);
    for left in ["load-balancer/ingress", "classic-load-balancer/service", "ebs-volume/claim"] {
        assert!(at(&format!("gone {GROUP}")) < at(&format!("delete {left}")), "{left}\n{}", lab.log.text());
    }
    assert!(at("delete load-balancer/ingress") < at("gone eks-cluster/main"), "it need not wait for the cluster");
    assert!(at("gone eks-cluster/main") < at("delete classic-load-balancer/service"));
    assert!(at("delete load-balancer/ingress") < at(&format!("delete {SUBNET}")));
    assert!(done.outcome.cleared.is_empty(), "they were planned");
    lab.assert_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn a_cluster_waits_for_its_nodes_also_without_records() {
    let lab = made(&cluster()).await;
    lab.memory.edit(|state| (state.resources, state.intents) = Default::default());
    lab.destroy(false).await;
    let at = |line: &str| lab.log.position(line);
    assert!(at(&format!("gone {GROUP}")) < at("delete eks-cluster/main"), "{}", lab.log.text());
}

#[tokio::test(start_paused = true)]
async fn an_apply_never_deletes_what_was_left() {
    let lab = made(&cluster()).await;
    lab.world.leave("load-balancer/ingress", lab.inside());
    lab.world.leave("ebs-volume/claim", json!({}));
    lab.destroy_data_aside().await;
    let before = lab.world.live();
    let plan = lab.plan(&cluster()).await;
    assert!(plan.actions.iter().all(|action| !action.kind.facts().leftover), "also not what is recorded");
    lab.apply(&cluster()).await;
    assert_eq!(lab.world.live(), before);
}

impl Lab {
    /// Records every leftover that holds data as kept, like a destroy that is killed right after that.
    async fn destroy_data_aside(&self) {
        let mut plan = self.teardown(true).await;
        plan.actions.retain(|action| action.verb == Verb::Retain && action.kind.facts().leftover);
        self.execute(plan).await.unwrap();
        assert!(self.document().resources.keys().any(|address| address.kind().facts().leftover));
    }
}

/// Deleting a mount target breaks its mounts, and nodes would lose what they have not written yet.
#[tokio::test(start_paused = true)]
async fn nodes_keep_their_mounts_and_endpoints_until_they_are_gone() {
    let mut desired = cluster();
    let subnet = id(SUBNET);
    desired.push(wanted("efs-file-system/mounted", json!({"backup": false})));
    desired.push(wanted("efs-mount-target/a", json!({"file_system": id("efs-file-system/mounted"), "subnet": subnet})));
    desired.push(wanted("vpc-endpoint/s3", json!({"vpc": id("vpc/main"), "service": "s3"})));
    let lab = made(&desired).await;
    let node = lab.world.leave("instance/node", lab.inside());
    lab.destroy(false).await;
    let position =
        |line: &str| lab.log.lines("").iter().position(|said| said == line).unwrap_or_else(|| panic!("no {line}\n{}", lab.log.text()));
    for after in ["delete efs-mount-target/a", "delete vpc-endpoint/s3", "delete eks-cluster/main"] {
        assert!(position("gone instance/node") < position(after), "{node}: {}", lab.log.text());
        assert!(position(&format!("gone {GROUP}")) < position(after), "{}", lab.log.text());
    }
    lab.assert_nothing().await;
}
