//! The holder of a lock, as it is written into the lock and shown to others.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The process that holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockHolder {
    /// User name.
    pub user: String,
    /// Host name.
    pub host: String,
    /// Process id.
    pub pid: u32,
    /// The command that it runs.
    pub command: String,
    /// Since when it holds the lock.
    pub since: Timestamp,
}

impl LockHolder {
    /// This process.
    pub fn current(command: &str) -> Self {
        let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "unknown".to_owned());
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self { user, host, pid: std::process::id(), command: command.to_owned(), since: Timestamp::now() }
    }
}

impl fmt::Display for LockHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{} (process {}, `{}`, since {:.0})", self.user, self.host, self.pid, self.command, self.since)
    }
}
