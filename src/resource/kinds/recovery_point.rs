//! Recovery point that AWS Backup holds of the file system.

use crate::resource::facts::{Facts, Leftover, Service};
use serde_json::Value;

/// The fields that are read of it, as JSON: what made it, for what purpose, and which resources it uses.
pub type RecoveryPoint = Value;

/// Facts of the kind.
pub(crate) const FACTS: Facts = Leftover { name: "recovery-point", service: Service::Backup, holds_data: true, delete_seconds: 10 }.facts();
