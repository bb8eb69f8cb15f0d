//! Resources that may be ours although neither a state nor a configuration names them. Each kind says how its unrecorded resources are
//! found: by tags across all services, with one call for all kinds, or by a list call of its own. Every candidate is observed before it
//! counts.

use super::clients::Aws;
use super::contract::{List, Unrecorded, candidate};
use super::dispatch::observe_all;
use super::errors::{classify, unexpected};
use super::resource::operations;
use super::tags::{self, CLUSTER, Tags};
use crate::engine::{Failure, Item, Observed};
use crate::resource::Kind;
use aws_sdk_resourcegroupstagging::types::TagFilter;
use serde_json::Value;
use std::collections::BTreeSet;
use tokio::task::JoinSet;

/// Everything of the cluster, by every means of discovery: the items, what carries our tags, and what is not recorded.
///
/// # Errors
/// The first call that fails.
pub(super) async fn observe_everything(aws: &Aws, mut items: Vec<Item>) -> Result<Vec<Observed>, Failure> {
    let known: BTreeSet<(Kind, String)> = items.iter().filter_map(key).collect();
    let (tagged, listed) = tokio::try_join!(by_tag(aws), by_lists(aws))?;
    items.extend(tagged.into_iter().chain(listed).filter(|item| key(item).is_none_or(|key| !known.contains(&key))));
    let mut observed = observe_all(aws, items).await?;
    // The same key may be found by its alias and by its id.
    observed.dedup_by(|a, b| a.address == b.address && a.id == b.id);
    Ok(observed)
}

fn unrecorded(kind: Kind) -> Option<&'static Unrecorded> {
    operations(kind).deletion.unrecorded.as_ref()
}

/// What identifies an item, so that the same resource is not observed twice.
fn key(item: &Item) -> Option<(Kind, String)> {
    let kind = item.address.kind();
    let fields = unrecorded(kind)?.key.iter().map(|field| item.spec.get(field).and_then(Value::as_str));
    let values = fields.collect::<Option<Vec<&str>>>()?;
    (!values.is_empty()).then(|| (kind, values.join(" ")))
}

/// Candidates of the services that cannot list their resources by tag: one call of the tagging API answers for all of them.
async fn by_tag(aws: &Aws) -> Result<Vec<Item>, Failure> {
    let types = Kind::ALL.iter().filter_map(|kind| Some(unrecorded(*kind)?.tagged.as_ref()?.resource_type.to_owned()));
    let ours = TagFilter::builder().key(CLUSTER).values(&aws.cluster).build();
    let call = aws.tagging.get_resources().tag_filters(ours).set_resource_type_filters(Some(types.collect()));
    let pages = call.into_paginator().items().send();
    let found = classify("GetResources", pages.collect::<Result<Vec<_>, _>>().await)?;
    let items = found.iter().filter_map(|resource| {
        let tags: Tags = resource.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect();
        let address = tags::address(aws, &tags)?;
        let parts: Vec<&str> = resource.resource_arn()?.splitn(6, ':').collect();
        let [_, _, service, _, _, name] = parts.as_slice() else { return None };
        let tagged = unrecorded(address.kind())?.tagged.as_ref()?;
        // AWS Backup copies the tags of a resource to its recovery points, so the service in the ARN is compared too.
        let is_of_kind = tagged.resource_type.split(':').next() == Some(*service);
        Some(candidate(address, (tagged.spec)(name).filter(|_| is_of_kind)?, tags))
    });
    Ok(items.collect())
}

async fn by_lists(aws: &Aws) -> Result<Vec<Item>, Failure> {
    let mut tasks = JoinSet::new();
    for list in Kind::ALL.iter().filter_map(|kind| -> Option<List> { unrecorded(*kind)?.list }) {
        let aws = aws.clone();
        tasks.spawn(async move { list(&aws).await });
    }
    let mut items = Vec::new();
    while let Some(joined) = tasks.join_next().await {
        items.extend(joined.map_err(|error| unexpected("look for candidates", &error.to_string()).caused_by(error))??);
    }
    Ok(items)
}
