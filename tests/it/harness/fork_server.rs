//! The process that forks all local AWSs of this test binary (`tests/emulator/local_aws/fork_server.py`): it loads once what takes seconds.

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

/// A running fork server. It ends when its standard input is closed, so also when this process is killed.
struct ForkServer {
    socket: PathBuf,
    /// Holds the standard input open.
    _process: Child,
}

/// A forked process, which ends with the connection.
pub(crate) struct Connection {
    stream: BufReader<UnixStream>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/emulator")
}

/// Prepares the virtual environment of the local AWS; its Python.
pub(crate) fn python() -> String {
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("emulator-venv");
    let output = Command::new("python3").arg(folder().join("prepare.py")).arg(venv).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "the local AWS cannot be prepared");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The one fork server, started by the first test that needs it.
fn fork_server() -> &'static ForkServer {
    static SERVER: OnceLock<ForkServer> = OnceLock::new();
    SERVER.get_or_init(|| {
        let mut command = Command::new(python());
        command.args(["-m", "local_aws", "--fork-server"]).current_dir(folder()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the local AWS did not start");
        ForkServer { socket: line.trim().into(), _process: child }
    })
}

impl Connection {
    /// Has a process forked that does as the request says.
    pub(crate) fn open(request: &Value) -> Self {
        let stream = UnixStream::connect(&fork_server().socket).unwrap();
        // No script takes so long. A test that waited for ever would not say why.
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        let mut connection = Self { stream: BufReader::new(stream) };
        connection.send(request);
        connection
    }

    pub(crate) fn send(&mut self, message: &Value) {
        self.stream.get_mut().write_all(format!("{message}\n").as_bytes()).unwrap();
    }

    #[track_caller]
    pub(crate) fn receive(&mut self) -> Value {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("the local AWS answers `{line}`: {error}"))
    }

    /// Ends the process, and waits for its end.
    pub(crate) fn close(&mut self) {
        let _ = self.stream.get_mut().shutdown(Shutdown::Write);
        let _ = std::io::copy(&mut self.stream, &mut std::io::sink());
    }
}
