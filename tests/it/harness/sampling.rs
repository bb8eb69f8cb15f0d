//! Exhaustive tests: which points are taken, on how many workers, with progress that survives an interruption.
//!
//! A plain `cargo test` takes a sample, another one for each commit; `RELIABILITY=full` takes every point,
//! `RELIABILITY=500` so many, and `RELIABILITY_REPORT` names the folder of progress and reports.

use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

/// How many points are asked for; nothing in a plain test.
fn asked() -> Option<usize> {
    let value = std::env::var("RELIABILITY").ok()?;
    Some(if value == "full" { usize::MAX } else { value.parse().expect("RELIABILITY is `full` or a number") })
}

/// Where reports go; nothing in a plain test.
pub(crate) fn report_folder() -> Option<PathBuf> {
    std::env::var_os("RELIABILITY_REPORT").map(PathBuf::from)
}

/// The commit that is tested, or chance where there is no repository.
fn seed() -> u64 {
    let commit = Command::new("git").args(["rev-parse", "HEAD"]).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let text = commit.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    let text = text.unwrap_or_else(|| format!("{:?}", std::time::SystemTime::now()).into_bytes());
    u64::from_be_bytes(Sha256::digest(text)[..8].try_into().unwrap())
}

/// So many points, or as many as are asked for: spread evenly, from a beginning that the commit decides.
pub(crate) fn sample<T>(points: Vec<T>, count: usize) -> Vec<T> {
    let count = asked().unwrap_or(count);
    if points.len() <= count {
        return points;
    }
    let (length, seed) = (points.len(), usize::try_from(seed() % 1_000_003).unwrap());
    let chosen: BTreeSet<usize> = (0..count).map(|index| (seed + index * length / count) % length).collect();
    points.into_iter().enumerate().filter(|(index, _)| chosen.contains(index)).map(|(_, point)| point).collect()
}

/// Works on all points, each worker with an account of its own.
pub(crate) fn workers<T: Sync, B>(points: Vec<T>, bench: impl Fn() -> B + Sync, work: impl Fn(&B, &T) + Sync) {
    // In a long run nothing else needs the machine.
    let count = if asked().is_some() { std::thread::available_parallelism().map_or(1, usize::from) } else { 1 };
    let next = Mutex::new(points.iter());
    std::thread::scope(|scope| {
        for _ in 0..count {
            scope.spawn(|| {
                let bench = bench();
                loop {
                    let Some(point) = next.lock().unwrap().next() else { return };
                    work(&bench, point);
                }
            });
        }
    });
}

/// What was tried and how it went.
pub(crate) struct Report {
    name: String,
    folder: Option<PathBuf>,
    /// Points in one try.
    weight: usize,
    before: BTreeSet<String>,
    inner: Mutex<Inner>,
    began: Instant,
}

#[derive(Default)]
struct Inner {
    tried: usize,
    failures: Vec<String>,
    file: Option<fs::File>,
}

impl Report {
    /// Goes on with the progress of an interrupted long run of the same program.
    pub(crate) fn begin(name: &str, weight: usize) -> Self {
        let folder = report_folder().filter(|_| asked().is_some());
        let program = Sha256::digest(fs::read(env!("CARGO_BIN_EXE_domino-eks")).unwrap());
        let head = format!("program {program:x}");
        let mut report = Self {
            name: name.to_owned(),
            folder: folder.clone(),
            weight,
            before: BTreeSet::new(),
            inner: Mutex::default(),
            began: Instant::now(),
        };
        if let Some(folder) = folder {
            fs::create_dir_all(&folder).unwrap();
            let path = folder.join(format!("{name}.progress"));
            let text = fs::read_to_string(&path).unwrap_or_default();
            if text.lines().next() == Some(&head) {
                report.before = text.lines().filter_map(|line| line.strip_prefix("ok ")).map(str::to_owned).collect();
            } else {
                fs::write(&path, format!("{head}\n")).unwrap();
            }
            report.inner.get_mut().unwrap().file = Some(fs::OpenOptions::new().append(true).open(path).unwrap());
        }
        report
    }

    /// Tries a point, unless an earlier run has.
    pub(crate) fn point(&self, name: &str, work: impl FnOnce() -> Result<String, String>) {
        if self.before.contains(name) {
            return;
        }
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        let result = result.unwrap_or_else(|panic| Err(format!("{name}: {}", panic_text(&panic))));
        let mut inner = self.inner.lock().unwrap();
        inner.tried += 1;
        match result {
            Ok(about) => {
                say(&format!("{}: {about}", self.name));
                if let Some(file) = &mut inner.file {
                    writeln!(file, "ok {name}").unwrap();
                }
            }
            Err(why) => {
                say(&format!("{}: FAILED {why}", self.name));
                inner.failures.push(why);
            }
        }
    }

    /// Writes the report; ends the test when a point failed.
    pub(crate) fn end(self) {
        let inner = self.inner.into_inner().unwrap();
        let points = (self.before.len() + inner.tried) * self.weight;
        let seconds = self.began.elapsed().as_secs();
        say(&format!("{}: {points} points, {} failures, {seconds} s", self.name, inner.failures.len()));
        if let Some(folder) = self.folder {
            let report = json!({ "name": self.name, "points": points, "failures": inner.failures, "seconds": seconds });
            fs::write(folder.join(format!("{}.json", self.name)), format!("{report:#}\n")).unwrap();
        }
        assert!(inner.failures.is_empty(), "{} of {points} points:\n{}", inner.failures.len(), inner.failures.join("\n"));
        assert!(points > 0, "no point was tried");
    }
}

#[expect(clippy::print_stdout, reason = "a run of all points takes hours, and shows how far it is")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

fn panic_text(panic: &Box<dyn std::any::Any + Send>) -> String {
    let text = panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|| "a panic without words".to_owned())
}
