//! The lock when its holder may be dead: how long others wait, and that two processes may never act at the same time.

use super::*;
use std::process::{Command, Stdio};

/// A lock object written by hand.
fn note(pid: u32, processes: Option<&str>) -> Vec<u8> {
    let holder = serde_json::json!({
        "user": "ann", "host": "far", "pid": pid, "command": "apply", "since": "2026-01-01T00:00:00Z",
    });
    serde_json::to_vec(&serde_json::json!({ "id": "theirs", "holder": holder, "processes": processes, "beat": 3 })).unwrap()
}

/// The id of a process that has ended.
fn dead_pid() -> u32 {
    let mut child = Command::new("true").stdout(Stdio::null()).spawn().unwrap();
    child.wait().unwrap();
    child.id()
}

/// The process namespace that this machine writes into its lock objects.
async fn our_space() -> String {
    let client = Client::new();
    let _held = lock(&client, "apply").await.unwrap();
    let note: serde_json::Value = serde_json::from_slice(&client.standing("lock.json").unwrap()).unwrap();
    note["processes"].as_str().expect("this system tells neither boot nor namespace").to_owned()
}

/// How long a waiter takes to get the lock.
async fn waited(client: &Client) -> Result<Duration, StateError> {
    let began = Instant::now();
    lock(client, "apply").await.map(|_| began.elapsed())
}

#[tokio::test(start_paused = true)]
async fn the_lock_of_a_dead_holder_is_taken_over_after_its_full_time_on_the_waiters_clock() {
    for age in [0.0, 3.0, 11.0, 59.0, 61.0, 6000.0] {
        let client = Client::new();
        drop(lock(&client, "apply").await.unwrap());
        // The age of the lock does not matter: the waiter relies on its own clock only.
        sleep(seconds(age)).await;
        let waited = waited(&client.other()).await.unwrap();
        assert!((TIMINGS.time_to_live..=TIMINGS.time_to_live + TIMINGS.poll_interval).contains(&waited), "{waited:?} at {age}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_waiter_is_told_why_it_takes_long() {
    let client = Client::new();
    drop(lock(&client, "apply --yes").await.unwrap());
    let said = Mutex::new(Vec::new());
    store(&client).lock("apply", &|text| said.lock().unwrap().push(text.to_owned())).await.unwrap();
    let said = said.into_inner().unwrap();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with("locked by ") && said[0].ends_with("; waiting up to 60 s to see whether it is alive"), "{said:?}");
    assert!(said[1].ends_with(" gave no sign of life for 60 s: taking the lock over"), "{said:?}");
    assert!(said.iter().all(|line| line.contains("`apply --yes`")), "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn a_living_holder_keeps_its_lock_however_slow_its_heartbeats_are() {
    for latency in [0.0, 1.0, 9.0, 25.0, 45.0] {
        let client = Client::new();
        let held = lock(&client, "apply --yes").await.unwrap();
        client.latency(seconds(latency));
        for after in [0.0, 4.0, 31.0] {
            sleep(seconds(after)).await;
            let asked = Instant::now();
            let error = lock(&client.other(), "destroy").await.expect_err("two hold the lock");
            assert!(matches!(&error, StateError::Locked { holder: Some(holder), .. } if holder.command == "apply --yes"), "{error}");
            assert!(asked.elapsed() <= TIMINGS.heartbeat_interval + seconds(latency) + TIMINGS.poll_interval, "{:?}", asked.elapsed());
            // It counts from when a heartbeat was sent; the slowest answers come too late to continue without a pause.
            assert!(held.check().is_ok() || latency > 20.0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_many_who_wait_for_a_dead_holder_one_takes_over() {
    let bucket = Client::new();
    drop(lock(&bucket, "dead").await.unwrap());
    let waiters: Vec<_> = (0..32)
        .map(|number| {
            let client = bucket.other();
            client.latency(seconds(0.01 * number as f64));
            tokio::spawn(async move { lock(&client, &format!("apply {number}")).await })
        })
        .collect();
    let mut winners = Vec::new();
    for waiter in waiters {
        match waiter.await.unwrap() {
            Ok(held) => winners.push(held),
            Err(StateError::Locked { holder: Some(holder), .. }) => assert!(holder.command.starts_with("apply "), "{holder}"),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(winners.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_given_back_meanwhile_is_taken_at_the_next_look() {
    let client = Client::new();
    let held = lock(&client, "apply").await.unwrap();
    let waiter = tokio::spawn({
        let client = client.other();
        async move { waited(&client).await }
    });
    sleep(seconds(5.0)).await;
    held.release().await.unwrap();
    let waited = waiter.await.unwrap().unwrap();
    assert!((seconds(5.0)..=seconds(5.0) + TIMINGS.poll_interval).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_takeover_whose_answer_is_lost_counts_once() {
    for fault in [Fault::LostBefore, Fault::LostAfter, Fault::Repeated, Fault::Refused(ObjectFault::Conflict)] {
        let bucket = Client::new();
        drop(lock(&bucket, "dead").await.unwrap());
        let client = bucket.other();
        // The first put tries to take a free lock.
        client.fail(Call::Put, "lock.json", 1..2, fault);
        let began = Instant::now();
        let held = lock(&client, "apply").await.unwrap();
        let waited = began.elapsed();
        assert!((TIMINGS.time_to_live..TIMINGS.time_to_live + seconds(5.0)).contains(&waited), "{fault:?}: {waited:?}");
        sleep(seconds(25.0)).await;
        held.check().unwrap();
        assert_eq!(store(&bucket).holder().await.unwrap().unwrap().unwrap().command, "apply");
    }
}

#[tokio::test(start_paused = true)]
async fn a_takeover_that_cannot_be_written_is_given_up() {
    let space = our_space().await;
    for processes in [Some(space.as_str()), None] {
        let client = Client::new();
        client.latency(seconds(0.1));
        client.put_object("lock.json", &note(dead_pid(), processes));
        client.fail(Call::Put, "lock.json", 1..usize::MAX, Fault::LostBefore);
        let longest = TIMINGS.time_to_live + TIMINGS.write_timeout + seconds(10.0);
        let taken = tokio::time::timeout(longest, lock(&client, "apply")).await.expect("it tries for ever");
        assert!(matches!(taken, Err(StateError::Remote { .. })));
    }
}

#[tokio::test(start_paused = true)]
async fn a_note_that_cannot_be_read_is_the_lock_of_somebody() {
    for bytes in [&b""[..], b"{", b"{\"id\":1}", b"\xff\xff"] {
        let client = Client::new();
        client.put_object("lock.json", bytes);
        assert_eq!(store(&client).holder().await.unwrap(), Some(None));
        let waited = waited(&client).await.unwrap();
        assert!(waited >= TIMINGS.time_to_live, "{waited:?}");

        let client = Client::new();
        client.put_object("lock.json", bytes);
        let waiter = tokio::spawn({
            let client = client.other();
            async move { lock(&client, "apply").await }
        });
        sleep(seconds(7.0)).await;
        client.put_object("lock.json", b"something else");
        let error = waiter.await.unwrap().expect_err("the holder is alive");
        assert!(matches!(error, StateError::Locked { holder: None, remote: true }), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_of_this_machine_that_is_dead_is_not_waited_for() {
    let space = our_space().await;
    let client = Client::new();
    client.put_object("lock.json", &note(dead_pid(), Some(&space)));
    assert_eq!(waited(&client).await.unwrap(), Duration::ZERO);
    // A process with the same id on another machine, or on an unknown one, may be alive.
    for processes in [Some("another boot pid:[1]"), None] {
        let client = Client::new();
        client.put_object("lock.json", &note(dead_pid(), processes));
        assert!(waited(&client).await.unwrap() >= TIMINGS.time_to_live);
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_of_this_machine_that_lives_is_waited_for() {
    let space = our_space().await;
    for pid in [std::process::id(), 1] {
        let client = Client::new();
        client.put_object("lock.json", &note(pid, Some(&space)));
        assert!(waited(&client).await.unwrap() >= TIMINGS.time_to_live, "{pid}");
    }
}

/// How a holder's connection fails.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    /// Nothing gets through.
    Cut,
    /// Nothing can be written, but everything can be read.
    OnlyReads,
    /// Everything is refused.
    Refused,
    /// One more heartbeat arrives whose answer is lost, then nothing gets through.
    LastHeartbeatUnanswered,
    /// The same, and the SDK sends it once more, so that the heartbeat meets what it wrote itself.
    LastHeartbeatRepeated,
    /// One more heartbeat arrives without an answer, its holder may read, and then nothing gets through.
    LastHeartbeatSeen,
    /// The process is stopped.
    Stopped,
}

impl Trouble {
    const ALL: [Self; 7] = [
        Self::Cut,
        Self::OnlyReads,
        Self::Refused,
        Self::LastHeartbeatUnanswered,
        Self::LastHeartbeatRepeated,
        Self::LastHeartbeatSeen,
        Self::Stopped,
    ];

    fn befall(self, client: &Client) {
        let all = 0..usize::MAX;
        match self {
            Self::Cut => client.cut(Fault::LostBefore),
            Self::OnlyReads => client.fail(Call::Put, "lock.json", all, Fault::LostBefore),
            Self::Refused => client.cut(Fault::Refused(ObjectFault::Credentials)),
            Self::LastHeartbeatUnanswered => {
                client.fail(Call::Put, "lock.json", 0..1, Fault::LostAfter);
                client.cut(Fault::LostBefore);
            }
            Self::LastHeartbeatRepeated => {
                client.fail(Call::Put, "lock.json", 0..1, Fault::Repeated);
                client.cut(Fault::LostBefore);
            }
            Self::LastHeartbeatSeen => {
                client.fail(Call::Put, "lock.json", 0..1, Fault::LostAfter);
                client.fail(Call::Put, "lock.json", 1..usize::MAX, Fault::LostBefore);
                client.fail(Call::Get, "lock.json", 0..1, Fault::LostBefore);
                client.fail(Call::Get, "lock.json", 2..usize::MAX, Fault::LostBefore);
            }
            Self::Stopped => client.stop(),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_holder_may_not_act_any_more_when_somebody_else_may() {
    for trouble in Trouble::ALL {
        for (after, later) in [0.0, 2.5, 5.0, 9.9].into_iter().flat_map(|after| [0.0, 0.5, 9.0, 33.0].map(|later| (after, later))) {
            let what = format!("{trouble:?} after {after} s, asked for {later} s later");
            let holder = Client::new();
            let held = lock(&holder, "first").await.unwrap();
            sleep(seconds(20.0 + after)).await;
            trouble.befall(&holder);
            sleep(seconds(later)).await;
            // At most the last heartbeat is seen; after that there are none.
            let waiter = holder.other();
            let taken = loop {
                match lock(&waiter, "second").await {
                    Err(StateError::Locked { .. }) => {}
                    taken => break taken.unwrap(),
                }
            };
            for _ in 0..40 {
                assert!(held.check().is_err(), "both may act: {what}");
                taken.check().unwrap();
                sleep(seconds(2.5)).await;
            }
            holder.heal();
            holder.go_on();
            for _ in 0..8 {
                sleep(seconds(2.5)).await;
                assert!(held.check().is_err(), "both may act again: {what}");
            }
            held.release().await.unwrap();
            assert_eq!(store(&waiter).holder().await.unwrap().unwrap().unwrap().command, "second", "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_holder_counts_from_before_its_request_for_the_lock_was_sent() {
    // The lock object exists long before its holder receives the answer.
    for latency in [1.0, 10.0, 50.0] {
        for fault in [None, Some(Fault::LostAfter), Some(Fault::Repeated)] {
            let holder = Client::new();
            holder.latency(seconds(latency));
            if let Some(fault) = fault {
                holder.fail(Call::Put, "lock.json", 0..1, fault);
            }
            let taking = tokio::spawn({
                let holder = holder.clone();
                async move { lock(&holder, "first").await.unwrap() }
            });
            sleep(seconds(latency / 2.0 + 0.01)).await;
            let waiter = tokio::spawn({
                let waiter = holder.other();
                async move { lock(&waiter, "second").await.unwrap() }
            });
            let held = taking.await.unwrap();
            holder.cut(Fault::LostBefore);
            let _taken = waiter.await.unwrap();
            assert!(held.check().is_err(), "both may act: {fault:?} with {latency} s");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_was_cut_off_for_a_while_continues() {
    let client = Client::new();
    let held = lock(&client, "apply").await.unwrap();
    client.cut(Fault::LostBefore);
    sleep(seconds(40.0)).await;
    held.check().unwrap();
    sleep(seconds(20.0)).await;
    held.check().expect_err("another process may have it");
    client.heal();
    sleep(seconds(5.0)).await;
    held.check().expect("no process took it");
    assert!(matches!(lock(&client.other(), "destroy").await, Err(StateError::Locked { .. })));
}

/// Everything that a stopped process may have been about to do.
async fn stopped_and_overtaken(in_flight: bool) {
    let older = Client::new();
    let (lock, writer) = begun(&older).await;
    writer.record(entry(0)).await.unwrap();
    older.latency(seconds(0.2));
    let recording = tokio::spawn({
        let writer = writer.clone();
        async move { writer.record(entry(1)).await }
    });
    // Before its write is sent, or while it is in flight.
    sleep(seconds(if in_flight { 0.15 } else { 0.05 })).await;
    older.stop();

    let newer = older.other();
    let (their_lock, theirs) = begun(&newer).await;
    assert_eq!(theirs.document().resources.contains_key(&role(1)), in_flight, "what was sent had arrived");
    theirs.record(entry(2)).await.unwrap();
    let before = standing(&newer);

    older.go_on();
    assert!(writer.check_lock().is_err());
    // What had arrived before the successor read the state counts.
    assert_eq!(recording.await.unwrap().is_ok(), in_flight);
    writer.record(entry(3)).await.expect_err("an overtaken holder wrote");
    sleep(seconds(30.0)).await;
    assert!(matches!(writer.finish().await, Err(StateError::Fenced { .. })));
    lock.release().await.unwrap();
    assert_eq!(standing(&newer), before);

    theirs.check_lock().unwrap();
    theirs.record(entry(4)).await.unwrap();
    let ended = theirs.finish().await.unwrap();
    assert_eq!(standing(&newer), ended);
    assert!(!ended.resources.contains_key(&role(3)));
    their_lock.release().await.unwrap();
    assert_eq!(newer.standing("lock.json"), None);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_was_stopped_and_overtaken_lands_nothing() {
    stopped_and_overtaken(false).await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_was_stopped_while_its_write_travelled_lands_nothing_more() {
    stopped_and_overtaken(true).await;
}

#[tokio::test(start_paused = true)]
async fn of_a_stopped_process_and_its_successor_that_has_not_written_yet_one_is_refused() {
    let older = Client::new();
    let (_lock, writer) = begun(&older).await;
    let recording = tokio::spawn({
        let writer = writer.clone();
        async move { writer.record(entry(0)).await }
    });
    sleep(seconds(0.05)).await;
    older.stop();
    let newer = older.other();
    let lock = Arc::new(lock(&newer, "apply").await.unwrap());
    let store = store(&newer);
    let read = store.load().await.unwrap().unwrap();
    older.go_on();
    assert!(writer.check_lock().is_err(), "it may only write down what it did");
    recording.await.unwrap().unwrap();
    // The successor made its plan without it, and has to read again.
    let error = store.begin(read, lock.clone()).await.map(drop).expect_err("what was recorded is lost");
    assert!(matches!(error, StateError::Fenced { .. }), "{error}");
    let again = store.load().await.unwrap().unwrap();
    assert!(again.resources.contains_key(&role(0)));
    let theirs = store.begin(again, lock).await.unwrap();
    writer.record(entry(1)).await.expect_err("two write one state");
    theirs.finish().await.unwrap();
}
