//! The endpoint that GuardDuty Runtime Monitoring creates in a VPC for its agent on the nodes, and never deletes: it blocks the deletion
//! of subnets, of the VPC, and of the security group that GuardDuty created for it.

use super::leftover::found;
use super::vpc_endpoint;
use crate::aws::Aws;
use crate::aws::chunks::PAGE;
use crate::aws::contract::{Deletion, Leftover};
use crate::aws::errors::classify;
use crate::aws::tags::{self, Tags, filter};
use crate::engine::{DeletionPolicy, Failure, Item, Observed, Query, Readiness, Scope};
use crate::resource::{Kind, spec};
use aws_sdk_ec2::types::{Filter, VpcEndpoint};
use serde_json::json;

/// Name of its maker in plans.
pub(super) const GUARDDUTY: &str = "GuardDuty";
/// Tag on all that GuardDuty makes in a VPC.
const MANAGED_TAG: &str = "GuardDutyManaged";
/// How the name of the agent's service ends.
const SERVICE: &str = ".guardduty-data";

pub(in crate::aws) struct GuardDutyEndpoint;

impl Leftover for GuardDutyEndpoint {
    type Spec = spec::GuardDutyEndpoint;

    const DELETION: Deletion =
        Deletion { blockers: None, protection: None, data: None, exists_by_name: None, unrecorded: None, asks_whether_deleting: false };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let endpoints = match query {
            Query::Leftovers(scope) => left(aws, scope).await?,
            other => describe(aws, filter("vpc-endpoint-id", other.items().iter().map(|item| item.id.clone()))).await?,
        };
        Ok(endpoints.iter().map(observed).collect())
    }

    async fn delete(aws: &Aws, item: &Item, _policy: &DeletionPolicy) -> Result<(), Failure> {
        vpc_endpoint::delete(aws, &item.id).await
    }
}

/// GuardDuty's endpoints in our own VPCs. In an existing network others may run nodes with the agent.
pub(in crate::aws) async fn left(aws: &Aws, scope: &Scope) -> Result<Vec<VpcEndpoint>, Failure> {
    let own: Vec<String> = scope.vpcs.iter().filter(|vpc| is_own_vpc(scope, vpc)).cloned().collect();
    if own.is_empty() {
        return Ok(Vec::new());
    }
    let mut endpoints = describe(aws, filter("vpc-id", own)).await?;
    endpoints.retain(|endpoint| is_left(scope, endpoint));
    Ok(endpoints)
}

/// Whether GuardDuty made it, in a VPC of ours.
pub(in crate::aws) fn is_left(scope: &Scope, endpoint: &VpcEndpoint) -> bool {
    let is_near = endpoint.vpc_id().is_some_and(|vpc| is_own_vpc(scope, vpc));
    let is_agents = endpoint.service_name().is_some_and(|name| name.ends_with(SERVICE));
    is_near && is_agents && is_managed(&tags::of_ec2(endpoint.tags()))
}

/// Whether the VPC is ours, and not an existing one.
pub(super) fn is_own_vpc(scope: &Scope, vpc: &str) -> bool {
    scope.owns_vpc && scope.ours.get(vpc).is_some_and(|address| address.kind() == Kind::Vpc)
}

/// Whether GuardDuty's tag is on it.
pub(super) fn is_managed(tags: &Tags) -> bool {
    tags.get(MANAGED_TAG).is_some_and(|value| value == "true")
}

/// Endpoints that are not deleted yet.
async fn describe(aws: &Aws, which: Filter) -> Result<Vec<VpcEndpoint>, Failure> {
    let pages = aws.ec2.describe_vpc_endpoints().filters(which).max_results(PAGE).into_paginator().items().send();
    let mut endpoints = classify("DescribeVpcEndpoints", pages.collect::<Result<Vec<_>, _>>().await)?;
    endpoints.retain(|endpoint| vpc_endpoint::state(endpoint) != "deleted");
    Ok(endpoints)
}

/// An endpoint as something to delete.
pub(in crate::aws) fn observed(endpoint: &VpcEndpoint) -> Observed {
    let id = endpoint.vpc_endpoint_id().unwrap_or_default();
    let groups: Vec<&str> = endpoint.groups().iter().filter_map(|group| group.group_id()).collect();
    let spec = json!({
        "service": endpoint.service_name(),
        "vpc": endpoint.vpc_id(),
        "subnets": endpoint.subnet_ids(),
        "security_groups": groups,
    });
    let readiness = if vpc_endpoint::state(endpoint) == "deleting" { Readiness::Deleting } else { Readiness::Ready };
    Observed { readiness, ..found(Kind::GuardDutyEndpoint, id, id, GUARDDUTY, tags::of_ec2(endpoint.tags()), spec) }
}
