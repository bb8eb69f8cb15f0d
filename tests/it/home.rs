//! What the tests of the state share: the place of a state, runs that are held in the middle, and what must hold afterwards.

use crate::emulator::{Emulator, Request};
use crate::workspace::{Run, Workspace, example};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

pub(crate) const CLUSTER: &str = "domino-test-single-az";
pub(crate) const APPLY: [&str; 2] = ["apply", "--yes"];
pub(crate) const DESTROY: [&str; 4] = ["destroy", "--confirm", CLUSTER, "--delete-data"];
/// The bucket of [`Home::Bucket`], and the object in it.
pub(crate) const BUCKET: &str = "team-states";
pub(crate) const OBJECT: &str = "tests/domino-test-single-az/state.json";
pub(crate) const LOCK: &str = "tests/domino-test-single-az/lock.json";
/// Longest wait for something that must come.
pub(crate) const LONG: Duration = Duration::from_secs(120);
/// Made and cleared away by AWS itself, in its own time.
const OF_AWS: [&str; 3] = ["instance", "volume", "network-interface"];

/// Where a state lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Home {
    Folder,
    Bucket,
}

/// An account that is quicker than our patience, so that no wait ends early on a busy machine.
pub(crate) fn account() -> Emulator {
    Emulator::start_with(&[])
}

/// A good bucket for states.
pub(crate) fn make_bucket(emulator: &Emulator, name: &str) {
    emulator.aws(&format!(
        "s3.create_bucket(Bucket='{name}', CreateBucketConfiguration={{'LocationConstraint': 'us-west-2'}})\n\
         s3.put_bucket_versioning(Bucket='{name}', VersioningConfiguration={{'Status': 'Enabled'}})"
    ));
}

impl Home {
    pub(crate) const BOTH: [Home; 2] = [Home::Folder, Home::Bucket];

    /// An empty account and an empty folder.
    pub(crate) fn fresh(self, emulator: &Emulator) -> Workspace {
        emulator.reset();
        let configuration = example("domino-test-cluster-single-az.yaml");
        match self {
            Home::Folder => Workspace::new(emulator, &configuration),
            Home::Bucket => {
                make_bucket(emulator, BUCKET);
                Workspace::new(emulator, &format!("{configuration}\nstate: s3://{BUCKET}/tests\n"))
            }
        }
    }
}

/// A message for people: an error, these texts, a way out, and no dump of Rust values.
#[track_caller]
pub(crate) fn refused(run: Run, code: i32, texts: &[&str]) -> Run {
    let run = run.expect(code);
    for text in texts.iter().chain(&["error", "hint: "]) {
        assert!(run.stderr.contains(text), "`{text}` is not in: {}", run.stderr);
    }
    for debug in ["Some(", "None", "Err(", "Ok(", "panicked", "unwrap", "RUST_BACKTRACE", "SdkError", "Unhandled"] {
        assert!(!run.stderr.contains(debug), "`{debug}` in: {}", run.stderr);
    }
    run
}

/// Whether a request is about the state, its lock, or the mark of its serial.
pub(crate) fn is_state(request: &Request) -> bool {
    let key = request.params["Key"].as_str().unwrap_or_default();
    request.service == "s3" && ["/state.json", "/lock.json", "/serial.json"].iter().any(|name| key.ends_with(name))
}

/// What was changed in AWS since then, save for the state and what lies beside it.
pub(crate) fn changes(emulator: &Emulator, since: usize) -> Vec<Request> {
    emulator.mutating(since).into_iter().filter(|request| !is_state(request)).collect()
}

/// How many objects of each type live, without what AWS makes by itself, the states and their bucket.
pub(crate) fn counted(emulator: &Emulator) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for object in emulator.living() {
        let (kind, id) = (object["type"].as_str().unwrap(), object["id"].as_str().unwrap_or_default());
        if !OF_AWS.contains(&kind) && id != BUCKET && !id.starts_with(&format!("{BUCKET}/")) {
            *counts.entry(kind.to_owned()).or_default() += 1;
        }
    }
    counts
}

/// Counts of the same cluster made without any disturbance.
fn undisturbed() -> &'static BTreeMap<String, usize> {
    static COUNTS: OnceLock<BTreeMap<String, usize>> = OnceLock::new();
    COUNTS.get_or_init(|| {
        let emulator = account();
        Home::Folder.fresh(&emulator).run_soon(&APPLY).expect(0);
        counted(&emulator)
    })
}

/// The ids of all records.
#[track_caller]
pub(crate) fn ids(workspace: &Workspace) -> BTreeMap<String, String> {
    let state = workspace.run(&["state", "list", "--format", "json"]).expect(0).json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    state["resources"].as_array().unwrap().iter().map(|resource| (text(&resource["address"]), text(&resource["id"]))).collect()
}

/// The cluster stands as the configuration says, nothing is there twice, and everything is recorded under its own address.
#[track_caller]
pub(crate) fn converged(emulator: &Emulator, workspace: &Workspace) {
    assert_eq!(workspace.planned(), BTreeMap::new());
    assert_eq!(&counted(emulator), undisturbed());
    let state = workspace.run(&["state", "list", "--format", "json"]).expect(0).json();
    assert_eq!(state["begun"], json!([]));
    let recorded = ids(workspace);
    let mut seen = BTreeMap::new();
    for object in emulator.living() {
        let kind = object["type"].as_str().unwrap();
        let Some(address) = object["tags"]["domino-eks:address"].as_str().filter(|_| !OF_AWS.contains(&kind)) else { continue };
        let id = object["id"].as_str().unwrap();
        assert_eq!(seen.insert(address.to_owned(), id.to_owned()), None, "{address} lives twice");
        let known = recorded.get(address).unwrap_or_else(|| panic!("{address} ({id}) is not in the state"));
        // The inventory has some by ARN.
        assert!(id.ends_with(known) || known.ends_with(id) || id.contains(&format!("/{known}")), "{address} is {id}, recorded as {known}");
    }
}

/// Destroy leaves nothing but the state itself.
#[track_caller]
pub(crate) fn vanishes(emulator: &Emulator, workspace: &Workspace) {
    workspace.run_soon(&DESTROY).expect(0);
    assert_eq!(counted(emulator), BTreeMap::new());
}

/// The lock was given back.
#[track_caller]
pub(crate) fn unlocked(workspace: &Workspace) {
    let run = workspace.run(&["state", "unlock"]).expect(0);
    assert!(run.stderr.contains("not locked"), "{}", run.stderr);
}

/// Files and their bytes, save for the lock, which names whoever had it last.
pub(crate) fn files(workspace: &Workspace) -> BTreeMap<PathBuf, Vec<u8>> {
    workspace.files().into_iter().filter(|(path, _)| !path.ends_with("lock")).collect()
}

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

/// What lies in the bucket under a key.
pub(crate) fn object(emulator: &Emulator, key: &str) -> Value {
    emulator.aws(&format!("result = json.loads(s3.get_object(Bucket='{BUCKET}', Key='{key}')['Body'].read())"))
}

/// A state as it stands in a file, with a checksum that fits.
pub(crate) fn sealed(state: &Value) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(canonical(state));
    let checksum: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({ "checksum": checksum, "state": state }).to_string()
}

/// Keys sorted, no white space.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<_, _> = map.iter().collect();
            let entries: Vec<String> = sorted.iter().map(|(key, inner)| format!("{}:{}", json!(key), canonical(inner))).collect();
            format!("{{{}}}", entries.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}
