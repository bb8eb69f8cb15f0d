//! Target group of a load balancer that a controller in the cluster made.

use super::leftover::{found, maker};
use super::load_balancer::tags_of;
use crate::aws::Aws;
use crate::aws::contract::{Deletion, Leftover, still_there};
use crate::aws::errors::{classify, or_absent};
use crate::engine::{DeletionPolicy, Failure, Item, Observed, Query};
use crate::resource::{Kind, spec};
use aws_sdk_elasticloadbalancingv2::types;
use serde_json::json;

pub(in crate::aws) struct TargetGroup;

impl Leftover for TargetGroup {
    type Spec = spec::TargetGroup;

    const DELETION: Deletion =
        Deletion { blockers: None, protection: None, data: None, exists_by_name: None, unrecorded: None, asks_whether_deleting: false };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let Query::Leftovers(scope) = query else { return these(aws, query.items()).await };
        if scope.vpcs.is_empty() {
            return Ok(Vec::new());
        }
        let pages = aws.elbv2.describe_target_groups().into_paginator().items().send();
        let all = classify("DescribeTargetGroups", pages.collect::<Result<Vec<_>, _>>().await)?;
        let near: Vec<&types::TargetGroup> =
            all.iter().filter(|group| group.vpc_id().is_some_and(|vpc| scope.vpcs.contains(vpc))).collect();
        let mut tags = tags_of(aws, near.iter().filter_map(|group| group.target_group_arn()).collect()).await?;
        let left = near.into_iter().filter_map(|group| {
            let arn = group.target_group_arn()?;
            let tags = tags.remove(arn)?;
            let maker = maker(aws, scope, &tags)?;
            let spec = json!({ "name": group.target_group_name(), "vpc": group.vpc_id() });
            Some(found(Kind::TargetGroup, group.target_group_name()?, arn, maker, tags, spec))
        });
        Ok(left.collect())
    }

    async fn delete(aws: &Aws, item: &Item, _policy: &DeletionPolicy) -> Result<(), Failure> {
        classify("DeleteTargetGroup", aws.elbv2.delete_target_group().target_group_arn(&item.id).send().await).map(drop)
    }
}

async fn these(aws: &Aws, items: &[Item]) -> Result<Vec<Observed>, Failure> {
    let mut seen = Vec::new();
    for item in items {
        let answer = classify("DescribeTargetGroups", aws.elbv2.describe_target_groups().target_group_arns(&item.id).send().await);
        if or_absent(answer)?.is_some() {
            seen.push(still_there(item));
        }
    }
    Ok(seen)
}
