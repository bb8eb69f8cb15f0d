//! What may be ours although neither a state nor a configuration names it: found by tags across all services, under our
//! path of IAM, and below our file systems. Every candidate is looked at again before it counts.

use super::Aws;
use super::errors::{or_absent, sent};
use super::resource::{iam_path, observe_all, security_group};
use super::tags::{self, CLUSTER, Tags};
use crate::engine::{Failure, INTENT_ATTRIBUTE, Item, Observed};
use crate::resource::{Address, Kind};
use aws_sdk_resourcegroupstagging::types::TagFilter;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Resource types whose services list nothing by tag themselves.
const TYPES: [&str; 3] = ["s3", "kms:key", "logs:log-group"];

/// Everything of the cluster by every means of discovery: the items, their tags, and what nobody has written down.
///
/// # Errors
/// The first call that fails.
pub(super) async fn observe_everything(aws: &Aws, mut items: Vec<Item>) -> Result<Vec<Observed>, Failure> {
    let known: BTreeSet<(Kind, String)> = items.iter().filter_map(key).collect();
    let (tagged, roles, policies, profiles, storage) =
        tokio::try_join!(by_tag(aws), roles(aws), policies(aws), profiles(aws), below_file_systems(aws))?;
    // EKS fixes this name; its tags say whether it is ours.
    let logs = json!({ "name": format!("/aws/eks/{}/cluster", aws.cluster) });
    let logs = vec![candidate(Address::new(Kind::LogGroup, "control-plane"), logs, Tags::new())];
    let found = [tagged, roles, policies, profiles, storage, logs].into_iter().flatten();
    items.extend(found.filter(|item| key(item).is_none_or(|key| !known.contains(&key))));
    let mut observed = observe_all(aws, items).await?;
    // A key is known by its alias and by its id.
    observed.dedup_by(|a, b| a.address == b.address && a.id == b.id);
    Ok(observed)
}

/// What tells two items apart that may be the same thing.
fn key(item: &Item) -> Option<(Kind, String)> {
    let text = |field: &str| item.spec.get(field).and_then(Value::as_str).map(str::to_owned);
    let name = match item.address.kind() {
        Kind::EfsMountTarget => format!("{} {}", text("file_system")?, text("subnet")?),
        Kind::KmsKey => text("alias")?,
        _ => text("name")?,
    };
    Some((item.address.kind(), name))
}

fn candidate(address: Address, spec: Value, tags: Tags) -> Item {
    // As if its creation had been begun: then it is looked for harder.
    let attributes = BTreeMap::from([(INTENT_ATTRIBUTE.to_owned(), String::new())]);
    Item { address, spec, tags, id: String::new(), attributes }
}

/// Buckets, keys and log groups, whose services list nothing by tag themselves.
async fn by_tag(aws: &Aws) -> Result<Vec<Item>, Failure> {
    let ours = TagFilter::builder().key(CLUSTER).values(&aws.cluster).build();
    let call = aws.tagging.get_resources().tag_filters(ours).set_resource_type_filters(Some(TYPES.map(str::to_owned).into()));
    let pages = call.into_paginator().items().send();
    let found = sent("GetResources", pages.collect::<Result<Vec<_>, _>>().await)?;
    let items = found.iter().filter_map(|resource| {
        let tags: Tags = resource.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect();
        let address = tags::address(aws, &tags)?;
        let parts: Vec<&str> = resource.resource_arn()?.splitn(6, ':').collect();
        let [_, _, service, _, _, name] = parts.as_slice() else { return None };
        // Backups carry the tags of what they are of.
        let spec = match address.kind() {
            Kind::S3Bucket if *service == "s3" => json!({ "name": name }),
            // By its id: its alias may be gone, or never have been made.
            Kind::KmsKey if *service == "kms" => json!({ "alias": name.strip_prefix("key/")? }),
            Kind::LogGroup if *service == "logs" => json!({ "name": name.strip_prefix("log-group:")?.trim_end_matches(":*") }),
            _ => return None,
        };
        Some(candidate(address, spec, tags))
    });
    Ok(items.collect())
}

/// IAM is the same in all regions: a cluster of the same name in another one has the same path and tags, but other names.
fn of_iam<'a>(aws: &Aws, name: &str, found: impl IntoIterator<Item = &'a aws_sdk_iam::types::Tag>) -> Option<Item> {
    if !name.starts_with(&format!("{}-{}-", aws.cluster, aws.connection.region)) {
        return None;
    }
    let tags: Tags = found.into_iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect();
    Some(candidate(tags::address(aws, &tags)?, json!({ "name": name }), tags))
}

async fn roles(aws: &Aws) -> Result<Vec<Item>, Failure> {
    let pages = aws.iam.list_roles().path_prefix(iam_path(aws)).into_paginator().items().send();
    let mut items = Vec::new();
    for role in sent("ListRoles", pages.collect::<Result<Vec<_>, _>>().await)? {
        let answer = or_absent(sent("ListRoleTags", aws.iam.list_role_tags().role_name(role.role_name()).send().await))?;
        items.extend(answer.and_then(|answer| of_iam(aws, role.role_name(), answer.tags())));
    }
    Ok(items)
}

async fn policies(aws: &Aws) -> Result<Vec<Item>, Failure> {
    let call = aws.iam.list_policies().scope(aws_sdk_iam::types::PolicyScopeType::Local).path_prefix(iam_path(aws));
    let mut items = Vec::new();
    for policy in sent("ListPolicies", call.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await)? {
        let (arn, name) = (policy.arn().unwrap_or_default(), policy.policy_name().unwrap_or_default());
        let answer = or_absent(sent("ListPolicyTags", aws.iam.list_policy_tags().policy_arn(arn).send().await))?;
        items.extend(answer.and_then(|answer| of_iam(aws, name, answer.tags())));
    }
    Ok(items)
}

async fn profiles(aws: &Aws) -> Result<Vec<Item>, Failure> {
    let pages = aws.iam.list_instance_profiles().path_prefix(iam_path(aws)).into_paginator().items().send();
    let mut items = Vec::new();
    for profile in sent("ListInstanceProfiles", pages.collect::<Result<Vec<_>, _>>().await)? {
        let name = profile.instance_profile_name();
        let call = aws.iam.list_instance_profile_tags().instance_profile_name(name);
        let answer = or_absent(sent("ListInstanceProfileTags", call.send().await))?;
        items.extend(answer.and_then(|answer| of_iam(aws, name, answer.tags())));
    }
    Ok(items)
}

/// VPCs in which we have security groups. Others may mount a file system of ours in theirs.
async fn vpcs(aws: &Aws) -> Result<BTreeSet<String>, Failure> {
    let groups = security_group::describe(aws, vec![tags::filter(&format!("tag:{CLUSTER}"), [aws.cluster.clone()])]).await?;
    Ok(groups.iter().filter_map(|group| group.vpc_id().map(str::to_owned)).collect())
}

/// Access points and mount targets of our file systems; the latter have no tags, and their id stands for a name.
async fn below_file_systems(aws: &Aws) -> Result<Vec<Item>, Failure> {
    let pages = aws.efs.describe_file_systems().into_paginator().items().send();
    let vpcs = vpcs(aws).await?;
    let mut items = Vec::new();
    for system in sent("DescribeFileSystems", pages.collect::<Result<Vec<_>, _>>().await)? {
        let tags: Tags = system.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect();
        if tags::address(aws, &tags).is_none() {
            continue;
        }
        let id = system.file_system_id();
        items.push(candidate(Address::new(Kind::EfsAccessPoint, id), json!({ "file_system": id }), Tags::new()));
        let pages = aws.efs.describe_mount_targets().file_system_id(id).into_paginator().items().send();
        let targets = or_absent(sent("DescribeMountTargets", pages.collect::<Result<Vec<_>, _>>().await))?.unwrap_or_default();
        let near = targets.iter().filter(|target| target.vpc_id().is_some_and(|vpc| vpcs.contains(vpc)));
        items.extend(near.map(|target| {
            let address = Address::new(Kind::EfsMountTarget, target.mount_target_id());
            candidate(address, json!({ "file_system": id, "subnet": target.subnet_id() }), Tags::new())
        }));
    }
    Ok(items)
}
