//! How long a second of waiting is. Real runs use real seconds; tests against the local AWS scale them down.

use std::time::Duration;

/// Factor on every wait: polling, back-off, grace periods and time-outs. Never on the time-out of a single request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeScale(f64);

impl TimeScale {
    /// Real seconds.
    pub const REAL: TimeScale = TimeScale(1.0);

    /// A factor between 0.0001 and 1.
    pub fn scaled(factor: f64) -> Option<Self> {
        (0.0001..=1.0).contains(&factor).then_some(Self(factor))
    }

    /// Real seconds for one second of waiting.
    pub fn factor(self) -> f64 {
        self.0
    }

    /// This many seconds, scaled.
    pub fn seconds(self, seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds * self.0)
    }

    /// The same with ±20 %, so that many waiters do not send their requests at the same moment.
    pub fn jittered(self, seconds: f64) -> Duration {
        self.seconds(seconds * (0.8 + 0.4 * fastrand::f64()))
    }

    /// Real seconds of something expected to take so many seconds of AWS's time.
    pub fn expected(self, seconds: u64) -> f64 {
        self.seconds(seconds as f64).as_secs_f64()
    }
}
