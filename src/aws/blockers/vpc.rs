//! What a VPC may contain.

use super::common::{blocker, by_id, if_allowed, origin};
use super::interfaces;
use crate::aws::Aws;
use crate::aws::chunks::{PAGE, ROUTE_TABLE_PAGE};
use crate::aws::errors::classify;
use crate::aws::resource::{guardduty_endpoint, kubernetes_security_group, security_group, vpc_endpoint};
use crate::aws::tags::{self, Tags, filter};
use crate::engine::{Blocker, Failure, Observed, Scope, Whose};
use aws_sdk_ec2::types::{AttachmentStatus, NatGatewayState, RouteTable, SecurityGroup, VpcEndpoint, VpnGateway, VpnState};

/// Everything that a VPC may still contain when its subnets are gone.
pub(in crate::aws) async fn contents_of(aws: &Aws, scope: &Scope, vpc: &str) -> Result<Vec<Blocker>, Failure> {
    let (groups, rest) = tokio::try_join!(groups(aws, scope, vpc), parts(aws, scope, vpc))?;
    Ok(groups.into_iter().chain(rest).collect())
}

/// Security groups of the VPC, except the default one, which is deleted with the VPC.
async fn groups(aws: &Aws, scope: &Scope, vpc: &str) -> Result<Vec<Blocker>, Failure> {
    let mut found = security_group::describe(aws, vec![filter("vpc-id", [vpc.to_owned()])]).await?;
    found.retain(|group| group.group_name() != Some("default"));
    let left = kubernetes_security_group::left(aws, scope, &found).await?;
    Ok(found.iter().map(|group| of_group(aws, scope, group, &left)).collect())
}

fn of_group(aws: &Aws, scope: &Scope, group: &SecurityGroup, left: &[Observed]) -> Blocker {
    let id = group.group_id().unwrap_or_default();
    let tags = tags::of_ec2(group.tags());
    let whose = match left.iter().find(|left| left.id == id) {
        Some(left) => Whose::Leftover(Box::new(left.clone())),
        None if tags::address(aws, &tags).is_some() => Whose::Ours,
        // The cluster's own group, as long as the cluster exists.
        None if tags.get("aws:eks:cluster-name") == Some(&aws.cluster) && !scope.another_is_near => Whose::Leaving,
        None => Whose::Foreign,
    };
    blocker(format!("security group {id}"), origin(group.group_name(), &tags), whose)
}

/// Subnets, route tables, gateways, endpoints and network ACLs of the VPC.
async fn parts(aws: &Aws, scope: &Scope, vpc: &str) -> Result<Vec<Blocker>, Failure> {
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
        found.push(blocker(format!("{what} {id}"), origin(None, &tags), by_id(scope, id)));
    };
    for one in if_allowed(classify("DescribeSubnets", subnets))? {
        take("subnet", one.subnet_id(), tags::of_ec2(one.tags()));
    }
    // The main route table and the default network ACL are deleted with the VPC.
    let is_main = |table: &RouteTable| table.associations().iter().any(|one| one.main() == Some(true));
    for one in if_allowed(classify("DescribeRouteTables", tables))?.iter().filter(|table| !is_main(table)) {
        take("route table", one.route_table_id(), tags::of_ec2(one.tags()));
    }
    for one in if_allowed(classify("DescribeInternetGateways", gateways))? {
        take("internet gateway", one.internet_gateway_id(), tags::of_ec2(one.tags()));
    }
    let gone = |state: Option<&NatGatewayState>| matches!(state, Some(NatGatewayState::Deleted | NatGatewayState::Failed));
    for one in if_allowed(classify("DescribeNatGateways", nats))?.iter().filter(|one| !gone(one.state())) {
        take("NAT gateway", one.nat_gateway_id(), tags::of_ec2(one.tags()));
    }
    for one in if_allowed(classify("DescribeNetworkAcls", acls))?.iter().filter(|acl| acl.is_default() != Some(true)) {
        take("network ACL", one.network_acl_id(), tags::of_ec2(one.tags()));
    }
    let vpns = vpns.map(|answer| answer.vpn_gateways.unwrap_or_default());
    for one in if_allowed(classify("DescribeVpnGateways", vpns))?.iter().filter(|one| is_attached(one, vpc)) {
        take("VPN gateway", one.vpn_gateway_id(), tags::of_ec2(one.tags()));
    }
    let endpoints = if_allowed(classify("DescribeVpcEndpoints", endpoints))?;
    found.extend(endpoints.iter().filter(|one| vpc_endpoint::state(one) != "deleted").map(|one| of_endpoint(scope, one)));
    Ok(found)
}

/// GuardDuty's endpoint is not ours, but nothing else deletes it.
fn of_endpoint(scope: &Scope, endpoint: &VpcEndpoint) -> Blocker {
    let id = endpoint.vpc_endpoint_id().unwrap_or_default();
    let is_left = guardduty_endpoint::is_left(scope, endpoint);
    let whose = if is_left { interfaces::of_left(guardduty_endpoint::observed(endpoint)) } else { by_id(scope, id) };
    blocker(format!("VPC endpoint {id}"), origin(None, &tags::of_ec2(endpoint.tags())), whose)
}

fn is_attached(gateway: &VpnGateway, vpc: &str) -> bool {
    let here = gateway.vpc_attachments().iter().filter(|attachment| attachment.vpc_id() == Some(vpc));
    gateway.state() != Some(&VpnState::Deleted)
        && here.into_iter().any(|attachment| attachment.state() != Some(&AttachmentStatus::Detached))
}
