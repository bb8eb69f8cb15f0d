//! Volume of a persistent volume claim; it is `deleting` for seconds, at times for minutes.

use crate::resource::facts::{Facts, Leftover, Service};
use serde_json::Value;

/// The fields that are read of it, as JSON: what made it, for what purpose, and which resources it uses.
pub type EbsVolume = Value;

/// Facts of the kind.
pub(crate) const FACTS: Facts =
    Facts { carries_lineage: true, ..Leftover { name: "ebs-volume", service: Service::Ec2, holds_data: true, delete_seconds: 10 }.facts() };
