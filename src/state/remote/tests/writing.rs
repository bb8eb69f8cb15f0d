//! Runs that write: entries that become durable together, answers that are lost, and the fence.

use super::*;

/// Every fault of a put that must not be noticed.
const PASSING: [Fault; 4] = [Fault::LostBefore, Fault::LostAfter, Fault::Repeated, Fault::Refused(ObjectFault::Conflict)];

#[tokio::test(start_paused = true)]
async fn a_run_begins_ends_and_is_read_back() {
    let client = Client::new();
    let (lock, writer) = begun(&client).await;
    assert_eq!(standing(&client), writer.document());
    assert_eq!(writer.document().serial, 1);
    for number in 0..3 {
        writer.record(entry(number)).await.unwrap();
        assert_eq!(standing(&client), writer.document());
    }
    writer.check_lock().unwrap();
    let ended = writer.finish().await.unwrap();
    assert_eq!(standing(&client), ended);
    assert_eq!((ended.serial, ended.resources.len()), (5, 3));
    lock.release().await.unwrap();
    assert_eq!(store(&client).load().await.unwrap(), Some(ended.clone()));
    let (_, writer) = begun(&client).await;
    assert_eq!(standing(&client), Document { serial: 6, ..ended });
    assert_eq!(writer.document().serial, 6);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_after_the_end_of_a_run() {
    let client = Client::new();
    let (_lock, writer) = begun(&client).await;
    let ended = writer.finish().await.unwrap();
    assert!(writer.record(entry(0)).await.is_err());
    assert!(writer.finish().await.is_err());
    assert_eq!(standing(&client), ended);
}

#[tokio::test(start_paused = true)]
async fn many_entries_at_once_become_few_writes() {
    let client = Client::new();
    let (_lock, writer) = begun(&client).await;
    client.latency(seconds(0.08));
    let before = client.sent(Call::Put, "state.json");
    let began = Instant::now();
    let tasks: Vec<_> = (0..200)
        .map(|number| {
            let (writer, client) = (writer.clone(), client.clone());
            tokio::spawn(async move {
                sleep(seconds(0.005 * number as f64)).await;
                let asked = Instant::now();
                writer.record(entry(number)).await.unwrap();
                assert!(standing(&client).resources.contains_key(&role(number)), "{number} is not durable");
                // At worst it just misses one write and waits for it and for its own.
                assert!(asked.elapsed() < seconds(0.25 + 0.08), "{:?}", asked.elapsed());
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert!(began.elapsed() < seconds(1.4));
    let puts = client.sent(Call::Put, "state.json") - before;
    assert!(puts <= 8, "{puts} writes");
    assert_eq!(standing(&client).resources.len(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_lone_entry_is_durable_within_a_quarter_second_and_one_write() {
    let client = Client::new();
    let (_lock, writer) = begun(&client).await;
    client.latency(seconds(0.3));
    for number in 0..5 {
        let asked = Instant::now();
        writer.record(entry(number)).await.unwrap();
        assert!(asked.elapsed() < seconds(0.25 + 0.3), "{:?}", asked.elapsed());
        sleep(seconds(0.7 * number as f64)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_is_neither_a_fence_nor_a_second_write() {
    for fault in PASSING {
        let client = Client::new();
        let (_lock, writer) = begun(&client).await;
        for times in 1..4 {
            client.fail(Call::Put, "state.json", 0..times, fault);
            let before = client.done(Call::Put, "state.json");
            writer.record(entry(times)).await.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
            assert_eq!(client.done(Call::Put, "state.json"), before + 1, "{fault:?}");
            assert_eq!(standing(&client), writer.document(), "{fault:?}");
            client.heal();
        }
        client.fail(Call::Put, "state.json", 0..2, fault);
        assert_eq!(writer.finish().await.unwrap(), standing(&client), "{fault:?}");
        assert_eq!(standing(&client).resources.len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_begins_whatever_answer_is_lost() {
    for fault in PASSING {
        let client = Client::new();
        for run in 0..2 {
            let lock = Arc::new(lock(&client, "apply").await.unwrap());
            let store = store(&client);
            let state = store.load().await.unwrap();
            assert_eq!(state.is_some(), run == 1);
            client.fail(Call::Put, "state.json", 0..1, fault);
            let writer = store.begin(state.unwrap_or_else(document), lock.clone()).await.unwrap();
            writer.record(entry(run)).await.unwrap();
            let ended = writer.finish().await.unwrap();
            assert_eq!((standing(&client), ended.resources.len()), (ended, run + 1), "{fault:?}");
            lock.release().await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_and_a_lost_look_after_it_are_borne() {
    for fault in [Fault::LostAfter, Fault::Repeated] {
        let client = Client::new();
        let (_lock, writer) = begun(&client).await;
        client.fail(Call::Put, "state.json", 0..1, fault);
        client.fail(Call::Get, "state.json", 0..3, Fault::LostBefore);
        writer.record(entry(0)).await.unwrap();
        assert_eq!(standing(&client), writer.document());
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_without_any_answer_is_given_up_and_goes_with_the_next() {
    // Whether or not one of the attempts arrived.
    for fault in PASSING.into_iter().filter(|fault| *fault != Fault::Repeated) {
        let client = Client::new();
        let (_lock, writer) = begun(&client).await;
        client.fail(Call::Put, "state.json", 0..1, fault);
        client.fail(Call::Put, "state.json", 1..usize::MAX, Fault::LostBefore);
        let asked = Instant::now();
        writer.record(entry(0)).await.expect_err("there was no answer");
        assert!((TIMINGS.write_timeout..TIMINGS.write_timeout + seconds(2.0)).contains(&asked.elapsed()), "{:?}", asked.elapsed());
        assert_eq!(writer.document().resources.len(), 1, "it happened");
        client.heal();
        writer.record(entry(1)).await.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        assert_eq!(standing(&client), writer.document());
        assert_eq!(standing(&client).resources.len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_at_once_and_goes_with_the_next() {
    for fault in [ObjectFault::Denied, ObjectFault::Credentials, ObjectFault::Other] {
        let client = Client::new();
        let (_lock, writer) = begun(&client).await;
        client.fail(Call::Put, "state.json", 0..1, Fault::Refused(fault));
        let asked = Instant::now();
        let error = writer.record(entry(0)).await.expect_err("it was refused");
        assert!(
            matches!(&error, StateError::Remote { location, source } if location == "s3://bucket/demo" && source.fault == fault),
            "{error}"
        );
        assert!(asked.elapsed() < seconds(0.25));
        writer.record(entry(1)).await.unwrap();
        assert_eq!(standing(&client).resources.len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_cannot_be_written_keeps_everything_in_memory() {
    for fault in [Fault::Refused(ObjectFault::Credentials), Fault::Refused(ObjectFault::Denied), Fault::LostBefore] {
        let client = Client::new();
        let (_lock, writer) = begun(&client).await;
        writer.record(entry(0)).await.unwrap();
        let before = standing(&client);
        client.cut(fault);
        writer.record(entry(1)).await.expect_err("it was not written");
        let error = writer.finish().await.expect_err("it was not written");
        assert!(matches!(error, StateError::Remote { .. }), "{error}");
        assert_eq!(standing(&client), before);
        let kept = writer.document();
        assert_eq!(kept.resources.len(), 2);
        assert!(kept.serial > before.serial, "it can be pushed over what is stored there");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_is_overtaken_writes_nothing_ever_again() {
    let older = Client::new();
    let (_lock, writer) = begun(&older).await;
    writer.record(entry(0)).await.unwrap();
    // A process that holds no lock at all: the condition alone is the fence.
    let newer = older.other();
    let store = store(&newer);
    let mut theirs = store.load().await.unwrap().unwrap();
    theirs.serial += 1;
    store.write(&theirs).await.unwrap();

    let error = writer.record(entry(1)).await.expect_err("two write one state");
    assert!(error.to_string().contains("another process wrote the state `s3://bucket/demo/state.json`"), "{error}");
    let sent = older.sent(Call::Put, "state.json");
    for number in 2..5 {
        writer.record(entry(number)).await.expect_err("two write one state");
    }
    let error = writer.finish().await.expect_err("two write one state");
    assert!(matches!(error, StateError::Fenced { .. }), "{error}");
    assert_eq!(older.sent(Call::Put, "state.json"), sent, "it is not even tried");
    assert_eq!(standing(&newer), theirs);
    assert_eq!(writer.document().resources.len(), 5, "what it did is not forgotten");
    theirs.serial += 1;
    store.write(&theirs).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_is_overtaken_in_the_middle_of_a_lost_write_is_fenced() {
    // Our write arrived, its answer did not, and another process overwrote it before we asked again.
    let older = Client::new();
    let (_lock, writer) = begun(&older).await;
    older.latency(seconds(0.2));
    older.fail(Call::Put, "state.json", 0..1, Fault::LostAfter);
    let recording = tokio::spawn({
        let writer = writer.clone();
        async move { writer.record(entry(0)).await }
    });
    sleep(seconds(0.25)).await;
    let newer = older.other();
    let store = store(&newer);
    let mut theirs = store.load().await.unwrap().unwrap();
    assert_eq!(theirs.resources.len(), 1, "our write arrived");
    theirs.serial += 1;
    store.write(&theirs).await.unwrap();
    recording.await.unwrap().expect_err("two write one state");
    assert!(matches!(writer.finish().await, Err(StateError::Fenced { .. })));
    assert_eq!(standing(&newer), theirs);
}

#[tokio::test(start_paused = true)]
async fn a_state_that_was_written_since_it_was_read_is_not_begun() {
    for exists in [false, true] {
        let client = Client::new();
        if exists {
            store(&client).write(&document()).await.unwrap();
        }
        let ours = store(&client);
        let state = ours.load().await.unwrap().unwrap_or_else(document);
        let theirs = store(&client.other());
        theirs.load().await.unwrap();
        theirs.write(&Document { serial: 7, ..document() }).await.unwrap();
        let lock = Arc::new(lock(&client, "apply").await.unwrap());
        let error = ours.begin(state, lock).await.map(drop).expect_err("two write one state");
        assert!(matches!(error, StateError::Fenced { .. }), "{error}");
        assert_eq!(standing(&client).serial, 7);
    }
}

#[tokio::test(start_paused = true)]
async fn a_state_that_was_deleted_under_a_run_does_not_come_back_by_itself() {
    let client = Client::new();
    let (_lock, writer) = begun(&client).await;
    client.remove("state.json");
    writer.record(entry(0)).await.expect_err("it was written");
    assert!(matches!(writer.finish().await, Err(StateError::Fenced { .. })));
    assert_eq!(client.standing("state.json"), None);
    assert_eq!(writer.document().resources.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_fenced_run_could_not_write_never_looks_newer_than_its_successor() {
    let older = Client::new();
    let (_lock, writer) = begun(&older).await;
    let newer = older.other();
    let store = store(&newer);
    let mut theirs = store.load().await.unwrap().unwrap();
    theirs.serial += 1;
    store.write(&theirs).await.unwrap();
    for number in 0..5 {
        writer.record(entry(number)).await.expect_err("two write one state");
    }
    assert!(matches!(writer.finish().await, Err(StateError::Fenced { .. })));
    assert!(!writer.is_saved());
    assert_eq!(writer.document().resources.len(), 5);
    assert_eq!(writer.document().serial, theirs.serial, "`state push` takes only what is newer");
    assert!(writer.check_lock().is_err());
}
