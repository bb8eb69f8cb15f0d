//! The vocabulary that every room shares: addresses, the closed list of kinds with their facts, the desired spec of
//! each kind, and references between resources. Pure data: no AWS calls, no I/O.

mod address;
mod facts;
mod input;
mod kind;
mod kinds;
mod list;
pub mod ownership;

/// The desired spec of each kind.
pub mod spec {
    pub use super::kinds::*;
}

pub use address::Address;
pub use facts::{Change, Facts, Idempotency, Layer, Service, VpcEvidence};
pub use input::{Attributes, Input, REF_KEY, references, resolve, resolve_known};
pub use kind::Kind;
pub(crate) use list::for_each_kind;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A resource that should exist: made by the blueprint, compared by the plan, created by the `aws` room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Desired {
    /// Its name in plans and in the state.
    pub address: Address,
    /// The typed spec of its kind as JSON; references are written as `{"$ref": "address#attribute"}`.
    pub spec: Value,
    /// Our tags and the user's, without the lineage (which the state adds at creation).
    pub tags: BTreeMap<String, String>,
    /// Resources that must be ready first although the spec does not name them.
    pub after: Vec<Address>,
    /// Resources that must have been created (not ready) first.
    pub after_created: Vec<Address>,
}

impl Desired {
    /// Wraps a typed spec. The spec types always serialise to JSON objects.
    pub fn new(address: Address, spec: &impl Serialize, tags: BTreeMap<String, String>) -> Self {
        let spec = serde_json::to_value(spec).unwrap_or(Value::Null);
        Self { address, spec, tags, after: Vec::new(), after_created: Vec::new() }
    }

    /// Adds resources that must be ready first.
    #[must_use]
    pub fn after(mut self, others: impl IntoIterator<Item = Address>) -> Self {
        self.after.extend(others);
        self
    }

    /// Adds resources that must have been created first.
    #[must_use]
    pub fn after_created(mut self, others: impl IntoIterator<Item = Address>) -> Self {
        self.after_created.extend(others);
        self
    }

    /// The resource's kind.
    pub fn kind(&self) -> Kind {
        self.address.kind()
    }

    /// Everything this resource waits for: references in the spec and explicit dependencies, without look-ups.
    pub fn dependencies(&self) -> Vec<Address> {
        let mut found: Vec<Address> = references(&self.spec).into_iter().filter_map(|(a, _)| a.parse().ok()).collect();
        found.extend(self.after.iter().cloned());
        found.extend(self.after_created.iter().cloned());
        found.sort();
        found.dedup();
        found
    }
}
