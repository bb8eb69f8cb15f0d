//! Runs of the binary that are held, signalled, killed, or waited for.

use super::clusters::APPLY;
use super::emulator::Emulator;
use super::workspace::{Run, Workspace};
use serde_json::Value;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Longest wait for something that must come.
pub(crate) const LONG: Duration = Duration::from_secs(120);

/// A run that is held at its first calls of this operation until [`Emulator::mend`].
#[track_caller]
pub(crate) fn held(emulator: &Emulator, child: &mut Child, rule: &str) {
    let deadline = Instant::now() + LONG;
    while emulator.struck(rule, 0.5).is_none() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was held");
        assert!(Instant::now() < deadline, "it was never held");
    }
}

/// Sends a signal, such as `-INT`.
#[track_caller]
pub(crate) fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// Waits for the end, which must come.
#[track_caller]
pub(crate) fn ended(mut child: Child) -> Run {
    let deadline = Instant::now() + LONG;
    let mut readers = Vec::new();
    // Read beside: a full pipe would hold up the run.
    for stream in [child.stdout.take().map(Stream::Out), child.stderr.take().map(Stream::Error)] {
        readers.push(std::thread::spawn(move || stream.map(Stream::text).unwrap_or_default()));
    }
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("it does not end: {}", readers.pop().unwrap().join().unwrap());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let code = child.wait().unwrap().code().unwrap_or(-1);
    let stderr = readers.pop().unwrap().join().unwrap();
    let stdout = readers.pop().unwrap().join().unwrap();
    Run { code, stdout, stderr }
}

enum Stream {
    Out(std::process::ChildStdout),
    Error(std::process::ChildStderr),
}

impl Stream {
    fn text(self) -> String {
        let text = match self {
            Stream::Out(out) => std::io::read_to_string(out),
            Stream::Error(error) => std::io::read_to_string(error),
        };
        text.unwrap_or_default()
    }
}

/// A run that was killed in the middle of making a cluster.
#[track_caller]
pub(crate) fn killed_at(emulator: &Emulator, workspace: &Workspace, rule: &Value) {
    let rule = emulator.fault(rule);
    let mut run = workspace.spawn(&APPLY);
    held(emulator, &mut run, &rule);
    run.kill().unwrap();
    run.wait().unwrap();
    emulator.mend();
    // What was on its way is still answered.
    let mut count = 0;
    while emulator.count() > count {
        count = emulator.count();
        std::thread::sleep(Duration::from_millis(500));
    }
}
