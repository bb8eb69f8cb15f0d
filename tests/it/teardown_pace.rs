//! RUN-4: how long a destroy takes over its critical path, and how fast and in how little memory a full bucket is emptied.
//! These measure times, so they are not part of a plain `cargo test`: `RELIABILITY_REPORT` names the folder of the report.

use crate::harness::{APPLY_QUIETLY, DESTROY, Run, SINGLE_ZONE, TeardownAccount, Workspace, example, piped, report_folder, say};
use serde_json::{Value, json};
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

/// Factor on all times: so large that the time that the machine needs for computing is small beside them.
const SCALE: &str = "0.1";
const VERSIONS: u64 = 100_000;

/// Runs to the end. Seconds, and the most memory it ever had, in KiB.
fn measured(command: &mut Command) -> (Run, f64, u64) {
    let began = Instant::now();
    let child = piped(command);
    let status = format!("/proc/{}/status", child.id());
    let watch = std::thread::spawn(move || {
        let mut peak = 0;
        // Without this line in `/proc`, the process has ended.
        while let Some(now) = fs::read_to_string(&status).ok().as_deref().and_then(peak_of) {
            peak = now;
            std::thread::sleep(Duration::from_millis(20));
        }
        peak
    });
    let run = Run::from(child.wait_with_output().unwrap());
    (run, began.elapsed().as_secs_f64(), watch.join().unwrap())
}

fn peak_of(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Seconds in `critical path 5m32s`.
fn critical_path(text: &str) -> f64 {
    let shown = text.split("(critical path ").nth(1).and_then(|rest| rest.split(')').next()).unwrap();
    let mut seconds = 0.0;
    let mut number = String::new();
    for character in shown.chars() {
        match character {
            'h' => seconds += 3600.0 * number.drain(..).as_str().parse::<f64>().unwrap(),
            'm' => seconds += 60.0 * number.drain(..).as_str().parse::<f64>().unwrap(),
            's' => seconds += number.drain(..).as_str().parse::<f64>().unwrap(),
            other => number.push(other),
        }
    }
    seconds
}

fn write(name: &str, report: &Value) {
    let Some(folder) = report_folder() else { return };
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), format!("{report:#}\n")).unwrap();
    say(&format!("{name}: {report}"));
}

#[test]
fn a_destroy_over_its_critical_path() {
    if report_folder().is_none() {
        return;
    }
    let site = TeardownAccount::with(&["--scale", SCALE]);
    let workspace = Workspace::new(&site.emulator, &example("domino-test-cluster.yaml"));
    let cluster = "domino-test-cluster";
    let run = |arguments: &[&str]| measured(workspace.command(arguments).env("DOMINO_EKS_TIME_SCALE", SCALE));
    run(&APPLY_QUIETLY).0.expect(0);
    site.used(cluster);
    let theirs = site.neighbours(cluster);
    let since = site.emulator.count();
    let arguments = ["destroy", "--confirm", cluster, "--delete-data", "--report", "report.json"];
    let (run, wall, memory) = run(&arguments);
    let run = run.expect(0);
    site.nothing_left(&theirs);
    let scale: f64 = SCALE.parse().unwrap();
    let report: Value = serde_json::from_str(&fs::read_to_string(workspace.path("report.json")).unwrap()).unwrap();
    let (steps, critical) = (report["seconds"].as_f64().unwrap() / scale, critical_path(&run.stderr));
    write(
        "teardown-time.json",
        &json!({
            "scale": scale, "steps_seconds": steps.round(), "whole_seconds": (wall / scale).round(), "critical_path_seconds": critical,
            "steps_over_critical_path": (steps / critical * 100.0).round() / 100.0, "calls": site.emulator.count() - since,
            "steps": report["deleted"].as_array().map(Vec::len), "peak_memory_mib": memory / 1024,
        }),
    );
}

#[test]
fn a_full_bucket() {
    if report_folder().is_none() {
        return;
    }
    let site = TeardownAccount::new();
    let workspace = site.made();
    site.objects("blobs", &json!({ "keys": VERSIONS / 2, "versions_per_key": 2, "size": 1000 }));
    let (run, seconds, memory) = measured(&mut workspace.command(&DESTROY));
    run.expect(0);
    assert!(site.ids("bucket").is_empty());
    let (_, empty, least) = {
        let workspace = site.made();
        measured(&mut workspace.command(&["destroy", "--confirm", SINGLE_ZONE, "--delete-data"]))
    };
    let rate = VERSIONS as f64 / (seconds - empty);
    write(
        "teardown-objects.json",
        &json!({
            "versions": VERSIONS, "seconds": seconds.round(), "seconds_without": empty.round(), "versions_per_second": rate.round(),
            "peak_memory_mib": memory / 1024, "peak_memory_without_mib": least / 1024,
        }),
    );
}
