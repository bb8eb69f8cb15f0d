//! Retries, waiting and giving up.

use super::world::Strikes;
use super::*;
use crate::engine::{Failed, FailureKind, LeftBehind, Reason};

fn vpc() -> Vec<Desired> {
    vec![wanted("vpc/main", json!({"cidr": "10.0.0.0/16"}))]
}

fn only(done: &Done) -> &Failed {
    let [failed] = done.outcome.failed.as_slice() else { panic!("{:?}", done.outcome) };
    failed
}

#[tokio::test(start_paused = true)]
async fn passing_faults_are_waited_out() {
    for kind in [FailureKind::NotYet, FailureKind::InUse, FailureKind::Busy] {
        let lab = Lab::new();
        for call in ["create vpc/main", "configure vpc/main"] {
            lab.world.fault(call, 6, Strikes::Before, kind);
        }
        lab.apply(&vpc()).await;
        assert_eq!((lab.log.count("create vpc/main"), lab.log.count("configure vpc/main")), (7, 7), "{kind:?}");
        lab.assert_is(&vpc()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_says_why() {
    let lab = Lab::new();
    lab.world.fault("create vpc/main", 1, Strikes::Before, FailureKind::NotYet);
    let done = lab.apply(&vpc()).await;
    let why = "trying again: create vpc/main: NotYet: the world says no (request id r-1)";
    assert!(done.events.iter().any(|event| matches!(event, Event::StepWaiting { why: said, .. } if said == why)), "{:?}", done.events);
}

#[tokio::test(start_paused = true)]
async fn patience_ends_after_the_documented_time() {
    for (kind, seconds) in [(FailureKind::NotYet, 120.0), (FailureKind::InUse, 600.0), (FailureKind::Busy, 120.0)] {
        let lab = Lab::new();
        lab.world.fault("create vpc/main", usize::MAX, Strikes::Before, kind);
        let done = lab.run(&vpc()).await;
        assert_eq!((only(&done).failure.kind, only(&done).left), (kind, LeftBehind::Nothing));
        assert!((seconds..seconds + 30.0).contains(&done.seconds), "{kind:?} took {}", done.seconds);
        assert!(lab.document().is_empty(), "nothing is left, and nothing is believed to be");
    }
}

#[tokio::test(start_paused = true)]
async fn what_repeating_cannot_heal_is_not_repeated() {
    for kind in [FailureKind::Permission, FailureKind::Other, FailureKind::Credentials] {
        let lab = Lab::new();
        lab.world.fault("create vpc/main", usize::MAX, Strikes::Before, kind);
        let done = lab.run(&vpc()).await;
        assert_eq!((only(&done).failure.kind, only(&done).left), (kind, LeftBehind::Nothing));
        assert_eq!(lab.log.count("create vpc/main"), 1);
        assert_eq!(lab.log.count("dropped vpc/main"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_after_the_creation_leaves_a_record() {
    let lab = Lab::new();
    lab.world.fault("configure vpc/main", 1, Strikes::Before, FailureKind::Permission);
    let done = lab.run(&vpc()).await;
    assert_eq!(only(&done).left, LeftBehind::Recorded);
    assert_eq!(lab.document().resources.len(), 1);
    assert_eq!(verb_of(&lab.plan(&vpc()).await, "vpc/main"), Verb::Create);
    lab.apply(&vpc()).await;
    assert_eq!(lab.log.count("create vpc/main"), 1, "the creation is finished, not begun again");
    lab.assert_is(&vpc()).await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_never_ends_is_given_up() {
    let lab = Lab::new();
    let gateways = [wanted("nat-gateway/a", json!({"stuck": true}))];
    let done = lab.run(&gateways).await;
    assert_eq!(only(&done).failure.message, "still waiting after 15 minutes (stuck)");
    assert_eq!(only(&done).left, LeftBehind::Recorded);
    assert!((900.0..915.0).contains(&done.seconds), "{}", done.seconds);
}

#[tokio::test(start_paused = true)]
async fn a_passing_fault_does_not_end_a_wait() {
    for kind in [FailureKind::Busy, FailureKind::LostAnswer, FailureKind::NotYet] {
        let lab = Lab::new();
        lab.world.fault("observe nat-gateway these", 5, Strikes::Before, kind);
        lab.apply(&many(Kind::NatGateway, 2)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_lasting_fault_ends_a_wait() {
    for (kind, times) in [(FailureKind::Permission, 1), (FailureKind::Busy, usize::MAX)] {
        let lab = Lab::new();
        lab.world.fault("observe nat-gateway these", times, Strikes::Before, kind);
        let done = lab.run(&many(Kind::NatGateway, 2)).await;
        assert_eq!(done.outcome.failed.len(), 2);
        assert!(done.outcome.failed.iter().all(|failed| failed.failure.kind == kind && failed.left == LeftBehind::Recorded));
        assert!(done.seconds < 140.0, "{}", done.seconds);
    }
}

#[tokio::test(start_paused = true)]
async fn something_new_may_be_invisible_for_a_while() {
    let lab = Lab::new();
    lab.world.lag.store(20_000, std::sync::atomic::Ordering::SeqCst);
    let done = lab.apply(&many(Kind::EfsFileSystem, 1)).await;
    let seen = |event: &Event| matches!(event, Event::StepWaiting { why, .. } if why == "becoming visible");
    assert!(done.events.iter().any(seen), "{:?}", done.events);
}

#[tokio::test(start_paused = true)]
async fn what_stays_invisible_has_disappeared() {
    let lab = Lab::new();
    lab.world.lag.store(3_600_000, std::sync::atomic::Ordering::SeqCst);
    let done = lab.run(&many(Kind::EfsFileSystem, 1)).await;
    assert_eq!(only(&done).failure.message, "it disappeared while it was being created");
    assert_eq!(only(&done).left, LeftBehind::Recorded);
}

#[tokio::test(start_paused = true)]
async fn a_resource_that_fails_is_told_and_made_anew_by_the_next_run() {
    let lab = Lab::new();
    let gateways = many(Kind::NatGateway, 1);
    let (done, ()) = tokio::join!(lab.run(&gateways), async {
        tokio::time::sleep(std::time::Duration::from_secs(30)).await;
        lab.world.fail("nat-gateway/n0", "subnet is full");
    });
    assert_eq!(only(&done).failure.message, "AWS reports that it failed: subnet is full");
    let plan = lab.plan(&gateways).await;
    assert_eq!((verb_of(&plan, "nat-gateway/n0"), &plan.actions[0].reason), (Verb::Replace, &Reason::Failed("subnet is full".to_owned())));
    lab.apply(&gateways).await;
    lab.assert_is(&gateways).await;
}

#[tokio::test(start_paused = true)]
async fn an_add_on_that_fails_late_does_not_take_nodes_along() {
    let lab = Lab::new();
    let desired = cluster();
    let (done, ()) = tokio::join!(lab.run(&desired), async {
        while !lab.world.live().contains(&"eks-add-on/vpc-cni".to_owned()) {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        lab.world.fail("eks-add-on/vpc-cni", "degraded");
    });
    assert_eq!(only(&done).address.to_string(), "eks-add-on/vpc-cni");
    assert!(done.outcome.skipped.is_empty());
    assert_eq!(lab.log.count("ready autoscaling-group/default/a"), 1);
}
