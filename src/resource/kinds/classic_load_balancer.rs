//! Classic load balancer of the cloud controller; it counts as gone when its interfaces are.

use crate::resource::facts::{Facts, Leftover, Service};
use crate::resource::kind::Kind;
use serde_json::Value;

/// The fields that are read of it, as JSON: what made it, for what purpose, and which resources it uses.
pub type ClassicLoadBalancer = Value;

/// Facts of the kind.
pub(crate) const FACTS: Facts = Facts {
    goes_before: Some(Kind::InternetGateway),
    ..Leftover { name: "classic-load-balancer", service: Service::LoadBalancing, holds_data: false, delete_seconds: 30 }.facts()
};
