//! The user stops a run (docs/design-rules.md, rule 6).

use super::world::Strikes;
use super::*;
use crate::engine::FailureKind;
use std::time::Duration;
use tokio::time::sleep;

/// Runs and stops after this many seconds.
async fn stopped_after(lab: &Lab, desired: &[Desired], seconds: f64) -> Done {
    let (done, ()) = tokio::join!(lab.run(desired), async {
        sleep(Duration::from_secs_f64(seconds)).await;
        lab.stop.send_replace(true);
    });
    lab.stop.send_replace(false);
    done
}

#[tokio::test(start_paused = true)]
async fn nothing_new_is_started_and_what_was_in_flight_is_recorded() {
    // Observing all kinds takes 2.2 s; then the first creates are in flight.
    for seconds in [2.25, 2.3, 2.35, 2.5, 3.0, 4.0, 30.0, 200.0, 560.0] {
        let lab = Lab::new();
        let desired = cluster();
        let done = stopped_after(&lab, &desired, seconds).await;
        assert!(done.outcome.cancelled && done.outcome.failed.is_empty(), "{seconds}: {:?}", done.outcome);
        assert!(!done.outcome.skipped.is_empty());
        let stopping = done.events.iter().position(|event| *event == Event::Stopping).unwrap();
        let started = |created: &Address| {
            done.events[..stopping].iter().any(|event| matches!(event, Event::StepStarted { address, .. } if address == created))
        };
        for event in &done.events[stopping..] {
            assert!(!matches!(event, Event::StepCreated { address, .. } if !started(address)), "{seconds}: {event:?}");
        }
        assert!(matches!(done.events.last(), Some(Event::RunFinished { cancelled: true, .. })));
        // Everything that exists has its record.
        let recorded: Vec<String> = {
            let mut addresses: Vec<String> = lab.document().resources.keys().map(ToString::to_string).collect();
            addresses.sort();
            addresses
        };
        assert_eq!(lab.world.live(), recorded, "{seconds}\n{}", lab.log.text());
        lab.apply(&desired).await;
        lab.assert_is(&desired).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_waits_at_once() {
    let lab = Lab::new();
    let done = stopped_after(&lab, &many(Kind::NatGateway, 3), 30.0).await;
    assert!(done.outcome.cancelled);
    assert!(done.seconds < 31.0, "{}", done.seconds);
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_retries_at_once() {
    let lab = Lab::new();
    lab.world.fault("create vpc/n0", usize::MAX, Strikes::Before, FailureKind::Busy);
    let done = stopped_after(&lab, &many(Kind::Vpc, 1), 60.0).await;
    assert!(done.outcome.cancelled && done.seconds < 61.0, "{}", done.seconds);
    assert_eq!(lab.world.live(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_does_not_come_back_is_left_after_five_seconds_with_its_intent() {
    let lab = Lab::new();
    lab.world.fault("create vpc/n0", 1, Strikes::Hangs, FailureKind::Other);
    let done = stopped_after(&lab, &many(Kind::Vpc, 1), 10.0).await;
    assert!(done.outcome.cancelled && (10.0..16.0).contains(&(done.seconds + 2.2)), "{}", done.seconds);
    assert!(lab.document().intents.contains_key(&address("vpc/n0")));
    lab.apply(&many(Kind::Vpc, 1)).await;
    lab.assert_is(&many(Kind::Vpc, 1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_stopped_destroy_goes_on_with_the_next() {
    for seconds in [2.3, 3.0, 20.0, 100.0, 200.0] {
        let lab = Lab::new();
        lab.apply(&cluster()).await;
        let done = stopped_after(&lab, &[], seconds).await;
        assert!(done.outcome.cancelled && done.outcome.failed.is_empty(), "{seconds}: {:?}", done.outcome);
        lab.apply(&[]).await;
        lab.assert_is(&[]).await;
    }
}
#[tokio::test(start_paused = true)]
async fn no_step_starts_after_stopping_is_told() {
    for tenths in 22..80 {
        let lab = Lab::new();
        let done = stopped_after(&lab, &cluster(), f64::from(tenths) / 10.0).await;
        let stopping = done.events.iter().position(|event| *event == Event::Stopping).unwrap();
        assert!(!done.events[stopping..].iter().any(|event| matches!(event, Event::StepStarted { .. })), "{tenths}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_never_sent_leaves_no_intent() {
    let lab = Lab::new();
    let desired = many(Kind::ElasticIp, 40);
    // Eight are in flight, the others wait for a slot.
    stopped_after(&lab, &desired, 2.45).await;
    // What has an id but is not ready keeps its intent.
    let document = lab.document();
    let open: Vec<String> =
        document.intents.keys().filter(|address| !document.resources.contains_key(*address)).map(ToString::to_string).collect();
    assert!(open.is_empty(), "{open:?}");
    let done = lab.apply(&desired).await;
    assert!(done.seconds < 30.0, "{}", done.seconds);
}
