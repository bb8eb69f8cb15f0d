//! What a destroy is asked to do.

use super::inspection::Inspection;
use crate::engine::DeletionPolicy;
use crate::workflow::target::TeardownTarget;

/// Whether data is deleted or kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DataChoice {
    /// Neither flag: only empty resources are deleted.
    #[default]
    Unsaid,
    /// `--delete-data`.
    Delete,
    /// `--retain-data`: it stays in AWS, and in the state as kept.
    Retain,
}

/// What a destroy is asked to do.
#[derive(Debug, Clone)]
pub struct TeardownRequest {
    /// The cluster.
    pub target: TeardownTarget,
    /// The lineage that was asked for, when AWS shows resources of several.
    pub lineage: Option<String>,
    /// Whether data is deleted or kept.
    pub data: DataChoice,
    /// `--lift-protection`.
    pub lift_protection: bool,
    /// `--drain-kubernetes`.
    pub drain: bool,
    /// The cluster's name was given and is right.
    pub is_confirmed: bool,
    /// `--yes`.
    pub yes: bool,
}

impl TeardownRequest {
    pub(super) fn keeps_data(&self) -> bool {
        self.data == DataChoice::Retain
    }

    pub(super) fn policy(&self, inspection: &Inspection) -> DeletionPolicy {
        DeletionPolicy {
            scope: inspection.scope.clone(),
            delete_data: self.data == DataChoice::Delete,
            retain_data: self.keeps_data(),
            lift_protection: self.lift_protection,
        }
    }
}
