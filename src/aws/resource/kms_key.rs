//! KMS key with its alias and rotation. Tag only: CreateKey takes no token; the alias is its name afterwards.

use super::{Resource, Typed};
use crate::aws::Aws;
use crate::aws::errors::{or_absent, sent, unexpected};
use crate::aws::tags::{self, Tags};
use crate::engine::{Created, Failure, FailureKind, INTENT_ATTRIBUTE, Item, Observed, Query, Readiness, Update};
use crate::resource::spec;
use aws_config::retry::RetryConfig;
use aws_sdk_kms::config::Builder;
use aws_sdk_kms::types::{KeyMetadata, KeyState, Tag};
use serde_json::json;
use std::collections::BTreeMap;

/// Days until a key is really deleted. Keys waiting for that cost nothing, and it can be cancelled meanwhile.
const DELETION_WINDOW_DAYS: i32 = 30;

pub(super) struct KmsKey;

impl Resource for KmsKey {
    type Spec = spec::KmsKey;

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let mut seen = Vec::new();
        for item in query.items() {
            let alias = item.spec.get("alias").and_then(serde_json::Value::as_str).unwrap_or_default();
            let name = if item.id.is_empty() { alias } else { &item.id };
            let mut found = describe(aws, name).await?;
            let named = found.is_some();
            if !named && item.attributes.contains_key(INTENT_ATTRIBUTE) {
                found = find_by_tag(aws, item).await?;
            }
            if let Some(key) = found {
                let alias =
                    if alias.starts_with("alias/") || !item.id.is_empty() { Some(alias.to_owned()) } else { alias_of(aws, &key).await? };
                let mut found = observed(aws, item, alias.as_deref(), &key).await?;
                if let Some(half_made) = found.as_mut().filter(|_| !named) {
                    half_made.readiness = Readiness::NotYet("its alias is missing".to_owned());
                }
                seen.extend(found);
            }
        }
        Ok(seen)
    }

    async fn create(aws: &Aws, new: &Typed<'_, spec::KmsKey>, _nonce: &str) -> Result<Created, Failure> {
        let call =
            aws.kms.create_key().description(&new.spec.description).policy(new.spec.policy.to_string()).set_tags(Some(key_tags(&new.tags)));
        let once = Builder::new().retry_config(RetryConfig::disabled());
        let answer = sent("CreateKey", call.customize().config_override(once).send().await)?;
        let key = answer.key_metadata().ok_or_else(|| unexpected("CreateKey", "the answer names no key"))?;
        let attributes = tags::attributes(key.key_id(), &[("arn", key.arn().unwrap_or_default())]);
        Ok(Created { id: key.key_id().to_owned(), attributes })
    }

    async fn settle(aws: &Aws, it: &Typed<'_, spec::KmsKey>) -> Result<(), Failure> {
        set_rotation(aws, it).await?;
        let created = sent("CreateAlias", aws.kms.create_alias().alias_name(&it.spec.alias).target_key_id(&it.id).send().await);
        match created {
            Err(failure) if failure.kind == FailureKind::AlreadyExists => {
                let target = describe(aws, &it.spec.alias).await?;
                let ours = target.is_some_and(|key| key.key_id() == it.id);
                if ours { Ok(()) } else { Err(Failure { kind: FailureKind::Foreign, ..failure }) }
            }
            other => other.map(drop),
        }
    }

    async fn update(aws: &Aws, it: &Typed<'_, spec::KmsKey>, update: &Update) -> Result<BTreeMap<String, String>, Failure> {
        for field in &update.fields {
            match field.as_str() {
                "policy" => {
                    let call = aws.kms.put_key_policy().key_id(&it.id).policy(it.spec.policy.to_string());
                    sent("PutKeyPolicy", call.send().await)?;
                }
                "rotation" => set_rotation(aws, it).await?,
                _ => {
                    let call = aws.kms.update_key_description().key_id(&it.id).description(&it.spec.description);
                    sent("UpdateKeyDescription", call.send().await)?;
                }
            }
        }
        Ok(BTreeMap::new())
    }

    async fn delete(aws: &Aws, item: &Item) -> Result<(), Failure> {
        // Somebody else's key may be called so.
        if let Some(alias) = item.spec.get("alias").and_then(serde_json::Value::as_str)
            && describe(aws, alias).await?.is_some_and(|key| key.key_id() == item.id)
        {
            or_absent(sent("DeleteAlias", aws.kms.delete_alias().alias_name(alias).send().await))?;
        }
        let call = aws.kms.schedule_key_deletion().key_id(&item.id).pending_window_in_days(DELETION_WINDOW_DAYS);
        match sent("ScheduleKeyDeletion", call.send().await) {
            // It is scheduled already.
            Err(failure) if failure.code.as_deref().is_some_and(|code| code.starts_with("KMSInvalidState")) => Ok(()),
            other => other.map(drop),
        }
    }
}

fn key_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter().filter_map(|(key, value)| Tag::builder().tag_key(key).tag_value(value).build().ok()).collect()
}

async fn describe(aws: &Aws, key: &str) -> Result<Option<KeyMetadata>, Failure> {
    let answer = or_absent(sent("DescribeKey", aws.kms.describe_key().key_id(key).send().await))?;
    Ok(answer.and_then(|answer| answer.key_metadata))
}

async fn read_tags(aws: &Aws, key: &str) -> Result<Tags, Failure> {
    let pages = aws.kms.list_resource_tags().key_id(key).into_paginator().items().send();
    let found = sent("ListResourceTags", pages.collect::<Result<Vec<_>, _>>().await)?;
    Ok(found.into_iter().map(|tag| (tag.tag_key, tag.tag_value)).collect())
}

/// The first alias of a key that is known by its id alone.
async fn alias_of(aws: &Aws, key: &KeyMetadata) -> Result<Option<String>, Failure> {
    let answer = or_absent(sent("ListAliases", aws.kms.list_aliases().key_id(key.key_id()).send().await))?;
    Ok(answer.and_then(|answer| answer.aliases().first()?.alias_name().map(str::to_owned)))
}

/// A key whose creation was interrupted has no alias yet: every key's tags are read. Only after a crash.
async fn find_by_tag(aws: &Aws, item: &Item) -> Result<Option<KeyMetadata>, Failure> {
    let pages = aws.kms.list_keys().into_paginator().items().send();
    for key in sent("ListKeys", pages.collect::<Result<Vec<_>, _>>().await)? {
        let id = key.key_id().unwrap_or_default();
        // Keys of AWS and of others may refuse to show their tags; ours do not.
        let Ok(found) = read_tags(aws, id).await else { continue };
        if tags::address(aws, &found).as_ref() == Some(&item.address)
            && let Some(key) = describe(aws, id).await?
            && key.key_state() == Some(&KeyState::Enabled)
        {
            return Ok(Some(key));
        }
    }
    Ok(None)
}

async fn observed(aws: &Aws, item: &Item, alias: Option<&str>, key: &KeyMetadata) -> Result<Option<Observed>, Failure> {
    let readiness = match key.key_state() {
        Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion) => Readiness::Deleting,
        Some(KeyState::Disabled) => Readiness::Failed("the key is disabled".to_owned()),
        _ => Readiness::Ready,
    };
    let attributes = [("arn", key.arn().unwrap_or_default())];
    if !item.id.is_empty() {
        let rotation = if readiness == Readiness::Ready {
            let answer = sent("GetKeyRotationStatus", aws.kms.get_key_rotation_status().key_id(key.key_id()).send().await)?;
            json!({ "rotation": answer.key_rotation_enabled() })
        } else {
            json!({})
        };
        return Ok(Some(tags::observed_item(item, key.key_id(), rotation, &attributes, readiness)));
    }
    let found = read_tags(aws, key.key_id()).await?;
    Ok(tags::observed(aws, key.key_id(), found, json!({ "alias": alias }), &attributes, readiness))
}

async fn set_rotation(aws: &Aws, it: &Typed<'_, spec::KmsKey>) -> Result<(), Failure> {
    if it.spec.rotation {
        sent("EnableKeyRotation", aws.kms.enable_key_rotation().key_id(&it.id).send().await).map(drop)
    } else {
        sent("DisableKeyRotation", aws.kms.disable_key_rotation().key_id(&it.id).send().await).map(drop)
    }
}
