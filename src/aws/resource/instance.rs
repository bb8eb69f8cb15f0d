//! Instances of the cluster outside of its Auto Scaling Groups: started by Karpenter, or detached from a group by a user.

use super::leftover::{found, is_owned};
use crate::aws::Aws;
use crate::aws::chunks::PAGE;
use crate::aws::contract::{Deletion, Leftover, ToDelete};
use crate::aws::deletion_protection;
use crate::aws::errors::{classify, or_absent};
use crate::aws::tags::{self, Tags, filter};
use crate::engine::{DeletionPolicy, Failure, Item, Observed, Query, Readiness, Scope};
use crate::resource::{Kind, spec};
use aws_sdk_ec2::types::{self, AttributeBooleanValue, InstanceAttributeName, InstanceStateName};
use serde_json::json;
use std::collections::BTreeMap;

/// Tag that Auto Scaling sets on its instances.
pub(in crate::aws) const GROUP_TAG: &str = "aws:autoscaling:groupName";
/// Tag that Karpenter sets on its instances.
const KARPENTER_TAG: &str = "karpenter.sh/nodepool";
/// States in which an instance still holds its interfaces.
pub(in crate::aws) const ALIVE: [&str; 5] = ["pending", "running", "stopping", "stopped", "shutting-down"];

pub(in crate::aws) struct Instance;

impl Leftover for Instance {
    type Spec = spec::Instance;

    const DELETION: Deletion = Deletion {
        blockers: None,
        protection: Some(|aws, targets| Box::pin(protections(aws, targets))),
        data: None,
        exists_by_name: None,
        unrecorded: None,
        asks_whether_deleting: false,
    };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let which = match query {
            Query::Leftovers(scope) if scope.vpcs.is_empty() => return Ok(Vec::new()),
            Query::Leftovers(scope) => filter("vpc-id", scope.vpcs.iter().cloned()),
            other => filter("instance-id", other.items().iter().map(|item| item.id.clone())),
        };
        let found = describe(aws, vec![which, filter("instance-state-name", ALIVE.map(str::to_owned))]).await?;
        let wanted = |instance: &&types::Instance| match query {
            Query::Leftovers(scope) => is_left(aws, scope, instance),
            _ => true,
        };
        Ok(found.iter().filter(wanted).map(observed).collect())
    }

    async fn delete(aws: &Aws, item: &Item, policy: &DeletionPolicy) -> Result<(), Failure> {
        let delete =
            || async { classify("TerminateInstances", aws.ec2.terminate_instances().instance_ids(&item.id).send().await).map(drop) };
        let is_protected = |failure: &Failure| failure.code.as_deref() == Some("OperationNotPermitted");
        deletion_protection::delete(policy.lift_protection, delete, is_protected, || lift_protection(aws, &item.id)).await
    }
}

/// Protections of the instances that have some, in words, by id. Stop protection prevents termination, too.
async fn protections(aws: &Aws, targets: &ToDelete) -> Result<BTreeMap<String, String>, Failure> {
    let mut protected = BTreeMap::new();
    for id in targets.ids() {
        let (ending, stopping) = tokio::try_join!(
            is_on(aws, &id, InstanceAttributeName::DisableApiTermination),
            is_on(aws, &id, InstanceAttributeName::DisableApiStop)
        )?;
        let words = match (ending, stopping) {
            (false, false) => continue,
            (true, false) => "its termination protection",
            (false, true) => "its stop protection",
            (true, true) => "its termination protection and its stop protection",
        };
        protected.insert(id, words.to_owned());
    }
    Ok(protected)
}

/// Whether the protection is on; an instance that is gone has none.
async fn is_on(aws: &Aws, id: &str, attribute: InstanceAttributeName) -> Result<bool, Failure> {
    let call = aws.ec2.describe_instance_attribute().instance_id(id).attribute(attribute);
    let Some(answer) = or_absent(classify("DescribeInstanceAttribute", call.send().await))? else { return Ok(false) };
    let switch = answer.disable_api_termination().or(answer.disable_api_stop());
    Ok(switch.and_then(AttributeBooleanValue::value) == Some(true))
}

/// EC2 changes one attribute at a time, and neither of a Spot instance: only what is on is turned off.
async fn lift_protection(aws: &Aws, id: &str) -> Result<(), Failure> {
    let off = || AttributeBooleanValue::builder().value(false).build();
    let call = || aws.ec2.modify_instance_attribute().instance_id(id);
    if is_on(aws, id, InstanceAttributeName::DisableApiTermination).await? {
        classify("ModifyInstanceAttribute", call().disable_api_termination(off()).send().await)?;
    }
    if is_on(aws, id, InstanceAttributeName::DisableApiStop).await? {
        classify("ModifyInstanceAttribute", call().disable_api_stop(off()).send().await)?;
    }
    Ok(())
}

/// Instances that fit the filters.
pub(in crate::aws) async fn describe(aws: &Aws, filters: Vec<types::Filter>) -> Result<Vec<types::Instance>, Failure> {
    let pages = aws.ec2.describe_instances().set_filters(Some(filters)).max_results(PAGE).into_paginator().items().send();
    let reservations = classify("DescribeInstances", pages.collect::<Result<Vec<_>, _>>().await)?;
    Ok(reservations.into_iter().flat_map(|reservation| reservation.instances.unwrap_or_default()).collect())
}

/// Whether the cluster left it: a node by its tags that belongs to no Auto Scaling Group, which would start another one.
pub(in crate::aws) fn is_left(aws: &Aws, scope: &Scope, instance: &types::Instance) -> bool {
    let tags = tags_of(instance);
    let is_near = instance.vpc_id().is_some_and(|vpc| scope.vpcs.contains(vpc));
    let is_node = is_owned(aws, scope, &tags) && tags.contains_key(KARPENTER_TAG) || tags.get(tags::CLUSTER) == Some(&aws.cluster);
    is_near && is_node && !tags.contains_key(GROUP_TAG)
}

/// Tags of an instance.
pub(in crate::aws) fn tags_of(instance: &types::Instance) -> Tags {
    tags::of_ec2(instance.tags())
}

/// An instance as something to delete.
pub(in crate::aws) fn observed(instance: &types::Instance) -> Observed {
    let id = instance.instance_id().unwrap_or_default();
    let tags = tags_of(instance);
    let maker = if tags.contains_key(KARPENTER_TAG) { "Karpenter" } else { "a user who detached it from its group" };
    let groups: Vec<&str> = instance.security_groups().iter().filter_map(|group| group.group_id()).collect();
    let spec = json!({ "vpc": instance.vpc_id(), "subnet": instance.subnet_id(), "security_groups": groups });
    let state = instance.state().and_then(|state| state.name());
    let readiness = if state == Some(&InstanceStateName::ShuttingDown) { Readiness::Deleting } else { Readiness::Ready };
    Observed { readiness, ..found(Kind::Instance, id, id, maker, tags, spec) }
}
