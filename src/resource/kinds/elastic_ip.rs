//! Elastic IP address of a NAT gateway.

use crate::resource::facts::{Facts, Idempotency, Layer, Managed, Service};
use serde::{Deserialize, Serialize};

/// Elastic IP address in the VPC scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElasticIp {}

/// Facts of the kind.
pub(crate) const FACTS: Facts = Managed {
    name: "elastic-ip",
    layer: Layer::Network,
    service: Service::Ec2,
    idempotency: Idempotency::TagOnly,
    headline: &[],
    holds_data: false,
    create_seconds: 1,
    delete_seconds: 1,
    timeout_seconds: 300,
    changes: &[],
}
.facts();
