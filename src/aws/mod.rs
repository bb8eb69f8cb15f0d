//! Everything that calls AWS. No other room names an SDK crate.
//!
//! From below: `clients` connects and reads the identity of the caller, `errors` says what a failure means, `fence` stops calls when the
//! lock is lost, `progress` reports how far a long call got, `chunks` sends long lists in chunks, `tags` writes the ownership tags.
//! `contract` says what every kind must answer, `resource` has one file for each kind, with `blockers`, `deletion_protection` and
//! `bucket_contents` below them; `operations` and `dispatch` call a kind that is known only at run time.
//!
//! Above them are the questions before a deletion: `candidates` finds what is not recorded, `foreign` the resources of others that stand
//! in the way, `protections` what AWS refuses to delete, `disowned` what lost our tags, `data` what would be lost. `lookups` answers
//! questions about things that are not ours, `state_bucket` stores a state on S3, `kubernetes` asks a cluster to delete its load
//! balancers. `discovery` answers all questions about a whole cluster.

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
