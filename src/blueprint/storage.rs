//! Four buckets and the shared file system (S3-1, EFS-1).

use super::resource_builder::{ResourceBuilder, Tags};
use crate::resource::{Address, Desired, Input, Kind, ownership, spec};

/// Days after which an unfinished multipart upload is aborted.
const ABORT_UPLOADS_DAYS: i32 = 7;
/// Days for which older versions of a state are kept.
const STATE_VERSIONS_DAYS: i32 = 90;

pub(super) fn resources(builder: &ResourceBuilder<'_>) -> Vec<Desired> {
    let buckets = builder.config.storage.buckets.iter().map(|bucket| {
        let name = builder.bucket_name(&bucket.kind);
        let spec = spec::S3Bucket {
            kms_key: builder.key_arn(),
            versioned: true,
            public_access_blocked: true,
            policy: builder.document(include_str!("../../policies/bucket-tls-only.json"), &[("bucket", name.clone())]),
            noncurrent_days: bucket.noncurrent_days,
            abort_multipart_days: ABORT_UPLOADS_DAYS,
            name,
        };
        builder.resource(Address::new(Kind::S3Bucket, &bucket.kind), &spec)
    });
    buckets.chain(file_system(builder)).collect()
}

/// The bucket that `init` creates for states: overwritten states are kept for a while as versions.
pub(super) fn state_bucket(builder: &ResourceBuilder<'_>, name: &str) -> Desired {
    let spec = spec::S3Bucket {
        name: name.into(),
        kms_key: None,
        versioned: true,
        public_access_blocked: true,
        policy: builder.document(include_str!("../../policies/bucket-tls-only.json"), &[("bucket", name.into())]),
        noncurrent_days: Some(STATE_VERSIONS_DAYS),
        abort_multipart_days: ABORT_UPLOADS_DAYS,
    };
    // It has no tags of a cluster, because it stays when clusters are destroyed.
    let tags = Tags::from([(ownership::STATE.to_owned(), "true".to_owned())]);
    Desired::new(Address::new(Kind::S3Bucket, "state"), &spec, tags)
}

fn file_system(builder: &ResourceBuilder<'_>) -> Vec<Desired> {
    let efs = &builder.config.storage.efs;
    let system = Address::new(Kind::EfsFileSystem, "datasets");
    let spec = spec::EfsFileSystem { kms_key: builder.key_arn(), throughput_mode: efs.throughput_mode.clone(), backup: efs.backup };
    let access_point = spec::EfsAccessPoint {
        file_system: Input::id(&system),
        path: "/domino".to_owned(),
        uid: 0,
        gid: 0,
        owner_uid: 0,
        owner_gid: 0,
        permissions: "0777".to_owned(),
    };
    let mount_targets = builder.config.zones.iter().map(|zone| {
        let spec = spec::EfsMountTarget {
            file_system: Input::id(&system),
            subnet: builder.private_subnet(zone),
            security_groups: vec![Input::id(&Address::new(Kind::SecurityGroup, "efs"))],
        };
        // Mount targets carry no tags.
        Desired::new(Address::zonal(Kind::EfsMountTarget, "datasets", zone), &spec, Tags::new())
    });
    let mut resources: Vec<Desired> = mount_targets.collect();
    resources.push(builder.resource(Address::new(Kind::EfsAccessPoint, "domino"), &access_point));
    resources.push(builder.resource(system, &spec));
    resources
}
