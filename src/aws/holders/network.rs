//! What holds security groups, gateways and the VPC.

use super::{allowed, by_id, courteous, holder, interfaces, origin};
use crate::aws::Aws;
use crate::aws::errors::sent;
use crate::aws::parts::{PAGE, ROUTE_TABLE_PAGE};
use crate::aws::resource::{guardduty_endpoint, kubernetes_security_group, network_interface, security_group, vpc_endpoint};
use crate::aws::tags::{self, Tags, filter};
use crate::engine::{Failure, Foreign, Holder, Observed, Whose};
use crate::resource::Address;
use aws_sdk_ec2::types::{
    AttachmentStatus, NatGatewayState, NetworkInterface, RouteTable, SecurityGroup, VpcEndpoint, VpnGateway, VpnState,
};

/// Interfaces that use the group, and groups of others whose rules name it: rules of ours are revoked on the way.
pub(super) async fn of_security_group(aws: &Aws, id: &str) -> Result<Vec<Holder>, Failure> {
    let mut found = interfaces::with(aws, "group-id", id).await?;
    for group in security_group::naming(aws, id).await? {
        let tags = tags::of_ec2(group.tags());
        let other = group.group_id().unwrap_or_default();
        let whose = if security_group::is_of_cluster(aws, &group) { Whose::Ours } else { Whose::Foreign };
        found.push(holder(format!("a rule of security group {other}"), origin(group.group_name(), &tags), whose));
    }
    Ok(found)
}

/// Public addresses in the VPC keep its gateway.
pub(super) async fn of_internet_gateway(aws: &Aws, id: &str) -> Result<Vec<Holder>, Failure> {
    let call = aws.ec2.describe_internet_gateways().filters(filter("internet-gateway-id", [id.to_owned()])).max_results(PAGE);
    let pages = call.into_paginator().items().send();
    let gateways = sent("DescribeInternetGateways", pages.collect::<Result<Vec<_>, _>>().await)?;
    let vpcs: Vec<String> =
        gateways.iter().flat_map(|gateway| gateway.attachments()).filter_map(|attachment| attachment.vpc_id().map(str::to_owned)).collect();
    if vpcs.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = network_interface::describe(aws, vec![filter("vpc-id", vpcs)]).await?;
    found.retain(|interface| interface.association().is_some_and(|association| association.public_ip().is_some()));
    Ok(interfaces::judged(aws, &found).await?.into_iter().map(|(_, holder)| holder).collect())
}

/// Everything that a VPC may hold when its subnets are gone.
pub(super) async fn of_vpc(aws: &Aws, vpc: &str) -> Result<Vec<Holder>, Failure> {
    let (groups, rest) = tokio::try_join!(groups(aws, vpc), parts(aws, vpc))?;
    Ok(groups.into_iter().chain(rest).collect())
}

/// Security groups of the VPC, save for its default one, which goes with it.
async fn groups(aws: &Aws, vpc: &str) -> Result<Vec<Holder>, Failure> {
    let mut found = security_group::describe(aws, vec![filter("vpc-id", [vpc.to_owned()])]).await?;
    found.retain(|group| group.group_name() != Some("default"));
    let left = kubernetes_security_group::left(aws, &found).await?;
    Ok(found.iter().map(|group| of_group(aws, group, &left)).collect())
}

fn of_group(aws: &Aws, group: &SecurityGroup, left: &[Observed]) -> Holder {
    let id = group.group_id().unwrap_or_default();
    let tags = tags::of_ec2(group.tags());
    let whose = match left.iter().find(|left| left.id == id) {
        Some(left) => Whose::Leftover(Box::new(left.clone())),
        None if tags::address(aws, &tags).is_some() => Whose::Ours,
        // The cluster's own group, as long as the cluster is there.
        None if tags.get("aws:eks:cluster-name") == Some(&aws.cluster) && !aws.scope.another_is_near => Whose::Leaving,
        None => Whose::Foreign,
    };
    holder(format!("security group {id}"), origin(group.group_name(), &tags), whose)
}

/// Subnets, route tables, gateways, endpoints and network ACLs of the VPC.
async fn parts(aws: &Aws, vpc: &str) -> Result<Vec<Holder>, Failure> {
    let here = || filter("vpc-id", [vpc.to_owned()]);
    let attached = || filter("attachment.vpc-id", [vpc.to_owned()]);
    let ec2 = &aws.ec2;
    let (subnets, tables, gateways, nats, endpoints, acls, vpns) = tokio::join!(
        ec2.describe_subnets().filters(here()).max_results(PAGE).into_paginator().items().send().collect::<Result<Vec<_>, _>>(),
        ec2.describe_route_tables()
            .filters(here())
            .max_results(ROUTE_TABLE_PAGE)
            .into_paginator()
            .items()
            .send()
            .collect::<Result<Vec<_>, _>>(),
        ec2.describe_internet_gateways()
            .filters(attached())
            .max_results(PAGE)
            .into_paginator()
            .items()
            .send()
            .collect::<Result<Vec<_>, _>>(),
        ec2.describe_nat_gateways().filter(here()).max_results(PAGE).into_paginator().items().send().collect::<Result<Vec<_>, _>>(),
        ec2.describe_vpc_endpoints().filters(here()).max_results(PAGE).into_paginator().items().send().collect::<Result<Vec<_>, _>>(),
        ec2.describe_network_acls().filters(here()).max_results(PAGE).into_paginator().items().send().collect::<Result<Vec<_>, _>>(),
        ec2.describe_vpn_gateways().filters(attached()).send(),
    );
    let mut found = Vec::new();
    let mut take = |what: &str, id: Option<&str>, tags: Tags| {
        let id = id.unwrap_or_default();
        found.push(holder(format!("{what} {id}"), origin(None, &tags), by_id(aws, id)));
    };
    for one in allowed(sent("DescribeSubnets", subnets))? {
        take("subnet", one.subnet_id(), tags::of_ec2(one.tags()));
    }
    // The main route table and the default network ACL go with the VPC.
    let is_main = |table: &RouteTable| table.associations().iter().any(|one| one.main() == Some(true));
    for one in allowed(sent("DescribeRouteTables", tables))?.iter().filter(|table| !is_main(table)) {
        take("route table", one.route_table_id(), tags::of_ec2(one.tags()));
    }
    for one in allowed(sent("DescribeInternetGateways", gateways))? {
        take("internet gateway", one.internet_gateway_id(), tags::of_ec2(one.tags()));
    }
    let gone = |state: Option<&NatGatewayState>| matches!(state, Some(NatGatewayState::Deleted | NatGatewayState::Failed));
    for one in allowed(sent("DescribeNatGateways", nats))?.iter().filter(|one| !gone(one.state())) {
        take("NAT gateway", one.nat_gateway_id(), tags::of_ec2(one.tags()));
    }
    for one in allowed(sent("DescribeNetworkAcls", acls))?.iter().filter(|acl| acl.is_default() != Some(true)) {
        take("network ACL", one.network_acl_id(), tags::of_ec2(one.tags()));
    }
    let vpns = vpns.map(|answer| answer.vpn_gateways.unwrap_or_default());
    for one in allowed(sent("DescribeVpnGateways", vpns))?.iter().filter(|one| is_attached(one, vpc)) {
        take("VPN gateway", one.vpn_gateway_id(), tags::of_ec2(one.tags()));
    }
    let endpoints = allowed(sent("DescribeVpcEndpoints", endpoints))?;
    found.extend(endpoints.iter().filter(|one| vpc_endpoint::state(one) != "deleted").map(|one| of_endpoint(aws, one)));
    Ok(found)
}

/// GuardDuty's endpoint is not ours, but nobody else takes it away.
fn of_endpoint(aws: &Aws, endpoint: &VpcEndpoint) -> Holder {
    let id = endpoint.vpc_endpoint_id().unwrap_or_default();
    let is_left = guardduty_endpoint::is_left(&aws.scope, endpoint);
    let whose = if is_left { interfaces::of_left(guardduty_endpoint::observed(endpoint)) } else { by_id(aws, id) };
    holder(format!("VPC endpoint {id}"), origin(None, &tags::of_ec2(endpoint.tags())), whose)
}

fn is_attached(gateway: &VpnGateway, vpc: &str) -> bool {
    let here = gateway.vpc_attachments().iter().filter(|attachment| attachment.vpc_id() == Some(vpc));
    gateway.state() != Some(&VpnState::Deleted)
        && here.into_iter().any(|attachment| attachment.state() != Some(&AttachmentStatus::Detached))
}

/// Everything that is not of the cluster and will stand in its way: in a VPC of ours all of it, in another one what uses
/// our security groups. What may not be asked is not known, and no reason to stop; nor is a busy AWS, since whoever stands in
/// the way is also named when AWS refuses a deletion.
pub(super) async fn foreign(aws: &Aws) -> Result<Vec<Foreign>, Failure> {
    let mut found = Vec::new();
    if let Some(cluster) = aws.scope.ours.get(&aws.cluster) {
        let groups = courteous(super::of_cluster(aws, &aws.cluster).await)?;
        found.extend(groups.into_iter().map(|holder| Foreign { name: holder.name, origin: holder.origin, holds: vec![cluster.clone()] }));
    }
    for vpc in &aws.scope.vpcs {
        let mut interfaces = courteous(network_interface::describe(aws, vec![filter("vpc-id", [vpc.clone()])]).await)?;
        // In a network of others most interfaces hold nothing of ours, and whose they are is no matter.
        interfaces.retain(|interface| !held_by(aws, interface, vpc).is_empty());
        let judged = courteous(interfaces::judged(aws, &interfaces).await)?;
        let strangers = judged.into_iter().filter(|(_, holder)| holder.whose == Whose::Foreign);
        found.extend(strangers.map(|(interface, holder)| {
            let holds = held_by(aws, interface, vpc);
            Foreign { name: holder.name, origin: holder.origin, holds }
        }));
        let Some(ours) = aws.scope.ours.get(vpc) else { continue };
        let parts = courteous(of_vpc(aws, vpc).await)?;
        let strangers = parts.into_iter().filter(|holder| holder.whose == Whose::Foreign);
        found.extend(strangers.map(|holder| Foreign { name: holder.name, origin: holder.origin, holds: vec![ours.clone()] }));
    }
    Ok(found)
}

/// What of ours an interface keeps from being deleted.
fn held_by(aws: &Aws, interface: &NetworkInterface, vpc: &str) -> Vec<Address> {
    let groups = interface.groups().iter().filter_map(|group| group.group_id());
    let ids = interface.subnet_id().into_iter().chain(groups).chain([vpc]);
    ids.filter_map(|id| aws.scope.ours.get(id).cloned()).collect()
}
