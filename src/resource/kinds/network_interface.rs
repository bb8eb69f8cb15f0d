//! Interface that the CNI left unattached.

use crate::resource::facts::{Facts, Leftover, Service};
use serde_json::Value;

/// The fields that are read of it, as JSON: what made it, for what purpose, and which resources it uses.
pub type NetworkInterface = Value;

/// Facts of the kind.
pub(crate) const FACTS: Facts = Leftover { name: "network-interface", service: Service::Ec2, holds_data: false, delete_seconds: 1 }.facts();
