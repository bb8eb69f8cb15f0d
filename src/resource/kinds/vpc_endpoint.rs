//! VPC endpoint, gateway or interface (NET-3).

use crate::resource::Input;
use crate::resource::facts::Change::Replace;
use crate::resource::facts::{Facts, Idempotency, Layer, Managed, Service};
use serde::{Deserialize, Serialize};

/// VPC endpoint (NET-3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpcEndpoint {
    /// Its VPC.
    pub vpc: Input,
    /// Full service name, `com.amazonaws.us-west-2.s3`.
    pub service: String,
    /// `Gateway` or `Interface`.
    pub endpoint_type: String,
    /// Route tables of a gateway endpoint.
    pub route_tables: Vec<Input>,
    /// Subnets of an interface endpoint.
    pub subnets: Vec<Input>,
    /// Security groups of an interface endpoint.
    pub security_groups: Vec<Input>,
}

/// Facts of the kind.
pub(crate) const FACTS: Facts = Facts {
    // Without the endpoint of S3, nodes lose their route to it.
    used_by_nodes: true,
    ..Managed {
        name: "vpc-endpoint",
        layer: Layer::Network,
        service: Service::Ec2,
        idempotency: Idempotency::Token,
        headline: &["service", "endpoint_type"],
        holds_data: false,
        create_seconds: 60,
        delete_seconds: 60,
        timeout_seconds: 900,
        changes: &[("vpc", Replace), ("service", Replace), ("endpoint_type", Replace)],
    }
    .facts()
};
