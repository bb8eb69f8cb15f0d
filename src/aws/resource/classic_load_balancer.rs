//! Classic load balancers that the cloud controller made for a Service.

use super::leftover::{found, maker};
use super::load_balancer::has_interfaces;
use crate::aws::Aws;
use crate::aws::contract::{Deletion, Leftover, still_there};
use crate::aws::errors::{classify, or_absent};
use crate::aws::tags::Tags;
use crate::engine::{DeletionPolicy, Failure, Item, Observed, Query, Readiness, Scope};
use crate::resource::{Kind, spec};
use aws_sdk_elasticloadbalancing::types::LoadBalancerDescription;
use serde_json::json;
use std::collections::BTreeMap;

/// Names that one DescribeTags call takes.
const TAGS_AT_ONCE: usize = 20;

pub(in crate::aws) struct ClassicLoadBalancer;

impl Leftover for ClassicLoadBalancer {
    type Spec = spec::ClassicLoadBalancer;

    const DELETION: Deletion =
        Deletion { blockers: None, protection: None, data: None, exists_by_name: None, unrecorded: None, asks_whether_deleting: false };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        match query {
            Query::Leftovers(scope) if scope.vpcs.is_empty() => Ok(Vec::new()),
            Query::Leftovers(scope) => left(aws, scope, &all(aws).await?).await,
            other => these(aws, other.items()).await,
        }
    }

    async fn delete(aws: &Aws, item: &Item, _policy: &DeletionPolicy) -> Result<(), Failure> {
        classify("DeleteLoadBalancer", aws.elb.delete_load_balancer().load_balancer_name(&item.id).send().await).map(drop)
    }
}

/// All load balancers of the region, whoever owns them.
pub(in crate::aws) async fn all(aws: &Aws) -> Result<Vec<LoadBalancerDescription>, Failure> {
    let pages = aws.elb.describe_load_balancers().into_paginator().items().send();
    classify("DescribeLoadBalancers", pages.collect::<Result<Vec<_>, _>>().await)
}

/// Those that the cluster left.
pub(in crate::aws) async fn left(aws: &Aws, scope: &Scope, all: &[LoadBalancerDescription]) -> Result<Vec<Observed>, Failure> {
    let near: Vec<&LoadBalancerDescription> = all.iter().filter(|one| one.vpc_id().is_some_and(|vpc| scope.vpcs.contains(vpc))).collect();
    let mut tags = tags_of(aws, near.iter().filter_map(|one| one.load_balancer_name()).collect()).await?;
    let left = near.into_iter().filter_map(|one| {
        let name = one.load_balancer_name()?;
        let tags = tags.remove(name)?;
        let maker = maker(aws, scope, &tags)?;
        let spec = json!({ "name": name, "vpc": one.vpc_id(), "subnets": one.subnets(), "security_groups": one.security_groups() });
        Some(found(Kind::ClassicLoadBalancer, name, name, maker, tags, spec))
    });
    Ok(left.collect())
}

async fn these(aws: &Aws, items: &[Item]) -> Result<Vec<Observed>, Failure> {
    let mut seen = Vec::new();
    for item in items {
        let answer = classify("DescribeLoadBalancers", aws.elb.describe_load_balancers().load_balancer_names(&item.id).send().await);
        if or_absent(answer)?.is_some() {
            seen.push(still_there(item));
        } else if has_interfaces(aws, item, &item.id).await? {
            seen.push(Observed { readiness: Readiness::Deleting, ..still_there(item) });
        }
    }
    Ok(seen)
}

/// Tags by name. When a load balancer disappears meanwhile, AWS refuses the whole call: then each one is asked for separately.
async fn tags_of(aws: &Aws, names: Vec<&str>) -> Result<BTreeMap<String, Tags>, Failure> {
    let mut all = BTreeMap::new();
    for some in names.chunks(TAGS_AT_ONCE) {
        if let Some(tags) = or_absent(describe_tags(aws, some).await)? {
            all.extend(tags);
            continue;
        }
        for name in some {
            all.extend(or_absent(describe_tags(aws, &[name]).await)?.unwrap_or_default());
        }
    }
    Ok(all)
}

async fn describe_tags(aws: &Aws, names: &[&str]) -> Result<BTreeMap<String, Tags>, Failure> {
    let call = aws.elb.describe_tags().set_load_balancer_names(Some(names.iter().map(|name| (*name).to_owned()).collect()));
    let answer = classify("DescribeTags", call.send().await)?;
    let described = answer.tag_descriptions().iter().map(|described| {
        let tags = described.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().unwrap_or_default().to_owned()));
        (described.load_balancer_name().unwrap_or_default().to_owned(), tags.collect())
    });
    Ok(described.collect())
}
