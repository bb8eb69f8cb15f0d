//! Everything that talks to AWS. No other room names an SDK crate.
//!
//! `clients` connects and asks who we are, `errors` says what a failure means, `tags` writes ownership, `lookups` answers
//! questions about things that are not ours, `candidates` finds what nobody wrote down, `holders` tells what stands in the way
//! of a deletion, `protection` what AWS refuses to delete, `disowned` what lost our tags, `data` and `bucket_contents` what would
//! be lost by it, `tell` how far a long one got, `parts` asks for long lists a part at a time, `fence` stops calls
//! when the lock is lost, `state_bucket` keeps a state on S3, `kubernetes` asks a cluster to let go of its load balancers, and
//! `resource` has one file for each kind.

mod bucket_contents;
mod candidates;
mod clients;
mod data;
mod discovery;
mod disowned;
mod errors;
mod fence;
mod holders;
mod kubernetes;
mod lookups;
mod parts;
mod protection;
mod resource;
mod state_bucket;
mod tags;
mod tell;

pub use clients::{Aws, ConnectError};
pub use state_bucket::StateBucket;
