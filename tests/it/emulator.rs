//! A local AWS for a test: prepared once, started on a free loopback port, ended with the test.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Factor on all of AWS's durations and all of our waits.
pub(crate) const SCALE: &str = "0.01";

/// What every script of [`Emulator::aws`] finds: clients by their names, made when they are named, and lists without pages.
const PRELUDE: &str = r#"
import json, sys, boto3
from botocore.config import Config
NAMES = ["ec2", "eks", "autoscaling", "efs", "iam", "s3", "kms", "logs", "sts"]
class Scope(dict):
    def __missing__(self, name):
        if name not in NAMES:
            raise KeyError(name)
        self[name] = boto3.client(name, region_name="us-west-2", config=Config(retries={"total_max_attempts": 1}))
        return self[name]
def full(client, operation, **more):
    return client.get_paginator(operation).paginate(**more).build_full_result()
scope = Scope(json=json, full=full)
exec(sys.argv[1], scope)
print(json.dumps(scope.get("result"), default=str))
"#;

/// A running local AWS.
pub(crate) struct Emulator {
    process: Child,
    pub(crate) url: String,
    _folder: tempfile::TempDir,
}

/// One request as the log tells it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) service: String,
    pub(crate) operation: String,
    pub(crate) mutating: bool,
    pub(crate) status: u64,
    pub(crate) params: Value,
}

impl Request {
    /// What it was, in a line.
    pub(crate) fn brief(&self) -> String {
        let params: String = self.params.to_string().chars().take(120).collect();
        format!("{}:{} {} {params}", self.service, self.operation, self.status)
    }
}

fn folder() -> PathBuf {
    if let Ok(scratch) = std::env::var("SCRATCH_EMULATOR") {
        return scratch.into();
    }
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/emulator")
}

/// Python of the prepared virtual environment.
pub(crate) fn python() -> &'static str {
    static PYTHON: OnceLock<String> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("emulator-venv");
        let output = Command::new("python3").arg(folder().join("prepare.py")).arg(venv).stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "the local AWS cannot be prepared");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    })
}

impl Emulator {
    /// Pages of five, so that every list has several.
    pub(crate) fn start() -> Self {
        Self::start_with(&["--page-size", "5"])
    }

    pub(crate) fn start_with(options: &[&str]) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let port_file = temporary.path().join("url");
        let process = Command::new(python())
            .args(["-m", "local_aws", "--port", "0", "--scale", SCALE, "--port-file"])
            .arg(&port_file)
            .args(["--parent-pid", &std::process::id().to_string()])
            .args(options)
            .current_dir(folder())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut emulator = Self { process, url: String::new(), _folder: temporary };
        let deadline = Instant::now() + Duration::from_secs(120);
        while !port_file.exists() {
            assert!(emulator.process.try_wait().unwrap().is_none() && Instant::now() < deadline, "the local AWS did not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        emulator.url = std::fs::read_to_string(&port_file).unwrap();
        emulator
    }

    fn get(&self, path: &str) -> Value {
        let mut answer = ureq::get(&format!("{}/_emulator/{path}", self.url)).call().unwrap();
        answer.body_mut().read_json().unwrap()
    }

    /// Adds a fault (README of the emulator); answers its id.
    #[track_caller]
    pub(crate) fn fault(&self, rule: &Value) -> String {
        let body = serde_json::json!({ "faults": [rule] });
        let mut answer = ureq::post(&format!("{}/_emulator/faults", self.url)).send_json(&body).unwrap();
        let answer: Value = answer.body_mut().read_json().unwrap();
        answer["ids"][0].as_str().unwrap().to_owned()
    }

    /// Waits until a fault has struck; what it struck, or nothing when the seconds are over.
    pub(crate) fn struck(&self, fault: &str, seconds: f64) -> Option<String> {
        let answer = self.get(&format!("faults/wait?id={fault}&timeout={seconds}"));
        answer["struck"]
            .as_bool()
            .unwrap()
            .then(|| format!("{}:{}", answer["service"].as_str().unwrap(), answer["operation"].as_str().unwrap()))
    }

    /// Takes all faults away; what is held is dropped.
    pub(crate) fn mend(&self) {
        ureq::delete(&format!("{}/_emulator/faults", self.url)).call().unwrap();
    }

    /// An empty account.
    pub(crate) fn reset(&self) {
        ureq::post(&format!("{}/_emulator/reset", self.url)).send_empty().unwrap();
    }

    /// Runs a script of boto3 against the account, as somebody else would; answers what it leaves in `result`.
    #[track_caller]
    pub(crate) fn aws(&self, script: &str) -> Value {
        let mut command = Command::new(python());
        command.args(["-c", PRELUDE, script]).env("AWS_ENDPOINT_URL", &self.url);
        command.env("AWS_ACCESS_KEY_ID", "other").env("AWS_SECRET_ACCESS_KEY", "other").env("AWS_EC2_METADATA_DISABLED", "true");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Everything that exists in the account.
    pub(crate) fn inventory(&self) -> Vec<Value> {
        let answer = self.get("inventory");
        answer.as_array().unwrap().clone()
    }

    /// The inventory without keys that wait for their deletion, which AWS keeps for thirty days.
    pub(crate) fn living(&self) -> Vec<Value> {
        self.inventory().into_iter().filter(|object| object["state"] != "PendingDeletion").collect()
    }

    /// Objects of one type.
    pub(crate) fn of_type(&self, kind: &str) -> Vec<Value> {
        self.inventory().into_iter().filter(|object| object["type"] == kind).collect()
    }

    /// All requests from the `since`-th on.
    pub(crate) fn requests(&self, since: usize) -> Vec<Request> {
        let log = self.get(&format!("requests?since={since}"));
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let entries = log.as_array().unwrap().iter().map(|entry| Request {
            service: text(entry, "service"),
            operation: text(entry, "operation"),
            mutating: entry["mutating"].as_bool().unwrap(),
            status: entry["status"].as_u64().unwrap(),
            params: entry["params"].clone(),
        });
        entries.collect()
    }

    /// How many requests there were.
    pub(crate) fn count(&self) -> usize {
        self.requests(0).len()
    }

    /// Requests from the `since`-th on that changed something, or tried to.
    pub(crate) fn mutating(&self, since: usize) -> Vec<Request> {
        self.requests(since).into_iter().filter(|request| request.mutating).collect()
    }

    /// Requests of one operation, in order.
    pub(crate) fn calls(&self, operation: &str) -> Vec<Request> {
        self.requests(0).into_iter().filter(|request| request.operation == operation).collect()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
