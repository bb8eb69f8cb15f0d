//! The lock while its holder is alive: taking it, heartbeats, and releasing it.

use super::*;

/// Every fault of a request that must not be noticed.
const PASSING: [Fault; 4] = [Fault::LostBefore, Fault::LostAfter, Fault::Repeated, Fault::Refused(ObjectFault::Conflict)];

async fn beat(client: &Client) -> u64 {
    let note: serde_json::Value = serde_json::from_slice(&client.standing("lock.json").expect("no lock")).unwrap();
    note["beat"].as_u64().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_lock_says_who_holds_it_and_is_gone_when_it_is_given_back() {
    let client = Client::new();
    let held = lock(&client, "apply --yes").await.unwrap();
    held.check().unwrap();
    let holder = store(&client).holder().await.unwrap().expect("no lock").expect("no entry");
    assert_eq!((holder.pid, holder.command.as_str()), (std::process::id(), "apply --yes"));
    held.release().await.unwrap();
    assert_eq!(client.standing("lock.json"), None);
    assert_eq!(store(&client).holder().await.unwrap(), None);
    held.release().await.unwrap();
    lock(&client.other(), "destroy").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_gave_the_lock_back_may_not_act_any_more() {
    // A step that still runs after the user asked twice to stop.
    let client = Client::new();
    let (lock, writer) = begun(&client).await;
    writer.check_lock().unwrap();
    client.latency(seconds(5.0));
    let releasing = tokio::spawn(async move { lock.release().await });
    sleep(seconds(2.5)).await;
    assert!(writer.check_lock().is_err(), "the lock is being given back");
    releasing.await.unwrap().unwrap();
    assert!(writer.check_lock().is_err());
}

#[tokio::test(start_paused = true)]
async fn one_of_many_gets_the_lock_and_the_others_are_told_who() {
    let bucket = Client::new();
    bucket.latency(seconds(0.1));
    let began = Instant::now();
    let takers: Vec<_> = (0..32)
        .map(|number| {
            let client = bucket.other();
            client.latency(seconds(0.05 + 0.01 * number as f64));
            tokio::spawn(async move {
                sleep(seconds(0.003 * (number * 7 % 32) as f64)).await;
                let taken = lock(&client, &format!("apply {number}")).await;
                (number, Instant::now(), taken)
            })
        })
        .collect();
    let (mut winners, mut told) = (Vec::new(), Vec::new());
    for taker in takers {
        match taker.await.unwrap() {
            (number, _, Ok(held)) => winners.push((number, held)),
            (_, when, Err(StateError::Locked { holder: Some(holder), remote: true })) => told.push((when, holder.command)),
            (_, _, Err(error)) => panic!("{error}"),
        }
    }
    assert_eq!((winners.len(), told.len()), (1, 31));
    let winner = format!("apply {}", winners[0].0);
    for (when, command) in told {
        assert_eq!(command, winner);
        let waited = when - began;
        // A read finds the next heartbeat; both take the time of a request.
        assert!(waited < TIMINGS.heartbeat_interval + TIMINGS.poll_interval + seconds(2.0), "{waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_for_the_lock_that_meets_its_own_note_has_taken_it() {
    for fault in PASSING {
        let client = Client::new();
        client.fail(Call::Put, "lock.json", 0..1, fault);
        let held = lock(&client, "apply").await.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        sleep(seconds(35.0)).await;
        held.check().unwrap();
        assert_eq!(beat(&client).await, 3, "{fault:?}: heartbeats are sent");
        held.release().await.unwrap();
        assert_eq!(client.standing("lock.json"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_is_not_fit_is_not_locked() {
    let client = Client::new();
    client.fail(Call::Get, "check", 0..1, Fault::LostBefore);
    let error = lock(&client, "apply").await.expect_err("it was taken");
    assert!(matches!(&error, StateError::Remote { source, .. } if source.fault == ObjectFault::Unfit), "{error}");
    assert_eq!(client.standing("lock.json"), None);
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_cannot_be_written_is_given_up() {
    let faults = [Fault::Refused(ObjectFault::Denied), Fault::Refused(ObjectFault::Credentials), Fault::LostBefore];
    for (fault, longest) in faults.into_iter().zip([seconds(1.0), seconds(1.0), TIMINGS.write_timeout + seconds(2.0)]) {
        let client = Client::new();
        client.latency(seconds(0.1));
        client.fail(Call::Put, "lock.json", 0..usize::MAX, fault);
        let taken = tokio::time::timeout(longest, lock(&client, "apply")).await.expect("it tries for ever");
        assert!(matches!(taken, Err(StateError::Remote { .. })), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_whose_answer_is_lost_does_not_cost_the_lock() {
    for fault in PASSING {
        let client = Client::new();
        let held = lock(&client, "apply").await.unwrap();
        client.fail(Call::Put, "lock.json", 0..1, fault);
        client.fail(Call::Put, "lock.json", 3..5, fault);
        for _ in 0..60 {
            sleep(seconds(5.0)).await;
            held.check().unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        }
        held.release().await.unwrap();
        assert_eq!(client.standing("lock.json"), None, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_is_released_after_a_heartbeat_whose_answer_was_lost() {
    // The release knows an older ETag than the one of the object.
    let client = Client::new();
    let held = lock(&client, "apply").await.unwrap();
    client.fail(Call::Put, "lock.json", 0..usize::MAX, Fault::LostAfter);
    client.fail(Call::Get, "lock.json", 0..usize::MAX, Fault::LostBefore);
    sleep(seconds(11.0)).await;
    assert_eq!(beat(&client).await, 1);
    client.heal();
    held.release().await.unwrap();
    assert_eq!(client.standing("lock.json"), None);
}

#[tokio::test(start_paused = true)]
async fn a_lock_is_released_in_the_middle_of_a_heartbeat() {
    for half_seconds in 0..14 {
        let client = Client::new();
        let held = lock(&client, "apply").await.unwrap();
        client.latency(seconds(2.0));
        sleep(seconds(8.75 + 0.5 * f64::from(half_seconds))).await;
        held.release().await.unwrap();
        sleep(seconds(30.0)).await;
        assert_eq!(client.standing("lock.json"), None, "{half_seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_bears_lost_answers_and_tells_of_refusals() {
    for fault in PASSING {
        let client = Client::new();
        let held = lock(&client, "apply").await.unwrap();
        client.fail(Call::Delete, "lock.json", 0..1, fault);
        held.release().await.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        assert_eq!(client.standing("lock.json"), None, "{fault:?}");
    }
    let client = Client::new();
    let held = lock(&client, "apply").await.unwrap();
    client.cut(Fault::Refused(ObjectFault::Credentials));
    let error = held.release().await.expect_err("it was not given back");
    assert!(matches!(error, StateError::Remote { .. }), "{error}");
    assert!(client.standing("lock.json").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_release_leaves_the_lock_of_another_alone() {
    let client = Client::new();
    let held = lock(&client, "apply").await.unwrap();
    let theirs = b"{\"id\":\"another\"}";
    client.put_object("lock.json", theirs);
    held.release().await.unwrap();
    assert_eq!(client.standing("lock.json").as_deref(), Some(&theirs[..]));
}

#[tokio::test(start_paused = true)]
async fn a_holder_notices_that_its_lock_was_taken_away() {
    // Another process deleted the object, or overwrote it, without asking.
    for theirs in [None, Some(b"{\"id\":\"another\"}")] {
        let client = Client::new();
        let held = lock(&client, "apply").await.unwrap();
        match theirs {
            None => client.remove("lock.json"),
            Some(theirs) => client.put_object("lock.json", theirs),
        }
        sleep(TIMINGS.heartbeat_interval + seconds(0.1)).await;
        let error = held.check().expect_err("it is not ours any more");
        assert!(error.starts_with("the lock of s3://bucket/demo was taken over by "), "{error}");
        held.release().await.unwrap();
        assert_eq!(client.standing("lock.json").as_deref(), theirs.map(|bytes| &bytes[..]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_dropped_gets_no_more_heartbeats() {
    let client = Client::new();
    drop(lock(&client, "apply").await.unwrap());
    sleep(seconds(60.0)).await;
    assert_eq!(beat(&client).await, 0);
}
