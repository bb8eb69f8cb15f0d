//! Volume of a claim; `deleting` for seconds, and for minutes on a bad day.

use crate::resource::facts::{Facts, Leftover, Service};
use serde_json::Value;

/// The fields that are read of one, as JSON: who made it, for what, and what it stands in.
pub type EbsVolume = Value;

/// Facts of the kind.
pub(crate) const FACTS: Facts =
    Facts { carries_lineage: true, ..Leftover { name: "ebs-volume", service: Service::Ec2, holds_data: true, delete_seconds: 10 }.facts() };
