//! The local lock: an operating-system lock on a file of its own, which also names the holder.
//!
//! The operating system frees it when its holder ends, for whatever reason. This program never deletes the file, so that two processes
//! never hold locks on two files of the same name; [`Lock::check`] notices when something else deleted it.

use super::error::StateError;
use super::lock_holder::LockHolder;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often the lock file is opened again when another process deletes it between opening and locking.
const OPEN_ATTEMPTS: usize = 5;
/// How often the holder's entry in the lock file is read, because the holder may be about to write it, and the pause before each.
const READ_ATTEMPTS: usize = 5;
const READ_PAUSE: Duration = Duration::from_millis(20);

/// A held lock. It is freed when it is dropped or when the process ends.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock, or says who has it.
    pub(super) fn take(path: &Path, command: &str) -> Result<Self, StateError> {
        let io = |source| StateError::io(path.display().to_string(), source);
        for _ in 0..OPEN_ATTEMPTS {
            let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path).map_err(io)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(StateError::Locked { holder: read_holder_with_retries(&mut file), remote: false });
                }
                Err(TryLockError::Error(source)) => return Err(io(source)),
            }
            // Another process may have deleted the file between opening and locking: then no other process would see this lock.
            if !is_still_at(&file, path) {
                continue;
            }
            let holder = serde_json::to_string(&LockHolder::current(command)).unwrap_or_default();
            file.set_len(0).map_err(io)?;
            file.rewind().map_err(io)?;
            file.write_all(holder.as_bytes()).map_err(io)?;
            return Ok(Self { file, path: path.to_owned() });
        }
        Err(io(std::io::Error::other("another process keeps deleting it")))
    }

    /// Whether the file is still the one that other processes would lock.
    pub(super) fn check(&self) -> Result<(), String> {
        if is_still_at(&self.file, &self.path) {
            return Ok(());
        }
        Err(format!("the lock file `{}` was deleted during the run: another run may have the state by now", self.path.display()))
    }

    /// Who holds it, if it is held; the inner `None` is a holder whose entry cannot be read.
    pub(super) fn holder(path: &Path) -> Option<Option<LockHolder>> {
        let mut file = File::open(path).ok()?;
        if matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
            return Some(read_holder_with_retries(&mut file));
        }
        drop(file.unlock());
        None
    }
}

impl Drop for Lock {
    /// Unlocks explicitly, because closing the file is not enough: a child process that is just being started has a copy of the
    /// descriptor.
    fn drop(&mut self) {
        drop(self.file.unlock());
    }
}

fn is_still_at(file: &File, path: &Path) -> bool {
    let same = |(ours, theirs): (fs::Metadata, fs::Metadata)| (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino());
    file.metadata().ok().zip(fs::metadata(path).ok()).is_some_and(same)
}

/// The holder named in the lock file. A process that has just taken the lock writes its name a moment later: until then the name is
/// missing, or is that of the previous holder.
fn read_holder_with_retries(file: &mut File) -> Option<LockHolder> {
    (0..READ_ATTEMPTS).find_map(|_| {
        std::thread::sleep(READ_PAUSE);
        read_holder(file)
    })
}

/// The holder named in the lock file; `None` while the name is only half written.
fn read_holder(file: &mut File) -> Option<LockHolder> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}
