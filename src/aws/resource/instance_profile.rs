//! Instance profile and the one role in it. Natural key: its name.

use super::iam_policy::{candidate_of, iam_tags, of_iam, path};
use crate::aws::Aws;
use crate::aws::contract::{Deletion, Resource, Typed, Unrecorded, json};
use crate::aws::errors::{classify, or_absent, unexpected};
use crate::aws::tags;
use crate::engine::{Created, DeletionPolicy, Failure, Item, Observed, Query, Readiness, Update};
use crate::resource::{Input, spec};
use aws_sdk_iam::types::InstanceProfile as Profile;
use serde_json::Value;
use std::collections::BTreeMap;

pub(in crate::aws) struct InstanceProfile;

impl Resource for InstanceProfile {
    type Spec = spec::InstanceProfile;

    const DELETION: Deletion = Deletion {
        blockers: None,
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
        let pages = aws.iam.list_instance_profiles().path_prefix(path(aws)).into_paginator().items().send();
        let profiles = classify("ListInstanceProfiles", pages.collect::<Result<Vec<_>, _>>().await)?;
        let mut seen = Vec::new();
        for item in query.items() {
            let name = item.spec.get("name").and_then(Value::as_str);
            if let Some(profile) = profiles.iter().find(|profile| Some(profile.instance_profile_name()) == name) {
                // Lists may still show what was deleted.
                seen.extend(or_absent(observed(aws, item, profile).await)?.flatten());
            }
        }
        Ok(seen)
    }

    async fn create(aws: &Aws, new: &Typed<'_, spec::InstanceProfile>, _token: &str) -> Result<Created, Failure> {
        let call = aws.iam.create_instance_profile().instance_profile_name(&new.spec.name).path(&new.spec.path);
        let answer = classify("CreateInstanceProfile", call.set_tags(Some(iam_tags(&new.tags))).send().await)?;
        let profile = answer.instance_profile().ok_or_else(|| unexpected("CreateInstanceProfile", "the answer names no profile"))?;
        let name = profile.instance_profile_name();
        Ok(Created { id: name.to_owned(), attributes: tags::attributes(name, &[("arn", profile.arn())]) })
    }

    /// A second role is refused with LimitExceeded, so the roles in the profile are read first; and again after that refusal,
    /// because it is also the answer to a call that the SDK repeats when the answer to the first one was lost.
    async fn configure(aws: &Aws, it: &Typed<'_, spec::InstanceProfile>) -> Result<(), Failure> {
        let inside = roles(aws, &it.id).await?;
        for other in inside.iter().filter(|role| role.as_str() != it.spec.role.as_str()) {
            remove(aws, &it.id, other).await?;
        }
        if inside.iter().any(|role| role == it.spec.role.as_str()) {
            return Ok(());
        }
        let call = aws.iam.add_role_to_instance_profile().instance_profile_name(&it.id).role_name(it.spec.role.as_str());
        match classify("AddRoleToInstanceProfile", call.send().await) {
            Err(failure) if failure.code.as_deref() == Some("LimitExceeded") => {
                let is_inside = roles(aws, &it.id).await?.iter().any(|role| role == it.spec.role.as_str());
                if is_inside { Ok(()) } else { Err(failure) }
            }
            other => other.map(drop),
        }
    }

    async fn update(aws: &Aws, it: &Typed<'_, spec::InstanceProfile>, _update: &Update) -> Result<BTreeMap<String, String>, Failure> {
        Self::configure(aws, it).await?;
        Ok(BTreeMap::new())
    }

    async fn change_tags(aws: &Aws, _it: &Typed<'_, spec::InstanceProfile>, update: &Update) -> Result<(), Failure> {
        change_tags(aws, update).await
    }

    /// A profile of the same name under another path is not ours.
    async fn delete(aws: &Aws, item: &Item, _policy: &DeletionPolicy) -> Result<(), Failure> {
        let answer = classify("GetInstanceProfile", aws.iam.get_instance_profile().instance_profile_name(&item.id).send().await)?;
        if answer.instance_profile().is_some_and(|profile| profile.path() != path(aws)) {
            return Ok(());
        }
        for role in roles(aws, &item.id).await? {
            remove(aws, &item.id, &role).await?;
        }
        classify("DeleteInstanceProfile", aws.iam.delete_instance_profile().instance_profile_name(&item.id).send().await).map(drop)
    }
}

async fn observed(aws: &Aws, item: &Item, profile: &Profile) -> Result<Option<Observed>, Failure> {
    let name = profile.instance_profile_name();
    let spec = spec::InstanceProfile {
        name: name.to_owned(),
        path: profile.path().to_owned(),
        role: Input::from(profile.roles().first().map(|role| role.role_name()).unwrap_or_default()),
    };
    let attributes = [("arn", profile.arn())];
    if !item.id.is_empty() {
        return Ok(Some(tags::observed_item(item, name, json(&spec), &attributes, Readiness::Ready)));
    }
    let pages = aws.iam.list_instance_profile_tags().instance_profile_name(name).into_paginator().items().send();
    let found = classify("ListInstanceProfileTags", pages.collect::<Result<Vec<_>, _>>().await)?;
    Ok(tags::observed(aws, name, of_iam(found), json(&spec), &attributes, Readiness::Ready))
}

async fn roles(aws: &Aws, name: &str) -> Result<Vec<String>, Failure> {
    let answer = classify("GetInstanceProfile", aws.iam.get_instance_profile().instance_profile_name(name).send().await)?;
    let profile = answer.instance_profile();
    Ok(profile.map(|profile| profile.roles().iter().map(|role| role.role_name().to_owned()).collect()).unwrap_or_default())
}

async fn remove(aws: &Aws, name: &str, role: &str) -> Result<(), Failure> {
    let call = aws.iam.remove_role_from_instance_profile().instance_profile_name(name).role_name(role);
    or_absent(classify("RemoveRoleFromInstanceProfile", call.send().await)).map(drop)
}

/// Everything of the kind under our path.
async fn unrecorded(aws: &Aws) -> Result<Vec<Item>, Failure> {
    let pages = aws.iam.list_instance_profiles().path_prefix(path(aws)).into_paginator().items().send();
    let mut items = Vec::new();
    for profile in classify("ListInstanceProfiles", pages.collect::<Result<Vec<_>, _>>().await)? {
        let name = profile.instance_profile_name();
        let call = aws.iam.list_instance_profile_tags().instance_profile_name(name);
        let answer = or_absent(classify("ListInstanceProfileTags", call.send().await))?;
        items.extend(answer.and_then(|answer| candidate_of(aws, name, answer.tags())));
    }
    Ok(items)
}

async fn change_tags(aws: &Aws, update: &Update) -> Result<(), Failure> {
    let name = &update.item.id;
    if !update.set_tags.is_empty() {
        let call = aws.iam.tag_instance_profile().instance_profile_name(name).set_tags(Some(iam_tags(&update.set_tags)));
        classify("TagInstanceProfile", call.send().await)?;
    }
    if !update.remove_tags.is_empty() {
        let call = aws.iam.untag_instance_profile().instance_profile_name(name).set_tag_keys(Some(update.remove_tags.clone()));
        classify("UntagInstanceProfile", call.send().await)?;
    }
    Ok(())
}
