//! VPC (NET-1). EKS needs both DNS attributes on.

use crate::resource::facts::Change::Blocked;
use crate::resource::facts::{Facts, Idempotency, Layer, Managed, Service, VpcEvidence};
use serde::{Deserialize, Serialize};

/// VPC; EKS needs both DNS attributes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vpc {
    /// IPv4 range.
    pub cidr: String,
    /// `enableDnsSupport`.
    pub dns_support: bool,
    /// `enableDnsHostnames`.
    pub dns_hostnames: bool,
}

/// Facts of the kind.
pub(crate) const FACTS: Facts = Facts {
    vpc_evidence: VpcEvidence::Itself,
    ..Managed {
        name: "vpc",
        layer: Layer::Network,
        service: Service::Ec2,
        idempotency: Idempotency::TagOnly,
        headline: &["cidr", "dns_hostnames"],
        holds_data: false,
        create_seconds: 1,
        delete_seconds: 1,
        timeout_seconds: 300,
        changes: &[("cidr", Blocked)],
    }
    .facts()
};
