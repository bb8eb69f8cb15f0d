//! What a workflow that changes something works with.

use super::interrupt::Interrupt;
use crate::engine::TimeScale;
use std::sync::Arc;

/// What a workflow that changes something works with. The lock of the state is held.
pub struct Context<'a, P, S, U> {
    /// AWS.
    pub provider: Arc<P>,
    /// The state, under its lock.
    pub store: &'a S,
    /// The user.
    pub ui: &'a U,
    /// Whether the user asked to stop.
    pub interrupt: &'a Interrupt,
    /// Length of a second of waiting.
    pub time_scale: TimeScale,
}
