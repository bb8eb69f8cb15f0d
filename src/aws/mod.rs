//! Everything that talks to AWS. No other room names an SDK crate.
//!
//! From below: `clients` connects and asks who we are, `errors` says what a failure means, `fence` stops calls when the lock is
//! lost, `progress` tells how far a long one got, `chunks` asks for long lists in chunks, `tags` writes ownership.
//! `contract` says what every kind answers, `resource` has one file for each kind, with `blockers`, `deletion_protection` and
//! `bucket_contents` below them; `operations` and `dispatch` ask a kind that is known only at run time.
//! Above them stand the questions before a deletion: `candidates` finds what nobody wrote down, `foreign` what is not ours and
//! stands in the way, `protections` what AWS refuses to delete, `disowned` what lost our tags, `data` what would be lost.
//! `lookups` answers questions about things that are not ours, `state_bucket` keeps a state on S3, `kubernetes` asks a cluster
//! to let go of its load balancers. `discovery` answers all questions about a whole cluster.

mod blockers;
mod bucket_contents;
mod candidates;
mod chunks;
mod clients;
mod contract;
mod data;
mod deletion_protection;
mod discovery;
mod disowned;
mod dispatch;
mod errors;
mod fence;
mod foreign;
mod kubernetes;
mod lookups;
mod operations;
mod progress;
mod protections;
mod resource;
mod state_bucket;
mod tags;
mod words;

pub use clients::{Aws, ConnectError};
pub use state_bucket::StateBucket;
