//! Checks the lock before every attempt of a call: the SDK repeats calls by itself, even long after the lock was lost (for example when
//! the computer was suspended), and nothing else could stop it then.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Whether a call may be sent now; otherwise why not.
pub(super) type CheckLock = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// Lets calls pass only while its condition holds; without one, it lets everything pass.
#[derive(Clone, Default)]
pub(super) struct Fence(pub(super) Option<CheckLock>);

/// Why nothing was sent.
#[derive(Debug)]
pub(super) struct NotSent(String);

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for NotSent {}

impl fmt::Debug for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fence")
    }
}

impl Intercept for Fence {
    fn name(&self) -> &'static str {
        "Fence"
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.as_ref().map_or(Ok(()), |check_lock| check_lock().map_err(|why| NotSent(why).into()))
    }
}
