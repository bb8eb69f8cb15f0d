//! The local store: a folder with the document, its journal, the lock and backups. Mode 0600, no secrets.

use super::{Document, Entry, FORMAT_VERSION, Holder, Lock, Recorder};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Backups kept beside the document.
const BACKUPS: usize = 10;

/// A state that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file system refused.
    #[error("`{path}`: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is not a whole state document.
    #[error("the state `{path}` is damaged: {why}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A newer version of the tool wrote it.
    #[error("the state `{path}` has format {found}, which is newer than this version of domino-eks knows ({FORMAT_VERSION})")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format version.
        found: u64,
    },
    /// Somebody else works on it.
    #[error("the state is locked{}", describe(.holder.as_ref()))]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Who holds it, when the note could be read.
        holder: Option<Holder>,
    },
}

fn describe(holder: Option<&Holder>) -> String {
    holder.map_or_else(String::new, |holder| {
        format!(" by {}@{} (process {}, `{}`, since {:.0})", holder.user, holder.host, holder.pid, holder.command, holder.since)
    })
}

/// The document as it stands in the file: with a checksum over itself.
#[derive(Serialize, Deserialize)]
struct Envelope {
    checksum: String,
    state: serde_json::Value,
}

/// The folder of one cluster's state.
#[derive(Debug, Clone)]
pub struct LocalStore {
    folder: PathBuf,
}

impl LocalStore {
    /// A store in `folder`; nothing is read or written yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Where the document lies.
    pub fn path(&self) -> PathBuf {
        self.folder.join("state.json")
    }

    fn journal_path(&self) -> PathBuf {
        self.folder.join("journal.ndjson")
    }

    /// Reads the document and what the journal knows beyond it. `None` when there is none. Writes nothing.
    ///
    /// # Errors
    /// When a file cannot be read, is damaged, or is newer than this program.
    pub fn load(&self) -> Result<Option<Document>, StateError> {
        let journal = self.read_journal()?;
        let document = match fs::read(self.path()) {
            Ok(bytes) => Some(self.parse(&bytes)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(StateError::Io { path: self.path(), source }),
        };
        let Some(mut document) = document else {
            return if journal.is_empty() { Ok(None) } else { Err(self.damaged("the journal is there, but the document is missing")) };
        };
        for (serial, entry) in journal {
            // Lines of an older run are in the document already.
            if serial >= document.serial {
                document.apply(entry);
            }
        }
        Ok(Some(document))
    }

    fn damaged(&self, why: impl Into<String>) -> StateError {
        StateError::Damaged { path: self.path(), why: why.into() }
    }

    fn parse(&self, bytes: &[u8]) -> Result<Document, StateError> {
        if bytes.is_empty() {
            return Err(self.damaged("the file is empty"));
        }
        let envelope: Envelope = serde_json::from_slice(bytes).map_err(|error| self.damaged(error.to_string()))?;
        let found = envelope.state.get("format_version").and_then(serde_json::Value::as_u64).unwrap_or(0);
        if found > u64::from(FORMAT_VERSION) {
            return Err(StateError::Newer { path: self.path(), found });
        }
        if checksum(&envelope.state) != envelope.checksum {
            return Err(self.damaged("its checksum does not fit; was it edited by hand?"));
        }
        serde_json::from_value(envelope.state).map_err(|error| self.damaged(error.to_string()))
    }

    /// The journal's lines with the serial that they were written under. A last line without its end was cut off by a
    /// crash before it counted.
    fn read_journal(&self) -> Result<Vec<(u64, Entry)>, StateError> {
        let path = self.journal_path();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(StateError::Io { path, source }),
        };
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(&[][..], |end| &bytes[..end]);
        let whole = std::str::from_utf8(whole).map_err(|error| StateError::Damaged { path: path.clone(), why: error.to_string() })?;
        let parse = |(number, line): (usize, &str)| {
            let line: Line = serde_json::from_str(line)
                .map_err(|error| StateError::Damaged { path: path.clone(), why: format!("line {}: {error}", number + 1) })?;
            Ok((line.serial, line.entry))
        };
        whole.lines().enumerate().map(parse).collect()
    }

    /// Takes the lock; the folder is made when it is missing.
    ///
    /// # Errors
    /// When somebody else holds the lock or the folder cannot be written.
    pub fn lock(&self, command: &str) -> Result<Lock, StateError> {
        let io = |source| StateError::Io { path: self.folder.clone(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder).map_err(io)?;
        Lock::take(&self.folder.join("lock"), command)
    }

    /// Begins a run: the document as it stands is written under a new serial, and the journal starts empty.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn begin(&self, mut document: Document, lock: Lock) -> Result<Writer, StateError> {
        document.serial += 1;
        document.forget_old_intents();
        self.save(&document)?;
        let path = self.journal_path();
        let open = || {
            let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
            file.set_len(0)?;
            file.sync_all()?;
            File::open(&self.folder)?.sync_all()?;
            Ok(file)
        };
        let journal = open().map_err(|source| StateError::Io { path: path.clone(), source })?;
        let shared = Shared { store: self.clone(), journal: Mutex::new(Journal { file: journal, length: 0, closed: false, document }) };
        Ok(Writer { shared: Arc::new(shared), _lock: Arc::new(lock) })
    }

    /// Replaces the document atomically and keeps the one before as a backup.
    fn save(&self, document: &Document) -> Result<(), StateError> {
        let write = || -> io::Result<()> {
            self.back_up()?;
            let state = serde_json::to_value(document)?;
            let envelope = Envelope { checksum: checksum(&state), state };
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.as_file().set_permissions(fs::Permissions::from_mode(0o600))?;
            serde_json::to_writer_pretty(&mut file, &envelope)?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            file.persist(self.path()).map_err(|error| error.error)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|source| StateError::Io { path: self.path(), source })
    }

    fn back_up(&self) -> io::Result<()> {
        let Ok(bytes) = fs::read(self.path()) else { return Ok(()) };
        let folder = self.folder.join("backups");
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let serial =
            serde_json::from_slice::<Envelope>(&bytes).ok().and_then(|envelope| envelope.state.get("serial")?.as_u64()).unwrap_or(0);
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(folder.join(format!("{serial:08}.json")))?;
        file.write_all(&bytes)?;
        let mut old: Vec<PathBuf> = fs::read_dir(&folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
        old.sort();
        old.iter().take(old.len().saturating_sub(BACKUPS)).try_for_each(fs::remove_file)
    }
}

fn checksum(state: &serde_json::Value) -> String {
    let digest = Sha256::digest(canonical(state));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The same bytes for the same document, whatever the order of keys.
fn canonical(state: &serde_json::Value) -> String {
    match state {
        serde_json::Value::Object(map) => {
            let sorted: std::collections::BTreeMap<_, _> = map.iter().collect();
            let entries: Vec<String> =
                sorted.iter().map(|(key, value)| format!("{}:{}", serde_json::json!(key), canonical(value))).collect();
            format!("{{{}}}", entries.join(","))
        }
        serde_json::Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

/// One line of the journal.
#[derive(Serialize, Deserialize)]
struct Line {
    serial: u64,
    #[serde(flatten)]
    entry: Entry,
}

struct Journal {
    file: File,
    /// Bytes of whole lines.
    length: u64,
    /// The run is over: a step that was abandoned must not write any more.
    closed: bool,
    document: Document,
}

struct Shared {
    store: LocalStore,
    journal: Mutex<Journal>,
}

/// The store in a run: every entry is durable when `record` returns.
#[derive(Clone)]
pub struct Writer {
    shared: Arc<Shared>,
    _lock: Arc<Lock>,
}

impl Writer {
    /// The document with everything recorded so far.
    pub fn document(&self) -> Document {
        self.shared.journal.lock().unwrap_or_else(PoisonError::into_inner).document.clone()
    }

    /// Ends the run: the document takes in what the journal holds.
    ///
    /// # Errors
    /// When the document cannot be written; the journal still holds everything then.
    pub fn finish(&self) -> Result<Document, StateError> {
        let mut journal = self.shared.journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.closed = true;
        journal.document.serial += 1;
        self.shared.store.save(&journal.document)?;
        let cut = journal.file.set_len(0).and_then(|()| journal.file.sync_all());
        cut.map_err(|source| StateError::Io { path: self.shared.store.journal_path(), source })?;
        Ok(journal.document.clone())
    }
}

impl Recorder for Writer {
    async fn record(&self, entry: Entry) -> Result<(), String> {
        let shared = self.shared.clone();
        let write = move || {
            let mut journal = shared.journal.lock().unwrap_or_else(PoisonError::into_inner);
            let line = Line { serial: journal.document.serial, entry: entry.clone() };
            let mut text = serde_json::to_string(&line).map_err(io::Error::other)?;
            text.push('\n');
            if journal.closed {
                return Err(io::Error::other("the run is over"));
            }
            let written = journal.file.write_all(text.as_bytes()).and_then(|()| journal.file.sync_data());
            if let Err(error) = written {
                // Half a line must not stand before a whole one.
                journal.closed = journal.file.set_len(journal.length).is_err();
                return Err(error);
            }
            journal.length += text.len() as u64;
            journal.document.apply(entry);
            Ok::<(), io::Error>(())
        };
        let path = self.shared.store.journal_path();
        match tokio::task::spawn_blocking(write).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(format!("`{}`: {error}", path.display())),
            Err(error) => Err(error.to_string()),
        }
    }
}
