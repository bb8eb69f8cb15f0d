//! Interfaces that the VPC CNI created and left unattached when their node was terminated: they block the deletion of subnets and
//! security groups.

use super::leftover::found;
use crate::aws::Aws;
use crate::aws::chunks::PAGE;
use crate::aws::contract::{Deletion, Leftover};
use crate::aws::errors::classify;
use crate::aws::tags::{self, Tags, filter};
use crate::engine::{DeletionPolicy, Failure, Item, Observed, Query, Scope};
use crate::resource::{Kind, spec};
use aws_sdk_ec2::types::{self, NetworkInterfaceStatus};
use serde_json::json;

/// How the descriptions of the CNI's interfaces begin: those of nodes, and those of pods with security groups of their own.
const DESCRIPTIONS: [&str; 2] = ["aws-K8S-", "aws-k8s-branch-eni"];
/// Tag that newer versions of the CNI set.
const CLUSTER_TAG: &str = "cluster.k8s.amazonaws.com/name";

pub(in crate::aws) struct NetworkInterface;

impl Leftover for NetworkInterface {
    type Spec = spec::NetworkInterface;

    const DELETION: Deletion =
        Deletion { blockers: None, protection: None, data: None, exists_by_name: None, unrecorded: None, asks_whether_deleting: false };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let Query::Leftovers(scope) = query else {
            let ids = query.items().iter().map(|item| item.id.clone());
            return Ok(describe(aws, vec![filter("network-interface-id", ids)]).await?.iter().map(observed).collect());
        };
        if scope.vpcs.is_empty() {
            return Ok(Vec::new());
        }
        let filters = vec![
            filter("vpc-id", scope.vpcs.iter().cloned()),
            filter("status", ["available".to_owned()]),
            filter("description", DESCRIPTIONS.map(|start| format!("{start}*"))),
        ];
        let found = describe(aws, filters).await?;
        Ok(found.iter().filter(|interface| is_left(aws, scope, interface)).map(observed).collect())
    }

    async fn delete(aws: &Aws, item: &Item, _policy: &DeletionPolicy) -> Result<(), Failure> {
        classify("DeleteNetworkInterface", aws.ec2.delete_network_interface().network_interface_id(&item.id).send().await).map(drop)
    }
}

/// Interfaces that fit the filters.
pub(in crate::aws) async fn describe(aws: &Aws, filters: Vec<types::Filter>) -> Result<Vec<types::NetworkInterface>, Failure> {
    let pages = aws.ec2.describe_network_interfaces().set_filters(Some(filters)).max_results(PAGE).into_paginator().items().send();
    classify("DescribeNetworkInterfaces", pages.collect::<Result<Vec<_>, _>>().await)
}

/// Whether the CNI of this cluster left it. In a VPC of our own there is no other cluster, unless a tag names one.
pub(in crate::aws) fn is_left(aws: &Aws, scope: &Scope, interface: &types::NetworkInterface) -> bool {
    let tags = tags_of(interface);
    let is_free = interface.status() == Some(&NetworkInterfaceStatus::Available);
    let is_cni = interface.description().is_some_and(|text| DESCRIPTIONS.iter().any(|start| text.starts_with(start)));
    let is_cni = is_cni && interface.requester_managed() != Some(true);
    let is_near = interface.vpc_id().is_some_and(|vpc| scope.vpcs.contains(vpc));
    let is_ours = match cluster_of(&tags) {
        Some(name) => name == aws.cluster && !scope.another_is_near,
        None => scope.owns_vpc,
    };
    is_free && is_cni && is_near && is_ours
}

/// The cluster that an interface's tags name: interfaces of nodes and of pods have different tags.
fn cluster_of(tags: &Tags) -> Option<&str> {
    let by_prefix = || tags.keys().find_map(|key| key.strip_prefix("kubernetes.io/cluster/"));
    tags.get(CLUSTER_TAG).map(String::as_str).or_else(by_prefix)
}

/// Tags of an interface.
pub(in crate::aws) fn tags_of(interface: &types::NetworkInterface) -> Tags {
    tags::of_ec2(interface.tag_set())
}

/// An interface as something to delete.
pub(in crate::aws) fn observed(interface: &types::NetworkInterface) -> Observed {
    let id = interface.network_interface_id().unwrap_or_default();
    let groups: Vec<&str> = interface.groups().iter().filter_map(|group| group.group_id()).collect();
    let spec = json!({
        "description": interface.description(),
        "vpc": interface.vpc_id(),
        "subnet": interface.subnet_id(),
        "security_groups": groups,
    });
    found(Kind::NetworkInterface, id, id, "the VPC CNI", tags_of(interface), spec)
}
