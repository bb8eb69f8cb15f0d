//! Everything that talks to AWS. No other room names an SDK crate.
//!
//! `clients` connects and asks who we are, `errors` says what a failure means, `tags` writes ownership, `lookups` answers
//! questions about things that are not ours, `fence` stops calls when the lock is lost, `state_bucket` keeps a state on S3,
//! `kubernetes` asks a cluster to let go of its load balancers, and `resource` has one file for each kind.

mod bucket_contents;
mod clients;
mod errors;
mod fence;
mod kubernetes;
mod lookups;
mod resource;
mod state_bucket;
mod tags;

pub use bucket_contents::holds_objects;
pub use clients::{Aws, ConnectError, Connection};
pub use kubernetes::{Drained, drain};
pub use lookups::{LookupError, lookups};
pub use resource::observe_all;
pub use state_bucket::StateBucket;
