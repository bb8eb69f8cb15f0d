//! Route table with its routes and subnet associations.

use crate::resource::Input;
use crate::resource::facts::Change::Replace;
use crate::resource::facts::{Facts, Idempotency, Layer, Managed, Service};
use serde::{Deserialize, Serialize};

/// Route table with routes and subnet associations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTable {
    /// Its VPC.
    pub vpc: Input,
    /// Routes of ours; the local route and prefix-list routes of endpoints are not ours.
    pub routes: Vec<Route>,
    /// Subnets that use it.
    pub subnets: Vec<Input>,
}

/// One route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Destination range.
    pub destination: String,
    /// Id of an internet gateway (`igw-`) or NAT gateway (`nat-`).
    pub target: Input,
}

/// Facts of the kind.
pub(crate) const FACTS: Facts = Managed {
    name: "route-table",
    layer: Layer::Network,
    service: Service::Ec2,
    idempotency: Idempotency::Token,
    headline: &["routes", "subnets"],
    holds_data: false,
    create_seconds: 1,
    delete_seconds: 1,
    timeout_seconds: 300,
    changes: &[("vpc", Replace)],
}
.facts();
