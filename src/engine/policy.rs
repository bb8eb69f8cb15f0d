//! What a run may delete. It is passed with each request, so that the client of AWS has no switches.

use crate::resource::Address;
use std::collections::{BTreeMap, BTreeSet};

/// Where leftovers are looked for. Nothing outside of these VPCs counts as left by this cluster, because another cluster may
/// have had the same name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Lineage of the state under which everything was created.
    pub lineage: String,
    /// Ids of the VPCs that the cluster runs in.
    pub vpcs: BTreeSet<String>,
    /// Whether the VPC itself is ours, so that all of a CNI's interfaces in it are this cluster's.
    pub owns_vpc: bool,
    /// Names of our Auto Scaling Groups.
    pub groups: BTreeSet<String>,
    /// Ids of our file systems.
    pub file_systems: BTreeSet<String>,
    /// Addresses of our resources, by id.
    pub ours: BTreeMap<String, Address>,
    /// Whether another EKS cluster of our name exists: its log groups have the same names as ours.
    pub another_lives: bool,
    /// Whether that cluster is in one of these VPCs: then the name does not identify leftovers there either.
    pub another_is_near: bool,
}

/// What may be deleted, and where destroy looks. The default is that of apply: no data, nothing protected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeletionPolicy {
    /// Where the cluster runs, and what is known to be ours.
    pub scope: Scope,
    /// Whether what holds data may be emptied and deleted (RUN-4).
    pub delete_data: bool,
    /// Whether data stays: then no resource that holds data is deleted, whatever the plan says.
    pub retain_data: bool,
    /// Whether AWS's own protection against deletion may be switched off.
    pub lift_protection: bool,
}
