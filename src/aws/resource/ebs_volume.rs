//! EBS volumes of persistent volume claims. They carry the tag that our EBS CSI add-on puts on everything it creates (docs/aws.md, "What
//! Kubernetes leaves").

use super::leftover::{found, size_of_claim};
use crate::aws::Aws;
use crate::aws::chunks::PAGE;
use crate::aws::contract::{Contents, Deletion, Emptiness, Leftover};
use crate::aws::errors::classify;
use crate::aws::tags::{self, filter};
use crate::engine::{DeletionPolicy, Failure, Item, Observed, Query, Readiness};
use crate::resource::{Kind, spec};
use aws_sdk_ec2::types::{Volume, VolumeState};
use serde_json::json;

/// Tags of which the driver sets one on every volume.
const CLAIM_TAGS: [&str; 3] = ["CSIVolumeName", "ebs.csi.aws.com/cluster", "kubernetes.io/created-for/pvc/name"];

pub(in crate::aws) struct EbsVolume;

impl Leftover for EbsVolume {
    type Spec = spec::EbsVolume;

    const DELETION: Deletion = Deletion {
        blockers: None,
        protection: None,
        data: Some(|aws, item| Box::pin(contents(aws, item))),
        exists_by_name: None,
        unrecorded: None,
        asks_whether_deleting: true,
    };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let which = match query {
            Query::Leftovers(_) => filter(&format!("tag:{}", tags::CLUSTER), [aws.cluster.clone()]),
            other => filter("volume-id", other.items().iter().map(|item| item.id.clone())),
        };
        let pages = aws.ec2.describe_volumes().filters(which).max_results(PAGE).into_paginator().items().send();
        let volumes = classify("DescribeVolumes", pages.collect::<Result<Vec<_>, _>>().await)?;
        Ok(volumes.iter().filter(|volume| !query.is_leftovers() || is_left(volume)).map(observed).collect())
    }

    async fn delete(aws: &Aws, item: &Item, _policy: &DeletionPolicy) -> Result<(), Failure> {
        classify("DeleteVolume", aws.ec2.delete_volume().volume_id(&item.id).send().await).map(drop)
    }
}

/// Whether it is the volume of a claim, or any that nothing uses; the disks of nodes carry our tag too, and are deleted with their nodes.
fn is_left(volume: &Volume) -> bool {
    let keys = || volume.tags().iter().filter_map(|tag| tag.key());
    keys().any(|key| key == tags::LINEAGE) && (keys().any(|key| CLAIM_TAGS.contains(&key)) || volume.attachments().is_empty())
}

fn observed(volume: &Volume) -> Observed {
    let id = volume.volume_id().unwrap_or_default();
    let tags = tags::of_ec2(volume.tags());
    let spec = json!({ "size_gib": volume.size(), "zone": volume.availability_zone(), "kms_key": volume.kms_key_id() });
    let readiness = if volume.state() == Some(&VolumeState::Deleting) { Readiness::Deleting } else { Readiness::Ready };
    Observed { readiness, ..found(Kind::EbsVolume, id, id, "the EBS CSI driver", tags, spec) }
}

async fn contents(_aws: &Aws, item: &Item) -> Result<Option<Contents>, Failure> {
    Ok(Some(Contents { words: size_of_claim(item), emptiness: Emptiness::Full }))
}
