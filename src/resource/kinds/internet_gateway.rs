//! Internet gateway with its attachment.

use crate::resource::Input;
use crate::resource::facts::{Facts, Idempotency, Layer, Managed, Service};
use serde::{Deserialize, Serialize};

/// Internet gateway and its attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InternetGateway {
    /// VPC it is attached to.
    pub vpc: Input,
}

/// Facts of the kind.
pub(crate) const FACTS: Facts = Managed {
    name: "internet-gateway",
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
