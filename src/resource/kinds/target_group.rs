//! Target group of a controller's load balancer.

use crate::resource::facts::{Facts, Leftover, Service};
use serde_json::Value;

/// The fields that are read of it, as JSON: what made it, for what purpose, and which resources it uses.
pub type TargetGroup = Value;

/// Facts of the kind.
pub(crate) const FACTS: Facts =
    Leftover { name: "target-group", service: Service::LoadBalancing, holds_data: false, delete_seconds: 1 }.facts();
