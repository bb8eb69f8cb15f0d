//! A local AWS for a test: forked on a free loopback port, ended with the test.

use super::fork_server::Connection;
use serde_json::{Value, json};
use std::sync::Mutex;

/// Factor on all of AWS's durations. It is smaller than the program's ([`super::workspace::SCALE`]), so that AWS is always done
/// before the program's patience is over, also on a busy machine.
const SCALE: &str = "0.001";

/// A running local AWS.
pub(crate) struct Emulator {
    pub(crate) url: String,
    server: Connection,
    /// Runs the scripts of [`Emulator::aws`]; forked for the first of them.
    scripts: Mutex<Option<Connection>>,
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

impl Emulator {
    /// Pages of five, so that every list has several.
    pub(crate) fn start() -> Self {
        Self::start_with(&["--page-size", "5"])
    }

    pub(crate) fn start_with(options: &[&str]) -> Self {
        let options: Vec<&str> = ["--scale", SCALE].iter().chain(options).copied().collect();
        let mut server = Connection::open(&json!({ "serve": options }));
        let url = server.receive()["url"].as_str().unwrap().to_owned();
        Self { url, server, scripts: Mutex::new(None) }
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
        let mut scripts = self.scripts.lock().unwrap();
        let runner = scripts.get_or_insert_with(|| Connection::open(&json!({ "scripts": self.url })));
        runner.send(&json!({ "script": script }));
        let mut answer = runner.receive();
        assert!(answer["error"].is_null(), "{}", answer["error"].as_str().unwrap());
        answer["result"].take()
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
        if let Some(scripts) = self.scripts.get_mut().ok().and_then(Option::as_mut) {
            scripts.close();
        }
        self.server.close();
    }
}
