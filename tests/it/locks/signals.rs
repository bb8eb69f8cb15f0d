//! Ctrl-C, SIGTERM and SIGHUP at every stage of a run: exit code 130, lock given back, state saved, and the same command
//! goes on.

use crate::harness::{
    APPLY, Emulator, Run, StateLocation, Workspace, account, changes, converged, ended, held, python, refused, signal, unlocked,
};
use serde_json::{Value, json};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Signals that stop a run. Under `nohup` a run ignores SIGHUP, as it should.
fn signals() -> &'static [&'static str] {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let all = &["-INT", "-TERM", "-HUP"];
    if ignored.is_some_and(|mask| mask & 1 != 0) { &all[..2] } else { all }
}

/// Starts an apply and waits until it is held.
fn begun(emulator: &Emulator, workspace: &Workspace, rule: &Value) -> Child {
    let fault = emulator.fault(rule);
    let mut run = workspace.spawn(&APPLY);
    held(emulator, &mut run, &fault);
    run
}

/// While it only looks, nothing is begun yet, and it ends at once.
#[test]
fn a_signal_while_planning_changes_nothing() {
    let emulator = account();
    for location in StateLocation::BOTH {
        let workspace = location.fresh(&emulator);
        for name in signals() {
            let since = emulator.count();
            let run =
                begun(&emulator, &workspace, &json!({ "mode": "hold-before", "service": "ec2", "operation": "Describe*", "times": 0 }));
            let asked = Instant::now();
            signal(&run, name);
            let run = ended(run).expect(130);
            assert!(asked.elapsed() < Duration::from_secs(5), "{name}: {:?}", asked.elapsed());
            assert!(run.stderr.contains("interrupted; nothing was changed"), "{}", run.stderr);
            emulator.mend();
            assert!(changes(&emulator, since).is_empty());
            unlocked(&workspace);
        }
        workspace.run_soon(&APPLY).expect(0);
        converged(&emulator, &workspace);
    }
}

/// In the middle of the work: what is on its way is waited for a little, everything is saved, the same command goes on.
#[test]
fn a_signal_while_working_saves_everything() {
    let emulator = account();
    for location in StateLocation::BOTH {
        let workspace = location.fresh(&emulator);
        let places = [("ec2", "CreateSubnet"), ("ec2", "CreateNatGateway"), ("autoscaling", "CreateAutoScalingGroup")];
        for (name, (service, operation)) in signals().iter().zip(places) {
            let rule = json!({ "mode": "slow", "seconds": 1, "service": service, "operation": operation });
            let run = begun(&emulator, &workspace, &rule);
            let asked = Instant::now();
            signal(&run, name);
            let run = ended(run);
            emulator.mend();
            assert!(asked.elapsed() < Duration::from_secs(15), "{name}: {:?}", asked.elapsed());
            refused(run, 130, &["interrupted; the state is saved", "run the same command again"]);
            unlocked(&workspace);
            assert!(!workspace.path("domino-test-single-az.errored-state.json").exists());
            let known = workspace.run(&["state", "list", "--format", "json"]).expect(0).json();
            assert!(!known["resources"].as_array().unwrap().is_empty());
        }
        workspace.run_soon(&APPLY).expect(0);
        converged(&emulator, &workspace);
    }
}

/// A call that never answers does not hold up the end for long; a second signal ends it at once.
#[test]
fn a_second_signal_leaves_at_once() {
    let emulator = account();
    for location in StateLocation::BOTH {
        let workspace = location.fresh(&emulator);
        for (again, call) in [(true, "ec2:CreateSubnet"), (false, "ec2:CreateNatGateway"), (true, "autoscaling:CreateAutoScalingGroup")] {
            let (service, operation) = call.split_once(':').unwrap();
            let run =
                begun(&emulator, &workspace, &json!({ "mode": "hold-after", "service": service, "operation": operation, "times": 0 }));
            let asked = Instant::now();
            signal(&run, "-INT");
            let most = if again {
                std::thread::sleep(Duration::from_millis(300));
                signal(&run, "-INT");
                3.5
            } else {
                15.0
            };
            let run = ended(run).expect(130);
            assert!(asked.elapsed().as_secs_f64() < most, "{:?}", asked.elapsed());
            assert_eq!(run.stderr.contains("stopped at once"), again, "{}", run.stderr);
            emulator.mend();
            unlocked(&workspace);
        }
        workspace.run_soon(&APPLY).expect(0);
        converged(&emulator, &workspace);
    }
}

/// Runs a command on a terminal of its own, tells its process id, and hangs up the terminal at the end of the input.
const ON_A_TERMINAL: &str = r#"
import os, pty, select, signal, sys
pid, terminal = pty.fork()
if pid == 0:
    # The tests may run under nohup, and children inherit that SIGHUP is ignored.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    os.execv(sys.argv[1], sys.argv[1:])
print("pid", pid, flush=True)
open_input = True
while True:
    ready, _, _ = select.select([terminal] + ([0] if open_input else []), [], [])
    try:
        if 0 in ready:
            typed = os.read(0, 1000)
            if not typed:
                break
            os.write(terminal, typed)
        if terminal in ready:
            shown = os.read(terminal, 10000)
            if not shown:
                break
            os.write(1, shown)
    except OSError:
        break
os.close(terminal)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

/// A run on a terminal: its output is read until a text comes.
struct OnTerminal {
    child: Child,
    pid: String,
    shown: String,
}

impl OnTerminal {
    fn start(workspace: &Workspace, arguments: &[&str]) -> Self {
        let plain = workspace.command(arguments);
        let mut command = Command::new(python());
        command.args(["-c", ON_A_TERMINAL]).arg(plain.get_program()).args(plain.get_args()).env_clear();
        command.envs(plain.get_envs().filter_map(|(key, value)| Some((key, value?))));
        command.current_dir(plain.get_current_dir().unwrap());
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut run = Self { child, pid: String::new(), shown: String::new() };
        run.until("\n");
        run.pid = run.shown.trim().strip_prefix("pid ").unwrap().to_owned();
        run
    }

    fn until(&mut self, text: &str) {
        use std::io::Read;
        let out = self.child.stdout.as_mut().unwrap();
        let mut byte = [0];
        let mut bytes = Vec::new();
        while !String::from_utf8_lossy(&bytes).contains(text) {
            assert_eq!(out.read(&mut byte).unwrap(), 1, "`{text}` is not in: {}", String::from_utf8_lossy(&bytes));
            bytes.push(byte[0]);
        }
        self.shown += &String::from_utf8_lossy(&bytes);
    }

    fn write(&mut self, keys: &str) {
        use std::io::Write;
        self.child.stdin.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    /// Exit code and everything shown.
    fn end(mut self) -> Run {
        // Not the end of the input: that hangs up.
        let keyboard = self.child.stdin.take();
        let run = ended(self.child);
        drop(keyboard);
        Run { stdout: self.shown + &run.stdout, ..run }
    }

    fn hang_up(&mut self) {
        drop(self.child.stdin.take());
    }
}

/// At the question: Ctrl-C, signals, a closed terminal and a no.
#[test]
fn a_signal_at_the_question_changes_nothing() {
    let emulator = account();
    for location in StateLocation::BOTH {
        let workspace = location.fresh(&emulator);
        let since = emulator.count();
        for end in ["\u{3}", "-INT", "-TERM", "-HUP", "hang up", "no\n", "\u{4}"] {
            let mut run = OnTerminal::start(&workspace, &["apply"]);
            run.until("Type `yes` to continue:");
            match end {
                "hang up" => run.hang_up(),
                name if name.starts_with('-') => assert!(Command::new("kill").args([name, &run.pid]).status().unwrap().success()),
                keys => run.write(keys),
            }
            let run = run.end();
            // Hanging up also ends the input, which is a no.
            let codes: &[i32] = if end == "hang up" {
                &[1, 130]
            } else if matches!(end, "no\n" | "\u{4}") {
                &[1]
            } else {
                &[130]
            };
            assert!(codes.contains(&run.code), "{end:?}: {run:?}");
            assert!(end == "hang up" || run.stdout.contains("nothing was changed"), "{end:?}: {}", run.stdout);
            assert!(changes(&emulator, since).is_empty());
            unlocked(&workspace);
        }
        let mut run = OnTerminal::start(&workspace, &["apply"]);
        run.until("Type `yes` to continue:");
        run.write("yes\n");
        run.end().expect(0);
        converged(&emulator, &workspace);
    }
}

/// A terminal that is closed in the middle of the work, with the live view on it.
#[test]
fn a_closed_terminal_ends_the_run_with_the_state_saved() {
    let emulator = account();
    for location in StateLocation::BOTH {
        let workspace = location.fresh(&emulator);
        let fault = emulator.fault(&json!({ "mode": "slow", "seconds": 1, "service": "ec2", "operation": "CreateSubnet" }));
        let mut run = OnTerminal::start(&workspace, &APPLY);
        held(&emulator, &mut run.child, &fault);
        run.hang_up();
        run.end().expect(130);
        emulator.mend();
        unlocked(&workspace);
        workspace.run_soon(&APPLY).expect(0);
        converged(&emulator, &workspace);
    }
}
