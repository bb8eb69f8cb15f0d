//! What a run may delete: it travels with each request, so that nothing has to be set on a client beforehand.

use crate::resource::Address;
use std::collections::{BTreeMap, BTreeSet};

/// Where leftovers are looked for. Nothing outside of these VPCs counts as left by this cluster: a name can have been
/// somebody else's before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// The state that everything was made under.
    pub lineage: String,
    /// Ids of the VPCs that the cluster lives in.
    pub vpcs: BTreeSet<String>,
    /// Whether the VPC itself is ours, so that all of a CNI's interfaces in it are this cluster's.
    pub owns_vpc: bool,
    /// Names of our Auto Scaling Groups.
    pub groups: BTreeSet<String>,
    /// Ids of our file systems.
    pub file_systems: BTreeSet<String>,
    /// Everything that we know to be ours, by id.
    pub ours: BTreeMap<String, Address>,
    /// Whether a cluster of our name lives that is not ours: its logs are named like ours.
    pub another_lives: bool,
    /// Whether that one lives in one of these VPCs: then the name proves nothing there either.
    pub another_is_near: bool,
}

/// What may be deleted, and where destroy looks. The default is that of apply: no data, no protected thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeletionPolicy {
    /// Where the cluster runs, and what is known to be ours.
    pub scope: Scope,
    /// Whether what holds data may be emptied and deleted (RUN-4).
    pub delete_data: bool,
    /// Whether data stays: then nothing that holds some is deleted, whatever a plan says.
    pub retain_data: bool,
    /// Whether AWS's own protection against deletion may be switched off.
    pub lift_protection: bool,
}
