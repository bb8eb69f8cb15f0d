//! Network interfaces, because of which EC2 refuses most deletions.

use super::common::{blocker, origin};
use crate::aws::Aws;
use crate::aws::chunks::in_chunks;
use crate::aws::resource::guardduty_endpoint;
use crate::aws::resource::instance::{self, GROUP_TAG};
use crate::aws::resource::network_interface::{describe, is_left, observed, tags_of};
use crate::aws::resource::{classic_load_balancer, load_balancer};
use crate::aws::tags::{self, filter};
use crate::engine::{Blocker, Failure, Observed, Readiness, Scope, Whose};
use aws_sdk_ec2::types::{Instance, NetworkInterface, VpcEndpoint};
use std::collections::{BTreeMap, BTreeSet};

/// How the descriptions of the interfaces of endpoints begin.
const OF_ENDPOINT: &str = "VPC Endpoint Interface ";
/// How the descriptions begin of interfaces that belong to something with an id of its own.
const OWNED: [(&str, &str); 3] =
    [("Interface for NAT Gateway ", "NAT gateway"), (OF_ENDPOINT, "VPC endpoint"), ("EFS mount target for ", "file system")];

/// Interfaces with that property, each with whose it is.
pub(in crate::aws) async fn with(aws: &Aws, scope: &Scope, property: &str, value: &str) -> Result<Vec<Blocker>, Failure> {
    let found = describe(aws, vec![filter(property, [value.to_owned()])]).await?;
    Ok(with_owners(aws, scope, &found).await?.into_iter().map(|(_, blocker)| blocker).collect())
}

/// Interfaces, each with whose it is.
pub(in crate::aws) async fn with_owners<'a>(
    aws: &Aws,
    scope: &Scope,
    found: &'a [NetworkInterface],
) -> Result<Vec<(&'a NetworkInterface, Blocker)>, Failure> {
    let around = Around {
        instances: instances(aws, found).await?,
        balancers: LoadBalancers::near(aws, scope, found).await?,
        endpoints: endpoints(aws, scope, found).await?,
    };
    let mut blockers = Vec::new();
    for interface in found {
        let whose = whose(aws, scope, interface, &around);
        let id = interface.network_interface_id().unwrap_or_default();
        let attached = interface.attachment().and_then(|attachment| attachment.instance_id());
        let attached = attached.map(|instance| format!("of instance {instance}"));
        let told = origin(interface.description(), &tags_of(interface));
        let told = attached.into_iter().chain((!told.is_empty()).then_some(told)).collect::<Vec<_>>().join(", ");
        blockers.push((interface, blocker(format!("network interface {id}"), told, whose)));
    }
    Ok(blockers)
}

/// What the interfaces belong to, where their own fields do not say so.
struct Around {
    instances: BTreeMap<String, Instance>,
    balancers: LoadBalancers,
    /// Endpoints of GuardDuty.
    endpoints: BTreeMap<String, VpcEndpoint>,
}

fn whose(aws: &Aws, scope: &Scope, interface: &NetworkInterface, around: &Around) -> Whose {
    let description = interface.description().unwrap_or_default();
    if is_left(aws, scope, interface) {
        return Whose::Leftover(Box::new(observed(interface)));
    }
    if let Some(instance) = interface.attachment().and_then(|attachment| attachment.instance_id()) {
        return around.instances.get(instance).map_or(Whose::Foreign, |instance| whose_instance(aws, scope, instance));
    }
    // EKS deletes its interfaces with the cluster.
    if description == format!("Amazon EKS {}", aws.cluster) {
        return Whose::Leaving;
    }
    if let Some(name) = description.strip_prefix("ELB ") {
        return around.balancers.whose(name);
    }
    let owner = OWNED.iter().find_map(|(start, _)| description.strip_prefix(start)).and_then(|rest| rest.split_whitespace().next());
    if let Some(endpoint) = owner.and_then(|owner| around.endpoints.get(owner)) {
        return of_left(guardduty_endpoint::observed(endpoint));
    }
    let is_ours = owner.is_some_and(|owner| scope.ours.contains_key(owner) || scope.file_systems.contains(owner));
    if is_ours { Whose::Leaving } else { Whose::Foreign }
}

/// Nodes are terminated with their group. Instances that the cluster left outside of groups (nodes of Karpenter) are ours to terminate;
/// any other instance with our tags was a node, too.
fn whose_instance(aws: &Aws, scope: &Scope, instance: &Instance) -> Whose {
    if instance::is_left(aws, scope, instance) {
        return of_left(instance::observed(instance));
    }
    let tags = instance::tags_of(instance);
    let of_group = tags.get(GROUP_TAG).is_some_and(|group| scope.groups.contains(group));
    let of_cluster = tags.get(tags::CLUSTER) == Some(&aws.cluster);
    if of_group || of_cluster { Whose::Leaving } else { Whose::Foreign }
}

/// A leftover is deleted once and then waited for.
pub(in crate::aws) fn of_left(left: Observed) -> Whose {
    if left.readiness == Readiness::Deleting { Whose::Leaving } else { Whose::Leftover(Box::new(left)) }
}

/// The instances that the interfaces are attached to, by id.
async fn instances(aws: &Aws, found: &[NetworkInterface]) -> Result<BTreeMap<String, Instance>, Failure> {
    let ids: BTreeSet<String> = found.iter().filter_map(|interface| interface.attachment()?.instance_id().map(str::to_owned)).collect();
    let ids: Vec<String> = ids.into_iter().collect();
    let instances = in_chunks(&ids, |some| instance::describe(aws, vec![filter("instance-id", some)])).await?;
    Ok(instances.into_iter().map(|one| (one.instance_id().unwrap_or_default().to_owned(), one)).collect())
}

/// Endpoints of GuardDuty in a VPC of ours that the interfaces belong to, by id.
async fn endpoints(aws: &Aws, scope: &Scope, found: &[NetworkInterface]) -> Result<BTreeMap<String, VpcEndpoint>, Failure> {
    let is_of_endpoint = |interface: &NetworkInterface| interface.description().is_some_and(|text| text.starts_with(OF_ENDPOINT));
    if !found.iter().any(is_of_endpoint) {
        return Ok(BTreeMap::new());
    }
    let endpoints = guardduty_endpoint::left(aws, scope).await?;
    Ok(endpoints.into_iter().map(|one| (one.vpc_endpoint_id().unwrap_or_default().to_owned(), one)).collect())
}

/// Load balancers of the region, by the name in the descriptions of their interfaces: one list call for each generation, however many
/// load balancers others have here.
#[derive(Default)]
struct LoadBalancers {
    left: BTreeMap<String, Observed>,
    existing: BTreeSet<String>,
}

impl LoadBalancers {
    async fn near(aws: &Aws, scope: &Scope, found: &[NetworkInterface]) -> Result<Self, Failure> {
        let any = found.iter().any(|interface| interface.description().is_some_and(|text| text.starts_with("ELB ")));
        if !any {
            return Ok(Self::default());
        }
        let (modern, classic) = tokio::try_join!(load_balancer::all(aws), classic_load_balancer::all(aws))?;
        let left = load_balancer::left(aws, scope, &modern).await?;
        let left = left.into_iter().chain(classic_load_balancer::left(aws, scope, &classic).await?);
        let modern = modern.iter().filter_map(|one| one.load_balancer_arn()).map(load_balancer::long_name);
        let classic = classic.iter().filter_map(|one| one.load_balancer_name());
        Ok(Self {
            left: left.map(|seen| (load_balancer::long_name(&seen.id).to_owned(), seen)).collect(),
            existing: modern.chain(classic).map(str::to_owned).collect(),
        })
    }

    /// AWS removes the interfaces of a deleted load balancer within minutes.
    fn whose(&self, name: &str) -> Whose {
        match self.left.get(name) {
            Some(left) => Whose::Leftover(Box::new(left.clone())),
            None if self.existing.contains(name) => Whose::Foreign,
            None => Whose::Leaving,
        }
    }
}
