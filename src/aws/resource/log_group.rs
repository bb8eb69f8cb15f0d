//! CloudWatch log group of the control plane. Natural key: its name. Created before the cluster, because otherwise EKS creates it without
//! our retention.

use crate::aws::Aws;
use crate::aws::contract::{Deletion, Resource, Tagged, ToDelete, Typed, Unrecorded, candidate, known_name};
use crate::aws::deletion_protection;
use crate::aws::errors::{classify, or_absent};
use crate::aws::tags;
use crate::engine::{Created, DeletionPolicy, Failure, INTENT_ATTRIBUTE, Item, Observed, Query, Readiness, Update};
use crate::resource::{Address, Kind, spec};
use aws_sdk_cloudwatchlogs::types;
use serde_json::json;
use std::collections::BTreeMap;

pub(in crate::aws) struct LogGroup;

impl Resource for LogGroup {
    type Spec = spec::LogGroup;

    const DELETION: Deletion = Deletion {
        blockers: None,
        protection: Some(|aws, targets| Box::pin(protections(aws, targets))),
        data: None,
        exists_by_name: None,
        unrecorded: Some(Unrecorded {
            key: &["name"],
            tagged: Some(Tagged {
                resource_type: "logs:log-group",
                spec: |name| Some(json!({ "name": name.strip_prefix("log-group:")?.trim_end_matches(":*") })),
            }),
            list: Some(|aws| Box::pin(unrecorded(aws))),
        }),
        asks_whether_deleting: false,
    };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let mut seen = Vec::new();
        for item in query.items() {
            let Some(name) = known_name(item, "name") else { continue };
            let groups = describe(aws, name).await?;
            let Some(group) = groups.iter().find(|group| group.log_group_name() == Some(name)) else { continue };
            let arn = arn(aws, name);
            let spec = json!({ "name": name, "retention_days": group.retention_in_days() });
            if item.id.is_empty() {
                let answer = or_absent(classify("ListTagsForResource", aws.logs.list_tags_for_resource().resource_arn(&arn).send().await))?;
                let mut found: tags::Tags = answer.and_then(|answer| answer.tags).unwrap_or_default().into_iter().collect();
                if found.is_empty() && item.attributes.contains_key(INTENT_ATTRIBUTE) {
                    // EKS re-created it after an earlier cluster of this name was deleted; only EKS uses this name.
                    found.clone_from(&item.tags);
                }
                seen.extend(tags::observed(aws, name, found, spec, &[("arn", &arn)], Readiness::Ready));
            } else {
                seen.push(tags::observed_item(item, name, spec, &[("arn", &arn)], Readiness::Ready));
            }
        }
        Ok(seen)
    }

    async fn create(aws: &Aws, new: &Typed<'_, spec::LogGroup>, _token: &str) -> Result<Created, Failure> {
        let name = &new.spec.name;
        classify(
            "CreateLogGroup",
            aws.logs.create_log_group().log_group_name(name).set_tags(Some(tags::hash_map(&new.tags))).send().await,
        )?;
        Ok(Created { id: name.clone(), attributes: tags::attributes(name, &[("arn", &arn(aws, name))]) })
    }

    async fn configure(aws: &Aws, it: &Typed<'_, spec::LogGroup>) -> Result<(), Failure> {
        let arn = arn(aws, &it.id);
        classify("TagResource", aws.logs.tag_resource().resource_arn(arn).set_tags(Some(tags::hash_map(&it.tags))).send().await)?;
        let call = aws.logs.put_retention_policy().log_group_name(&it.id).retention_in_days(it.spec.retention_days);
        classify("PutRetentionPolicy", call.send().await).map(drop)
    }

    async fn update(aws: &Aws, it: &Typed<'_, spec::LogGroup>, _update: &Update) -> Result<BTreeMap<String, String>, Failure> {
        Self::configure(aws, it).await?;
        Ok(BTreeMap::new())
    }

    async fn change_tags(aws: &Aws, _it: &Typed<'_, spec::LogGroup>, update: &Update) -> Result<(), Failure> {
        tags::change_logs(aws, update).await
    }

    async fn delete(aws: &Aws, item: &Item, policy: &DeletionPolicy) -> Result<(), Failure> {
        delete(aws, &item.id, policy).await
    }
}

/// Log groups whose names begin with the prefix.
pub(in crate::aws) async fn describe(aws: &Aws, prefix: &str) -> Result<Vec<types::LogGroup>, Failure> {
    let pages = aws.logs.describe_log_groups().log_group_name_prefix(prefix).into_paginator().items().send();
    classify("DescribeLogGroups", pages.collect::<Result<Vec<_>, _>>().await)
}

/// Deletion protection of log groups of any kind.
pub(super) async fn protections(aws: &Aws, targets: &ToDelete) -> Result<BTreeMap<String, String>, Failure> {
    let mut protected = BTreeMap::new();
    for name in targets.ids() {
        let is_on = |group: &types::LogGroup| group.log_group_name() == Some(&name) && group.deletion_protection_enabled() == Some(true);
        if describe(aws, &name).await?.iter().any(is_on) {
            protected.insert(name, "its deletion protection".to_owned());
        }
    }
    Ok(protected)
}

/// Deletes a log group of any kind.
pub(super) async fn delete(aws: &Aws, name: &str, policy: &DeletionPolicy) -> Result<(), Failure> {
    let delete = || async { classify("DeleteLogGroup", aws.logs.delete_log_group().log_group_name(name).send().await).map(drop) };
    // The code is that of any invalid request, so the message decides.
    let is_protected = |failure: &Failure| failure.message.contains("deletion protection");
    deletion_protection::delete(policy.lift_protection, delete, is_protected, || lift_protection(aws, name)).await
}

async fn lift_protection(aws: &Aws, name: &str) -> Result<(), Failure> {
    let call = aws.logs.put_log_group_deletion_protection().log_group_identifier(arn(aws, name)).deletion_protection_enabled(false);
    classify("PutLogGroupDeletionProtection", call.send().await).map(drop)
}

/// The ARN that the calls on tags and protection take: without the `:*` of policies.
fn arn(aws: &Aws, name: &str) -> String {
    tags::arn(aws, "logs", &format!("log-group:{name}"))
}

/// EKS determines this name; its tags say whether it is ours.
async fn unrecorded(aws: &Aws) -> Result<Vec<Item>, Failure> {
    let spec = json!({ "name": format!("/aws/eks/{}/cluster", aws.cluster) });
    Ok(vec![candidate(Address::new(Kind::LogGroup, "control-plane"), spec, tags::Tags::new())])
}
