//! EFS file system (EFS-1). Token: the creation token.

use super::security_group;
use crate::aws::Aws;
use crate::aws::blockers::{blocker, by_id};
use crate::aws::contract::{Contents, Deletion, Emptiness, Resource, Typed, Unrecorded, candidate};
use crate::aws::errors::{classify, or_absent};
use crate::aws::tags::{self, Tags};
use crate::aws::words;
use crate::engine::{Blocker, Created, DeletionPolicy, Failure, Item, Observed, Query, Readiness, Scope, Update};
use crate::resource::{Address, Kind, spec};
use aws_sdk_efs::types::{
    BackupPolicy, FileSystemDescription, LifeCycleState, MountTargetDescription, PerformanceMode, Status, Tag, ThroughputMode,
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Bytes that EFS meters for an empty file system.
const EMPTY_FILE_SYSTEM: i64 = 6 << 10;

pub(in crate::aws) struct EfsFileSystem;

impl Resource for EfsFileSystem {
    type Spec = spec::EfsFileSystem;

    const DELETION: Deletion = Deletion {
        blockers: Some(|aws, item, scope| Box::pin(blockers(aws, item, scope))),
        protection: None,
        data: Some(|aws, item| Box::pin(contents(aws, item))),
        exists_by_name: Some(|aws, id| Box::pin(exists(aws, id))),
        unrecorded: Some(Unrecorded { key: &[], tagged: None, list: Some(|aws| Box::pin(unrecorded(aws))) }),
        asks_whether_deleting: false,
    };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let mut found = Vec::new();
        if query.is_ours() {
            let pages = aws.efs.describe_file_systems().into_paginator().items().send();
            found = classify("DescribeFileSystems", pages.collect::<Result<Vec<_>, _>>().await)?;
        } else {
            for item in query.items() {
                let answer =
                    or_absent(classify("DescribeFileSystems", aws.efs.describe_file_systems().file_system_id(&item.id).send().await))?;
                found.extend(answer.and_then(|answer| answer.file_systems).unwrap_or_default());
            }
        }
        let mut seen = Vec::new();
        for system in found.iter().filter(|system| *system.life_cycle_state() != LifeCycleState::Deleted) {
            seen.extend(observed(aws, system).await?);
        }
        Ok(seen)
    }

    async fn create(aws: &Aws, new: &Typed<'_, spec::EfsFileSystem>, token: &str) -> Result<Created, Failure> {
        let call = aws.efs.create_file_system().creation_token(token).encrypted(true).performance_mode(PerformanceMode::GeneralPurpose);
        let call = call.throughput_mode(ThroughputMode::from(new.spec.throughput_mode.as_str())).backup(new.spec.backup);
        let call = call.set_kms_key_id(new.spec.kms_key.as_ref().map(|key| key.as_str().to_owned()));
        let answer = classify("CreateFileSystem", call.set_tags(Some(efs_tags(&new.tags))).send().await)?;
        let id = answer.file_system_id();
        Ok(Created { id: id.to_owned(), attributes: attributes(aws, id) })
    }

    async fn configure(_aws: &Aws, _it: &Typed<'_, spec::EfsFileSystem>) -> Result<(), Failure> {
        Ok(())
    }

    async fn update(aws: &Aws, it: &Typed<'_, spec::EfsFileSystem>, update: &Update) -> Result<BTreeMap<String, String>, Failure> {
        if update.fields.iter().any(|field| field == "throughput_mode") {
            let mode = ThroughputMode::from(it.spec.throughput_mode.as_str());
            classify("UpdateFileSystem", aws.efs.update_file_system().file_system_id(&it.id).throughput_mode(mode).send().await)?;
        }
        if update.fields.iter().any(|field| field == "backup") {
            let status = if it.spec.backup { Status::Enabled } else { Status::Disabled };
            let policy = BackupPolicy::builder()
                .status(status)
                .build()
                .map_err(|error| crate::aws::errors::unexpected("PutBackupPolicy", &error.to_string()).caused_by(error))?;
            classify("PutBackupPolicy", aws.efs.put_backup_policy().file_system_id(&it.id).backup_policy(policy).send().await)?;
        }
        Ok(BTreeMap::new())
    }

    async fn change_tags(aws: &Aws, _it: &Typed<'_, spec::EfsFileSystem>, update: &Update) -> Result<(), Failure> {
        tags::change_efs(aws, update).await
    }

    async fn delete(aws: &Aws, item: &Item, _policy: &DeletionPolicy) -> Result<(), Failure> {
        classify("DeleteFileSystem", aws.efs.delete_file_system().file_system_id(&item.id).send().await).map(drop)
    }
}

pub(super) fn efs_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter().filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok()).collect()
}

pub(super) fn of_efs(tags: &[Tag]) -> Tags {
    tags.iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect()
}

/// All resources of EFS have the same states.
pub(super) fn readiness(state: &LifeCycleState) -> Readiness {
    match state {
        LifeCycleState::Available => Readiness::Ready,
        LifeCycleState::Deleting | LifeCycleState::Deleted => Readiness::Deleting,
        LifeCycleState::Error => Readiness::Failed("AWS reports the state error".to_owned()),
        other => Readiness::NotYet(other.as_str().to_owned()),
    }
}

/// Tags of a file system, which also say whose its mount targets are.
pub(super) async fn system_tags(aws: &Aws, id: &str) -> Result<Tags, Failure> {
    let answer = or_absent(classify("DescribeFileSystems", aws.efs.describe_file_systems().file_system_id(id).send().await))?;
    let systems = answer.and_then(|answer| answer.file_systems).unwrap_or_default();
    Ok(systems.first().map(|system| of_efs(system.tags())).unwrap_or_default())
}

fn attributes(aws: &Aws, id: &str) -> BTreeMap<String, String> {
    tags::attributes(id, &[("arn", &tags::arn(aws, "elasticfilesystem", &format!("file-system/{id}")))])
}

/// Whether there is such a file system that is not being deleted.
async fn exists(aws: &Aws, id: &str) -> Result<bool, Failure> {
    let answer = or_absent(classify("DescribeFileSystems", aws.efs.describe_file_systems().file_system_id(id).send().await))?;
    let systems = answer.and_then(|answer| answer.file_systems).unwrap_or_default();
    Ok(systems.iter().any(|system| readiness(system.life_cycle_state()) != Readiness::Deleting))
}

async fn observed(aws: &Aws, system: &FileSystemDescription) -> Result<Option<Observed>, Failure> {
    let found = of_efs(system.tags());
    if tags::address(aws, &found).is_none() {
        return Ok(None);
    }
    let id = system.file_system_id();
    let answer = or_absent(classify("DescribeBackupPolicy", aws.efs.describe_backup_policy().file_system_id(id).send().await))?;
    let status = answer.and_then(|answer| answer.backup_policy).map(|policy| policy.status);
    // The key is not compared: it never changes, and AWS reports the default key where the spec has none.
    let spec = json!({
        "throughput_mode": system.throughput_mode().map(ThroughputMode::as_str),
        "backup": matches!(status, Some(Status::Enabled | Status::Enabling)),
    });
    let observed = tags::observed(aws, id, found, spec, &[], readiness(system.life_cycle_state()));
    Ok(observed.map(|observed| Observed { attributes: attributes(aws, id), ..observed }))
}

/// VPCs in which we have security groups. In other VPCs, others may mount our file system.
async fn vpcs(aws: &Aws) -> Result<BTreeSet<String>, Failure> {
    let groups = security_group::describe(aws, vec![tags::filter(&format!("tag:{}", tags::CLUSTER), [aws.cluster.clone()])]).await?;
    Ok(groups.iter().filter_map(|group| group.vpc_id().map(str::to_owned)).collect())
}

/// Access points and mount targets of our file systems; mount targets have no tags, and their id is used as their name.
async fn unrecorded(aws: &Aws) -> Result<Vec<Item>, Failure> {
    let pages = aws.efs.describe_file_systems().into_paginator().items().send();
    let vpcs = vpcs(aws).await?;
    let mut items = Vec::new();
    for system in classify("DescribeFileSystems", pages.collect::<Result<Vec<_>, _>>().await)? {
        if tags::address(aws, &of_efs(system.tags())).is_none() {
            continue;
        }
        let id = system.file_system_id();
        items.push(candidate(Address::new(Kind::EfsAccessPoint, id), json!({ "file_system": id }), Tags::new()));
        let pages = aws.efs.describe_mount_targets().file_system_id(id).into_paginator().items().send();
        let targets = or_absent(classify("DescribeMountTargets", pages.collect::<Result<Vec<_>, _>>().await))?.unwrap_or_default();
        let near = targets.iter().filter(|target| target.vpc_id().is_some_and(|vpc| vpcs.contains(vpc)));
        items.extend(near.map(|target| {
            let address = Address::new(Kind::EfsMountTarget, target.mount_target_id());
            candidate(address, json!({ "file_system": id, "subnet": target.subnet_id() }), Tags::new())
        }));
    }
    Ok(items)
}

/// Mount targets block the deletion of their file system.
async fn blockers(aws: &Aws, item: &Item, scope: &Scope) -> Result<Vec<Blocker>, Failure> {
    let pages = aws.efs.describe_mount_targets().file_system_id(&item.id).into_paginator().items().send();
    let targets = or_absent(classify("DescribeMountTargets", pages.collect::<Result<Vec<_>, _>>().await))?.unwrap_or_default();
    let named = |target: &MountTargetDescription| {
        let origin = format!("in subnet {}", target.subnet_id());
        blocker(format!("mount target {}", target.mount_target_id()), origin, by_id(scope, target.mount_target_id()))
    };
    Ok(targets.iter().map(named).collect())
}

/// EFS meters the bytes some hours late.
async fn contents(aws: &Aws, item: &Item) -> Result<Option<Contents>, Failure> {
    let answer = or_absent(classify("DescribeFileSystems", aws.efs.describe_file_systems().file_system_id(&item.id).send().await))?;
    let systems = answer.and_then(|answer| answer.file_systems).unwrap_or_default();
    let metered = systems.first().map(|system| system.size_in_bytes().map_or(0, |size| size.value()));
    Ok(metered.map(|metered| Contents {
        words: format!("{} (metered, some hours late)", words::bytes(metered)),
        emptiness: if metered <= EMPTY_FILE_SYSTEM { Emptiness::SeemsEmpty } else { Emptiness::Full },
    }))
}
