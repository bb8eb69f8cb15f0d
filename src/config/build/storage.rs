//! Buckets and file system (S3-1, EFS-1).

use super::super::checker::Checker;
use super::super::file::{self, ThroughputMode};
use super::super::model::{Bucket, Efs, Storage};
use super::super::names;

/// Builds the four buckets and the file system.
pub(super) fn storage(checker: &mut Checker<'_>) -> Storage {
    let file = checker.file;
    let buckets = &file.storage.buckets;
    let kinds = [("blobs", &buckets.blobs), ("registry", &buckets.registry), ("logs", &buckets.logs), ("backups", &buckets.backups)];
    for (i, (kind, bucket)) in kinds.iter().enumerate() {
        let Some(name) = &bucket.name else { continue };
        let path = ["storage", "buckets", kind, "name"];
        if let Err(problem) = names::check_bucket_name(name) {
            let help = "choose another name, or leave it out for the default one";
            checker.refuse(&path, "S3-1", format!("`{name}` cannot be a bucket name: {problem}"), help);
        }
        if let Some((other, _)) = kinds[..i].iter().find(|(_, b)| b.name.as_ref() == Some(name)) {
            let message = format!("`{kind}` and `{other}` have the same bucket `{name}`");
            checker.refuse(&path, "S3-1", message, "give each of the four its own bucket");
        }
    }
    Storage { buckets: kinds.map(|(kind, bucket)| built(checker, kind, bucket)).into(), efs: efs(&file.storage.efs) }
}

fn built(checker: &mut Checker<'_>, kind: &str, bucket: &file::Bucket) -> Bucket {
    let days = i32::try_from(bucket.noncurrent_days).ok();
    if days.is_none() {
        let message = format!("`noncurrentDays` is {}, S3 takes {} at most", bucket.noncurrent_days, i32::MAX);
        checker.refuse(
            &["storage", "buckets", kind, "noncurrentDays"],
            "S3-1",
            message,
            "write a smaller number; 0 keeps versions for ever",
        );
    }
    Bucket { kind: kind.to_owned(), name: bucket.name.clone(), noncurrent_days: days.filter(|days| *days > 0) }
}

fn efs(efs: &file::Efs) -> Efs {
    let throughput_mode = match efs.throughput_mode {
        ThroughputMode::Elastic => "elastic",
        ThroughputMode::Bursting => "bursting",
    };
    Efs { backup: efs.backup, throughput_mode: throughput_mode.to_owned() }
}
