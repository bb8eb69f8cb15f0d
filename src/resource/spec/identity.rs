//! Identity kinds (IAM-1, IAM-2 and the roles of cluster and add-ons).

use crate::resource::Input;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Customer-managed KMS key and its alias.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KmsKey {
    /// `alias/<name>`.
    pub alias: String,
    /// Description shown in the console.
    pub description: String,
    /// Key policy document.
    pub policy: Value,
    /// Yearly rotation.
    pub rotation: bool,
}

/// Customer-managed policy; its document is a new version on each change (five at most).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IamPolicy {
    /// Policy name, at most 128 characters.
    pub name: String,
    /// Path, `/domino-eks/<cluster>/`.
    pub path: String,
    /// What it is for.
    pub description: String,
    /// Policy document, at most 6 144 characters without white space.
    pub document: Value,
}

/// Role with its trust and attached policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IamRole {
    /// Role name, at most 64 characters.
    pub name: String,
    /// Path, `/domino-eks/<cluster>/`.
    pub path: String,
    /// What it is for.
    pub description: String,
    /// Trust policy document.
    pub trust: Value,
    /// ARNs of attached policies, complete.
    pub policies: Vec<Input>,
}

/// Instance profile with exactly one role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceProfile {
    /// Profile name, at most 128 characters.
    pub name: String,
    /// Path, `/domino-eks/<cluster>/`.
    pub path: String,
    /// Name of the role inside.
    pub role: Input,
}
