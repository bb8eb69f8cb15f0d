//! Security groups that EKS, the cloud controller, the AWS Load Balancer Controller or GuardDuty made in the cluster's VPC.

use super::Resource;
use super::guardduty_endpoint::{GUARDDUTY, is_managed, is_own_vpc};
use super::leftover::{found, is_owned, maker};
use super::security_group::{delete, describe};
use crate::aws::Aws;
use crate::aws::errors::{or_absent, sent};
use crate::aws::tags::{self, Tags, filter};
use crate::engine::{CLOUD_CONTROLLER, Failure, Item, Observed, Query};
use crate::resource::Kind;
use aws_sdk_ec2::types::SecurityGroup;
use serde_json::{Value, json};

pub(super) struct KubernetesSecurityGroup;

impl Resource for KubernetesSecurityGroup {
    type Spec = Value;

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let Query::Left(scope) = query else {
            let groups = describe(aws, vec![filter("group-id", query.items().iter().map(|item| item.id.clone()))]).await?;
            return Ok(groups.iter().filter_map(|group| observed(aws, group)).collect());
        };
        if scope.vpcs.is_empty() {
            return Ok(Vec::new());
        }
        let groups = describe(aws, vec![filter("vpc-id", scope.vpcs.iter().cloned())]).await?;
        left(aws, &groups).await
    }

    async fn delete(aws: &Aws, item: &Item) -> Result<(), Failure> {
        delete(aws, &item.id).await
    }
}

/// Those of the groups that the cluster left. The cluster's own group goes with the cluster as long as that exists.
pub(in crate::aws) async fn left(aws: &Aws, groups: &[SecurityGroup]) -> Result<Vec<Observed>, Failure> {
    let (of_eks, others): (Vec<&SecurityGroup>, Vec<&SecurityGroup>) = groups.iter().partition(|group| is_of_eks(aws, group));
    let mut left: Vec<Observed> = others.into_iter().filter_map(|group| observed(aws, group)).collect();
    if !of_eks.is_empty() {
        let cluster = or_absent(sent("DescribeCluster", aws.eks.describe_cluster().name(&aws.cluster).send().await))?;
        let cluster = cluster.and_then(|answer| answer.cluster);
        let network = cluster.as_ref().and_then(|cluster| cluster.resources_vpc_config());
        // Another cluster of the name may live in another VPC.
        let is_orphaned = |group: &&SecurityGroup| cluster.is_none() || network.is_some_and(|network| network.vpc_id() != group.vpc_id());
        left.extend(of_eks.into_iter().filter(is_orphaned).filter_map(|group| observed(aws, group)));
    }
    Ok(left)
}

/// `eks-cluster-sg-NAME-NNN` (aws-facts §2.3).
fn is_of_eks(aws: &Aws, group: &SecurityGroup) -> bool {
    let named = group.group_name().and_then(|name| name.strip_prefix(&format!("eks-cluster-sg-{}-", aws.cluster)));
    named.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The group of GuardDuty's endpoint, which stays when that is gone. Only in our own VPC: its name says which one.
fn is_of_guardduty(aws: &Aws, group: &SecurityGroup, tags: &Tags) -> bool {
    let named = group.group_name().and_then(|name| name.strip_prefix("GuardDutyManagedSecurityGroup-"));
    is_managed(tags) && named.is_some_and(|vpc| group.vpc_id() == Some(vpc) && is_own_vpc(&aws.scope, vpc))
}

/// Who in this cluster made the group.
pub(in crate::aws) fn group_maker(aws: &Aws, group: &SecurityGroup, tags: &Tags) -> Option<&'static str> {
    let of_service = group.group_name().is_some_and(|name| name.starts_with("k8s-elb-"));
    match is_owned(aws, tags) {
        true if is_of_eks(aws, group) => Some("EKS"),
        true if of_service => Some(CLOUD_CONTROLLER),
        _ if is_of_guardduty(aws, group, tags) => Some(GUARDDUTY),
        _ => maker(aws, tags),
    }
}

fn observed(aws: &Aws, group: &SecurityGroup) -> Option<Observed> {
    let tags = tags::of_ec2(group.tags());
    if tags::address(aws, &tags).is_some() {
        return None;
    }
    let maker = group_maker(aws, group, &tags)?;
    let id = group.group_id()?;
    let spec = json!({ "name": group.group_name(), "vpc": group.vpc_id() });
    Some(found(Kind::KubernetesSecurityGroup, id, id, maker, tags, spec))
}
