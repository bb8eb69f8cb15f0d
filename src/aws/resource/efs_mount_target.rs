//! EFS mount target (EFS-1). Natural key: file system and subnet. It has no tags: those of its file system say whose it is.

use super::efs_file_system::{readiness, system_tags};
use super::network_interface;
use crate::aws::Aws;
use crate::aws::contract::{Deletion, Resource, Typed, Unrecorded};
use crate::aws::errors::{classify, or_absent};
use crate::aws::tags::{self, Tags};
use crate::engine::{Created, DeletionPolicy, Failure, Item, Observed, Query, Update};
use crate::resource::{Input, spec};
use aws_sdk_efs::types::{LifeCycleState, MountTargetDescription};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub(in crate::aws) struct EfsMountTarget;

impl Resource for EfsMountTarget {
    type Spec = spec::EfsMountTarget;

    const DELETION: Deletion = Deletion {
        blockers: None,
        protection: None,
        data: None,
        exists_by_name: None,
        // They are listed with their file system.
        unrecorded: Some(Unrecorded { key: &["file_system", "subnet"], tagged: None, list: None }),
        asks_whether_deleting: false,
    };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let systems: BTreeSet<&str> = query.items().iter().filter_map(|item| text(item, "file_system")).collect();
        let mut seen = Vec::new();
        for system in systems {
            let pages = aws.efs.describe_mount_targets().file_system_id(system).into_paginator().items().send();
            let targets = or_absent(classify("DescribeMountTargets", pages.collect::<Result<Vec<_>, _>>().await))?.unwrap_or_default();
            let groups = security_groups(aws, &targets).await?;
            let items: Vec<&Item> = query.items().iter().filter(|item| text(item, "file_system") == Some(system)).collect();
            let mut parent = None;
            for target in targets.iter().filter(|target| *target.life_cycle_state() != LifeCycleState::Deleted) {
                let Some(item) = items.iter().find(|item| text(item, "subnet") == Some(target.subnet_id())) else { continue };
                if item.id.is_empty() && parent.is_none() {
                    parent = Some(system_tags(aws, system).await?);
                }
                seen.extend(observed(aws, item, target, &groups, parent.as_ref()));
            }
        }
        Ok(seen)
    }

    async fn create(aws: &Aws, new: &Typed<'_, spec::EfsMountTarget>, _token: &str) -> Result<Created, Failure> {
        let groups = new.spec.security_groups.iter().map(|group| group.as_str().to_owned()).collect();
        let call = aws.efs.create_mount_target().file_system_id(new.spec.file_system.as_str()).subnet_id(new.spec.subnet.as_str());
        let answer = classify("CreateMountTarget", call.set_security_groups(Some(groups)).send().await)?;
        let attributes = tags::attributes(answer.mount_target_id(), &[("ip_address", answer.ip_address().unwrap_or_default())]);
        Ok(Created { id: answer.mount_target_id().to_owned(), attributes })
    }

    async fn configure(_aws: &Aws, _it: &Typed<'_, spec::EfsMountTarget>) -> Result<(), Failure> {
        Ok(())
    }

    async fn update(aws: &Aws, it: &Typed<'_, spec::EfsMountTarget>, _update: &Update) -> Result<BTreeMap<String, String>, Failure> {
        let groups = it.spec.security_groups.iter().map(|group| group.as_str().to_owned()).collect();
        let call = aws.efs.modify_mount_target_security_groups().mount_target_id(&it.id).set_security_groups(Some(groups));
        classify("ModifyMountTargetSecurityGroups", call.send().await)?;
        Ok(BTreeMap::new())
    }

    /// It has no tags: those of its file system say whose it is.
    async fn change_tags(_aws: &Aws, _it: &Typed<'_, spec::EfsMountTarget>, _update: &Update) -> Result<(), Failure> {
        Ok(())
    }

    async fn delete(aws: &Aws, item: &Item, _policy: &DeletionPolicy) -> Result<(), Failure> {
        classify("DeleteMountTarget", aws.efs.delete_mount_target().mount_target_id(&item.id).send().await).map(drop)
    }
}

fn text<'a>(item: &'a Item, field: &str) -> Option<&'a str> {
    item.spec.get(field).and_then(Value::as_str)
}

/// Security groups by interface: one EC2 call instead of one EFS call for each target.
async fn security_groups(aws: &Aws, targets: &[MountTargetDescription]) -> Result<HashMap<String, Vec<String>>, Failure> {
    let interfaces: Vec<String> = targets.iter().filter_map(|target| target.network_interface_id()).map(str::to_owned).collect();
    if interfaces.is_empty() {
        return Ok(HashMap::new());
    }
    let filters = vec![tags::filter("network-interface-id", interfaces)];
    let found = network_interface::describe(aws, filters).await?;
    let groups = |interface: &aws_sdk_ec2::types::NetworkInterface| {
        interface.groups().iter().filter_map(|group| group.group_id().map(str::to_owned)).collect()
    };
    Ok(found.iter().filter_map(|interface| Some((interface.network_interface_id()?.to_owned(), groups(interface)))).collect())
}

fn observed(
    aws: &Aws,
    item: &Item,
    target: &MountTargetDescription,
    groups: &HashMap<String, Vec<String>>,
    parent: Option<&Tags>,
) -> Option<Observed> {
    let mut spec = json!({ "file_system": target.file_system_id(), "subnet": target.subnet_id() });
    // An interface that is just being created is not listed yet: then the groups are not compared.
    if let Some(groups) = target.network_interface_id().and_then(|id| groups.get(id)) {
        spec["security_groups"] = json!(groups.iter().map(|group| Input::from(group.as_str())).collect::<Vec<_>>());
    }
    let attributes =
        [("ip_address", target.ip_address().unwrap_or_default()), ("zone", target.availability_zone_name().unwrap_or_default())];
    let observed = tags::observed_item(item, target.mount_target_id(), spec, &attributes, readiness(target.life_cycle_state()));
    if !item.id.is_empty() {
        return Some(observed);
    }
    let parent = parent?;
    tags::address(aws, parent)?;
    Some(Observed { tags: Some(parent.clone()), ..observed })
}
