//! EBS volumes of claims. They carry the tag that our EBS CSI add-on gives to all it makes (aws-facts §7.2).

use super::Resource;
use super::leftover::found;
use crate::aws::Aws;
use crate::aws::errors::sent;
use crate::aws::parts::PAGE;
use crate::aws::tags::{self, filter};
use crate::engine::{Failure, Item, Observed, Query, Readiness};
use crate::resource::Kind;
use aws_sdk_ec2::types::{Volume, VolumeState};
use serde_json::{Value, json};

/// Tags of which the driver sets one on every volume.
const CLAIM_TAGS: [&str; 3] = ["CSIVolumeName", "ebs.csi.aws.com/cluster", "kubernetes.io/created-for/pvc/name"];

pub(super) struct EbsVolume;

impl Resource for EbsVolume {
    type Spec = Value;

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let which = match query {
            Query::Left(_) => filter(&format!("tag:{}", tags::CLUSTER), [aws.cluster.clone()]),
            other => filter("volume-id", other.items().iter().map(|item| item.id.clone())),
        };
        let pages = aws.ec2.describe_volumes().filters(which).max_results(PAGE).into_paginator().items().send();
        let volumes = sent("DescribeVolumes", pages.collect::<Result<Vec<_>, _>>().await)?;
        Ok(volumes.iter().filter(|volume| !query.is_left() || is_left(volume)).map(observed).collect())
    }

    async fn delete(aws: &Aws, item: &Item) -> Result<(), Failure> {
        sent("DeleteVolume", aws.ec2.delete_volume().volume_id(&item.id).send().await).map(drop)
    }
}

/// A claim's volume, or any that nothing uses; the disks of nodes carry our tag too, and go with their nodes.
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
