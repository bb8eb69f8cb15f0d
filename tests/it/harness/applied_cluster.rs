//! One applied three-zone cluster, shared by the tests that only look at it, and ways to find things in it.

use super::clusters::THREE_ZONES;
use super::emulator::{Emulator, Request};
use super::workspace::{Run, Workspace, example};
use crate::harness::{look, tags};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub(crate) const ZONES: [&str; 3] = ["us-west-2a", "us-west-2b", "us-west-2c"];
pub(crate) const ACCOUNT: &str = "123456789012";
/// A secret key that would be found if it were written anywhere.
pub(crate) const SECRET: &str = "wJalrXUtnFEMI+K7MDENG+bPxRfiCYSECRETKEY";

/// One applied cluster, shared by all tests that only look at it.
pub(crate) struct Applied {
    pub(crate) seen: Value,
    pub(crate) inventory: Vec<Value>,
    pub(crate) requests: Vec<Request>,
    pub(crate) output: String,
    /// Path, mode and text of every file and folder of the state.
    pub(crate) files: Vec<(PathBuf, u32, String)>,
}

pub(crate) fn applied() -> &'static Applied {
    static APPLIED: OnceLock<Applied> = OnceLock::new();
    APPLIED.get_or_init(|| {
        let emulator = Emulator::start();
        let configuration = example("domino-test-cluster.yaml") + "tags: {team: data-science}\n";
        let workspace = Workspace::new(&emulator, &configuration);
        let mut command = workspace.command(&["apply", "--yes"]);
        let run: Run = command.env("AWS_SECRET_ACCESS_KEY", SECRET).output().unwrap().into();
        let run = run.expect(0);
        let requests = emulator.requests(0);
        let (seen, inventory) = (look(&emulator), emulator.inventory());
        let files = state_files(&workspace.path(&format!(".domino-eks/{THREE_ZONES}")));
        Applied { seen, inventory, requests, output: run.stdout + &run.stderr, files }
    })
}

fn state_files(folder: &Path) -> Vec<(PathBuf, u32, String)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        found.push((path, mode, text));
    }
    found
}

pub(crate) fn list<'a>(value: &'a Value, key: &str) -> &'a Vec<Value> {
    value[key].as_array().unwrap_or_else(|| panic!("no list `{key}` in {value}"))
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

/// The object whose tag `domino-eks:address` is this one.
pub(crate) fn at<'a>(objects: &'a [Value], address: &str) -> &'a Value {
    let found = objects.iter().find(|object| tags(&object["Tags"]).get("domino-eks:address").is_some_and(|tag| tag == address));
    found.unwrap_or_else(|| panic!("nothing is tagged `{address}`"))
}

pub(crate) fn position(requests: &[Request], operation: &str, fits: impl Fn(&Value) -> bool) -> usize {
    let found = requests.iter().position(|request| request.operation == operation && fits(&request.params));
    found.unwrap_or_else(|| panic!("no such {operation}"))
}
