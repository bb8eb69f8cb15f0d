//! What a command does: plan, apply, destroy (inspect, ask, run, verify), recover.
//!
//! Everything outside comes in through traits: AWS as [`Discovery`](crate::engine::Discovery), the state under its lock as
//! [`StateStore`], the person as [`Ui`]. So there is no SDK type here and nothing is printed, and the same code runs on the
//! world in memory in milliseconds.

pub mod apply;
pub mod destroy;
mod error;
mod execution;
mod interrupt;
mod lineage;
mod ports;
pub mod recover;
mod session;
mod target;

#[cfg(test)]
mod tests;

pub use error::{Refusal, SavedAside, WorkflowError};
pub use interrupt::Interrupt;
pub use ports::{Consent, Notice, RunWriter, StateStore, Ui};
pub use session::{Session, owner_mismatch, state_for};
pub use target::{Loaded, Target, TeardownTarget};

use crate::engine::TimeScale;
use std::sync::Arc;

/// What a workflow that changes something works with. The lock of the state is held.
pub struct Context<'a, P, S, U> {
    /// AWS.
    pub provider: Arc<P>,
    /// The state, under its lock.
    pub store: &'a S,
    /// The person.
    pub ui: &'a U,
    /// Whether the person asked to stop.
    pub interrupt: &'a Interrupt,
    /// Length of a second of waiting.
    pub time_scale: TimeScale,
}
