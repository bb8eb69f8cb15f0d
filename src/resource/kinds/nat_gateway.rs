//! NAT gateway (NET-2).

use crate::resource::Input;
use crate::resource::facts::Change::Replace;
use crate::resource::facts::{Facts, Idempotency, Layer, Managed, Service};
use serde::{Deserialize, Serialize};

/// Public NAT gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NatGateway {
    /// Public subnet that it is in.
    pub subnet: Input,
    /// Allocation id of its address.
    pub allocation: Input,
}

/// Facts of the kind.
pub(crate) const FACTS: Facts = Managed {
    name: "nat-gateway",
    layer: Layer::Network,
    service: Service::Ec2,
    idempotency: Idempotency::Token,
    headline: &[],
    holds_data: false,
    create_seconds: 100,
    delete_seconds: 60,
    timeout_seconds: 900,
    changes: &[("subnet", Replace), ("allocation", Replace)],
}
.facts();
