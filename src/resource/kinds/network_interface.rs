//! Interface that the CNI left unattached.

use crate::resource::facts::{Facts, Leftover, Service};
use serde_json::Value;

/// The fields that are read of one, as JSON: who made it, for what, and what it stands in.
pub type NetworkInterface = Value;

/// Facts of the kind.
pub(crate) const FACTS: Facts = Leftover { name: "network-interface", service: Service::Ec2, holds_data: false, delete_seconds: 1 }.facts();
