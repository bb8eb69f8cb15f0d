//! The sink that is told how far a long call got.

use crate::resource::Address;
use std::fmt;
use std::sync::Arc;

/// Takes the resource that a call is about, and how far it got.
pub(super) type Listener = Arc<dyn Fn(&Address, String) + Send + Sync>;

/// The sink of a run; outside of a run there is no listener, and progress is dropped.
#[derive(Clone, Default)]
pub(super) struct Progress(pub(super) Option<Listener>);

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}
