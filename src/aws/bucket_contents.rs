//! What is inside a bucket: counting it, and deleting it before the bucket can go.

use super::Aws;
use super::errors::{meaning, sent, unexpected};
use crate::engine::{Failure, FailureKind};
use aws_sdk_s3::types::{Delete, ObjectIdentifier};

/// Rounds after which a bucket that keeps filling up is given up.
const ROUNDS: usize = 20;

/// Whether the bucket holds any object, version or delete marker. A bucket that is gone holds nothing.
///
/// # Errors
/// When S3 refuses the question.
pub async fn holds_objects(aws: &Aws, bucket: &str) -> Result<bool, Failure> {
    let call = aws.s3.list_object_versions().bucket(bucket).expected_bucket_owner(&aws.connection.account).max_keys(1);
    match sent("ListObjectVersions", call.send().await) {
        Ok(answer) => Ok(!answer.versions().is_empty() || !answer.delete_markers().is_empty()),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// Deletes all versions, delete markers and unfinished uploads.
pub(super) async fn empty(aws: &Aws, bucket: &str) -> Result<(), Failure> {
    abort_uploads(aws, bucket).await?;
    let mut rounds = 0;
    loop {
        // Always the first page: what was listed before is gone by then.
        let call = aws.s3.list_object_versions().bucket(bucket).expected_bucket_owner(&aws.connection.account);
        let page = sent("ListObjectVersions", call.send().await)?;
        let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
        let markers = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
        let objects: Vec<ObjectIdentifier> = versions.chain(markers).filter_map(|(key, version)| identifier(key?, version)).collect();
        if objects.is_empty() {
            return Ok(());
        }
        delete(aws, bucket, objects).await?;
        // Only a last page that is not the last one means that somebody writes.
        rounds += usize::from(page.is_truncated() != Some(true));
        if rounds > ROUNDS {
            return Err(unexpected("DeleteObjects", "the bucket fills up as fast as it is emptied; stop what writes to it"));
        }
    }
}

fn identifier(key: &str, version: Option<&str>) -> Option<ObjectIdentifier> {
    ObjectIdentifier::builder().key(key).set_version_id(version.map(str::to_owned)).build().ok()
}

/// A batch of 1 000 at most; an answer of 200 may still carry errors.
async fn delete(aws: &Aws, bucket: &str, objects: Vec<ObjectIdentifier>) -> Result<(), Failure> {
    let batch = Delete::builder()
        .set_objects(Some(objects))
        .quiet(true)
        .build()
        .map_err(|error| unexpected("DeleteObjects", &error.to_string()))?;
    let call = aws.s3.delete_objects().bucket(bucket).expected_bucket_owner(&aws.connection.account).delete(batch);
    let answer = sent("DeleteObjects", call.send().await)?;
    match answer.errors().first() {
        None => Ok(()),
        Some(error) => {
            let (key, message) = (error.key().unwrap_or_default(), error.message().unwrap_or_default());
            let code = error.code().unwrap_or_default();
            let failure = unexpected("DeleteObjects", &format!("`{key}` cannot be deleted: {message}"));
            Err(Failure { kind: meaning(code, message), code: Some(code.to_owned()), ..failure })
        }
    }
}

async fn abort_uploads(aws: &Aws, bucket: &str) -> Result<(), Failure> {
    let owner = &aws.connection.account;
    loop {
        let page = sent("ListMultipartUploads", aws.s3.list_multipart_uploads().bucket(bucket).expected_bucket_owner(owner).send().await)?;
        if page.uploads().is_empty() {
            return Ok(());
        }
        for upload in page.uploads() {
            let call = aws.s3.abort_multipart_upload().bucket(bucket).expected_bucket_owner(owner);
            let call = call.set_key(upload.key().map(str::to_owned)).set_upload_id(upload.upload_id().map(str::to_owned));
            super::errors::or_absent(sent("AbortMultipartUpload", call.send().await))?;
        }
    }
}
