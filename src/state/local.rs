//! The local store: a folder with the document, its journal, the lock and backups. Mode 0600, no secrets.

use super::document::{Document, Entry};
use super::error::StateError;
use super::format;
use super::lock::Lock;
use super::lock_holder::LockHolder;
use super::recorder::Recorder;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Backups kept beside the document.
const BACKUPS: usize = 10;
/// How the names of temporary documents begin.
const UNFINISHED: &str = ".state.json.";

fn io_error(path: &Path, source: io::Error) -> StateError {
    StateError::io(path.display().to_string(), source)
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

    /// Path of the document.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.join("state.json")
    }

    fn journal_path(&self) -> PathBuf {
        self.folder.join("journal.ndjson")
    }

    /// Reads the document and applies the entries of the journal. `None` when there is none. Writes nothing.
    ///
    /// # Errors
    /// When a file cannot be read, is damaged, older than what was here before, or newer than this program.
    pub fn load(&self) -> Result<Option<Document>, StateError> {
        // Journal and backups are read before the document: a reader without the lock must not get a backup that is newer than its
        // document.
        let journal = self.read_journal()?;
        let backup = self.newest_backup()?;
        let Some(mut document) = read(&self.path())?.map(|bytes| format::decode(&bytes, &self.location())).transpose()? else {
            let nothing = journal.is_empty() && backup.is_none();
            return if nothing { Ok(None) } else { Err(self.damaged("its journal or its backups are there, but the document is missing")) };
        };
        let newest = journal.iter().map(|line| line.serial).chain(backup).max();
        if let Some(newest) = newest.filter(|newest| *newest > document.serial) {
            return Err(StateError::Backwards { location: self.location(), found: document.serial, newest });
        }
        if journal.iter().any(|line| line.lineage.as_ref().is_some_and(|lineage| *lineage != document.lineage)) {
            return Err(self.damaged("its journal belongs to another state"));
        }
        // Lines of an older run are in the document already.
        let serial = document.serial;
        journal.into_iter().filter(|line| line.serial == serial).for_each(|line| document.apply(line.entry));
        Ok(Some(document))
    }

    fn location(&self) -> String {
        self.path().display().to_string()
    }

    fn damaged(&self, why: &str) -> StateError {
        StateError::damaged(&self.location(), why)
    }

    /// The highest serial that is known here, even when the document cannot be read: a rebuilt state gets a higher one.
    pub(super) fn highest_serial(&self) -> u64 {
        let document = fs::read(self.path()).ok().and_then(|bytes| format::serial(&bytes));
        let journal = fs::read(self.journal_path()).unwrap_or_default();
        let serial = |line: &[u8]| serde_json::from_slice::<serde_json::Value>(line).ok()?.get("serial")?.as_u64();
        let journal = journal.split(|byte| *byte == b'\n').filter_map(serial).max();
        document.max(journal).max(self.newest_backup().ok().flatten()).unwrap_or(0)
    }

    fn newest_backup(&self) -> Result<Option<u64>, StateError> {
        let folder = self.folder.join("backups");
        let names = match fs::read_dir(&folder) {
            Ok(entries) => entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(io_error(&folder, source)),
        };
        Ok(names.filter_map(|name| name.strip_suffix(".json")?.parse().ok()).max())
    }

    /// The journal's lines. A last line without its end was cut off by a crash before its entry counted.
    fn read_journal(&self) -> Result<Vec<Line>, StateError> {
        let path = self.journal_path();
        let Some(bytes) = read(&path)? else { return Ok(Vec::new()) };
        let damaged = |source: Box<dyn Error + Send + Sync>| StateError::damaged(&path.display().to_string(), source);
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(&[][..], |end| &bytes[..end]);
        let whole = std::str::from_utf8(whole).map_err(|error| damaged(error.into()))?;
        let parse = |(index, line): (usize, &str)| {
            serde_json::from_str(line).map_err(|source| damaged(DamagedLine { number: index + 1, source }.into()))
        };
        whole.lines().enumerate().map(parse).collect()
    }

    /// Takes the lock; creates the folder when it is missing.
    ///
    /// # Errors
    /// When another process holds the lock or the folder cannot be written.
    pub(super) fn lock(&self, command: &str) -> Result<Lock, StateError> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder).map_err(|source| io_error(&self.folder, source))?;
        Lock::take(&self.folder.join("lock"), command)
    }

    /// Who holds the lock, if it is held; the inner `None` is a holder whose entry cannot be read.
    pub fn holder(&self) -> Option<Option<LockHolder>> {
        Lock::holder(&self.folder.join("lock"))
    }

    /// Begins a run: the current document is written under a new serial, and the journal starts empty.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(super) fn begin(&self, mut document: Document, lock: Arc<Lock>) -> Result<LocalWriter, StateError> {
        document.serial += 1;
        document.forget_old_intents();
        self.remove_unfinished().map_err(|source| io_error(&self.folder, source))?;
        self.save(&document)?;
        crash_point();
        let path = self.journal_path();
        let open = || {
            // A symbolic link could lead to another file, which would be emptied here.
            let no_link = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
            let file = OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(no_link).open(&path)?;
            crash_point();
            file.set_len(0)?;
            crash_point();
            file.sync_all()?;
            File::open(&self.folder)?.sync_all()?;
            Ok(file)
        };
        let journal = open().map_err(|source| io_error(&path, source))?;
        let shared = Shared { store: self.clone(), journal: Mutex::new(Journal { file: journal, length: 0, closed: false, document }) };
        Ok(LocalWriter { shared: Arc::new(shared), lock })
    }

    /// Stores a rebuilt, pushed or moved document here; the previous one is kept as a backup.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(super) fn replace(&self, document: &Document) -> Result<(), StateError> {
        // Lines of another state must never be beside the new document, at whatever moment the process ends.
        if let Ok(Some(standing)) = self.load() {
            self.save(&standing)?;
            crash_point();
            self.remove_journal()?;
            crash_point();
        }
        self.save(document)?;
        crash_point();
        self.remove_journal()
    }

    fn remove_journal(&self) -> Result<(), StateError> {
        match fs::remove_file(self.journal_path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(&self.journal_path(), error)),
            _ => Ok(()),
        }
    }

    /// Replaces a moved state with a note that names its new location.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(super) fn mark_moved(&self, to: &str) -> Result<(), StateError> {
        let bytes = format::encode_moved(to).map_err(io::Error::other);
        bytes.and_then(|bytes| self.write(&bytes)).map_err(|source| io_error(&self.path(), source))
    }

    /// Removes documents that a killed process left half-written.
    fn remove_unfinished(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(UNFINISHED)) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// Replaces the document atomically and keeps the previous one as a backup.
    fn save(&self, document: &Document) -> Result<(), StateError> {
        let bytes = format::encode(document).map_err(io::Error::other);
        bytes.and_then(|bytes| self.write(&bytes)).map_err(|source| io_error(&self.path(), source))
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        self.back_up()?;
        crash_point();
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.folder)?;
        file.as_file().set_permissions(fs::Permissions::from_mode(0o600))?;
        file.write_all(bytes)?;
        crash_point();
        file.as_file().sync_all()?;
        crash_point();
        file.persist(self.path()).map_err(|error| error.error)?;
        crash_point();
        File::open(&self.folder)?.sync_all()
    }

    /// Keeps the current document as a backup, with the entries of the journal.
    fn back_up(&self) -> io::Result<()> {
        let Ok(mut bytes) = fs::read(self.path()) else { return Ok(()) };
        if fs::metadata(self.journal_path()).is_ok_and(|journal| journal.len() > 0)
            && let Ok(Some(whole)) = self.load()
        {
            bytes = format::encode(&whole)?;
        }
        // A file that is not a state of ours is kept too, under a name that is never read as a backup.
        let name = format::serial(&bytes).map_or_else(|| "damaged.json".to_owned(), |serial| format!("{serial:08}.json"));
        let folder = self.folder.join("backups");
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        crash_point();
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(folder.join(name))?;
        crash_point();
        file.write_all(&bytes)?;
        file.sync_all()?;
        crash_point();
        let mut old: Vec<PathBuf> = fs::read_dir(&folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
        old.sort();
        old.iter().take(old.len().saturating_sub(BACKUPS)).try_for_each(fs::remove_file)
    }
}

/// The bytes of a file; `None` when there is none.
fn read(path: &Path) -> Result<Option<Vec<u8>>, StateError> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_symlink() => return Err(StateError::Link { location: path.display().to_string() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        _ => {}
    }
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        // It was removed a moment ago.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(io_error(path, source)),
    }
}

/// A moment between two file operations at which a test can end the process.
fn crash_point() {
    #[cfg(test)]
    super::tests::crash::point();
}

/// A line of the journal that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("line {number}: {source}")]
struct DamagedLine {
    number: usize,
    source: serde_json::Error,
}

/// One line of the journal.
#[derive(Serialize, Deserialize)]
struct Line {
    serial: u64,
    /// The state that it belongs to.
    #[serde(default)]
    lineage: Option<String>,
    #[serde(flatten)]
    entry: Entry,
}

struct Journal {
    file: File,
    /// Length of all whole lines, in bytes.
    length: u64,
    /// The run is over: a step that still runs must not write any more.
    closed: bool,
    document: Document,
}

struct Shared {
    store: LocalStore,
    journal: Mutex<Journal>,
}

impl Shared {
    /// Appends one line to the journal and flushes it to the disk.
    fn append(&self, entry: Entry, lock: &Lock) -> io::Result<()> {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let line = Line { serial: journal.document.serial, lineage: Some(journal.document.lineage.clone()), entry: entry.clone() };
        let mut text = serde_json::to_string(&line).map_err(io::Error::other)?;
        text.push('\n');
        if journal.closed {
            return Err(io::Error::other("the run is over"));
        }
        // The entry is applied even if it cannot be written here: at the end of the run there may be room on the disk again.
        journal.document.apply(entry);
        lock.check().map_err(io::Error::other)?;
        let written = journal.file.write_all(text.as_bytes());
        crash_point();
        if let Err(error) = written.and_then(|()| journal.file.sync_data()) {
            // The next line must not follow an incomplete one.
            journal.closed = journal.file.set_len(journal.length).is_err();
            return Err(error);
        }
        journal.length += text.len() as u64;
        Ok(())
    }
}

/// The store in a run: every entry is durable when `record` returns.
#[derive(Clone)]
pub struct LocalWriter {
    shared: Arc<Shared>,
    lock: Arc<Lock>,
}

impl LocalWriter {
    /// The document with everything recorded so far.
    pub(super) fn document(&self) -> Document {
        self.shared.journal.lock().unwrap_or_else(PoisonError::into_inner).document.clone()
    }

    /// Ends the run: the document is written with all entries, also with those that the journal could not take.
    ///
    /// # Errors
    /// When the document cannot be written or the lock was lost; the journal still holds what was recorded then.
    pub(super) fn finish(&self) -> Result<Document, StateError> {
        let mut journal = self.shared.journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.closed = true;
        journal.document.serial += 1;
        self.lock.check().map_err(|why| StateError::Fenced { why })?;
        self.shared.store.save(&journal.document)?;
        crash_point();
        let cut = journal.file.set_len(0).and_then(|()| journal.file.sync_all());
        cut.map_err(|source| io_error(&self.shared.store.journal_path(), source))?;
        Ok(journal.document.clone())
    }
}

impl Recorder for LocalWriter {
    async fn record(&self, entry: Entry) -> Result<(), StateError> {
        let (shared, lock) = (self.shared.clone(), self.lock.clone());
        let write = move || {
            let path = shared.store.journal_path();
            shared.append(entry, &lock).map_err(|source| io_error(&path, source))
        };
        let path = self.shared.store.journal_path();
        tokio::task::spawn_blocking(write).await.unwrap_or_else(|error| Err(io_error(&path, io::Error::other(error))))
    }

    fn check_lock(&self) -> Result<(), String> {
        self.lock.check()
    }
}
