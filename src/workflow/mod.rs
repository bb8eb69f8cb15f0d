//! What a command does: plan, apply, destroy (inspect, ask, run, verify), recover.
//!
//! AWS, state and user are traits: [`Discovery`](crate::engine::Discovery), [`StateStore`] (under its lock) and [`Ui`]. So there is
//! no SDK type here and nothing is printed, and tests run the same code in milliseconds against a world in memory.

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
    /// The user.
    pub ui: &'a U,
    /// Whether the user asked to stop.
    pub interrupt: &'a Interrupt,
    /// Length of a second of waiting.
    pub time_scale: TimeScale,
}
