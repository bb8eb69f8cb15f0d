//! Subnet (NET-1, NET-2).

use crate::resource::Input;
use crate::resource::facts::Change::Blocked;
use crate::resource::facts::{Facts, Idempotency, Layer, Managed, Service};
use serde::{Deserialize, Serialize};

/// Subnet; it assigns no public addresses by itself (NET-2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// Its VPC.
    pub vpc: Input,
    /// Availability zone name.
    pub zone: String,
    /// IPv4 range.
    pub cidr: String,
    /// `MapPublicIpOnLaunch`.
    pub public_addresses: bool,
}

/// Facts of the kind.
pub(crate) const FACTS: Facts = Managed {
    name: "subnet",
    layer: Layer::Network,
    service: Service::Ec2,
    idempotency: Idempotency::NaturalKey,
    headline: &["cidr"],
    holds_data: false,
    create_seconds: 1,
    delete_seconds: 1,
    timeout_seconds: 300,
    changes: &[("vpc", Blocked), ("zone", Blocked), ("cidr", Blocked)],
}
.facts();
