//! Plan and apply: pure comparison, a graph of steps, and a scheduler that drives a [`Provider`].
//!
//! Invariant: nothing in here uses the AWS SDK or prints. AWS is a [`Provider`], the durable state a [`Recorder`], and
//! everything that is shown to the user leaves as [`Event`]s.

mod blocker;
mod diff;
mod discovery;
mod duplicates;
mod events;
mod failure;
mod graph;
mod item;
mod plan;
mod policy;
mod poller;
mod provider;
mod recover;
mod removal;
mod scheduler;
mod slots;
mod step;
mod steps;
mod teardown;
mod time_scale;

#[cfg(test)]
pub(crate) mod tests;

pub use blocker::{Blocker, CLOUD_CONTROLLER, Foreign, MADE_BY, MADE_FOR, Whose};
pub use diff::FieldChange;
pub use discovery::{ApiServer, Connection, Discovery, Drained, LookupError, Namesake, RunHooks};
pub use duplicates::{Duplicates, delete_duplicate, duplicates};
pub use events::{Event, LeftBehind};
pub use failure::{Failure, FailureKind};
pub use item::{INTENT_ATTRIBUTE, Item, Observed, Readiness};
pub use plan::{Action, Inputs, Plan, PlanError, Reason, Verb, plan};
pub use policy::{DeletionPolicy, Scope};
pub use provider::{Created, Provider, Query, Update};
pub use recover::{RecoverError, recover};
pub use scheduler::{Failed, Outcome, RunError, Runner};
pub use step::GRACE_SECONDS;
pub use teardown::{DataLine, Disowned, Protection, Survey, hold_back, is_kept, teardown};
pub use time_scale::TimeScale;
