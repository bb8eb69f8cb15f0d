//! Classic load balancer of the cloud controller; gone when its interfaces are.

use crate::resource::facts::{Facts, Leftover, Service};
use crate::resource::kind::Kind;
use serde_json::Value;

/// The fields that are read of one, as JSON: who made it, for what, and what it stands in.
pub type ClassicLoadBalancer = Value;

/// Facts of the kind.
pub(crate) const FACTS: Facts = Facts {
    goes_before: Some(Kind::InternetGateway),
    ..Leftover { name: "classic-load-balancer", service: Service::LoadBalancing, holds_data: false, delete_seconds: 30 }.facts()
};
