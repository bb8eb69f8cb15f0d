//! Calls that are sent again after a passing fault.

use crate::engine::{Failure, FailureKind};
use std::future::Future;
use std::time::Duration;
use tokio::time::sleep;

/// How often a call that failed as a whole is sent, each with all the attempts of the SDK.
const TRIES: u32 = 3;
/// The first pause after a passing fault.
pub(super) const PAUSE: Duration = Duration::from_millis(500);

/// Sends what does no harm when it is sent again.
pub(super) async fn patiently<T, F: Future<Output = Result<T, Failure>>>(call: impl Fn() -> F) -> Result<T, Failure> {
    for pause in (1..TRIES).map(|attempt| PAUSE * attempt) {
        match call().await {
            Err(failure) if matches!(failure.kind, FailureKind::Busy | FailureKind::LostAnswer | FailureKind::NotYet) => sleep(pause).await,
            other => return other,
        }
    }
    call().await
}
