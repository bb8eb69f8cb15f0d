//! Questions that only AWS can answer.

use crate::config::model::{AmiFamily, Arch, ExistingNetwork};

/// Key of the question about an existing network.
pub(super) const EXISTING_NETWORK: &str = "existing-network";

/// A question and the key under which specs refer to its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// Key in references and in the state's pins.
    pub key: String,
    /// What is asked.
    pub question: Question,
}

/// What is asked of AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// The newest EKS-optimised image; answers `id` and `root_device`. Pinned, so that nodes are not replaced because AWS published a new
    /// one.
    NewestImage {
        /// Image family.
        family: AmiFamily,
        /// Architecture.
        arch: Arch,
        /// With NVIDIA drivers.
        gpu: bool,
        /// Kubernetes version.
        kubernetes: String,
    },
    /// A given image; answers `id` and `root_device`.
    Image {
        /// Image id.
        id: String,
    },
    /// Default version of an add-on; answers `version`. Pinned.
    AddOnVersion {
        /// Add-on name.
        name: String,
        /// Kubernetes version.
        kubernetes: String,
    },
    /// Whether an existing network has what the cluster needs (NET-5); answers `vpc`.
    ExistingNetwork {
        /// What the configuration says about it.
        network: ExistingNetwork,
    },
}

impl Question {
    /// Whether the answer is kept in the state until the question changes.
    pub fn is_pinned(&self) -> bool {
        matches!(self, Question::NewestImage { .. } | Question::AddOnVersion { .. })
    }
}
