//! Intervals and time-outs of the remote store.

use std::time::Duration;

/// Intervals and time-outs of the lock and of the writes under it. Tests scale them down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockTimings {
    /// Between two writes by which the holder keeps its lock.
    pub(super) heartbeat_interval: Duration,
    /// A lock object that did not change for so long was abandoned by its holder.
    pub(super) time_to_live: Duration,
    /// Between two reads of the lock of another process.
    pub(super) poll_interval: Duration,
    /// Entries that come within so long are written together.
    pub(super) batch_window: Duration,
    /// Between two attempts of a write that was not answered.
    pub(super) retry_interval: Duration,
    /// How long a write that is not answered is repeated.
    pub(super) write_timeout: Duration,
}

impl LockTimings {
    /// The timings against real AWS.
    pub const DEFAULT: LockTimings = LockTimings {
        heartbeat_interval: Duration::from_secs(10),
        time_to_live: Duration::from_secs(60),
        poll_interval: Duration::from_secs(2),
        batch_window: Duration::from_millis(100),
        retry_interval: Duration::from_millis(500),
        write_timeout: Duration::from_secs(30),
    };

    /// All of them multiplied by `factor`. Requests take their real time also in tests, so what has to outlast requests
    /// keeps a lower limit.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        let at_least = |duration: Duration, least: Duration| duration.mul_f64(factor).max(least.min(duration));
        Self {
            heartbeat_interval: at_least(self.heartbeat_interval, Duration::from_millis(500)),
            time_to_live: at_least(self.time_to_live, Duration::from_secs(8)),
            poll_interval: self.poll_interval.mul_f64(factor),
            batch_window: self.batch_window.mul_f64(factor),
            retry_interval: self.retry_interval.mul_f64(factor),
            write_timeout: at_least(self.write_timeout, Duration::from_secs(5)),
        }
    }
}
