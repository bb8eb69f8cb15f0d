//! KMS key with its alias and rotation. Tag only: CreateKey takes no token; once it has its alias, that is its name.

use crate::aws::Aws;
use crate::aws::blockers::{blocker, origin};
use crate::aws::chunks::PAGE;
use crate::aws::contract::{Contents, Deletion, Emptiness, Resource, Tagged, ToDelete, Typed, Unrecorded, known_name};
use crate::aws::errors::{classify, or_absent, unexpected};
use crate::aws::tags::{self, Tags, filter};
use crate::engine::{
    Blocker, Created, DeletionPolicy, Failure, FailureKind, INTENT_ATTRIBUTE, Item, Observed, Query, Readiness, Scope, Update, Whose,
};
use crate::resource::spec;
use aws_config::retry::RetryConfig;
use aws_sdk_ec2::types::{Snapshot, Volume, VolumeAttachment, VolumeState};
use aws_sdk_kms::config::Builder;
use aws_sdk_kms::types::{KeyMetadata, KeyState, Tag};
use serde_json::json;
use std::collections::BTreeMap;

/// Days until a key is really deleted. Until then it costs nothing, and the deletion can be cancelled.
const DELETION_WINDOW_DAYS: i32 = 30;

pub(in crate::aws) struct KmsKey;

impl Resource for KmsKey {
    type Spec = spec::KmsKey;

    const DELETION: Deletion = Deletion {
        blockers: Some(|aws, item, scope| Box::pin(blockers(aws, item, scope))),
        protection: Some(|aws, targets| Box::pin(protections(aws, targets))),
        data: Some(|aws, item| Box::pin(contents(aws, item))),
        exists_by_name: None,
        unrecorded: Some(Unrecorded {
            key: &["alias"],
            tagged: Some(Tagged { resource_type: "kms:key", spec: |name| Some(json!({ "alias": name.strip_prefix("key/")? })) }),
            list: None,
        }),
        asks_whether_deleting: false,
    };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let mut seen = Vec::new();
        for item in query.items() {
            let Some(alias) = known_name(item, "alias") else { continue };
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

    async fn create(aws: &Aws, new: &Typed<'_, spec::KmsKey>, _token: &str) -> Result<Created, Failure> {
        let call =
            aws.kms.create_key().description(&new.spec.description).policy(new.spec.policy.to_string()).set_tags(Some(key_tags(&new.tags)));
        let once = Builder::new().retry_config(RetryConfig::disabled());
        let answer = classify("CreateKey", call.customize().config_override(once).send().await)?;
        let key = answer.key_metadata().ok_or_else(|| unexpected("CreateKey", "the answer names no key"))?;
        let attributes = tags::attributes(key.key_id(), &[("arn", key.arn().unwrap_or_default())]);
        Ok(Created { id: key.key_id().to_owned(), attributes })
    }

    async fn configure(aws: &Aws, it: &Typed<'_, spec::KmsKey>) -> Result<(), Failure> {
        set_rotation(aws, it).await?;
        let created = classify("CreateAlias", aws.kms.create_alias().alias_name(&it.spec.alias).target_key_id(&it.id).send().await);
        match created {
            Err(failure) if failure.kind == FailureKind::AlreadyExists => {
                let target = describe(aws, &it.spec.alias).await?;
                let ours = target.is_some_and(|key| key.key_id() == it.id);
                if ours { Ok(()) } else { Err(failure.meaning(FailureKind::Foreign)) }
            }
            other => other.map(drop),
        }
    }

    async fn update(aws: &Aws, it: &Typed<'_, spec::KmsKey>, update: &Update) -> Result<BTreeMap<String, String>, Failure> {
        for field in &update.fields {
            match field.as_str() {
                "policy" => {
                    let call = aws.kms.put_key_policy().key_id(&it.id).policy(it.spec.policy.to_string());
                    classify("PutKeyPolicy", call.send().await)?;
                }
                "rotation" => set_rotation(aws, it).await?,
                _ => {
                    let call = aws.kms.update_key_description().key_id(&it.id).description(&it.spec.description);
                    classify("UpdateKeyDescription", call.send().await)?;
                }
            }
        }
        Ok(BTreeMap::new())
    }

    async fn change_tags(aws: &Aws, _it: &Typed<'_, spec::KmsKey>, update: &Update) -> Result<(), Failure> {
        tags::change_kms(aws, update).await
    }

    async fn delete(aws: &Aws, item: &Item, policy: &DeletionPolicy) -> Result<(), Failure> {
        if !policy.lift_protection {
            refuse_needed(aws, item).await?;
        }
        // Another key may have the alias by now.
        if let Some(alias) = item.spec.get("alias").and_then(serde_json::Value::as_str)
            && describe(aws, alias).await?.is_some_and(|key| key.key_id() == item.id)
        {
            or_absent(classify("DeleteAlias", aws.kms.delete_alias().alias_name(alias).send().await))?;
        }
        let call = aws.kms.schedule_key_deletion().key_id(&item.id).pending_window_in_days(DELETION_WINDOW_DAYS);
        match classify("ScheduleKeyDeletion", call.send().await) {
            // Its deletion is scheduled already.
            Err(failure) if failure.code.as_deref().is_some_and(|code| code.starts_with("KMSInvalidState")) => Ok(()),
            other => other.map(drop),
        }
    }
}

/// A snapshot or volume that only the key decrypts.
struct Needing {
    /// `snapshot` or `volume`.
    what: &'static str,
    /// Its id.
    id: String,
    /// Its description, if it has one.
    description: Option<String>,
    /// Its tags.
    tags: Tags,
}

/// The key's ARN, also when only its id is known.
fn arn(aws: &Aws, item: &Item) -> String {
    item.attributes.get("arn").cloned().unwrap_or_else(|| tags::arn(aws, "kms", &format!("key/{}", item.id)))
}

/// What would be unreadable without the key: snapshots and volumes that neither are being deleted nor will be deleted with an instance.
async fn needing(aws: &Aws, arn: &str) -> Result<Vec<Needing>, Failure> {
    let encrypted = || filter("encrypted", ["true".to_owned()]);
    let snapshots = aws.ec2.describe_snapshots().owner_ids("self").filters(encrypted()).max_results(PAGE).into_paginator().items().send();
    let volumes = aws.ec2.describe_volumes().filters(encrypted()).max_results(PAGE).into_paginator().items().send();
    let (snapshots, volumes) = tokio::join!(snapshots.collect::<Result<Vec<_>, _>>(), volumes.collect::<Result<Vec<_>, _>>());
    let (snapshots, volumes) = (classify("DescribeSnapshots", snapshots)?, classify("DescribeVolumes", volumes)?);
    let of_snapshot = |one: &Snapshot| {
        let description = one.description().map(str::to_owned);
        Needing { what: "snapshot", id: one.snapshot_id().unwrap_or_default().to_owned(), description, tags: tags::of_ec2(one.tags()) }
    };
    let of_volume = |one: &Volume| {
        let id = one.volume_id().unwrap_or_default().to_owned();
        Needing { what: "volume", id, description: None, tags: tags::of_ec2(one.tags()) }
    };
    let snapshots = snapshots.iter().filter(|one| one.kms_key_id() == Some(arn)).map(of_snapshot);
    let volumes = volumes.iter().filter(|one| one.kms_key_id() == Some(arn) && !is_going(one)).map(of_volume);
    Ok(snapshots.chain(volumes).collect())
}

/// Whether it is being deleted, or is the disk of a node.
fn is_going(volume: &Volume) -> bool {
    let goes_with_instance = |attachment: &VolumeAttachment| attachment.delete_on_termination() == Some(true);
    matches!(volume.state(), Some(VolumeState::Deleting | VolumeState::Deleted)) || volume.attachments().iter().any(goes_with_instance)
}

/// Why the key should be kept, in words; `None` for no ids.
fn why_needed(ids: &[&str]) -> Option<String> {
    let named = ids.iter().take(3).copied().collect::<Vec<_>>().join(", ");
    match ids.len() {
        0 => None,
        count @ 1..=3 => Some(format!("{count} snapshots or volumes that stay and that only this key decrypts ({named})")),
        count => Some(format!("{count} snapshots or volumes that stay and that only this key decrypts ({named}, …)")),
    }
}

/// Asked again just before the key is deleted, because the user has not agreed to lose what was created since the first inspection. "In
/// use", because the disk of a node may exist a moment longer than the node.
async fn refuse_needed(aws: &Aws, item: &Item) -> Result<(), Failure> {
    let is_alive = |key: KeyMetadata| key.deletion_date().is_none();
    if !describe(aws, &item.id).await?.is_some_and(is_alive) {
        return Ok(());
    }
    let needing = needing(aws, &arn(aws, item)).await?;
    let ids: Vec<&str> = needing.iter().map(|one| one.id.as_str()).collect();
    match why_needed(&ids) {
        None => Ok(()),
        Some(why) => {
            let message = format!("the key is needed by {why}; `destroy --lift-protection` deletes it anyway");
            Err(Failure::new(FailureKind::InUse, "ScheduleKeyDeletion", message))
        }
    }
}

fn key_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter().filter_map(|(key, value)| Tag::builder().tag_key(key).tag_value(value).build().ok()).collect()
}

async fn describe(aws: &Aws, key: &str) -> Result<Option<KeyMetadata>, Failure> {
    let answer = or_absent(classify("DescribeKey", aws.kms.describe_key().key_id(key).send().await))?;
    Ok(answer.and_then(|answer| answer.key_metadata))
}

async fn read_tags(aws: &Aws, key: &str) -> Result<Tags, Failure> {
    let pages = aws.kms.list_resource_tags().key_id(key).into_paginator().items().send();
    let found = classify("ListResourceTags", pages.collect::<Result<Vec<_>, _>>().await)?;
    Ok(found.into_iter().map(|tag| (tag.tag_key, tag.tag_value)).collect())
}

/// The first alias of a key that is known by its id alone.
async fn alias_of(aws: &Aws, key: &KeyMetadata) -> Result<Option<String>, Failure> {
    let answer = or_absent(classify("ListAliases", aws.kms.list_aliases().key_id(key.key_id()).send().await))?;
    Ok(answer.and_then(|answer| answer.aliases().first()?.alias_name().map(str::to_owned)))
}

/// A key whose creation was interrupted has no alias yet, so the tags of every key are read. Only after a crash.
async fn find_by_tag(aws: &Aws, item: &Item) -> Result<Option<KeyMetadata>, Failure> {
    let pages = aws.kms.list_keys().into_paginator().items().send();
    for key in classify("ListKeys", pages.collect::<Result<Vec<_>, _>>().await)? {
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
            let answer = classify("GetKeyRotationStatus", aws.kms.get_key_rotation_status().key_id(key.key_id()).send().await)?;
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
        classify("EnableKeyRotation", aws.kms.enable_key_rotation().key_id(&it.id).send().await).map(drop)
    } else {
        classify("DisableKeyRotation", aws.kms.disable_key_rotation().key_id(&it.id).send().await).map(drop)
    }
}

/// What would be unreadable without the key. The plan deletes none of it, or it would be gone by now.
async fn blockers(aws: &Aws, item: &Item, _scope: &Scope) -> Result<Vec<Blocker>, Failure> {
    let needing = needing(aws, &arn(aws, item)).await?;
    let named = |one: &Needing| blocker(format!("{} {}", one.what, one.id), origin(one.description.as_deref(), &one.tags), Whose::Foreign);
    Ok(needing.iter().map(named).collect())
}

/// What stays and would be unreadable without the key: for example snapshots of AWS Backup, which are not ours to delete.
async fn protections(aws: &Aws, targets: &ToDelete) -> Result<BTreeMap<String, String>, Failure> {
    let mut needed = BTreeMap::new();
    for key in &targets.items {
        let needing = needing(aws, &arn(aws, key)).await?;
        let stay: Vec<&str> = needing.iter().map(|one| one.id.as_str()).filter(|id| !targets.all.contains(*id)).collect();
        needed.extend(why_needed(&stay).map(|why| (key.id.clone(), why)));
    }
    Ok(needed)
}

/// AWS cannot tell what a key has encrypted.
async fn contents(_aws: &Aws, _item: &Item) -> Result<Option<Contents>, Failure> {
    let words = format!("what it encrypted becomes unreadable immediately; the deletion can be cancelled for {DELETION_WINDOW_DAYS} days");
    Ok(Some(Contents { words, emptiness: Emptiness::SeemsEmpty }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_by_itself_needs_no_key() {
        let of_node = |ends: bool| Volume::builder().attachments(VolumeAttachment::builder().delete_on_termination(ends).build());
        for (volume, is_on_its_way) in [
            (Volume::builder().state(VolumeState::Available), false),
            (Volume::builder().state(VolumeState::Deleting), true),
            (of_node(true).state(VolumeState::InUse), true),
            (of_node(false).state(VolumeState::InUse), false),
        ] {
            assert_eq!(is_going(&volume.build()), is_on_its_way);
        }
    }

    #[test]
    fn the_first_three_are_named() {
        assert_eq!(why_needed(&[]), None);
        assert!(
            why_needed(&["a", "b", "c"]).unwrap().ends_with("3 snapshots or volumes that stay and that only this key decrypts (a, b, c)")
        );
        assert!(
            why_needed(&["a", "b", "c", "d"])
                .unwrap()
                .ends_with("4 snapshots or volumes that stay and that only this key decrypts (a, b, c, …)")
        );
    }
}
