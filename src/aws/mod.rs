//! Everything that talks to AWS. No other room names an SDK crate.
//!
//! `clients` connects and asks who we are, `errors` says what a failure means, `tags` writes ownership, `lookups` answers
//! questions about things that are not ours, `fence` stops calls when the lock is lost, `tell` says how far a long one got, `bucket_contents`
//! counts and empties buckets, `state_bucket` keeps a state on S3, and `resource` has one file for each kind.

mod bucket_contents;
mod clients;
mod errors;
mod fence;
mod lookups;
mod resource;
mod state_bucket;
mod tags;
mod tell;

pub use bucket_contents::{Contents, count, holds_objects};
pub use clients::{Aws, ConnectError, Connection};
pub use lookups::{LookupError, lookups};
pub use resource::observe_all;
pub use state_bucket::StateBucket;
