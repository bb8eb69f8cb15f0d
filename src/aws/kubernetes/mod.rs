//! The Kubernetes API of a cluster: only to let its controllers take their load balancers away while they still run.
//!
//! A teardown is complete without it. `api` says what is asked, `token` who we are, `client` asks, `objects` reads, `drain` decides.

mod api;
mod client;
mod drain;
mod objects;
mod token;

pub(super) use drain::drain;
