//! What is not of the cluster and stands in it.

use super::blockers::interfaces;
use super::blockers::{courteous, vpc};
use super::clients::Aws;
use super::resource::{eks_cluster, network_interface};
use super::tags::filter;
use crate::engine::{Failure, Foreign, Scope, Whose};
use crate::resource::Address;
use aws_sdk_ec2::types::NetworkInterface;

/// Everything that is not of the cluster and will stand in its way: in a VPC of ours all of it, in another one what uses
/// our security groups. What may not be asked is not known, and no reason to stop; nor is a busy AWS, since whoever stands in
/// the way is also named when AWS refuses a deletion.
///
/// # Errors
/// The first call that fails.
pub(super) async fn foreign(aws: &Aws, scope: &Scope) -> Result<Vec<Foreign>, Failure> {
    let mut found = Vec::new();
    if let Some(cluster) = scope.ours.get(&aws.cluster) {
        let groups = courteous(eks_cluster::node_groups(aws, &aws.cluster).await)?;
        found.extend(groups.into_iter().map(|blocker| Foreign {
            name: blocker.name,
            origin: blocker.origin,
            holds: vec![cluster.clone()],
        }));
    }
    for id in &scope.vpcs {
        let mut interfaces = courteous(network_interface::describe(aws, vec![filter("vpc-id", [id.clone()])]).await)?;
        // In a network of others most interfaces hold nothing of ours, and whose they are is no matter.
        interfaces.retain(|interface| !held_by(scope, interface, id).is_empty());
        let judged = courteous(interfaces::with_owners(aws, scope, &interfaces).await)?;
        let strangers = judged.into_iter().filter(|(_, blocker)| blocker.whose == Whose::Foreign);
        found.extend(strangers.map(|(interface, blocker)| {
            let holds = held_by(scope, interface, id);
            Foreign { name: blocker.name, origin: blocker.origin, holds }
        }));
        let Some(ours) = scope.ours.get(id) else { continue };
        let parts = courteous(vpc::contents_of(aws, scope, id).await)?;
        let strangers = parts.into_iter().filter(|blocker| blocker.whose == Whose::Foreign);
        found.extend(strangers.map(|blocker| Foreign { name: blocker.name, origin: blocker.origin, holds: vec![ours.clone()] }));
    }
    Ok(found)
}

/// What of ours an interface keeps from being deleted.
fn held_by(scope: &Scope, interface: &NetworkInterface, vpc: &str) -> Vec<Address> {
    let groups = interface.groups().iter().filter_map(|group| group.group_id());
    let ids = interface.subnet_id().into_iter().chain(groups).chain([vpc]);
    ids.filter_map(|id| scope.ours.get(id).cloned()).collect()
}
