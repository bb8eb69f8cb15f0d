//! EC2 launch template (POOL-9); every change is a new version.

use crate::resource::Input;
use crate::resource::facts::Change::Replace;
use crate::resource::facts::{Facts, Idempotency, Layer, Managed, Service};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Launch template of one pool; its zones share it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchTemplate {
    /// Template name.
    pub name: String,
    /// Image id.
    pub image: Input,
    /// EC2 instance type.
    pub instance_type: String,
    /// ARN of the instance profile.
    pub instance_profile: Input,
    /// Security groups of the nodes.
    pub security_groups: Vec<Input>,
    /// User data as text (sent base64-encoded), at most 16 KiB.
    pub user_data: Input,
    /// Root device of the image.
    pub root_device: Input,
    /// Root volume in GiB, gp3, encrypted.
    pub disk_gib: i32,
    /// ARN of the volume key; `None` takes the account's EBS default key.
    pub kms_key: Option<Input>,
    /// Spot market instead of on-demand.
    pub spot: bool,
    /// Tags put on instances, volumes and network interfaces.
    pub launch_tags: BTreeMap<String, String>,
}

/// Facts of the kind.
pub(crate) const FACTS: Facts = Facts {
    volatile: &["version"],
    ..Managed {
        name: "launch-template",
        layer: Layer::NodePools,
        service: Service::Ec2,
        idempotency: Idempotency::Token,
        headline: &["instance_type", "disk_gib", "image", "spot"],
        holds_data: false,
        create_seconds: 1,
        delete_seconds: 1,
        timeout_seconds: 300,
        changes: &[("name", Replace)],
    }
    .facts()
};
