//! Snapshot of a claim.

use crate::resource::facts::{Facts, Leftover, Service};
use serde_json::Value;

/// The fields that are read of one, as JSON: who made it, for what, and what it stands in.
pub type EbsSnapshot = Value;

/// Facts of the kind.
pub(crate) const FACTS: Facts = Facts {
    carries_lineage: true,
    ..Leftover { name: "ebs-snapshot", service: Service::Ec2, holds_data: true, delete_seconds: 1 }.facts()
};
