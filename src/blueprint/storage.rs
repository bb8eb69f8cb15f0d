//! Four buckets and the shared file system (S3-1, EFS-1).

use super::context::{self, Context};
use crate::resource::{Address, Desired, Input, Kind, ownership, spec};

/// Days after which an unfinished upload is thrown away.
const ABORT_UPLOADS_DAYS: i32 = 7;
/// Days for which older versions of a state are kept.
const STATE_VERSIONS_DAYS: i32 = 90;

pub(super) fn resources(context: &Context<'_>) -> Vec<Desired> {
    let buckets = context.config.storage.buckets.iter().map(|bucket| {
        let name = context.bucket_name(&bucket.kind);
        let spec = spec::S3Bucket {
            kms_key: context.key_arn(),
            versioned: true,
            public_access_blocked: true,
            policy: context.document(include_str!("../../policies/bucket-tls-only.json"), &[("bucket", name.clone())]),
            noncurrent_days: bucket.noncurrent_days.and_then(|days| i32::try_from(days).ok()),
            abort_multipart_days: ABORT_UPLOADS_DAYS,
            name,
        };
        context.resource(Address::new(Kind::S3Bucket, &bucket.kind), &spec)
    });
    buckets.chain(file_system(context)).collect()
}

/// The bucket that `init` makes for states: what is written over stays for a while as a version.
pub(super) fn state_bucket(context: &Context<'_>, name: &str) -> Desired {
    let spec = spec::S3Bucket {
        name: name.into(),
        kms_key: None,
        versioned: true,
        public_access_blocked: true,
        policy: context.document(include_str!("../../policies/bucket-tls-only.json"), &[("bucket", name.into())]),
        noncurrent_days: Some(STATE_VERSIONS_DAYS),
        abort_multipart_days: ABORT_UPLOADS_DAYS,
    };
    // Never the tags of a cluster: it outlives them all.
    let tags = context::Tags::from([(ownership::STATE.to_owned(), "true".to_owned())]);
    Desired::new(Address::new(Kind::S3Bucket, "state"), &spec, tags)
}

fn file_system(context: &Context<'_>) -> Vec<Desired> {
    let efs = &context.config.storage.efs;
    let system = Address::new(Kind::EfsFileSystem, "datasets");
    let spec = spec::EfsFileSystem { kms_key: context.key_arn(), throughput_mode: efs.throughput_mode.clone(), backup: efs.backup };
    let access_point = spec::EfsAccessPoint {
        file_system: Input::id(&system),
        path: "/domino".to_owned(),
        uid: 0,
        gid: 0,
        owner_uid: 0,
        owner_gid: 0,
        permissions: "0777".to_owned(),
    };
    let mount_targets = context.config.zones.iter().map(|zone| {
        let spec = spec::EfsMountTarget {
            file_system: Input::id(&system),
            subnet: context.private_subnet(zone),
            security_groups: vec![Input::id(&Address::new(Kind::SecurityGroup, "efs"))],
        };
        // Mount targets carry no tags.
        Desired::new(Address::zonal(Kind::EfsMountTarget, "datasets", zone), &spec, context::Tags::new())
    });
    let mut resources: Vec<Desired> = mount_targets.collect();
    resources.push(context.resource(Address::new(Kind::EfsAccessPoint, "domino"), &access_point));
    resources.push(context.resource(system, &spec));
    resources
}
