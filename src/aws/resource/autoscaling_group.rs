//! Auto Scaling Group of one pool in one zone (POOL-5, POOL-6). Natural key: its name.
//!
//! Desired capacity is set at creation and belongs to the cluster autoscaler from then on.

use super::instance::{self, ALIVE, GROUP_TAG};
use crate::aws::Aws;
use crate::aws::chunks::in_chunks;
use crate::aws::contract::{Deletion, Resource, ToDelete, Typed, still_there};
use crate::aws::errors::{classify, unexpected};
use crate::aws::tags::{self, Tags};
use crate::engine::{Created, DeletionPolicy, Failure, FailureKind, Item, Observed, Query, Readiness, Update};
use crate::resource::{Input, spec};
use aws_sdk_autoscaling::types::{
    AutoScalingGroup as Group, DeletionProtection, Filter, Instance, LaunchTemplateSpecification, LifecycleState,
    ScalingActivityStatusCode, Tag,
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Seconds after its launch from which health checks of an instance count.
const GRACE_SECONDS: i32 = 300;

pub(in crate::aws) struct AutoScalingGroup;

type Spec = spec::AutoScalingGroup;

impl Resource for AutoScalingGroup {
    type Spec = Spec;

    const DELETION: Deletion = Deletion {
        blockers: None,
        protection: Some(|aws, targets| Box::pin(protections(aws, targets))),
        data: None,
        exists_by_name: Some(|aws, id| Box::pin(exists(aws, id))),
        unrecorded: None,
        asks_whether_deleting: false,
    };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let mut call = aws.autoscaling.describe_auto_scaling_groups().max_records(100);
        if query.is_ours() {
            call = call.filters(Filter::builder().name(format!("tag:{}", tags::CLUSTER)).values(&aws.cluster).build());
        } else {
            call = call.set_auto_scaling_group_names(Some(query.items().iter().map(|item| item.id.clone()).collect()));
        }
        let groups = classify("DescribeAutoScalingGroups", call.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await)?;
        let mut seen: Vec<Observed> = groups.iter().filter_map(|group| observed(aws, query, group)).collect();
        if !query.is_ours() {
            explain(aws, &mut seen).await?;
            seen.extend(with_instances(aws, query.items(), &seen).await?);
        }
        Ok(seen)
    }

    async fn create(aws: &Aws, new: &Typed<'_, Spec>, _token: &str) -> Result<Created, Failure> {
        let spec = &new.spec;
        let call = aws.autoscaling.create_auto_scaling_group().auto_scaling_group_name(&spec.name).launch_template(template(spec));
        let call = call.vpc_zone_identifier(spec.subnet.as_str()).min_size(spec.min).max_size(spec.max).desired_capacity(spec.min);
        let call = call.health_check_type("EC2").health_check_grace_period(GRACE_SECONDS);
        classify("CreateAutoScalingGroup", call.set_tags(Some(group_tags(spec, &new.tags))).send().await)?;
        Ok(Created { id: spec.name.clone(), attributes: tags::attributes(&spec.name, &[]) })
    }

    async fn configure(_aws: &Aws, _it: &Typed<'_, Spec>) -> Result<(), Failure> {
        Ok(())
    }

    async fn update(aws: &Aws, it: &Typed<'_, Spec>, update: &Update) -> Result<BTreeMap<String, String>, Failure> {
        let spec = &it.spec;
        // With changed tags, `change_tags` has already set all of them.
        if is_propagation(update) && update.set_tags.is_empty() && update.remove_tags.is_empty() {
            set_tags(aws, spec, &it.tags).await?;
        }
        if update.fields.iter().any(|field| field != "propagated_tags") {
            let call = aws.autoscaling.update_auto_scaling_group().auto_scaling_group_name(&spec.name).launch_template(template(spec));
            let call = call.vpc_zone_identifier(spec.subnet.as_str()).min_size(spec.min).max_size(spec.max);
            classify("UpdateAutoScalingGroup", call.send().await)?;
        }
        Ok(BTreeMap::new())
    }

    async fn change_tags(aws: &Aws, it: &Typed<'_, Spec>, update: &Update) -> Result<(), Failure> {
        change_tags(aws, it, update).await
    }

    /// The size is set to zero first, so that neither the group nor the autoscaler starts instances again; then the deletion is forced,
    /// so that neither lifecycle hooks nor protected instances delay it (docs/aws.md, "Deletion order"). The nodes of a group with
    /// deletion protection keep running.
    async fn delete(aws: &Aws, item: &Item, policy: &DeletionPolicy) -> Result<(), Failure> {
        let protection = levels(aws, vec![item.id.clone()]).await?.remove(&item.id);
        if let Some(level) = protection.as_ref().filter(|_| !policy.lift_protection) {
            return Err(refused(&item.id, level));
        }
        let zero =
            aws.autoscaling.update_auto_scaling_group().auto_scaling_group_name(&item.id).min_size(0).max_size(0).desired_capacity(0);
        let zero = zero.set_deletion_protection(protection.map(|_| DeletionProtection::None));
        match classify("UpdateAutoScalingGroup", zero.send().await) {
            // A group that is being deleted already takes no update; the delete call below returns the actual error.
            Err(failure) if failure.kind == FailureKind::NotFound => return Err(failure),
            Err(failure) if matches!(failure.kind, FailureKind::Credentials | FailureKind::Permission) => return Err(failure),
            _ => {}
        }
        let call = aws.autoscaling.delete_auto_scaling_group().auto_scaling_group_name(&item.id).force_delete(true);
        classify("DeleteAutoScalingGroup", call.send().await).map(drop)
    }
}

fn refused(name: &str, level: &str) -> Failure {
    let message = format!("{name} has deletion protection (`{level}`); turn it off, or run `destroy --lift-protection`");
    unexpected("DeleteAutoScalingGroup", &message)
}

/// Whether there is a group of that name that is not being deleted.
async fn exists(aws: &Aws, name: &str) -> Result<bool, Failure> {
    let call = aws.autoscaling.describe_auto_scaling_groups().auto_scaling_group_names(name);
    let answer = classify("DescribeAutoScalingGroups", call.send().await)?;
    Ok(answer.auto_scaling_groups().iter().any(|group| readiness(group) != Readiness::Deleting))
}

/// Levels of deletion protection of the groups that have one, by name.
async fn levels(aws: &Aws, names: Vec<String>) -> Result<BTreeMap<String, String>, Failure> {
    let groups = in_chunks(&names, |some| named(aws, some)).await?;
    let level = |group: &Group| {
        let level = group.deletion_protection().filter(|level| **level != DeletionProtection::None)?;
        Some((group.auto_scaling_group_name()?.to_owned(), level.as_str().to_owned()))
    };
    Ok(groups.iter().filter_map(level).collect())
}

async fn named(aws: &Aws, names: Vec<String>) -> Result<Vec<Group>, Failure> {
    let call = aws.autoscaling.describe_auto_scaling_groups().max_records(100).set_auto_scaling_group_names(Some(names));
    classify("DescribeAutoScalingGroups", call.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await)
}

/// Groups that are gone while their instances are not, because a forced delete does not wait for them. The instances still hold their own
/// interfaces and those of the CNI.
async fn with_instances(aws: &Aws, items: &[Item], seen: &[Observed]) -> Result<Vec<Observed>, Failure> {
    let gone: Vec<&Item> = items.iter().filter(|item| seen.iter().all(|seen| seen.address != item.address)).collect();
    if gone.is_empty() {
        return Ok(Vec::new());
    }
    let filters = vec![
        tags::filter(&format!("tag:{GROUP_TAG}"), gone.iter().map(|item| item.id.clone())),
        tags::filter("instance-state-name", ALIVE.map(str::to_owned)),
    ];
    let instances = instance::describe(aws, filters).await?;
    let groups: BTreeSet<String> = instances.iter().filter_map(|instance| instance::tags_of(instance).remove(GROUP_TAG)).collect();
    let alive = gone.into_iter().filter(|item| groups.contains(&item.id));
    Ok(alive.map(|item| Observed { readiness: Readiness::Deleting, ..still_there(item) }).collect())
}

fn template(spec: &Spec) -> LaunchTemplateSpecification {
    LaunchTemplateSpecification::builder().launch_template_id(spec.launch_template.as_str()).version(spec.version.as_str()).build()
}

fn group_tags(spec: &Spec, tags: &Tags) -> Vec<Tag> {
    let tag = |(key, value): (&String, &String)| {
        let builder = Tag::builder().resource_type("auto-scaling-group").resource_id(&spec.name).key(key).value(value);
        builder.propagate_at_launch(spec.propagated_tags.contains(key)).build()
    };
    tags.iter().map(tag).collect()
}

fn is_propagation(update: &Update) -> bool {
    update.fields.iter().any(|field| field == "propagated_tags")
}

async fn set_tags(aws: &Aws, spec: &Spec, tags: &Tags) -> Result<(), Failure> {
    if tags.is_empty() {
        return Ok(());
    }
    classify("CreateOrUpdateTags", aws.autoscaling.create_or_update_tags().set_tags(Some(group_tags(spec, tags))).send().await).map(drop)
}

/// Sets the changed tags, and all of them when their propagation changed.
async fn change_tags(aws: &Aws, it: &Typed<'_, Spec>, update: &Update) -> Result<(), Failure> {
    let set = if is_propagation(update) { &it.tags } else { &update.set_tags };
    set_tags(aws, &it.spec, set).await?;
    if !update.remove_tags.is_empty() {
        let gone =
            update.remove_tags.iter().map(|key| Tag::builder().resource_type("auto-scaling-group").resource_id(&it.id).key(key).build());
        classify("DeleteTags", aws.autoscaling.delete_tags().set_tags(Some(gone.collect())).send().await)?;
    }
    Ok(())
}

fn observed(aws: &Aws, query: &Query, group: &Group) -> Option<Observed> {
    let name = group.auto_scaling_group_name().unwrap_or_default();
    let template = group.launch_template();
    let found: Tags =
        group.tags().iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()))).collect();
    let propagated =
        group.tags().iter().filter(|tag| tag.propagate_at_launch() == Some(true)).filter_map(|tag| tag.key().map(str::to_owned));
    // Tags that others put on the group are left alone, also how they propagate.
    let recorded = query.items().iter().find(|item| item.id == name);
    let propagated = propagated.filter(|key| recorded.is_none_or(|item| item.tags.contains_key(key)));
    let spec = Spec {
        name: name.to_owned(),
        zone: group.availability_zones().first().cloned().unwrap_or_default(),
        launch_template: Input::from(template.and_then(|template| template.launch_template_id()).unwrap_or_default()),
        version: Input::from(template.and_then(|template| template.version()).unwrap_or_default()),
        subnet: Input::from(group.vpc_zone_identifier().unwrap_or_default()),
        min: group.min_size().unwrap_or(0),
        max: group.max_size().unwrap_or(0),
        propagated_tags: propagated.collect(),
    };
    tags::observed(aws, name, found, json!(spec), &[], readiness(group))
}

fn readiness(group: &Group) -> Readiness {
    if group.status().is_some_and(|status| status.contains("elet")) {
        return Readiness::Deleting;
    }
    let wanted = i64::from(group.min_size().unwrap_or(0));
    let in_service = |instance: &&Instance| instance.lifecycle_state() == Some(&LifecycleState::InService);
    let serving: i64 = group.instances().iter().filter(in_service).map(|_| 1).sum();
    if serving >= wanted { Readiness::Ready } else { Readiness::NotYet(format!("{serving} of {wanted} nodes in service")) }
}

/// Quota and capacity errors appear only in the scaling activities, which are read with one call for all waiting groups.
async fn explain(aws: &Aws, seen: &mut [Observed]) -> Result<(), Failure> {
    if !seen.iter().any(|observed| matches!(observed.readiness, Readiness::NotYet(_))) {
        return Ok(());
    }
    let answer = classify("DescribeScalingActivities", aws.autoscaling.describe_scaling_activities().max_records(100).send().await)?;
    for observed in seen {
        let Readiness::NotYet(why) = &mut observed.readiness else { continue };
        let newest = answer.activities().iter().find(|activity| activity.auto_scaling_group_name() == Some(&observed.id));
        let trouble = newest.filter(|activity| {
            matches!(activity.status_code(), Some(ScalingActivityStatusCode::Failed | ScalingActivityStatusCode::Cancelled))
        });
        if let Some(message) = trouble.and_then(|activity| activity.status_message()) {
            *why = format!("{why}; last attempt: {message}");
        }
    }
    Ok(())
}

/// Levels of protection, in words.
async fn protections(aws: &Aws, targets: &ToDelete) -> Result<BTreeMap<String, String>, Failure> {
    let levels = levels(aws, targets.ids()).await?;
    Ok(levels.into_iter().map(|(name, level)| (name, format!("EC2 Auto Scaling's deletion protection (`{level}`)"))).collect())
}
