//! Outputs that are closed, and pipes whose reader has ended: the run continues, and never panics.

use crate::harness::{APPLY, StateLocation, account, converged, held, piped, unlocked};
use serde_json::json;
use std::process::{Command, Stdio};

#[test]
fn readers_that_go_away_do_not_end_a_run() {
    let emulator = account();
    for (location, progress) in [(StateLocation::Folder, "plain"), (StateLocation::Bucket, "json")] {
        let workspace = location.fresh(&emulator);
        let fault = emulator.fault(&json!({ "mode": "slow", "seconds": 1, "service": "ec2", "operation": "CreateSubnet" }));
        let mut run = piped(&mut workspace.command(&["apply", "--yes", "--progress", progress, "-v"]));
        held(&emulator, &mut run, &fault);
        drop((run.stdout.take(), run.stderr.take()));
        assert_eq!(run.wait().unwrap().code(), Some(0));
        emulator.mend();
        converged(&emulator, &workspace);
        unlocked(&workspace);
    }
}

#[test]
fn closed_outputs_do_not_end_a_run() {
    let emulator = account();
    let workspace = StateLocation::Folder.fresh(&emulator);
    let closed = |arguments: &str| {
        let plain = workspace.command(&[]);
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("exec \"$0\" {arguments} <&- >&- 2>&-")).arg(plain.get_program()).env_clear();
        shell.envs(plain.get_envs().filter_map(|(key, value)| Some((key, value?)))).current_dir(plain.get_current_dir().unwrap());
        shell.stdin(Stdio::null()).status().unwrap().code()
    };
    for arguments in ["plan", "plan --format json", "apply --yes", "status", "outputs --format json", "state list", "state pull"] {
        assert_eq!(closed(arguments), Some(0), "{arguments}");
    }
    // A question that cannot be shown counts as refused.
    assert_eq!(closed("destroy --delete-data"), Some(2));
    converged(&emulator, &workspace);
}

/// A run also continues when its outputs cannot be written, as on a full disk.
#[test]
fn outputs_that_cannot_be_written_do_not_end_a_run() {
    let emulator = account();
    let workspace = StateLocation::Folder.fresh(&emulator);
    for arguments in [&["plan"][..], &APPLY, &["apply", "--yes", "--progress", "json"], &["state", "pull"]] {
        let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let status = workspace.command(arguments).stdin(Stdio::null()).stdout(full()).stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(0), "{arguments:?}");
    }
    converged(&emulator, &workspace);
}
