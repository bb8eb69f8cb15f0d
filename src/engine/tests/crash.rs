//! The process is killed at every point (RUN-2): before and after the effect of every call and every entry.

use super::*;
use std::sync::atomic::Ordering;

/// Runs again after a kill until nothing is left to do; returns how many runs that took.
async fn recovers(lab: &Lab, desired: &[Desired]) -> usize {
    for runs in 0..4 {
        if !lab.plan(desired).await.has_changes() {
            return runs;
        }
        lab.apply(desired).await;
    }
    panic!("never done\n{}", lab.log.text());
}

/// Applies `before` and then `desired`, is killed at each point of the second run, and recovers every time.
async fn sweep(before: &[Desired], desired: &[Desired], lag: usize) {
    let mut at = 0;
    loop {
        let lab = Lab::new();
        if !before.is_empty() {
            lab.apply(before).await;
        }
        lab.log.clear();
        lab.world.lag.store(lag, Ordering::SeqCst);
        lab.die_at(at);
        if !lab.run_to_death(desired).await {
            assert!(at > 20, "the sweep ended after {at} points");
            return;
        }
        let runs = recovers(&lab, desired).await;
        assert!(runs <= 1, "{runs} runs were needed after a death at {at}\n{}", lab.log.text());
        lab.assert_is(desired).await;
        at += 1;
    }
}

#[tokio::test(start_paused = true)]
async fn a_creation_survives_death_at_every_point() {
    sweep(&[], &cluster(), 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_creation_survives_death_at_every_point_in_a_world_that_shows_things_two_seconds_late() {
    sweep(&[], &cluster(), 2_000).await;
}

#[tokio::test(start_paused = true)]
async fn a_destruction_survives_death_at_every_point() {
    sweep(&cluster(), &[], 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_change_survives_death_at_every_point() {
    let mut desired = cluster();
    with(&mut desired, "launch-template/default").spec["disk_gib"] = json!(500);
    with(&mut desired, "s3-bucket/logs").spec["noncurrent_days"] = json!(7);
    with(&mut desired, "autoscaling-group/default/a").spec["max"] = json!(9);
    desired.push(wanted("log-group/control-plane", json!({"name": "logs"})));
    desired.retain(|desired| desired.address.to_string() != "efs-file-system/datasets");
    sweep(&cluster(), &desired, 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_replacement_survives_death_at_every_point() {
    let gateways = |subnet: &str, zone: &str| {
        vec![
            wanted("elastic-ip/nat/a", json!({})),
            wanted("nat-gateway/a", json!({"subnet": subnet, "allocation": id("elastic-ip/nat/a")})),
            wanted("autoscaling-group/p/a", json!({"zone": zone, "max": 1})),
        ]
    };
    sweep(&gateways("one", "a"), &gateways("two", "b"), 0).await;
}

#[tokio::test(start_paused = true)]
async fn two_deaths_in_a_row_are_survived() {
    let desired = cluster();
    for first in (0..160).step_by(7) {
        for second in [1, 5, 12, 30] {
            let lab = Lab::new();
            lab.die_at(first);
            lab.run_to_death(&desired).await;
            lab.die_at(second);
            lab.run_to_death(&desired).await;
            recovers(&lab, &desired).await;
            lab.assert_is(&desired).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_destroy_after_a_death_leaves_nothing() {
    let desired = cluster();
    for at in (0..200).step_by(3) {
        let lab = Lab::new();
        lab.die_at(at);
        lab.run_to_death(&desired).await;
        lab.apply(&[]).await;
        assert_eq!(lab.world.live(), Vec::<String>::new(), "death at {at}\n{}", lab.log.text());
    }
}

#[tokio::test(start_paused = true)]
async fn a_creation_survives_death_at_every_point_in_a_world_that_shows_things_late() {
    sweep(&[], &cluster(), 20_000).await;
}

#[tokio::test(start_paused = true)]
async fn a_deletion_of_what_has_only_an_intent_survives_death_and_leaves_no_token_behind() {
    let desired = many(Kind::LaunchTemplate, 2);
    let mut at = 0;
    loop {
        let lab = Lab::new();
        lab.apply(&desired).await;
        lab.memory.edit(|state| state.resources.clear());
        lab.die_at(at);
        let died = lab.run_to_death(&[]).await;
        recovers(&lab, &desired).await;
        lab.assert_is(&desired).await;
        if !died {
            assert!(at > 8, "the sweep ended after {at} points");
            return;
        }
        at += 1;
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_destroy_left_half_made_is_waited_for_by_the_next_apply() {
    let lab = Lab::new();
    let desired = cluster();
    lab.die_at(110);
    assert!(lab.run_to_death(&desired).await);
    let document = lab.document();
    assert_eq!(document.resources[&address("eks-cluster/main")].status, crate::state::RecordStatus::Creating, "{}", lab.log.text());
    // The next destroy is killed after it has recorded what it is about to delete.
    lab.memory.edit(|state| state.apply(crate::state::Entry::Deleting { address: address("eks-cluster/main") }));
    recovers(&lab, &desired).await;
    lab.assert_is(&desired).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_destroy_did_not_delete_is_found_again_also_when_it_shows_late() {
    for kind in [Kind::Vpc, Kind::RouteTable, Kind::Subnet] {
        let lab = Lab::new();
        lab.world.lag.store(20_000, Ordering::SeqCst);
        lab.apply(&many(kind, 1)).await;
        lab.die_at(1);
        assert!(lab.run_to_death(&[]).await);
        assert_eq!(lab.log.count("delete "), 0, "it died before the call");
        lab.apply(&many(kind, 1)).await;
        assert_eq!(lab.world.live().len(), 1, "{kind}");
    }
}
