//! `--report FILE`: what a destroy found, deleted and left, as JSON.

use super::exit::{CliError, Exit};
use crate::report::{empty_teardown_report, teardown_report};
use crate::workflow::destroy::TeardownRecord;
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The report file. It is opened before anything is deleted, so that a file that cannot be written is refused in time.
pub(super) struct ReportFile {
    path: PathBuf,
    file: File,
}

impl ReportFile {
    /// Opens the file and writes the result `unknown` over that of an earlier run.
    pub(super) fn open(path: &Path) -> Result<Self, CliError> {
        let refused = |error: io::Error| {
            CliError::new(Exit::Changes, format!("the report `{}` cannot be written: {error}; nothing was changed", path.display()))
                .hint("name a file in a folder that exists and that you may write")
        };
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).map_err(refused)?;
        let report = Self { path: path.to_owned(), file };
        report.put(&empty_teardown_report()).map_err(refused)?;
        Ok(report)
    }

    /// Writes the report so far.
    pub(super) fn write(&self, record: &TeardownRecord) -> Result<(), CliError> {
        self.put(&teardown_report(record))
            .map_err(|error| CliError::new(Exit::Failed, format!("the report `{}` cannot be written: {error}", self.path.display())))
    }

    fn put(&self, json: &Value) -> io::Result<()> {
        let mut file = &self.file;
        let text = format!("{json:#}\n");
        file.rewind().and_then(|()| file.set_len(0)).and_then(|()| file.write_all(text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_result_of_an_earlier_run_does_not_stay() {
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
