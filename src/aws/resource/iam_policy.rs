//! Customer-managed IAM policy (IAM-1, IAM-2). Natural key: its name. Its id is its ARN.

use crate::aws::Aws;
use crate::aws::blockers::{blocker, by_id};
use crate::aws::contract::{Deletion, Resource, Typed, Unrecorded, candidate};
use crate::aws::errors::{classify, or_absent, unexpected};
use crate::aws::tags::{self, Tags};
use crate::engine::{Blocker, Created, DeletionPolicy, Failure, Item, Observed, Query, Readiness, Scope, Update};
use crate::resource::spec;
use aws_sdk_iam::types::{Policy, PolicyScopeType, PolicyVersion, Tag};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// IAM keeps five versions of a policy.
const MOST_VERSIONS: usize = 5;

pub(in crate::aws) struct IamPolicy;

impl Resource for IamPolicy {
    type Spec = spec::IamPolicy;

    const DELETION: Deletion = Deletion {
        blockers: Some(|aws, item, scope| Box::pin(blockers(aws, item, scope))),
        protection: None,
        data: None,
        exists_by_name: None,
        unrecorded: Some(Unrecorded { key: &["name"], tagged: None, list: Some(|aws| Box::pin(unrecorded(aws))) }),
        asks_whether_deleting: false,
    };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        if query.items().is_empty() {
            return Ok(Vec::new());
        }
        let pages = aws.iam.list_policies().scope(PolicyScopeType::Local).path_prefix(path(aws)).into_paginator().items().send();
        let policies = classify("ListPolicies", pages.collect::<Result<Vec<_>, _>>().await)?;
        let mut seen = Vec::new();
        for item in query.items() {
            let name = item.spec.get("name").and_then(Value::as_str);
            if let Some(policy) = policies.iter().find(|policy| policy.policy_name() == name) {
                // Lists may still show what was deleted.
                seen.extend(or_absent(observed(aws, item, policy).await)?.flatten());
            }
        }
        Ok(seen)
    }

    async fn create(aws: &Aws, new: &Typed<'_, spec::IamPolicy>, _token: &str) -> Result<Created, Failure> {
        let call = aws.iam.create_policy().policy_name(&new.spec.name).path(&new.spec.path).description(&new.spec.description);
        let call = call.policy_document(new.spec.document.to_string()).set_tags(Some(iam_tags(&new.tags)));
        let answer = classify("CreatePolicy", call.send().await)?;
        let arn = answer.policy().and_then(Policy::arn).ok_or_else(|| unexpected("CreatePolicy", "the answer names no policy"))?;
        let attributes = tags::attributes(arn, &[("arn", arn), ("version_id", "v1")]);
        Ok(Created { id: arn.to_owned(), attributes })
    }

    async fn configure(_aws: &Aws, _it: &Typed<'_, spec::IamPolicy>) -> Result<(), Failure> {
        Ok(())
    }

    /// Creates a new default version, and deletes the oldest one when there is no room.
    async fn update(aws: &Aws, it: &Typed<'_, spec::IamPolicy>, _update: &Update) -> Result<BTreeMap<String, String>, Failure> {
        let versions = versions(aws, &it.id).await?;
        if versions.len() >= MOST_VERSIONS {
            let oldest =
                versions.iter().filter(|version| !version.is_default_version()).min_by_key(|version| version.create_date().copied());
            if let Some(oldest) = oldest.and_then(PolicyVersion::version_id) {
                delete_version(aws, &it.id, oldest).await?;
            }
        }
        let call = aws.iam.create_policy_version().policy_arn(&it.id).policy_document(it.spec.document.to_string()).set_as_default(true);
        let answer = classify("CreatePolicyVersion", call.send().await)?;
        let version = answer.policy_version().and_then(PolicyVersion::version_id).unwrap_or_default();
        Ok(BTreeMap::from([("version_id".to_owned(), version.to_owned())]))
    }

    async fn change_tags(aws: &Aws, _it: &Typed<'_, spec::IamPolicy>, update: &Update) -> Result<(), Failure> {
        change_tags(aws, update).await
    }

    async fn delete(aws: &Aws, item: &Item, _policy: &DeletionPolicy) -> Result<(), Failure> {
        for version in versions(aws, &item.id).await?.iter().filter(|version| !version.is_default_version()) {
            delete_version(aws, &item.id, version.version_id().unwrap_or_default()).await?;
        }
        classify("DeletePolicy", aws.iam.delete_policy().policy_arn(&item.id).send().await).map(drop)
    }
}

/// IAM path of everything that belongs to the cluster: one prefix lists it all.
pub(super) fn path(aws: &Aws) -> String {
    format!("/domino-eks/{}/", aws.cluster)
}

pub(super) fn iam_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter().filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok()).collect()
}

pub(super) fn of_iam(tags: Vec<Tag>) -> Tags {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

/// IAM is the same in all regions: a cluster of the same name in another region has the same path and tags, but other names.
pub(super) fn candidate_of<'a>(aws: &Aws, name: &str, found: impl IntoIterator<Item = &'a Tag>) -> Option<Item> {
    if !name.starts_with(&format!("{}-{}-", aws.cluster, aws.connection.region)) {
        return None;
    }
    let tags: Tags = found.into_iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect();
    Some(candidate(tags::address(aws, &tags)?, json!({ "name": name }), tags))
}

/// A document as IAM returns it: JSON, percent-encoded.
pub(super) fn document(encoded: Option<&str>) -> Value {
    let text = percent_encoding::percent_decode_str(encoded.unwrap_or_default()).decode_utf8_lossy();
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

async fn observed(aws: &Aws, item: &Item, policy: &Policy) -> Result<Option<Observed>, Failure> {
    let arn = policy.arn().unwrap_or_default();
    let version = policy.default_version_id().unwrap_or_default();
    let attributes = [("arn", arn), ("version_id", version)];
    // A version never changes, so the document is read only when another version became the default.
    let known = item.attributes.get("version_id").is_some_and(|recorded| recorded == version);
    let spec = if known {
        json!({})
    } else {
        let answer = classify("GetPolicyVersion", aws.iam.get_policy_version().policy_arn(arn).version_id(version).send().await)?;
        json!({ "document": document(answer.policy_version().and_then(PolicyVersion::document)) })
    };
    if !item.id.is_empty() {
        return Ok(Some(tags::observed_item(item, arn, spec, &attributes, Readiness::Ready)));
    }
    let pages = aws.iam.list_policy_tags().policy_arn(arn).into_paginator().items().send();
    let found = classify("ListPolicyTags", pages.collect::<Result<Vec<_>, _>>().await)?;
    Ok(tags::observed(aws, arn, of_iam(found), spec, &attributes, Readiness::Ready))
}

async fn versions(aws: &Aws, arn: &str) -> Result<Vec<PolicyVersion>, Failure> {
    let pages = aws.iam.list_policy_versions().policy_arn(arn).into_paginator().items().send();
    classify("ListPolicyVersions", pages.collect::<Result<Vec<_>, _>>().await)
}

async fn delete_version(aws: &Aws, arn: &str, version: &str) -> Result<(), Failure> {
    let call = aws.iam.delete_policy_version().policy_arn(arn).version_id(version);
    or_absent(classify("DeletePolicyVersion", call.send().await)).map(drop)
}

/// Everything of the kind under our path.
async fn unrecorded(aws: &Aws) -> Result<Vec<Item>, Failure> {
    let call = aws.iam.list_policies().scope(PolicyScopeType::Local).path_prefix(path(aws));
    let mut items = Vec::new();
    for policy in classify("ListPolicies", call.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await)? {
        let (arn, name) = (policy.arn().unwrap_or_default(), policy.policy_name().unwrap_or_default());
        let answer = or_absent(classify("ListPolicyTags", aws.iam.list_policy_tags().policy_arn(arn).send().await))?;
        items.extend(answer.and_then(|answer| candidate_of(aws, name, answer.tags())));
    }
    Ok(items)
}

async fn change_tags(aws: &Aws, update: &Update) -> Result<(), Failure> {
    let arn = &update.item.id;
    if !update.set_tags.is_empty() {
        classify("TagPolicy", aws.iam.tag_policy().policy_arn(arn).set_tags(Some(iam_tags(&update.set_tags))).send().await)?;
    }
    if !update.remove_tags.is_empty() {
        classify("UntagPolicy", aws.iam.untag_policy().policy_arn(arn).set_tag_keys(Some(update.remove_tags.clone())).send().await)?;
    }
    Ok(())
}

/// What the policy is attached to.
async fn blockers(aws: &Aws, item: &Item, scope: &Scope) -> Result<Vec<Blocker>, Failure> {
    let Some(answer) = or_absent(classify("ListEntitiesForPolicy", aws.iam.list_entities_for_policy().policy_arn(&item.id).send().await))?
    else {
        return Ok(Vec::new());
    };
    let named = |what: &str, name: Option<&str>| {
        let name = name.unwrap_or_default();
        blocker(format!("{what} {name}"), "the policy is attached to it".to_owned(), by_id(scope, name))
    };
    let roles = answer.policy_roles().iter().map(|role| named("role", role.role_name()));
    let users = answer.policy_users().iter().map(|user| named("user", user.user_name()));
    let groups = answer.policy_groups().iter().map(|group| named("user group", group.group_name()));
    Ok(roles.chain(users).chain(groups).collect())
}
