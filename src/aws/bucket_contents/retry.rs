//! Repeats calls after transient faults.

use crate::engine::{Failure, FailureKind};
use std::future::Future;
use std::time::Duration;
use tokio::time::sleep;

/// How often a call that failed as a whole is sent; the SDK makes all its attempts each time.
const TRIES: u32 = 3;
/// The first pause after a transient fault.
pub(super) const PAUSE: Duration = Duration::from_millis(500);

/// Sends a call that is safe to repeat, and repeats it after a transient fault.
pub(super) async fn with_retries<T, F: Future<Output = Result<T, Failure>>>(call: impl Fn() -> F) -> Result<T, Failure> {
    for pause in (1..TRIES).map(|attempt| PAUSE * attempt) {
        match call().await {
            Err(failure) if matches!(failure.kind, FailureKind::Busy | FailureKind::LostAnswer | FailureKind::NotYet) => sleep(pause).await,
            other => return other,
        }
    }
    call().await
}
