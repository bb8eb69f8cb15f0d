//! What a command does: plan, apply, destroy (inspect, ask, run, verify), recover.
//!
//! AWS, state and user are traits: [`Discovery`](crate::engine::Discovery), [`StateStore`] (under its lock) and [`Ui`]. So there is
//! no SDK type here and nothing is printed, and tests run the same code in milliseconds against a world in memory.

pub mod apply;
mod context;
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

pub use context::Context;
pub use error::{Refusal, SavedAside, WorkflowError};
pub use interrupt::Interrupt;
pub use ports::{Consent, Notice, RunWriter, StateStore, Ui};
pub use session::{Session, owner_mismatch, state_for};
pub use target::{Loaded, Target, TeardownTarget};
