//! The clusters of the examples, and the commands that make them and take them down.

use super::emulator::Emulator;

/// Name of the cluster in `examples/domino-test-cluster-single-az.yaml`.
pub(crate) const SINGLE_ZONE: &str = "domino-test-single-az";
/// Name of the cluster in `examples/domino-test-cluster.yaml`.
pub(crate) const THREE_ZONES: &str = "domino-test-cluster";
pub(crate) const APPLY: [&str; 2] = ["apply", "--yes"];
pub(crate) const APPLY_QUIETLY: [&str; 3] = ["apply", "--yes", "--quiet"];
/// Destroys the cluster of one zone with its data.
pub(crate) const DESTROY: [&str; 4] = ["destroy", "--confirm", SINGLE_ZONE, "--delete-data"];
/// Objects that AWS makes and deletes by itself, in its own time.
pub(crate) const MADE_BY_AWS: [&str; 3] = ["instance", "volume", "network-interface"];

/// An empty account, with pages of AWS's own size.
pub(crate) fn account() -> Emulator {
    Emulator::start_with(&[])
}
