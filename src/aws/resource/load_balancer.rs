//! Application, network and gateway load balancers that a controller in the cluster made. Their interfaces exist for minutes after the
//! load balancer is deleted, and block the deletion of subnets and security groups.

use super::leftover::{found, maker};
use super::network_interface;
use crate::aws::Aws;
use crate::aws::contract::{Deletion, Leftover, ToDelete, still_there};
use crate::aws::deletion_protection;
use crate::aws::errors::{classify, or_absent};
use crate::aws::tags::{Tags, filter};
use crate::engine::{DeletionPolicy, Failure, Item, Observed, Query, Readiness, Scope};
use crate::resource::{Kind, spec};
use aws_sdk_elasticloadbalancingv2::types::{self, LoadBalancerAttribute};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Resources that one DescribeTags call takes.
const TAGS_AT_ONCE: usize = 20;
/// The attribute because of which AWS refuses a deletion.
const PROTECTION: &str = "deletion_protection.enabled";

pub(in crate::aws) struct LoadBalancer;

impl Leftover for LoadBalancer {
    type Spec = spec::LoadBalancer;

    const DELETION: Deletion = Deletion {
        blockers: None,
        protection: Some(|aws, targets| Box::pin(protections(aws, targets))),
        data: None,
        exists_by_name: None,
        unrecorded: None,
        asks_whether_deleting: false,
    };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        match query {
            Query::Leftovers(scope) if scope.vpcs.is_empty() => Ok(Vec::new()),
            Query::Leftovers(scope) => left(aws, scope, &all(aws).await?).await,
            other => these(aws, other.items()).await,
        }
    }

    async fn delete(aws: &Aws, item: &Item, policy: &DeletionPolicy) -> Result<(), Failure> {
        let delete = || async {
            classify("DeleteLoadBalancer", aws.elbv2.delete_load_balancer().load_balancer_arn(&item.id).send().await).map(drop)
        };
        let is_protected = |failure: &Failure| failure.code.as_deref() == Some("OperationNotPermitted");
        deletion_protection::delete(policy.lift_protection, delete, is_protected, || lift_protection(aws, &item.id)).await
    }
}

/// All load balancers of the region, whoever owns them.
pub(in crate::aws) async fn all(aws: &Aws) -> Result<Vec<types::LoadBalancer>, Failure> {
    let pages = aws.elbv2.describe_load_balancers().into_paginator().items().send();
    classify("DescribeLoadBalancers", pages.collect::<Result<Vec<_>, _>>().await)
}

/// Those that the cluster left.
pub(in crate::aws) async fn left(aws: &Aws, scope: &Scope, all: &[types::LoadBalancer]) -> Result<Vec<Observed>, Failure> {
    let near: Vec<&types::LoadBalancer> = all.iter().filter(|one| one.vpc_id().is_some_and(|vpc| scope.vpcs.contains(vpc))).collect();
    let mut tags = tags_of(aws, near.iter().filter_map(|one| one.load_balancer_arn()).collect()).await?;
    let mut left = Vec::new();
    for one in near {
        let (arn, name) = (one.load_balancer_arn().unwrap_or_default(), one.load_balancer_name().unwrap_or_default());
        let Some((tags, maker)) = tags.remove(arn).and_then(|tags| maker(aws, scope, &tags).map(|maker| (tags, maker))) else { continue };
        left.push(found(Kind::LoadBalancer, name, arn, maker, tags, spec(aws, one).await?));
    }
    Ok(left)
}

/// Its name in the descriptions of its interfaces: `app/NAME/ID`.
pub(in crate::aws) fn long_name(arn: &str) -> &str {
    arn.split_once("loadbalancer/").map_or(arn, |(_, name)| name)
}

/// Whether AWS refuses to delete it.
async fn is_protected(aws: &Aws, arn: &str) -> Result<bool, Failure> {
    let call = aws.elbv2.describe_load_balancer_attributes().load_balancer_arn(arn);
    let answer = or_absent(classify("DescribeLoadBalancerAttributes", call.send().await))?;
    let attributes = answer.and_then(|answer| answer.attributes).unwrap_or_default();
    Ok(attributes.iter().any(|attribute| attribute.key() == Some(PROTECTION) && attribute.value() == Some("true")))
}

async fn lift_protection(aws: &Aws, arn: &str) -> Result<(), Failure> {
    let off = LoadBalancerAttribute::builder().key(PROTECTION).value("false").build();
    let call = aws.elbv2.modify_load_balancer_attributes().load_balancer_arn(arn).attributes(off);
    classify("ModifyLoadBalancerAttributes", call.send().await).map(drop)
}

/// The spec, with the ids of the VPC, subnets and security groups that it uses, and of the target groups, which are deleted after it.
async fn spec(aws: &Aws, one: &types::LoadBalancer) -> Result<Value, Failure> {
    let arn = one.load_balancer_arn().unwrap_or_default();
    let pages = aws.elbv2.describe_target_groups().load_balancer_arn(arn).into_paginator().items().send();
    let targets = or_absent(classify("DescribeTargetGroups", pages.collect::<Result<Vec<_>, _>>().await))?.unwrap_or_default();
    let targets: Vec<&str> = targets.iter().filter_map(|group| group.target_group_arn()).collect();
    let subnets: Vec<&str> = one.availability_zones().iter().filter_map(|zone| zone.subnet_id()).collect();
    Ok(json!({
        "name": one.load_balancer_name(),
        "type": one.r#type().map(types::LoadBalancerTypeEnum::as_str),
        "vpc": one.vpc_id(),
        "subnets": subnets,
        "security_groups": one.security_groups(),
        "target_groups": targets,
    }))
}

async fn these(aws: &Aws, items: &[Item]) -> Result<Vec<Observed>, Failure> {
    let mut seen = Vec::new();
    for item in items {
        let answer = classify("DescribeLoadBalancers", aws.elbv2.describe_load_balancers().load_balancer_arns(&item.id).send().await);
        if or_absent(answer)?.is_some() {
            seen.push(still_there(item));
        } else if has_interfaces(aws, item, long_name(&item.id)).await? {
            seen.push(Observed { readiness: Readiness::Deleting, ..still_there(item) });
        }
    }
    Ok(seen)
}

/// Whether interfaces of a load balancer still exist. Its VPC limits the query, because EC2 has no index of descriptions.
pub(super) async fn has_interfaces(aws: &Aws, item: &Item, name: &str) -> Result<bool, Failure> {
    let vpc = item.spec.get("vpc").and_then(Value::as_str).map(|vpc| filter("vpc-id", [vpc.to_owned()]));
    let filters = vpc.into_iter().chain([filter("description", [format!("ELB {name}")])]);
    Ok(!network_interface::describe(aws, filters.collect()).await?.is_empty())
}

/// Tags by ARN. When a load balancer disappears meanwhile, AWS refuses the whole call: then each one is asked for separately.
pub(super) async fn tags_of(aws: &Aws, arns: Vec<&str>) -> Result<BTreeMap<String, Tags>, Failure> {
    let mut all = BTreeMap::new();
    for some in arns.chunks(TAGS_AT_ONCE) {
        if let Some(tags) = or_absent(describe_tags(aws, some).await)? {
            all.extend(tags);
            continue;
        }
        for arn in some {
            all.extend(or_absent(describe_tags(aws, &[arn]).await)?.unwrap_or_default());
        }
    }
    Ok(all)
}

async fn describe_tags(aws: &Aws, arns: &[&str]) -> Result<BTreeMap<String, Tags>, Failure> {
    let call = aws.elbv2.describe_tags().set_resource_arns(Some(arns.iter().map(|arn| (*arn).to_owned()).collect()));
    let answer = classify("DescribeTags", call.send().await)?;
    let described = answer.tag_descriptions().iter().map(|described| {
        let tags = described.tags().iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())));
        (described.resource_arn().unwrap_or_default().to_owned(), tags.collect())
    });
    Ok(described.collect())
}

async fn protections(aws: &Aws, targets: &ToDelete) -> Result<BTreeMap<String, String>, Failure> {
    let mut protected = BTreeMap::new();
    for arn in targets.ids() {
        if is_protected(aws, &arn).await? {
            protected.insert(arn, "its deletion protection".to_owned());
        }
    }
    Ok(protected)
}
