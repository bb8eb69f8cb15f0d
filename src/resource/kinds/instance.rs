//! Instance of the cluster outside of its Auto Scaling Groups.

use crate::resource::facts::{Facts, Leftover, Service};
use crate::resource::kind::Kind;
use serde_json::Value;

/// The fields that are read of it, as JSON: what made it, for what purpose, and which resources it uses.
pub type Instance = Value;

/// Facts of the kind.
pub(crate) const FACTS: Facts = Facts {
    runs_nodes: true,
    goes_before: Some(Kind::InternetGateway),
    ..Leftover { name: "instance", service: Service::Ec2, holds_data: false, delete_seconds: 60 }.facts()
};
