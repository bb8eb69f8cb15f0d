//! The local lock: an operating-system lock on a file of its own, with its holder's name inside.
//!
//! The system frees it when its holder dies, however it dies; the file itself stays and is never deleted by us, so that two
//! processes never hold locks on two files of the same name. A holder whose file somebody else deleted notices.

use super::StateError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often a lock file that somebody deletes under us is opened again.
const OPENINGS: usize = 5;
/// Looks at the note of a holder who may be about to write it, and the pause before each.
const LOOKS: usize = 5;
const PAUSE: Duration = Duration::from_millis(20);

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// User name.
    pub user: String,
    /// Host name.
    pub host: String,
    /// Process id.
    pub pid: u32,
    /// Command that runs.
    pub command: String,
    /// Since when.
    pub since: Timestamp,
}

impl Holder {
    /// This process.
    pub fn current(command: &str) -> Self {
        let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "unknown".to_owned());
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self { user, host, pid: std::process::id(), command: command.to_owned(), since: Timestamp::now() }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{} (process {}, `{}`, since {:.0})", self.user, self.host, self.pid, self.command, self.since)
    }
}

/// A held lock; dropping it, or dying, frees it.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock, or says who has it.
    pub(super) fn take(path: &Path, command: &str) -> Result<Self, StateError> {
        let io = |source| StateError::Io { place: path.display().to_string(), source };
        for _ in 0..OPENINGS {
            let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path).map_err(io)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(StateError::Locked { holder: settled(&mut file), remote: false }),
                Err(TryLockError::Error(source)) => return Err(io(source)),
            }
            // Between our opening and our locking, somebody may have deleted the file: then the lock is on nothing.
            if !is_still_at(&file, path) {
                continue;
            }
            let holder = serde_json::to_string(&Holder::current(command)).unwrap_or_default();
            file.set_len(0).map_err(io)?;
            file.rewind().map_err(io)?;
            file.write_all(holder.as_bytes()).map_err(io)?;
            return Ok(Self { file, path: path.to_owned() });
        }
        Err(io(std::io::Error::other("somebody keeps deleting it")))
    }

    /// Whether the file is still the one that others would lock.
    pub(super) fn check(&self) -> Result<(), String> {
        if is_still_at(&self.file, &self.path) {
            return Ok(());
        }
        Err(format!("the lock file `{}` was deleted during the run: another run may have the state by now", self.path.display()))
    }

    /// Who holds it, if anybody does.
    pub(super) fn holder(path: &Path) -> Option<Option<Holder>> {
        let mut file = File::open(path).ok()?;
        if matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
            return Some(settled(&mut file));
        }
        drop(file.unlock());
        None
    }
}

impl Drop for Lock {
    /// Closing the file is not enough: a child process that is just being started still has a copy of it.
    fn drop(&mut self) {
        drop(self.file.unlock());
    }
}

fn is_still_at(file: &File, path: &Path) -> bool {
    let same = |(ours, theirs): (fs::Metadata, fs::Metadata)| (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino());
    file.metadata().ok().zip(fs::metadata(path).ok()).is_some_and(same)
}

/// The holder's note, once there was time to write it: until then it is missing, or names the holder before.
fn settled(file: &mut File) -> Option<Holder> {
    (0..LOOKS).find_map(|_| {
        std::thread::sleep(PAUSE);
        read(file)
    })
}

/// The holder's note; it may be half-written just when we look.
fn read(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}
