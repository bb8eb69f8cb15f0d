//! `--report FILE`: what a destroy found, did and left, as JSON.

use super::look::{Before, Looked};
use super::proof::Proof;
use crate::cli::exit::{CliError, Exit};
use crate::engine::{Action, Outcome, Plan, Survey, Verb};
use crate::resource::Address;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Version of the report's JSON format; minor versions only add.
const FORMAT_VERSION: &str = "1.0";

/// The result until the proof.
const UNKNOWN: &str = "unknown";

/// A file that is writable before anything is deleted.
pub(super) struct ReportFile {
    path: PathBuf,
    file: File,
}

impl ReportFile {
    /// Opens it and says in it that nothing is known yet: what an earlier run wrote is not the result of this one.
    pub(super) fn open(path: &Path) -> Result<Self, CliError> {
        let refused = |error: io::Error| {
            CliError::new(Exit::Changes, format!("the report `{}` cannot be written: {error}; nothing was changed", path.display()))
                .hint("name a file in a folder that exists and that you may write")
        };
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).map_err(refused)?;
        let report = Self { path: path.to_owned(), file };
        report.put(&json!({ "format_version": FORMAT_VERSION, "result": UNKNOWN })).map_err(refused)?;
        Ok(report)
    }

    /// Writes it as far as it is known.
    pub(super) fn write(&self, report: &Report) -> Result<(), CliError> {
        self.put(&report.json)
            .map_err(|error| CliError::new(Exit::Failed, format!("the report `{}` cannot be written: {error}", self.path.display())))
    }

    fn put(&self, json: &Value) -> io::Result<()> {
        let mut file = &self.file;
        let text = format!("{json:#}\n");
        file.rewind().and_then(|()| file.set_len(0)).and_then(|()| file.write_all(text.as_bytes()))
    }
}

/// What happened so far.
pub(super) struct Report {
    /// What the first look has shown.
    pub(super) before: Before,
    /// What went wrong, by address.
    pub(super) failures: BTreeMap<Address, String>,
    json: Value,
    deleted: Vec<Value>,
    /// What was recorded and did not exist any more.
    forgotten: Vec<Value>,
    cleared: Vec<Value>,
}

impl Report {
    pub(super) fn of(looked: &Looked) -> Self {
        let session = &looked.session;
        let connection = &session.aws.connection;
        let Survey { data, foreign, protected, disowned } = &looked.survey;
        let json = json!({
            "format_version": FORMAT_VERSION,
            "cluster": session.state.cluster,
            "account": connection.account,
            "region": connection.region,
            "lineage": session.state.lineage,
            "started": Timestamp::now().to_string(),
            "data": data,
            "foreign": foreign,
            "protected": protected,
            "without_tags": disowned,
            "result": UNKNOWN,
            "deleted": [],
        });
        let before = looked.before();
        Self { before, failures: BTreeMap::new(), json, deleted: Vec::new(), forgotten: Vec::new(), cleared: Vec::new() }
    }

    /// Adds a run.
    pub(super) fn ran(&mut self, plan: &Plan, outcome: &Outcome) {
        let failed: BTreeSet<&Address> = outcome.failed.iter().map(|failed| &failed.address).chain(&outcome.skipped).collect();
        let done = plan.actions.iter().filter(|action| action.verb == Verb::Delete && !failed.contains(&action.address));
        let (done, forgotten): (Vec<&Action>, Vec<&Action>) = done.partition(|action| action.existing.is_some());
        self.deleted.extend(done.iter().map(|action| json!({ "address": action.address, "kind": action.kind.name(), "id": action.id })));
        self.forgotten.extend(forgotten.iter().map(|action| json!(action.address)));
        self.cleared.extend(outcome.cleared.iter().map(|(address, id)| json!({ "address": address, "id": id })));
        self.failures.extend(outcome.failed.iter().map(|failed| (failed.address.clone(), failed.failure.to_string())));
        let skipped = outcome.skipped.iter().map(|address| (address.clone(), "not tried, because something before it failed".to_owned()));
        self.failures.extend(skipped);
        self.json["deleted"] = json!(self.deleted);
        self.json["forgotten"] = json!(self.forgotten);
        self.json["failed"] = json!(self.failures);
    }

    /// Adds the proof.
    pub(super) fn close(&mut self, proof: &Proof, outcome: &Outcome) {
        let result = match (proof.left.is_empty(), proof.kept.is_empty()) {
            (true, true) => "nothing_left",
            (true, false) => "kept_as_asked",
            (false, _) => "left",
        };
        let more = json!({
            "finished": Timestamp::now().to_string(),
            "seconds": outcome.seconds,
            "result": result,
            "deleted": self.deleted,
            "cleared": self.cleared,
            "failed": self.failures,
            "kept": proof.kept,
            "scheduled": proof.scheduled,
            "others": proof.others,
            "left": proof.left,
            "in_the_way": proof.foreign,
            "searched_by": proof.searched_by,
        });
        if let (Some(all), Some(more)) = (self.json.as_object_mut(), more.as_object()) {
            all.extend(more.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_result_does_not_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        std::fs::write(&path, r#"{"result": "nothing_left"}"#.repeat(99)).unwrap();
        let report = ReportFile::open(&path).unwrap();
        let json: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!((&json["result"], &json["format_version"]), (&json!("unknown"), &json!("1.0")));
        report.put(&json!({ "result": "left" })).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\n  \"result\": \"left\"\n}\n");
    }
}
