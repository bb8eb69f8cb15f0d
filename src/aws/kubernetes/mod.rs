//! The Kubernetes API of a cluster, used only to let its controllers delete their load balancers while they still run.
//!
//! A teardown is complete without it. `api` declares the calls, `token` makes the bearer token, `client` sends, `objects` parses, `drain`
//! decides.

mod api;
mod client;
mod drain;
mod objects;
mod token;

pub(super) use drain::drain;
