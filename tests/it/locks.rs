//! RUN-2: one run at a time works on a state, and a run that lost its lock changes nothing any more.
//!
//! `tests/reliability/run locks` runs all of this.

mod race;
mod signals;
mod terminal;

use crate::harness::{
    APPLY, BUCKET, DESTROY, Emulator, LOCK_KEY, LONG, Request, Run, StateLocation, account, changes, converged, ended, held, is_state,
    killed_at, piped, refused, signal, unlocked,
};
use serde_json::json;
use std::time::{Duration, Instant};

/// The program's time scale: larger than usual, so that the holder of a lock does not seem dead when the machine is busy.
const SCALE: &str = "0.02";

/// How long a run said that it watches a lock.
#[track_caller]
fn life_of_a_lock(run: &Run) -> Duration {
    let text = run.stderr.split_once("waiting up to ").and_then(|(_, rest)| rest.split_once(" s to see whether it is alive"));
    Duration::from_secs(text.unwrap_or_else(|| panic!("it did not wait for the holder: {}", run.stderr)).0.parse().unwrap())
}

/// Waits until a run that is held has sent what else it had begun to send, also on a busy machine: a call that is just
/// leaving when it is stopped arrives when it goes on.
#[track_caller]
fn settled(emulator: &Emulator) {
    let deadline = Instant::now() + LONG;
    let (mut seen, mut since) = (0, Instant::now());
    while since.elapsed() < Duration::from_secs(2) {
        assert!(Instant::now() < deadline, "it goes on sending");
        std::thread::sleep(Duration::from_millis(100));
        let now = changes(emulator, 0).len();
        if now != seen {
            (seen, since) = (now, Instant::now());
        }
    }
}

/// A run is stopped (a closed laptop) for so long that another one takes its lock over and finishes. When it wakes up it
/// must find out, end, and have changed nothing: neither the state nor anything in AWS, whatever it was about to send.
#[test]
fn a_holder_that_slept_too_long_changes_nothing_any_more() {
    let emulator = account();
    for rule in [
        json!({ "mode": "hold-before", "service": "ec2", "operation": "CreateSubnet", "times": 0 }),
        json!({ "mode": "hold-before", "service": "iam", "operation": "CreateRole", "times": 0 }),
        json!({ "mode": "hold-after", "service": "eks", "operation": "CreateCluster" }),
    ] {
        let workspace = StateLocation::Bucket.fresh(&emulator);
        let fault = emulator.fault(&rule);
        let mut first = workspace.command(&APPLY);
        let mut first = piped(first.env("DOMINO_EKS_TIME_SCALE", SCALE));
        held(&emulator, &mut first, &fault);
        settled(&emulator);
        signal(&first, "-STOP");
        emulator.mend();
        let began = Instant::now();
        let mut command = workspace.command(&APPLY);
        let second: Run = command.env("DOMINO_EKS_TIME_SCALE", SCALE).output().unwrap().into();
        let second = second.expect(0);
        assert!(began.elapsed() >= life_of_a_lock(&second).mul_f64(0.8));
        for text in [&format!("process {}", first.id()), "gave no sign of life"] {
            assert!(second.stderr.contains(text), "{text}: {}", second.stderr);
        }
        let pulled = workspace.run(&["state", "pull"]).expect(0).stdout;
        let inventory = emulator.living();

        let since = emulator.count();
        signal(&first, "-CONT");
        let first = ended(first);
        let sent = emulator.mutating(since);
        let others: Vec<_> = sent.iter().filter(|request| !is_state(request) || request.status < 400).map(Request::brief).collect();
        assert_eq!(others, Vec::<String>::new(), "{rule}: {}", first.stderr);
        refused(first, 5, &["this run stopped writing"]);
        assert_eq!(workspace.run(&["state", "pull"]).expect(0).stdout, pulled);
        assert_eq!(emulator.living(), inventory);
        converged(&emulator, &workspace);
        unlocked(&workspace);
    }
}

/// Another run took the lock and released it without writing the state: the run that was stopped still ends, and saves its state.
#[test]
fn a_holder_whose_lock_was_taken_away_stops() {
    let emulator = account();
    let workspace = StateLocation::Bucket.fresh(&emulator);
    let fault = emulator.fault(&json!({ "mode": "hold-before", "service": "ec2", "operation": "CreateSubnet", "times": 0 }));
    let mut first = workspace.spawn(&APPLY);
    held(&emulator, &mut first, &fault);
    settled(&emulator);
    signal(&first, "-STOP");
    emulator.mend();
    let unlock = workspace.run_soon(&["state", "unlock", "--yes"]).expect(0);
    assert!(unlock.stderr.contains("gave no sign of life"), "{}", unlock.stderr);
    let since = emulator.count();
    signal(&first, "-CONT");
    let first = ended(first);
    assert_eq!(changes(&emulator, since).iter().map(Request::brief).collect::<Vec<_>>(), Vec::<String>::new(), "{}", first.stderr);
    refused(first, 5, &["lock", "run the same command again"]);
    workspace.run_soon(&APPLY).expect(0);
    converged(&emulator, &workspace);
}

/// On the same machine the next run can tell that the holder has died, so it does not wait.
#[test]
fn a_killed_holder_leaves_its_lock_to_the_next_run() {
    let emulator = account();
    for location in StateLocation::BOTH {
        let workspace = location.fresh(&emulator);
        killed_at(&emulator, &workspace, &json!({ "mode": "hold-after", "service": "eks", "operation": "CreateCluster" }));
        let next = workspace.run_soon(&APPLY).expect(0);
        let said = next.stderr.contains("which is no longer running: taking it over");
        assert_eq!(said, location == StateLocation::Bucket, "{}", next.stderr);
        assert!(!next.stderr.contains("watching"), "{}", next.stderr);
        converged(&emulator, &workspace);
        unlocked(&workspace);
    }
}

/// A process id of another machine or container proves nothing, so the next run waits until the lock has not been renewed for long enough.
#[test]
fn a_holder_elsewhere_is_watched_for_a_whole_life_of_a_lock() {
    let emulator = account();
    let workspace = StateLocation::Bucket.fresh(&emulator);
    killed_at(&emulator, &workspace, &json!({ "mode": "hold-after", "service": "ec2", "operation": "CreateVpc" }));
    let alter = |processes: &str| {
        emulator.aws(&format!(
            "note = json.loads(s3.get_object(Bucket='{BUCKET}', Key='{LOCK_KEY}')['Body'].read())\n\
             note['processes'] = {processes}\n\
             s3.put_object(Bucket='{BUCKET}', Key='{LOCK_KEY}', Body=json.dumps(note))"
        ))
    };
    let slowly = |arguments: &[&str]| {
        let mut command = workspace.command(arguments);
        let began = Instant::now();
        let run = Run::from(command.env("DOMINO_EKS_TIME_SCALE", SCALE).output().unwrap());
        (run, began.elapsed())
    };
    alter("'another boot of another machine'");
    let (run, time) = slowly(&APPLY);
    let run = run.expect(0);
    let life = life_of_a_lock(&run);
    assert!(life >= Duration::from_secs(1) && time >= life.mul_f64(0.8), "{time:?}");
    for text in ["locked by tester@", "gave no sign of life for", "taking the lock over"] {
        assert!(run.stderr.contains(text), "`{text}` is not in: {}", run.stderr);
    }
    converged(&emulator, &workspace);
    unlocked(&workspace);
}

/// `state unlock` never removes the lock of a process that renews it, and removes that of a process that has ended.
#[test]
fn a_living_holder_is_never_unlocked() {
    let emulator = account();
    for location in StateLocation::BOTH {
        let workspace = location.fresh(&emulator);
        let fault = emulator.fault(&json!({ "mode": "hold-before", "service": "ec2", "operation": "ModifyVpcAttribute", "times": 0 }));
        let mut holder = workspace.command(&APPLY);
        let mut holder = piped(holder.env("DOMINO_EKS_TIME_SCALE", SCALE));
        held(&emulator, &mut holder, &fault);
        let process = format!("process {}", holder.id());
        for command in
            [&["state", "unlock", "--yes"][..], &APPLY, &DESTROY, &["state", "recover", "--yes"], &["state", "migrate", "elsewhere"]]
        {
            let mut command = workspace.command(command);
            let run = Run::from(command.env("DOMINO_EKS_TIME_SCALE", SCALE).output().unwrap());
            refused(run, 5, &["locked by tester@", &process, "`apply`"]);
        }
        assert!(holder.try_wait().unwrap().is_none());
        assert!(!workspace.path("elsewhere").exists());
        holder.kill().unwrap();
        holder.wait().unwrap();
        emulator.mend();
        let run = workspace.run_soon(&["state", "unlock", "--yes"]).expect(0);
        assert!(run.stderr.contains(if location == StateLocation::Bucket { "Unlocked." } else { "not locked" }), "{}", run.stderr);
        unlocked(&workspace);
        workspace.run_soon(&APPLY).expect(0);
        converged(&emulator, &workspace);
    }
}
