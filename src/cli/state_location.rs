//! Where a cluster's state is stored, and its store.

use super::exit::{CliError, Exit};
use crate::aws::{Aws, StateBucket};
use crate::config::check_state_location;
use crate::engine::TimeScale;
use crate::state::{self, LocalStore, LockTimings, RemoteStore};
use std::fmt;
use std::path::{Path, PathBuf};

/// The store of a state, with S3 as the bucket.
pub(super) type Store = state::Store<StateBucket>;
/// Its lock.
pub(super) type Guard = state::Guard<StateBucket>;
/// The writer of a run.
pub(super) type Writer = state::Writer<StateBucket>;

/// Where a state is stored: in a folder, or under a prefix of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StateLocation {
    Folder(PathBuf),
    /// A bucket, in which every cluster has its own folder under the prefix.
    Bucket {
        bucket: String,
        folder: String,
    },
}

impl StateLocation {
    /// Parses a folder (relative to `beside`) or `s3://bucket/prefix`.
    pub(super) fn parse(text: &str, beside: &Path, cluster: &str) -> Result<Self, CliError> {
        if let Err(problem) = check_state_location(text) {
            let message = format!("`{text}` is not a location for a state: {problem}");
            return Err(CliError::new(Exit::Configuration, message).hint("name a local directory or `s3://bucket/prefix`"));
        }
        let Some(rest) = text.strip_prefix("s3://") else { return Ok(StateLocation::Folder(beside.join(text))) };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let parts: Vec<&str> = prefix.split('/').filter(|part| !part.is_empty()).chain([cluster]).collect();
        Ok(StateLocation::Bucket { bucket: bucket.to_owned(), folder: parts.join("/") })
    }

    /// The store at this location.
    pub(super) fn open(&self, aws: &Aws, time_scale: TimeScale) -> Store {
        match self {
            StateLocation::Folder(folder) => Store::Local(LocalStore::new(folder)),
            StateLocation::Bucket { bucket, folder } => {
                let timings = LockTimings::DEFAULT.scaled(time_scale.factor());
                Store::Remote(RemoteStore::new(StateBucket::new(aws, bucket), self.to_string(), folder, timings))
            }
        }
    }
}

impl fmt::Display for StateLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StateLocation::Folder(folder) => write!(f, "{}", folder.display()),
            StateLocation::Bucket { bucket, folder } => write!(f, "s3://{bucket}/{folder}"),
        }
    }
}
