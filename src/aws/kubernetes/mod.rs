//! The Kubernetes API of a cluster: only to let its controllers take their load balancers away while they still run.
//!
//! A teardown is complete without it. `token` says who we are, `client` asks, `objects` reads, `drain` decides.

mod client;
mod drain;
mod objects;
mod token;

use crate::engine::{Failure, FailureKind};

pub(super) use drain::drain;

fn failure(kind: FailureKind, operation: &str, message: &str) -> Failure {
    Failure { kind, operation: operation.to_owned(), code: None, message: message.to_owned(), request_id: None }
}
