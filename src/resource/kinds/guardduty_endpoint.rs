//! Interface endpoint that GuardDuty's agent was given.

use crate::resource::facts::{Facts, Leftover, Service};
use serde_json::Value;

/// The fields that are read of one, as JSON: who made it, for what, and what it stands in.
pub type GuardDutyEndpoint = Value;

/// Facts of the kind.
pub(crate) const FACTS: Facts =
    Leftover { name: "guardduty-endpoint", service: Service::Ec2, holds_data: false, delete_seconds: 60 }.facts();
