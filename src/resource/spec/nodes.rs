//! Node kinds (POOL-1…POOL-9).

use crate::resource::Input;
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

/// Auto Scaling Group of one pool in one zone. Desired capacity is the autoscaler's (POOL-6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutoScalingGroup {
    /// Group name.
    pub name: String,
    /// Zone of all its nodes.
    pub zone: String,
    /// Id of the launch template.
    pub launch_template: Input,
    /// Number of the template's version.
    pub version: Input,
    /// Private subnet of the zone.
    pub subnet: Input,
    /// Least nodes.
    pub min: i32,
    /// Most nodes.
    pub max: i32,
    /// Keys of the tags that go on to the instances.
    pub propagated_tags: Vec<String>,
}
