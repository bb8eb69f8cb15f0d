//! An empty folder with a configuration, in which the binary runs without anything of the machine's own environment.

use super::emulator::Emulator;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// Factor on the program's own waits.
pub(crate) const SCALE: &str = "0.01";

/// The folder of one test.
pub(crate) struct Workspace {
    folder: tempfile::TempDir,
    url: Option<String>,
}

/// How a run of the binary ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Ends the test with all output unless the exit code is the expected one.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        self
    }

    /// stdout as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A file of `examples/`.
pub(crate) fn example(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)).unwrap()
}

impl Workspace {
    /// With this configuration, and no AWS to talk to.
    pub(crate) fn offline(configuration: &str) -> Self {
        let workspace = Self { folder: tempfile::tempdir().unwrap(), url: None };
        workspace.write("domino-eks.yaml", configuration);
        workspace
    }

    /// With this configuration, against a local AWS.
    pub(crate) fn new(emulator: &Emulator, configuration: &str) -> Self {
        Self { url: Some(emulator.url.clone()), ..Self::offline(configuration) }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// The binary, ready to run.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_domino-eks"));
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command.env("HOME", self.folder.path()).env("USER", "tester").env("DOMINO_EKS_TIME_SCALE", SCALE);
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test").env("AWS_EC2_METADATA_DISABLED", "true");
        // Without a local AWS: port 1 of the loopback, where no server listens.
        command.env("AWS_ENDPOINT_URL", self.url.as_deref().unwrap_or("http://127.0.0.1:1"));
        command
    }

    /// Runs the binary to its end, which must come within two minutes.
    #[track_caller]
    pub(crate) fn run_soon(&self, arguments: &[&str]) -> Run {
        let child = self.spawn(arguments);
        let (pid, (sender, receiver)) = (child.id(), std::sync::mpsc::channel());
        std::thread::spawn(move || sender.send(child.wait_with_output()));
        let Ok(output) = receiver.recv_timeout(Duration::from_secs(120)) else {
            Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
            let output = receiver.recv().unwrap().unwrap();
            panic!("{arguments:?} does not end\n--- stderr\n{}", String::from_utf8_lossy(&output.stderr));
        };
        output.unwrap().into()
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.command(arguments).output().unwrap().into()
    }

    /// What a plan would do: address and action, without what stays as it is.
    #[track_caller]
    pub(crate) fn planned(&self) -> BTreeMap<String, String> {
        let plan = self.run(&["plan", "--format", "json"]).expect(0).json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        plan["actions"].as_array().unwrap().iter().map(|action| (text(&action["address"]), text(&action["action"]))).collect()
    }

    /// Starts the binary and goes on; its output is kept.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        piped(&mut self.command(arguments))
    }

    /// Every file of the folder with its bytes.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut open = vec![self.folder.path().to_owned()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    let bytes = fs::read(&path).unwrap();
                    found.insert(path, bytes);
                }
            }
        }
        found
    }

    /// The state document.
    pub(crate) fn state(&self, cluster: &str) -> Value {
        let text = fs::read_to_string(self.path(&format!(".domino-eks/{cluster}/state.json"))).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["state"].clone()
    }
}

/// Starts a command without input; its output is kept.
pub(crate) fn piped(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}
