//! Log group of an agent in the cluster.

use crate::resource::facts::{Facts, Leftover, Service};
use serde_json::Value;

/// The fields that are read of it, as JSON: what made it, for what purpose, and which resources it uses.
pub type ContainerLogGroup = Value;

/// Facts of the kind.
pub(crate) const FACTS: Facts =
    Leftover { name: "container-log-group", service: Service::Logs, holds_data: true, delete_seconds: 1 }.facts();
