//! EFS access point (EFS-1). Token; immutable.

use super::efs_file_system::{efs_tags, of_efs, readiness};
use crate::aws::Aws;
use crate::aws::contract::{Deletion, Resource, Typed, Unrecorded, json};
use crate::aws::errors::{classify, or_absent, unexpected};
use crate::aws::tags;
use crate::engine::{Created, DeletionPolicy, Failure, Item, Observed, Query, Update};
use crate::resource::{Input, spec};
use aws_sdk_efs::types::{AccessPointDescription, CreationInfo, LifeCycleState, PosixUser, RootDirectory};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub(in crate::aws) struct EfsAccessPoint;

impl Resource for EfsAccessPoint {
    type Spec = spec::EfsAccessPoint;

    const DELETION: Deletion = Deletion {
        blockers: None,
        protection: None,
        data: None,
        exists_by_name: None,
        // They are listed with their file system.
        unrecorded: Some(Unrecorded { key: &[], tagged: None, list: None }),
        asks_whether_deleting: false,
    };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let systems: BTreeSet<&str> =
            query.items().iter().filter_map(|item| item.spec.get("file_system").and_then(Value::as_str)).collect();
        let mut seen = Vec::new();
        for system in systems {
            let pages = aws.efs.describe_access_points().file_system_id(system).into_paginator().items().send();
            let points = or_absent(classify("DescribeAccessPoints", pages.collect::<Result<Vec<_>, _>>().await))?.unwrap_or_default();
            seen.extend(points.iter().filter_map(|point| observed(aws, point)));
        }
        Ok(seen)
    }

    async fn create(aws: &Aws, new: &Typed<'_, spec::EfsAccessPoint>, token: &str) -> Result<Created, Failure> {
        let bad = |error: aws_sdk_efs::error::BuildError| unexpected("CreateAccessPoint", &error.to_string()).caused_by(error);
        let user = PosixUser::builder().uid(new.spec.uid).gid(new.spec.gid).build().map_err(bad)?;
        let owner = CreationInfo::builder().owner_uid(new.spec.owner_uid).owner_gid(new.spec.owner_gid).permissions(&new.spec.permissions);
        let root = RootDirectory::builder().path(&new.spec.path).creation_info(owner.build().map_err(bad)?).build();
        let call = aws.efs.create_access_point().client_token(token).file_system_id(new.spec.file_system.as_str());
        let call = call.posix_user(user).root_directory(root).set_tags(Some(efs_tags(&new.tags)));
        let answer = classify("CreateAccessPoint", call.send().await)?;
        let id = answer.access_point_id().ok_or_else(|| unexpected("CreateAccessPoint", "the answer names no access point"))?;
        let arn = answer.access_point_arn().unwrap_or_default();
        Ok(Created { id: id.to_owned(), attributes: tags::attributes(id, &[("arn", arn)]) })
    }

    async fn configure(_aws: &Aws, _it: &Typed<'_, spec::EfsAccessPoint>) -> Result<(), Failure> {
        Ok(())
    }

    async fn update(_aws: &Aws, _it: &Typed<'_, spec::EfsAccessPoint>, _update: &Update) -> Result<BTreeMap<String, String>, Failure> {
        Ok(BTreeMap::new())
    }

    async fn change_tags(aws: &Aws, _it: &Typed<'_, spec::EfsAccessPoint>, update: &Update) -> Result<(), Failure> {
        tags::change_efs(aws, update).await
    }

    async fn delete(aws: &Aws, item: &Item, _policy: &DeletionPolicy) -> Result<(), Failure> {
        classify("DeleteAccessPoint", aws.efs.delete_access_point().access_point_id(&item.id).send().await).map(drop)
    }
}

fn observed(aws: &Aws, point: &AccessPointDescription) -> Option<Observed> {
    let state = point.life_cycle_state()?;
    if *state == LifeCycleState::Deleted {
        return None;
    }
    let (user, root) = (point.posix_user(), point.root_directory());
    let owner = root.and_then(RootDirectory::creation_info);
    let spec = spec::EfsAccessPoint {
        file_system: Input::from(point.file_system_id().unwrap_or_default()),
        path: root.and_then(RootDirectory::path).unwrap_or_default().to_owned(),
        uid: user.map_or(-1, PosixUser::uid),
        gid: user.map_or(-1, PosixUser::gid),
        owner_uid: owner.map_or(-1, CreationInfo::owner_uid),
        owner_gid: owner.map_or(-1, CreationInfo::owner_gid),
        permissions: owner.map(CreationInfo::permissions).unwrap_or_default().to_owned(),
    };
    let arn = [("arn", point.access_point_arn().unwrap_or_default())];
    tags::observed(aws, point.access_point_id().unwrap_or_default(), of_efs(point.tags()), json(&spec), &arn, readiness(state))
}
