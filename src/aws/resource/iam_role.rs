//! IAM role with its trust and attached policies. Natural key: its name.

use super::iam_policy::{candidate_of, document, iam_tags, of_iam, path};
use crate::aws::Aws;
use crate::aws::blockers::{blocker, by_id};
use crate::aws::contract::{Deletion, Resource, Typed, Unrecorded, json};
use crate::aws::errors::{classify, or_absent, unexpected};
use crate::aws::tags;
use crate::engine::{Blocker, Created, DeletionPolicy, Failure, Item, Observed, Query, Readiness, Scope, Update};
use crate::resource::{Input, spec};
use aws_sdk_iam::types::Role;
use serde_json::Value;
use std::collections::BTreeMap;

pub(in crate::aws) struct IamRole;

impl Resource for IamRole {
    type Spec = spec::IamRole;

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
        let pages = aws.iam.list_roles().path_prefix(path(aws)).into_paginator().items().send();
        let roles = classify("ListRoles", pages.collect::<Result<Vec<_>, _>>().await)?;
        let mut seen = Vec::new();
        for item in query.items() {
            let name = item.spec.get("name").and_then(Value::as_str);
            if let Some(role) = roles.iter().find(|role| Some(role.role_name()) == name) {
                // Lists may still show what was deleted.
                seen.extend(or_absent(observed(aws, item, role).await)?.flatten());
            }
        }
        Ok(seen)
    }

    async fn create(aws: &Aws, new: &Typed<'_, spec::IamRole>, _token: &str) -> Result<Created, Failure> {
        let call = aws.iam.create_role().role_name(&new.spec.name).path(&new.spec.path).description(&new.spec.description);
        let call = call.assume_role_policy_document(new.spec.trust.to_string()).set_tags(Some(iam_tags(&new.tags)));
        let answer = classify("CreateRole", call.send().await)?;
        let role = answer.role().ok_or_else(|| unexpected("CreateRole", "the answer names no role"))?;
        Ok(Created { id: role.role_name().to_owned(), attributes: attributes(role) })
    }

    /// Attaching a policy twice has the same effect as once.
    async fn configure(aws: &Aws, it: &Typed<'_, spec::IamRole>) -> Result<(), Failure> {
        for policy in &it.spec.policies {
            classify("AttachRolePolicy", aws.iam.attach_role_policy().role_name(&it.id).policy_arn(policy.as_str()).send().await)?;
        }
        Ok(())
    }

    async fn update(aws: &Aws, it: &Typed<'_, spec::IamRole>, update: &Update) -> Result<BTreeMap<String, String>, Failure> {
        if update.fields.iter().any(|field| field == "trust") {
            let call = aws.iam.update_assume_role_policy().role_name(&it.id).policy_document(it.spec.trust.to_string());
            classify("UpdateAssumeRolePolicy", call.send().await)?;
        }
        if update.fields.iter().any(|field| field == "policies") {
            Self::configure(aws, it).await?;
            for arn in attached(aws, &it.id).await? {
                if it.spec.policies.iter().all(|wanted| wanted.as_str() != arn) {
                    detach(aws, &it.id, &arn).await?;
                }
            }
        }
        Ok(BTreeMap::new())
    }

    async fn change_tags(aws: &Aws, _it: &Typed<'_, spec::IamRole>, update: &Update) -> Result<(), Failure> {
        change_tags(aws, update).await
    }

    /// A role of the same name under another path is not ours.
    async fn delete(aws: &Aws, item: &Item, _policy: &DeletionPolicy) -> Result<(), Failure> {
        let answer = classify("GetRole", aws.iam.get_role().role_name(&item.id).send().await)?;
        if answer.role().is_some_and(|role| role.path() != path(aws)) {
            return Ok(());
        }
        for arn in attached(aws, &item.id).await? {
            detach(aws, &item.id, &arn).await?;
        }
        let pages = aws.iam.list_role_policies().role_name(&item.id).into_paginator().items().send();
        for name in classify("ListRolePolicies", pages.collect::<Result<Vec<_>, _>>().await)? {
            let call = aws.iam.delete_role_policy().role_name(&item.id).policy_name(name);
            or_absent(classify("DeleteRolePolicy", call.send().await))?;
        }
        classify("DeleteRole", aws.iam.delete_role().role_name(&item.id).send().await).map(drop)
    }
}

fn attributes(role: &Role) -> BTreeMap<String, String> {
    tags::attributes(role.role_name(), &[("arn", role.arn()), ("name", role.role_name()), ("unique_id", role.role_id())])
}

async fn observed(aws: &Aws, item: &Item, role: &Role) -> Result<Option<Observed>, Failure> {
    let name = role.role_name();
    let spec = spec::IamRole {
        name: name.to_owned(),
        path: role.path().to_owned(),
        description: role.description().unwrap_or_default().to_owned(),
        trust: document(role.assume_role_policy_document()),
        policies: attached(aws, name).await?.into_iter().map(Input::from).collect(),
    };
    let observed = if item.id.is_empty() {
        let pages = aws.iam.list_role_tags().role_name(name).into_paginator().items().send();
        let found = classify("ListRoleTags", pages.collect::<Result<Vec<_>, _>>().await)?;
        tags::observed(aws, name, of_iam(found), json(&spec), &[], Readiness::Ready)
    } else {
        Some(tags::observed_item(item, name, json(&spec), &[], Readiness::Ready))
    };
    Ok(observed.map(|observed| Observed { attributes: attributes(role), ..observed }))
}

async fn attached(aws: &Aws, role: &str) -> Result<Vec<String>, Failure> {
    let pages = aws.iam.list_attached_role_policies().role_name(role).into_paginator().items().send();
    let found = classify("ListAttachedRolePolicies", pages.collect::<Result<Vec<_>, _>>().await)?;
    Ok(found.into_iter().filter_map(|policy| policy.policy_arn).collect())
}

async fn detach(aws: &Aws, role: &str, arn: &str) -> Result<(), Failure> {
    or_absent(classify("DetachRolePolicy", aws.iam.detach_role_policy().role_name(role).policy_arn(arn).send().await)).map(drop)
}

/// Everything of the kind under our path.
async fn unrecorded(aws: &Aws) -> Result<Vec<Item>, Failure> {
    let pages = aws.iam.list_roles().path_prefix(path(aws)).into_paginator().items().send();
    let mut items = Vec::new();
    for role in classify("ListRoles", pages.collect::<Result<Vec<_>, _>>().await)? {
        let answer = or_absent(classify("ListRoleTags", aws.iam.list_role_tags().role_name(role.role_name()).send().await))?;
        items.extend(answer.and_then(|answer| candidate_of(aws, role.role_name(), answer.tags())));
    }
    Ok(items)
}

async fn change_tags(aws: &Aws, update: &Update) -> Result<(), Failure> {
    let role = &update.item.id;
    if !update.set_tags.is_empty() {
        classify("TagRole", aws.iam.tag_role().role_name(role).set_tags(Some(iam_tags(&update.set_tags))).send().await)?;
    }
    if !update.remove_tags.is_empty() {
        classify("UntagRole", aws.iam.untag_role().role_name(role).set_tag_keys(Some(update.remove_tags.clone())).send().await)?;
    }
    Ok(())
}

/// Instance profiles that contain it.
async fn blockers(aws: &Aws, item: &Item, scope: &Scope) -> Result<Vec<Blocker>, Failure> {
    let pages = aws.iam.list_instance_profiles_for_role().role_name(&item.id).into_paginator().items().send();
    let profiles = or_absent(classify("ListInstanceProfilesForRole", pages.collect::<Result<Vec<_>, _>>().await))?.unwrap_or_default();
    let named = |profile: &aws_sdk_iam::types::InstanceProfile| {
        let name = profile.instance_profile_name();
        blocker(format!("instance profile {name}"), "it holds the role".to_owned(), by_id(scope, name))
    };
    Ok(profiles.iter().map(named).collect())
}
