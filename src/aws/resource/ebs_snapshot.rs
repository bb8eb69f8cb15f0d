//! EBS snapshots of persistent volume claims. They carry the tag that our EBS CSI add-on puts on everything it creates (docs/aws.md,
//! "What Kubernetes leaves").

use super::leftover::{found, size_of_claim};
use crate::aws::Aws;
use crate::aws::chunks::PAGE;
use crate::aws::contract::{Contents, Deletion, Emptiness, Leftover};
use crate::aws::errors::classify;
use crate::aws::tags::{self, filter};
use crate::engine::{DeletionPolicy, Failure, Item, Observed, Query};
use crate::resource::{Kind, spec};
use aws_sdk_ec2::types::Snapshot;
use serde_json::json;

pub(in crate::aws) struct EbsSnapshot;

impl Leftover for EbsSnapshot {
    type Spec = spec::EbsSnapshot;

    const DELETION: Deletion = Deletion {
        blockers: None,
        protection: None,
        data: Some(|aws, item| Box::pin(contents(aws, item))),
        exists_by_name: None,
        unrecorded: None,
        asks_whether_deleting: false,
    };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let which = match query {
            Query::Leftovers(_) => filter(&format!("tag:{}", tags::CLUSTER), [aws.cluster.clone()]),
            other => filter("snapshot-id", other.items().iter().map(|item| item.id.clone())),
        };
        let pages = aws.ec2.describe_snapshots().owner_ids("self").filters(which).max_results(PAGE).into_paginator().items().send();
        let snapshots = classify("DescribeSnapshots", pages.collect::<Result<Vec<_>, _>>().await)?;
        Ok(snapshots.iter().filter(|snapshot| !query.is_leftovers() || is_left(snapshot)).map(observed).collect())
    }

    async fn delete(aws: &Aws, item: &Item, _policy: &DeletionPolicy) -> Result<(), Failure> {
        classify("DeleteSnapshot", aws.ec2.delete_snapshot().snapshot_id(&item.id).send().await).map(drop)
    }
}

/// Whether it is the snapshot of a claim. Those of AWS Backup or of a lifecycle policy carry the volume's tags too, but are deleted by
/// their makers.
fn is_left(snapshot: &Snapshot) -> bool {
    let found = tags::of_ec2(snapshot.tags());
    let is_managed = found.keys().any(|key| key.starts_with("aws:backup:") || key.starts_with("aws:dlm:"));
    found.contains_key(tags::LINEAGE) && !is_managed
}

fn observed(snapshot: &Snapshot) -> Observed {
    let id = snapshot.snapshot_id().unwrap_or_default();
    let spec = json!({ "size_gib": snapshot.volume_size(), "kms_key": snapshot.kms_key_id() });
    found(Kind::EbsSnapshot, id, id, "the EBS CSI driver", tags::of_ec2(snapshot.tags()), spec)
}

async fn contents(_aws: &Aws, item: &Item) -> Result<Option<Contents>, Failure> {
    Ok(Some(Contents { words: size_of_claim(item), emptiness: Emptiness::Full }))
}
