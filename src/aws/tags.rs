//! Ownership tags, and how each service changes tags of what exists.

use super::clients::Aws;
use super::errors::{classify, unexpected};
use crate::engine::{Failure, Item, Observed, Query, Readiness, Update};
use crate::resource::{Address, ownership};
use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) use ownership::{ADDRESS, CLUSTER, LINEAGE};

/// Tags as a map.
pub(super) type Tags = BTreeMap<String, String>;

/// Tags of an EC2 create call.
pub(super) fn specification(kind: ResourceType, tags: &Tags) -> TagSpecification {
    TagSpecification::builder().resource_type(kind).set_tags(Some(ec2(tags))).build()
}

fn ec2(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// Tags of an EC2 answer.
pub(super) fn of_ec2(tags: &[Tag]) -> Tags {
    tags.iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()))).collect()
}

/// Tags as the map that the calls of EKS and CloudWatch Logs take.
pub(super) fn hash_map(tags: &Tags) -> std::collections::HashMap<String, String> {
    tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// The address in a resource's own tags, when it belongs to this cluster.
pub(super) fn address(aws: &Aws, tags: &Tags) -> Option<Address> {
    let ours = tags.get(CLUSTER).is_some_and(|cluster| *cluster == aws.cluster);
    ours.then(|| tags.get(ADDRESS)?.parse().ok()).flatten()
}

/// EC2 filters of a query: our tag, or the ids of the items under the filter's name for ids.
pub(super) fn filters(aws: &Aws, query: &Query, id_filter: &str) -> Vec<Filter> {
    let filter = match query {
        Query::Ours(_) | Query::Leftovers(_) => filter(&format!("tag:{CLUSTER}"), [aws.cluster.clone()]),
        Query::These(items) => filter(id_filter, items.iter().map(|item| item.id.clone())),
    };
    vec![filter]
}

/// One EC2 filter.
pub(super) fn filter(name: &str, values: impl IntoIterator<Item = String>) -> Filter {
    Filter::builder().name(name).set_values(Some(values.into_iter().collect())).build()
}

/// An observed resource whose address is in its tags; `None` when it does not belong to this cluster.
pub(super) fn observed(
    aws: &Aws,
    id: &str,
    tags: Tags,
    spec: Value,
    attributes: &[(&str, &str)],
    readiness: Readiness,
) -> Option<Observed> {
    let address = address(aws, &tags)?;
    Some(Observed { address, id: id.to_owned(), attributes: self::attributes(id, attributes), spec, tags: Some(tags), readiness })
}

/// An observed resource that was found by the natural key or id of a known item; tags were not read.
pub(super) fn observed_item(item: &Item, id: &str, spec: Value, attributes: &[(&str, &str)], readiness: Readiness) -> Observed {
    Observed { address: item.address.clone(), id: id.to_owned(), attributes: self::attributes(id, attributes), spec, tags: None, readiness }
}

/// Attributes with the id; empty values are left out.
pub(super) fn attributes(id: &str, more: &[(&str, &str)]) -> BTreeMap<String, String> {
    let all = std::iter::once(("id", id)).chain(more.iter().copied());
    all.filter(|(_, value)| !value.is_empty()).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// ARN of a resource in this account, region and partition.
pub(super) fn arn(aws: &Aws, service: &str, resource: &str) -> String {
    let connection = &aws.connection;
    format!("arn:{}:{service}:{}:{}:{resource}", connection.partition, connection.region, connection.account)
}

/// Sets and removes tags of a resource of EC2, by its id.
pub(super) async fn change_ec2(aws: &Aws, update: &Update) -> Result<(), Failure> {
    if !update.set_tags.is_empty() {
        classify("CreateTags", aws.ec2.create_tags().resources(&update.item.id).set_tags(Some(ec2(&update.set_tags))).send().await)?;
    }
    if !update.remove_tags.is_empty() {
        let keys = update.remove_tags.iter().map(|key| Tag::builder().key(key).build()).collect();
        classify("DeleteTags", aws.ec2.delete_tags().resources(&update.item.id).set_tags(Some(keys)).send().await)?;
    }
    Ok(())
}

fn arn_of(update: &Update) -> Result<&str, Failure> {
    let arn = update.item.attributes.get("arn").map(String::as_str);
    arn.ok_or_else(|| unexpected("TagResource", &format!("the ARN of {} is not known", update.item.address)))
}

/// Sets and removes tags of a resource of EKS, by its ARN.
pub(super) async fn change_eks(aws: &Aws, update: &Update) -> Result<(), Failure> {
    if !update.set_tags.is_empty() {
        classify(
            "TagResource",
            aws.eks.tag_resource().resource_arn(arn_of(update)?).set_tags(Some(hash_map(&update.set_tags))).send().await,
        )?;
    }
    if !update.remove_tags.is_empty() {
        let keys = Some(update.remove_tags.clone());
        classify("UntagResource", aws.eks.untag_resource().resource_arn(arn_of(update)?).set_tag_keys(keys).send().await)?;
    }
    Ok(())
}

/// Sets and removes tags of a resource of EFS, by its id.
pub(super) async fn change_efs(aws: &Aws, update: &Update) -> Result<(), Failure> {
    if !update.set_tags.is_empty() {
        let tags = update.set_tags.iter().filter_map(|(key, value)| aws_sdk_efs::types::Tag::builder().key(key).value(value).build().ok());
        classify("TagResource", aws.efs.tag_resource().resource_id(&update.item.id).set_tags(Some(tags.collect())).send().await)?;
    }
    if !update.remove_tags.is_empty() {
        let keys = Some(update.remove_tags.clone());
        classify("UntagResource", aws.efs.untag_resource().resource_id(&update.item.id).set_tag_keys(keys).send().await)?;
    }
    Ok(())
}

/// Sets and removes tags of a key.
pub(super) async fn change_kms(aws: &Aws, update: &Update) -> Result<(), Failure> {
    if !update.set_tags.is_empty() {
        let tags =
            update.set_tags.iter().filter_map(|(key, value)| aws_sdk_kms::types::Tag::builder().tag_key(key).tag_value(value).build().ok());
        classify("TagResource", aws.kms.tag_resource().key_id(&update.item.id).set_tags(Some(tags.collect())).send().await)?;
    }
    if !update.remove_tags.is_empty() {
        let keys = Some(update.remove_tags.clone());
        classify("UntagResource", aws.kms.untag_resource().key_id(&update.item.id).set_tag_keys(keys).send().await)?;
    }
    Ok(())
}

/// Sets and removes tags of a log group, by its ARN.
pub(super) async fn change_logs(aws: &Aws, update: &Update) -> Result<(), Failure> {
    if !update.set_tags.is_empty() {
        classify(
            "TagResource",
            aws.logs.tag_resource().resource_arn(arn_of(update)?).set_tags(Some(hash_map(&update.set_tags))).send().await,
        )?;
    }
    if !update.remove_tags.is_empty() {
        let keys = Some(update.remove_tags.clone());
        classify("UntagResource", aws.logs.untag_resource().resource_arn(arn_of(update)?).set_tag_keys(keys).send().await)?;
    }
    Ok(())
}
