//! Security groups that EKS, the cloud controller, the AWS Load Balancer Controller or GuardDuty made in the cluster's VPC.

use super::group_maker::{group_maker, is_of_eks};
use super::leftover::found;
use super::security_group::{self, delete, describe};
use crate::aws::Aws;
use crate::aws::contract::{Deletion, Leftover};
use crate::aws::errors::{classify, or_absent};
use crate::aws::tags::{self, filter};
use crate::engine::{DeletionPolicy, Failure, Item, Observed, Query, Scope};
use crate::resource::{Kind, spec};
use aws_sdk_ec2::types::SecurityGroup;
use serde_json::json;

pub(in crate::aws) struct KubernetesSecurityGroup;

impl Leftover for KubernetesSecurityGroup {
    type Spec = spec::KubernetesSecurityGroup;

    const DELETION: Deletion = Deletion {
        blockers: Some(|aws, item, scope| Box::pin(security_group::blockers(aws, item, scope))),
        protection: None,
        data: None,
        exists_by_name: None,
        unrecorded: None,
        asks_whether_deleting: false,
    };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let Query::Leftovers(scope) = query else {
            let groups = describe(aws, vec![filter("group-id", query.items().iter().map(|item| item.id.clone()))]).await?;
            // The id alone proves nothing: others may use the group by now. Its tags or its name must still tell who made it.
            return Ok(groups.iter().filter_map(|group| observed(aws, &around(group), group)).collect());
        };
        if scope.vpcs.is_empty() {
            return Ok(Vec::new());
        }
        let groups = describe(aws, vec![filter("vpc-id", scope.vpcs.iter().cloned())]).await?;
        left(aws, scope, &groups).await
    }

    async fn delete(aws: &Aws, item: &Item, policy: &DeletionPolicy) -> Result<(), Failure> {
        delete(aws, &item.id, &policy.scope).await
    }
}

/// Those of the groups that the cluster left. The cluster's own group is deleted with the cluster, as long as that exists.
pub(in crate::aws) async fn left(aws: &Aws, scope: &Scope, groups: &[SecurityGroup]) -> Result<Vec<Observed>, Failure> {
    let (of_eks, others): (Vec<&SecurityGroup>, Vec<&SecurityGroup>) = groups.iter().partition(|group| is_of_eks(aws, group));
    let mut left: Vec<Observed> = others.into_iter().filter_map(|group| observed(aws, scope, group)).collect();
    if !of_eks.is_empty() {
        let cluster = or_absent(classify("DescribeCluster", aws.eks.describe_cluster().name(&aws.cluster).send().await))?;
        let cluster = cluster.and_then(|answer| answer.cluster);
        let network = cluster.as_ref().and_then(|cluster| cluster.resources_vpc_config());
        // Another cluster of the same name may run in another VPC.
        let is_orphaned = |group: &&SecurityGroup| cluster.is_none() || network.is_some_and(|network| network.vpc_id() != group.vpc_id());
        left.extend(of_eks.into_iter().filter(is_orphaned).filter_map(|group| observed(aws, scope, group)));
    }
    Ok(left)
}

/// The scope of a group that was recorded when it was found in a VPC of the cluster.
fn around(group: &SecurityGroup) -> Scope {
    Scope { vpcs: group.vpc_id().map(str::to_owned).into_iter().collect(), owns_vpc: true, ..Scope::default() }
}

fn observed(aws: &Aws, scope: &Scope, group: &SecurityGroup) -> Option<Observed> {
    let tags = tags::of_ec2(group.tags());
    if tags::address(aws, &tags).is_some() {
        return None;
    }
    let maker = group_maker(aws, scope, group, &tags)?;
    let id = group.group_id()?;
    let spec = json!({ "name": group.group_name(), "vpc": group.vpc_id() });
    Some(found(Kind::KubernetesSecurityGroup, id, id, maker, tags, spec))
}
