//! S3 as the store of a state: strongly consistent reads, and writes under a condition (docs/aws.md, "State in S3").

use super::Aws;
use super::errors::{classify, or_absent};
use crate::engine::{Failure, FailureKind};
use crate::resource::ownership;
use crate::state::{Condition, Object, ObjectError, ObjectFault, Objects};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::BucketVersioningStatus;
use std::sync::Arc;

/// One bucket of this account and region.
#[derive(Debug, Clone)]
pub struct StateBucket {
    s3: aws_sdk_s3::Client,
    name: String,
    account: String,
    region: String,
}

impl StateBucket {
    /// The bucket of this name; no call is made yet.
    pub fn new(aws: &Aws, name: &str) -> Self {
        let connection = &aws.connection;
        Self { s3: aws.state.clone(), name: name.to_owned(), account: connection.account.clone(), region: connection.region.clone() }
    }

    /// Whether there is a bucket of this name in this account and region. Asked by a GET, because the answer to a HEAD has no message.
    ///
    /// # Errors
    /// When it belongs to another account or is in another region, or AWS refuses.
    pub async fn exists(&self) -> Result<bool, ObjectError> {
        Ok(self.versioning().await?.is_some())
    }

    /// Whether the bucket is versioned; `None` when there is no bucket.
    async fn versioning(&self) -> Result<Option<bool>, ObjectError> {
        let answer = self.s3.get_bucket_versioning().bucket(&self.name).expected_bucket_owner(&self.account).send().await;
        let answer = or_absent(classify("GetBucketVersioning", answer)).map_err(self.failed())?;
        Ok(answer.map(|answer| answer.status() == Some(&BucketVersioningStatus::Enabled)))
    }

    /// Whether `init` created it and was interrupted: the last of its settings is missing.
    ///
    /// # Errors
    /// When AWS refuses.
    pub async fn is_unfinished(&self) -> Result<bool, ObjectError> {
        let tags = self.s3.get_bucket_tagging().bucket(&self.name).expected_bucket_owner(&self.account).send().await;
        let tags = or_absent(classify("GetBucketTagging", tags)).map_err(self.failed())?;
        if !tags.is_some_and(|tags| tags.tag_set().iter().any(|tag| tag.key() == ownership::STATE)) {
            return Ok(false);
        }
        let rules = self.s3.get_bucket_lifecycle_configuration().bucket(&self.name).expected_bucket_owner(&self.account).send().await;
        Ok(or_absent(classify("GetBucketLifecycleConfiguration", rules)).map_err(self.failed())?.is_none())
    }

    fn explained(&self, failure: Failure) -> ObjectError {
        let name = &self.name;
        let code = failure.code.as_deref().unwrap_or_default();
        let known = match (failure.kind, code) {
            (_, "PreconditionFailed") => Some((ObjectFault::Precondition, None)),
            (_, "NoSuchKey") => Some((ObjectFault::Gone, None)),
            (_, "ConditionalRequestConflict" | "OperationAborted") => Some((ObjectFault::Conflict, None)),
            (_, "NoSuchBucket" | "NotFound") => return self.missing(),
            (_, "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException") => {
                Some((ObjectFault::Unfit, Some(format!("the bucket `{name}` is not in {}; choose one that is", self.region))))
            }
            (FailureKind::Credentials, _) => {
                Some((ObjectFault::Credentials, Some("refresh your AWS credentials, then run the same command again".to_owned())))
            }
            (FailureKind::Permission, _) => Some((
                ObjectFault::Denied,
                Some(format!(
                    "`{name}` must belong to account {}, and you need s3:ListBucket, s3:GetBucketVersioning on it, and s3:GetObject, s3:PutObject, s3:DeleteObject on what is in it",
                    self.account
                )),
            )),
            (FailureKind::LostAnswer | FailureKind::Busy, _) => Some((ObjectFault::Lost, None)),
            _ => None,
        };
        let (fault, help) = known.unwrap_or((ObjectFault::Other, None));
        ObjectError { fault, message: failure.to_string(), help, source: Some(Arc::new(failure)) }
    }

    fn missing(&self) -> ObjectError {
        ObjectError {
            fault: ObjectFault::Unfit,
            message: format!("there is no bucket `{}`", self.name),
            help: Some("correct `state`, or let `domino-eks init --state s3://…` create the bucket".to_owned()),
            source: None,
        }
    }

    fn failed(&self) -> impl Fn(Failure) -> ObjectError {
        |failure| self.explained(failure)
    }
}

impl Objects for StateBucket {
    async fn check(&self) -> Result<(), ObjectError> {
        match self.versioning().await? {
            None => return Err(self.missing()),
            Some(true) => return Ok(()),
            Some(false) => {}
        }
        let name = &self.name;
        Err(ObjectError {
            fault: ObjectFault::Unfit,
            message: format!("the bucket `{name}` is not versioned: an overwritten state could not be restored"),
            help: Some(format!("aws s3api put-bucket-versioning --bucket {name} --versioning-configuration Status=Enabled")),
            source: None,
        })
    }

    async fn get(&self, key: &str) -> Result<Option<Object>, ObjectError> {
        let answer = self.s3.get_object().bucket(&self.name).key(key).expected_bucket_owner(&self.account).send().await;
        let answer = match classify("GetObject", answer) {
            Err(failure) if failure.code.as_deref() == Some("NoSuchKey") => return Ok(None),
            other => other.map_err(self.failed())?,
        };
        let etag = answer.e_tag().unwrap_or_default().to_owned();
        let body = answer.body.collect().await;
        let lost = |error: &dyn std::error::Error| Failure::new(FailureKind::LostAnswer, "GetObject", error.to_string());
        let bytes = body.map_err(|error| self.explained(lost(&error)))?.into_bytes().to_vec();
        Ok(Some(Object { bytes, etag }))
    }

    /// The bucket's own default encrypts it at rest: SSE-S3 at least, or the key that its owner chose.
    async fn put(&self, key: &str, bytes: Vec<u8>, condition: Condition<'_>) -> Result<String, ObjectError> {
        let call = self.s3.put_object().bucket(&self.name).key(key).expected_bucket_owner(&self.account);
        let call = match condition {
            Condition::Absent => call.if_none_match("*"),
            Condition::Unchanged(etag) => call.if_match(etag),
        };
        let call = call.content_type("application/json").body(ByteStream::from(bytes));
        let answer = classify("PutObject", call.send().await).map_err(self.failed())?;
        Ok(answer.e_tag().unwrap_or_default().to_owned())
    }

    async fn delete(&self, key: &str, etag: &str) -> Result<(), ObjectError> {
        let call = self.s3.delete_object().bucket(&self.name).key(key).expected_bucket_owner(&self.account).if_match(etag);
        classify("DeleteObject", call.send().await).map(drop).map_err(self.failed())
    }
}
