//! Resources of others that stand in the way of deleting ours.

use super::blockers::interfaces;
use super::blockers::{if_answered, vpc};
use super::clients::Aws;
use super::resource::{eks_cluster, network_interface};
use super::tags::filter;
use crate::engine::{Failure, Foreign, Scope, Whose};
use crate::resource::Address;
use aws_sdk_ec2::types::NetworkInterface;

/// Everything that does not belong to the cluster and will block its deletion: in a VPC of ours everything in it, in another VPC what
/// uses our security groups. What we have no permission to list is left out, and so is what AWS is too busy to list, because blockers are
/// also named when AWS refuses a deletion.
///
/// # Errors
/// The first call that fails.
pub(super) async fn foreign(aws: &Aws, scope: &Scope) -> Result<Vec<Foreign>, Failure> {
    let mut found = Vec::new();
    if let Some(cluster) = scope.ours.get(&aws.cluster) {
        let groups = if_answered(eks_cluster::node_groups(aws, &aws.cluster).await)?;
        found.extend(groups.into_iter().map(|blocker| Foreign {
            name: blocker.name,
            origin: blocker.origin,
            holds: vec![cluster.clone()],
        }));
    }
    for id in &scope.vpcs {
        let mut interfaces = if_answered(network_interface::describe(aws, vec![filter("vpc-id", [id.clone()])]).await)?;
        // In a network of others only interfaces that hold something of ours matter.
        interfaces.retain(|interface| !held_by(scope, interface, id).is_empty());
        let judged = if_answered(interfaces::with_owners(aws, scope, &interfaces).await)?;
        let foreign = judged.into_iter().filter(|(_, blocker)| blocker.whose == Whose::Foreign);
        found.extend(foreign.map(|(interface, blocker)| {
            let holds = held_by(scope, interface, id);
            Foreign { name: blocker.name, origin: blocker.origin, holds }
        }));
        let Some(ours) = scope.ours.get(id) else { continue };
        let parts = if_answered(vpc::contents_of(aws, scope, id).await)?;
        let foreign = parts.into_iter().filter(|blocker| blocker.whose == Whose::Foreign);
        found.extend(foreign.map(|blocker| Foreign { name: blocker.name, origin: blocker.origin, holds: vec![ours.clone()] }));
    }
    Ok(found)
}

/// What of ours an interface keeps from being deleted.
fn held_by(scope: &Scope, interface: &NetworkInterface, vpc: &str) -> Vec<Address> {
    let groups = interface.groups().iter().filter_map(|group| group.group_id());
    let ids = interface.subnet_id().into_iter().chain(groups).chain([vpc]);
    ids.filter_map(|id| scope.ours.get(id).cloned()).collect()
}
