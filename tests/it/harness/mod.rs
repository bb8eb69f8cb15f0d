//! What the tests share: the local AWS, folders in which the binary runs, and what must hold afterwards.

mod account_view;
mod applied_cluster;
mod clusters;
mod convergence;
mod emulator;
mod fault_injection;
mod fork_server;
mod messages;
mod processes;
mod sampling;
mod state_location;
mod teardown_account;
mod workspace;

pub(crate) use account_view::{look, tags};
pub(crate) use applied_cluster::{ACCOUNT, SECRET, ZONES, applied, at, list, position, text};
pub(crate) use clusters::{APPLY, APPLY_QUIETLY, DESTROY, SINGLE_ZONE, THREE_ZONES, account};
pub(crate) use convergence::{converged, counted, ids, unlocked, vanishes};
pub(crate) use emulator::{Emulator, Request};
pub(crate) use fault_injection::{Bench, Calls, DESTROY_QUIETLY, Reference};
pub(crate) use fork_server::python;
pub(crate) use messages::{refused, says};
pub(crate) use processes::{LONG, ended, held, killed_at, signal};
pub(crate) use sampling::{Report, report_folder, sample, say, workers};
pub(crate) use state_location::{BUCKET, LOCK_KEY, STATE_KEY, StateLocation, changes, files, is_state, make_bucket, object, sealed};
pub(crate) use teardown_account::{ForeignObjects, TeardownAccount};
pub(crate) use workspace::{Run, Workspace, example, piped};
