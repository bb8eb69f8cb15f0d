//! Order, concurrency and waiting of a run (docs/design-rules.md, rule 5).

use super::world::Strikes;
use super::*;
use crate::engine::{FailureKind, LeftBehind};
use crate::resource::Service;

#[tokio::test(start_paused = true)]
async fn everything_is_created_once_after_what_it_needs() {
    let lab = Lab::new();
    let done = lab.apply(&cluster()).await;
    assert_eq!(done.outcome.done, cluster().len());
    assert_eq!(lab.log.count("create "), cluster().len());
    for desired in cluster() {
        for first in desired.dependencies() {
            let enough = if desired.after_created.contains(&first) { "id" } else { "ready" };
            if first.to_string() != "image/x" {
                let (before, after) = (format!("{enough} {first}"), format!("intent {}", desired.address));
                assert!(lab.log.position(&before) < lab.log.position(&after), "{before}, {after}\n{}", lab.log.text());
            }
        }
    }
    lab.assert_is(&cluster()).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_run_changes_nothing() {
    let lab = Lab::new();
    lab.apply(&cluster()).await;
    lab.log.clear();
    let done = lab.apply(&cluster()).await;
    assert_eq!(done.outcome.done, 0);
    for call in ["create", "configure", "update", "delete", "intent", "ready"] {
        assert_eq!(lab.log.count(call), 0, "{}", lab.log.text());
    }
}

#[tokio::test(start_paused = true)]
async fn what_needs_only_an_id_does_not_wait_for_readiness() {
    let lab = Lab::new();
    lab.apply(&cluster()).await;
    assert!(lab.log.position("create autoscaling-group/default/a") < lab.log.position("ready eks-add-on/vpc-cni"), "{}", lab.log.text());
}

#[tokio::test(start_paused = true)]
async fn a_run_takes_hardly_longer_than_its_critical_path() {
    let done = Lab::new().apply(&cluster()).await;
    let Event::RunStarted { expected_seconds, .. } = done.events[0] else { panic!("{:?}", done.events[0]) };
    // The critical path: role or subnet, cluster, then launch template and group.
    assert!(expected_seconds >= 540 + 45, "{expected_seconds}");
    assert!(done.seconds < expected_seconds as f64 * 1.15, "{} of {expected_seconds}", done.seconds);
}

#[tokio::test(start_paused = true)]
async fn independent_branches_go_on_after_a_failure_and_dependents_are_skipped() {
    let lab = Lab::new();
    lab.world.fault("create iam-role/node", 1, Strikes::Before, FailureKind::Permission);
    let done = lab.run(&cluster()).await;
    let [failed] = done.outcome.failed.as_slice() else { panic!("{:?}", done.outcome) };
    assert_eq!((failed.address.to_string().as_str(), failed.left), ("iam-role/node", LeftBehind::Nothing));
    let skipped: Vec<String> = done.outcome.skipped.iter().map(ToString::to_string).collect();
    let behind =
        ["eks-cluster/main", "eks-access-entry/node", "launch-template/default", "autoscaling-group/default/a", "eks-add-on/vpc-cni"];
    assert_eq!(skipped, behind);
    for address in behind {
        assert_eq!(lab.log.count(&format!("create {address}")), 0);
        let told = |event: &Event| matches!(event, Event::StepSkipped { address: skipped, because } if skipped.to_string() == address && because.to_string() == "iam-role/node");
        assert_eq!(done.events.iter().filter(|event| told(event)).count(), 1, "{address}");
    }
    assert_eq!(done.outcome.done, cluster().len() - 1 - behind.len());
    let Some(Event::RunFinished { done: steps, failed: 1, skipped: 5, cancelled: false, .. }) = done.events.last() else {
        panic!("{:?}", done.events.last())
    };
    assert_eq!(*steps, done.outcome.done);
    lab.apply(&cluster()).await;
    lab.assert_is(&cluster()).await;
}

#[tokio::test(start_paused = true)]
async fn no_service_has_more_calls_in_flight_than_its_limit() {
    for (kind, service) in [(Kind::IamRole, Service::Iam), (Kind::SecurityGroup, Service::Ec2), (Kind::LogGroup, Service::Logs)] {
        let lab = Lab::new();
        lab.apply(&many(kind, 40)).await;
        assert_eq!(lab.world.most_in_flight(service), service.concurrency(), "{service:?}");
    }
    assert!(Service::Iam.concurrency() <= 4);
}

#[tokio::test(start_paused = true)]
async fn the_longest_way_is_sent_first() {
    let lab = Lab::new();
    let mut desired = many(Kind::IamRole, 30);
    // It is the last one in the order of the plan.
    desired.push(wanted("iam-role/z-of-the-cluster", json!({"name": "z"})));
    desired.push(wanted("eks-cluster/main", json!({"name": "demo", "role": reference("iam-role/z-of-the-cluster", "arn")})));
    lab.apply(&desired).await;
    let first = lab.log.lines("create iam-role/");
    assert_eq!(first[0], "create iam-role/z-of-the-cluster", "{first:?}");
}

#[tokio::test(start_paused = true)]
async fn waiting_holds_no_slot_and_asks_for_all_at_once() {
    let lab = Lab::new();
    let gateways = many(Kind::NatGateway, 40);
    let done = lab.apply(&gateways).await;
    // 40 creates at 8 at once, then all wait the same 100 seconds together.
    assert!(done.seconds < 120.0, "{}", done.seconds);
    let asked = lab.log.lines("observe nat-gateway these");
    assert!(asked.len() <= 120 / 4, "{asked:?}");
    assert!(asked.iter().any(|line| line == "observe nat-gateway these 40"), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_waited_for_is_told_once() {
    let done = Lab::new().apply(&many(Kind::NatGateway, 1)).await;
    let told: Vec<&str> = done
        .events
        .iter()
        .filter_map(|event| match event {
            Event::StepWaiting { why, .. } => Some(why.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(told, ["pending"]);
}

#[tokio::test(start_paused = true)]
async fn events_tell_each_step_from_start_to_end() {
    let done = Lab::new().apply(&[wanted("vpc/main", json!({"cidr": "10.0.0.0/16"}))]).await;
    let names: Vec<String> =
        done.events.iter().map(|event| serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["run_started", "step_started", "step_created", "step_done", "run_finished"]);
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_ends_the_run_before_anything_more_is_started() {
    let lab = Lab::new();
    lab.memory.room.store(3, std::sync::atomic::Ordering::SeqCst);
    let Err(RunError::Recorder(error)) = lab.try_run(&cluster()).await else { panic!("it went on") };
    assert!(error.to_string().ends_with("no space left on device"), "{error}");
    assert!(lab.log.count("create ") <= 3, "{}", lab.log.text());
    lab.memory.room.store(usize::MAX, std::sync::atomic::Ordering::SeqCst);
    lab.apply(&cluster()).await;
    lab.assert_is(&cluster()).await;
}

#[tokio::test(start_paused = true)]
async fn bad_credentials_end_the_run() {
    let lab = Lab::new();
    lab.world.fault("create vpc/main", 1, Strikes::Before, FailureKind::Credentials);
    let done = lab.run(&cluster()).await;
    assert_eq!(done.outcome.failed.len(), 1);
    // What was in flight with it comes back; what waited for that is not started.
    assert_eq!(lab.log.count("create s3-bucket/logs") + lab.log.count("create eks-cluster/main"), 0, "{}", lab.log.text());
    lab.apply(&cluster()).await;
    lab.assert_is(&cluster()).await;
}
