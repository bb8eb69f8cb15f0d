//! RUN-2: disks that are full or read-only. Each is a small file system, mounted in the namespace of a helper process and
//! reached through its root. Without the permission to mount, these tests are skipped, and say so.

use crate::harness::{
    APPLY, DESTROY, Emulator, Run, SINGLE_ZONE, StateLocation, Workspace, account, changes, converged, example, held, piped, refused,
    vanishes,
};
use serde_json::json;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A small file system.
struct Disk {
    shell: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    _mountpoint: tempfile::TempDir,
    path: PathBuf,
}

impl Disk {
    /// `None` where nothing can be mounted.
    #[expect(clippy::print_stdout, reason = "what a test passes over is told in its output")]
    fn new(size: &str) -> Option<Self> {
        let can = |flags: &str| {
            Command::new("unshare").args([flags, "mount", "-t", "tmpfs", "none", "/mnt"]).output().is_ok_and(|it| it.status.success())
        };
        let Some(flags) = ["-m", "-rm"].into_iter().find(|flags| can(flags)) else {
            println!("passed over: nothing can be mounted here");
            return None;
        };
        let mountpoint = tempfile::tempdir().unwrap();
        let mut shell = Command::new("unshare").args([flags, "sh"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (shell.stdin.take().unwrap(), BufReader::new(shell.stdout.take().unwrap()));
        let path = PathBuf::from(format!("/proc/{}/root{}", shell.id(), mountpoint.path().display()));
        let mut disk = Self { shell, input, output, path, _mountpoint: mountpoint };
        let at = disk._mountpoint.path().display().to_string();
        disk.run(&format!("mount -t tmpfs -o size={size},mode=700 none {at}"));
        Some(disk)
    }

    /// Runs a command beside the disk.
    #[track_caller]
    fn run(&mut self, command: &str) {
        writeln!(self.input, "{command}; echo $?").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "0", "{command}");
    }

    fn remount(&mut self, how: &str) {
        let at = self._mountpoint.path().display().to_string();
        self.run(&format!("mount -o remount,{how} {at}"));
    }

    /// Leaves so many bytes free.
    fn fill(&self, free: u64) {
        let mut ballast = fs::File::create(self.path.join("ballast")).unwrap();
        while ballast.write_all(&[0; 4096]).is_ok() {}
        let length = ballast.metadata().unwrap().len();
        ballast.set_len(length.checked_sub(free).unwrap()).unwrap();
    }

    fn clear(&self) {
        fs::remove_file(self.path.join("ballast")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

/// A workspace whose state lies on the disk.
fn on(disk: &Disk, emulator: &Emulator) -> Workspace {
    emulator.reset();
    let state = disk.path.join("state");
    Workspace::new(emulator, &format!("{}\nstate: {}\n", example("domino-test-cluster-single-az.yaml"), state.display()))
}

#[test]
fn a_folder_that_cannot_be_written() {
    let Some(mut disk) = Disk::new("4m") else { return };
    let emulator = account();
    let workspace = on(&disk, &emulator);
    disk.remount("ro");
    for command in [&APPLY[..], &DESTROY, &["state", "recover", "--yes"]] {
        refused(workspace.run_soon(command), 1, &["/state", "Read-only file system", "that you may read and write it"]);
    }
    assert_eq!(changes(&emulator, 0).len(), 0);
    disk.remount("rw");
    workspace.run_soon(&APPLY).expect(0);
    converged(&emulator, &workspace);

    disk.remount("ro");
    let since = emulator.count();
    for command in [&["plan"][..], &["status"], &["outputs"], &["state", "list"], &["state", "pull"]] {
        workspace.run_soon(command).expect(0);
    }
    for command in [&APPLY[..], &DESTROY, &["state", "migrate", "elsewhere"]] {
        refused(workspace.run_soon(command), 1, &["/state", "Read-only file system"]);
    }
    assert_eq!(changes(&emulator, since).len(), 0);
    disk.remount("rw");
    workspace.run_soon(&APPLY).expect(0);
    vanishes(&emulator, &workspace);
}

/// The disk is full before the run begins: nothing is created without space to record at least its intent.
#[test]
fn a_disk_that_is_full_from_the_start() {
    let Some(disk) = Disk::new("1m") else { return };
    let emulator = account();
    let workspace = on(&disk, &emulator);
    for free in [0, 4096, 8192] {
        disk.fill(free);
        let run = workspace.run_soon(&APPLY);
        assert!(free > 0 || changes(&emulator, 0).is_empty(), "{}", run.stderr);
        refused(run, 1, &["/state", "No space left on device", "the disk is not full"]);
        disk.clear();
    }
    workspace.run_soon(&APPLY).expect(0);
    converged(&emulator, &workspace);
}

/// The disk fills up in the middle of a run: the run stops and saves its state beside the configuration. With space again, the next run
/// creates nothing twice.
#[test]
fn a_disk_that_fills_up_in_the_middle() {
    let Some(disk) = Disk::new("2m") else { return };
    let emulator = account();
    for (operation, free, push) in [("CreateSubnet", 0, true), ("CreateVpc", 16384, false), ("CreateNatGateway", 4096, true)] {
        let workspace = on(&disk, &emulator);
        let run = filled(&disk, &emulator, &workspace, operation, free);
        let saved = format!("{SINGLE_ZONE}.errored-state.json");
        refused(run, 1, &["No space left on device", &format!("domino-eks state push {saved}")]);
        disk.clear();
        if push {
            workspace.run_soon(&["state", "push", &saved]).expect(0);
        }
        workspace.run_soon(&APPLY).expect(0);
        converged(&emulator, &workspace);
        vanishes(&emulator, &workspace);
        fs::remove_dir_all(disk.path.join("state")).unwrap();
    }
}

/// The disk is filled while a call is under way.
fn filled(disk: &Disk, emulator: &Emulator, workspace: &Workspace, operation: &str, free: u64) -> Run {
    let pause = emulator.fault(&json!({ "mode": "slow", "seconds": 1, "service": "ec2", "operation": operation }));
    let mut run = workspace.spawn(&APPLY);
    held(emulator, &mut run, &pause);
    disk.fill(free);
    crate::harness::ended(run)
}

/// The configuration is on the full disk, too, so the state cannot be saved anywhere: the journal and the tags must be enough.
#[test]
fn a_full_disk_with_the_configuration_on_it() {
    let Some(disk) = Disk::new("2m") else { return };
    let emulator = account();
    let workspace = Workspace::new(&emulator, "");
    let file = disk.path.join("domino-eks.yaml");
    fs::write(&file, example("domino-test-cluster-single-az.yaml")).unwrap();
    let file = file.to_str().unwrap();
    let pause = emulator.fault(&json!({ "mode": "slow", "seconds": 1, "service": "ec2", "operation": "CreateSubnet" }));
    let mut run = piped(&mut workspace.command(&["-f", file, "apply", "--yes"]));
    held(&emulator, &mut run, &pause);
    disk.fill(0);
    refused(
        crate::harness::ended(run),
        1,
        &["No space left on device", "could not be saved", "the next run finds what was created by its tags"],
    );
    disk.clear();
    workspace.run_soon(&["-f", file, "apply", "--yes"]).expect(0);
    // From here on the state is looked at from the workspace.
    let state = disk.path.join(".domino-eks").join(SINGLE_ZONE);
    workspace.write("domino-eks.yaml", &format!("{}\nstate: {}\n", example("domino-test-cluster-single-az.yaml"), state.display()));
    converged(&emulator, &workspace);
    vanishes(&emulator, &workspace);
}

/// When the report cannot be written, the run still does everything else, and says so at its end.
#[test]
fn a_report_that_finds_no_room() {
    let Some(disk) = Disk::new("1m") else { return };
    let emulator = account();
    let workspace = StateLocation::Folder.fresh(&emulator);
    workspace.run_soon(&APPLY).expect(0);
    let path = disk.path.join("report.json");
    let command = [&DESTROY[..], &["--report", path.to_str().unwrap()]].concat();
    let pause = emulator.fault(&json!({ "mode": "slow", "seconds": 1, "service": "ec2", "operation": "DeleteNatGateway" }));
    let mut run = workspace.spawn(&command);
    held(&emulator, &mut run, &pause);
    disk.fill(0);
    let run = crate::harness::ended(run);
    emulator.mend();
    refused(run, 1, &["warning: the report", "No space left on device", "Nothing left: ", "with a report file that can be written"]);
    disk.clear();
    workspace.run_soon(&command).expect(0);
    let report: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(report["result"], "nothing_left");
}
