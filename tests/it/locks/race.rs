//! Many runs at once want one state.

use crate::harness::{APPLY, Emulator, LONG, Run, StateLocation, Workspace, account, converged, piped, refused, unlocked};
use serde_json::json;
use std::sync::{Arc, Barrier, mpsc};

const RUNNERS: usize = 32;

/// Starts all of them at once. One works, and is held in the middle of its work until all others have ended.
fn race(emulator: &Emulator, workspace: &Workspace, scale: &str) {
    let fault = emulator.fault(&json!({ "mode": "hold-before", "service": "ec2", "operation": "ModifyVpcAttribute", "times": 0 }));
    let gate = Arc::new(Barrier::new(RUNNERS));
    let (sender, receiver) = mpsc::channel::<(u32, Run)>();
    for _ in 0..RUNNERS {
        let mut command = workspace.command(&APPLY);
        command.env("DOMINO_EKS_TIME_SCALE", scale);
        let (gate, sender) = (gate.clone(), sender.clone());
        std::thread::spawn(move || {
            gate.wait();
            let child = piped(&mut command);
            let id = child.id();
            sender.send((id, child.wait_with_output().unwrap().into())).unwrap();
        });
    }
    let losers: Vec<(u32, Run)> = (1..RUNNERS).map(|_| receiver.recv_timeout(LONG).unwrap()).collect();
    // The other runs give up in less time than the winner needs to get to the call at which it is held.
    assert_eq!(emulator.struck(&fault, LONG.as_secs_f64()).as_deref(), Some("ec2:ModifyVpcAttribute"));
    emulator.mend();
    let (winner, run) = receiver.recv_timeout(LONG).unwrap();
    run.expect(0);

    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let holder = format!("locked by tester@{} (process {winner}, `apply`, since 20", host.trim());
    for (_, loser) in losers {
        refused(loser, 5, &[&holder, "wait until it is done"]);
    }
    converged(emulator, workspace);
    unlocked(workspace);
}

#[test]
fn thirty_two_runs_and_one_works_in_a_folder() {
    let emulator = account();
    race(&emulator, &StateLocation::Folder.fresh(&emulator), "0.01");
}

/// At this scale a lock expires after six seconds, so that its holder does not seem dead while thirty-two processes share few processors.
#[test]
fn thirty_two_runs_and_one_works_in_a_bucket() {
    let emulator = account();
    race(&emulator, &StateLocation::Bucket.fresh(&emulator), "0.1");
}
