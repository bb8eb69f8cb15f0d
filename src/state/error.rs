//! A state that cannot be used, and why.

use super::document::FORMAT_VERSION;
use super::lock_holder::LockHolder;
use super::remote::objects::ObjectError;
use std::error::Error;
use std::io;
use std::sync::Arc;

/// A state that cannot be used. `location` is a file, a folder or an object.
///
/// It can be cloned, because one failed write fails every entry that was to be written with it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StateError {
    /// The file system refused.
    #[error("`{location}`: {source}")]
    Io {
        /// The file or folder.
        location: String,
        /// What the system says.
        source: Arc<io::Error>,
    },
    /// It is a symbolic link: replacing the document would replace the link, and leave the file that it leads to unchanged.
    #[error("`{location}` is a symbolic link")]
    Link {
        /// The link.
        location: String,
    },
    /// It is not a whole state document.
    #[error("the state `{location}` is damaged: {source}")]
    Damaged {
        /// Where it is stored.
        location: String,
        /// What is wrong.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// A newer version of the tool wrote it.
    #[error("the state `{location}` has format {found}, which is newer than this version of domino-eks knows ({FORMAT_VERSION})")]
    Newer {
        /// Where it is stored.
        location: String,
        /// Its format version.
        found: u64,
    },
    /// It is older than what was written here before.
    #[error("the state `{location}` has serial {found}, but serial {newest} was written here: an older one was put in its place")]
    Backwards {
        /// Where it is stored.
        location: String,
        /// Its serial.
        found: u64,
        /// The highest serial known.
        newest: u64,
    },
    /// It was moved with `state migrate`.
    #[error("the state was moved from `{location}` to `{to}`")]
    Moved {
        /// The old location.
        location: String,
        /// The new one.
        to: String,
    },
    /// Another process works on it.
    #[error("the state is locked{}", .holder.as_ref().map_or_else(String::new, |holder| format!(" by {holder}")))]
    Locked {
        /// Who holds it, if the entry in the lock could be read.
        holder: Option<LockHolder>,
        /// Whether the lock is an object in a bucket, which stays when its holder dies.
        remote: bool,
    },
    /// Another process wrote the state while we held it: this run must not write any more.
    #[error("{why}")]
    Fenced {
        /// What happened.
        why: String,
    },
    /// The bucket or AWS refused.
    #[error("the state in `{location}`: {source}")]
    Remote {
        /// Bucket and key.
        location: String,
        /// What went wrong.
        source: ObjectError,
    },
}

impl StateError {
    /// The file system refused.
    pub fn io(location: impl Into<String>, source: io::Error) -> Self {
        StateError::Io { location: location.into(), source: Arc::new(source) }
    }

    /// It is not a whole state document; `source` is an error or a sentence.
    pub(super) fn damaged(location: &str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        StateError::Damaged { location: location.to_owned(), source: source.into().into() }
    }

    /// A refusal of the bucket that holds the state.
    pub(super) fn remote(location: &str, source: ObjectError) -> Self {
        StateError::Remote { location: location.to_owned(), source }
    }
}
