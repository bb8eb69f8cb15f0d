//! S3 bucket and its settings (S3-1). Natural key: its name, which is unique across all accounts.

use crate::aws::Aws;
use crate::aws::bucket_contents::{self, Emptied};
use crate::aws::contract::{Contents, Deletion, Emptiness, Resource, Tagged, Typed, Unrecorded, known_name};
use crate::aws::errors::{classify, or_absent, unexpected};
use crate::aws::tags::{self, Tags};
use crate::engine::{Created, DeletionPolicy, Failure, FailureKind, Item, Observed, Query, Readiness, Update};
use crate::resource::spec;
use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, BucketLocationConstraint, BucketVersioningStatus,
    CreateBucketConfiguration, ExpirationStatus, LifecycleRule, LifecycleRuleFilter, NoncurrentVersionExpiration, ObjectOwnership,
    PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
    ServerSideEncryptionRule, Tag, Tagging, VersioningConfiguration,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Region whose CreateBucket takes no location, and answers 200 for a bucket that the caller owns already.
const OLDEST_REGION: &str = "us-east-1";

pub(in crate::aws) struct S3Bucket;

type Spec = spec::S3Bucket;

impl Resource for S3Bucket {
    type Spec = Spec;

    const DELETION: Deletion = Deletion {
        blockers: None,
        protection: None,
        data: Some(|aws, item| Box::pin(contents(aws, item))),
        exists_by_name: Some(|aws, id| Box::pin(is_in_account(aws, id))),
        unrecorded: Some(Unrecorded {
            key: &["name"],
            tagged: Some(Tagged { resource_type: "s3", spec: |name| Some(json!({ "name": name })) }),
            list: None,
        }),
        asks_whether_deleting: false,
    };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let mut seen = Vec::new();
        for item in query.items() {
            let Some(name) = known_name(item, "name") else { continue };
            let Some(versioned) = versioned(aws, name, !item.id.is_empty()).await? else { continue };
            let attributes = attributes(aws, name);
            if item.id.is_empty() {
                let found = read_tags(aws, name).await?;
                if tags::address(aws, &found).is_none() {
                    continue;
                }
                let spec = settings(aws, name, versioned).await?;
                seen.push(Observed { attributes, tags: Some(found), ..tags::observed_item(item, name, spec, &[], Readiness::Ready) });
            } else {
                let spec = settings(aws, name, versioned).await?;
                seen.push(Observed { attributes, ..tags::observed_item(item, name, spec, &[], Readiness::Ready) });
            }
        }
        Ok(seen)
    }

    async fn create(aws: &Aws, new: &Typed<'_, Spec>, _token: &str) -> Result<Created, Failure> {
        let name = new.spec.name.as_str();
        refuse_taken(aws, name).await?;
        let mut configuration = CreateBucketConfiguration::builder().set_tags(Some(s3_tags(&new.tags)?));
        if aws.connection.region != OLDEST_REGION {
            configuration = configuration.location_constraint(BucketLocationConstraint::from(aws.connection.region.as_str()));
        }
        let call = aws.s3.create_bucket().bucket(name).object_ownership(ObjectOwnership::BucketOwnerEnforced);
        classify("CreateBucket", call.create_bucket_configuration(configuration.build()).send().await)?;
        Ok(Created { id: name.to_owned(), attributes: attributes(aws, name) })
    }

    /// One call after another: concurrent changes of the same bucket's settings are answered with 409 OperationAborted.
    async fn configure(aws: &Aws, it: &Typed<'_, Spec>) -> Result<(), Failure> {
        put_public_access_block(aws, it).await?;
        put_versioning(aws, it).await?;
        // Every new bucket has SSE-S3 already.
        if it.spec.kms_key.is_some() {
            put_encryption(aws, it).await?;
        }
        put_policy(aws, it).await?;
        put_lifecycle(aws, it).await
    }

    async fn update(aws: &Aws, it: &Typed<'_, Spec>, update: &Update) -> Result<BTreeMap<String, String>, Failure> {
        for field in &update.fields {
            match field.as_str() {
                "public_access_blocked" => put_public_access_block(aws, it).await?,
                "versioned" => put_versioning(aws, it).await?,
                "kms_key" => put_encryption(aws, it).await?,
                "policy" => put_policy(aws, it).await?,
                _ => put_lifecycle(aws, it).await?,
            }
        }
        Ok(BTreeMap::new())
    }

    async fn change_tags(aws: &Aws, _it: &Typed<'_, Spec>, update: &Update) -> Result<(), Failure> {
        change_tags(aws, update).await
    }

    async fn delete(aws: &Aws, item: &Item, policy: &DeletionPolicy) -> Result<(), Failure> {
        if or_absent(head(aws, &item.id).await)?.is_none() {
            return Ok(());
        }
        if policy.delete_data {
            empty(aws, item).await?;
        }
        let deleted = classify("DeleteBucket", aws.s3.delete_bucket().bucket(&item.id).expected_bucket_owner(owner(aws)).send().await);
        match deleted {
            // Something was written meanwhile: when data may be deleted, the bucket is emptied again.
            Err(failure) if policy.delete_data && failure.code.as_deref() == Some("BucketNotEmpty") => {
                Err(failure.meaning(FailureKind::InUse))
            }
            other => other.map(drop),
        }
    }
}

/// Empties the bucket. Reports progress, once a second at most, and at the end what was deleted.
async fn empty(aws: &Aws, item: &Item) -> Result<(), Failure> {
    let (began, told) = (Instant::now(), AtomicU64::new(0));
    let progress = |so_far: &Emptied| {
        let second = began.elapsed().as_secs();
        if told.fetch_max(second, Ordering::Relaxed) < second {
            aws.tell(&item.address, format!("emptying: {} so far", so_far.words()));
        }
    };
    let emptied = bucket_contents::empty(aws, &item.id, &progress).await?;
    if emptied != Emptied::default() {
        aws.tell(&item.address, format!("emptied: {}", emptied.words()));
    }
    Ok(())
}

fn owner(aws: &Aws) -> &str {
    &aws.connection.account
}

fn attributes(aws: &Aws, name: &str) -> BTreeMap<String, String> {
    tags::attributes(name, &[("name", name), ("arn", &format!("arn:{}:s3:::{name}", aws.connection.partition))])
}

fn bad(operation: &'static str) -> impl Fn(BuildError) -> Failure {
    move |error| unexpected(operation, &error.to_string()).caused_by(error)
}

fn s3_tags(tags: &Tags) -> Result<Vec<Tag>, Failure> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build().map_err(bad("tag"))).collect()
}

/// Whether it exists. The answer to a HEAD has no message: where its status is ambiguous (an expired token is 400), a GET tells.
async fn head(aws: &Aws, name: &str) -> Result<(), Failure> {
    match classify("HeadBucket", aws.s3.head_bucket().bucket(name).expected_bucket_owner(owner(aws)).send().await) {
        Err(failure) if failure.kind == FailureKind::Other && failure.code.is_none() => {
            classify("GetBucketVersioning", aws.s3.get_bucket_versioning().bucket(name).expected_bucket_owner(owner(aws)).send().await)
                .map(drop)
        }
        other => other.map(drop),
    }
}

/// HEAD answers only with a status: 404 is free, 200 is ours, 403 another account's, 301 in another region.
async fn refuse_taken(aws: &Aws, name: &str) -> Result<(), Failure> {
    let taken = |kind, message: &str| Err(Failure::new(kind, "HeadBucket", message));
    match head(aws, name).await {
        Ok(()) => taken(FailureKind::AlreadyExists, &format!("the bucket `{name}` exists in this account")),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(()),
        Err(failure) if failure.kind == FailureKind::Permission => taken(
            FailureKind::Foreign,
            &format!("the bucket name `{name}` belongs to another account; set another one under `storage.buckets`"),
        ),
        Err(failure) if failure.code.as_deref() == Some("PermanentRedirect") => {
            taken(FailureKind::Foreign, &format!("the bucket `{name}` exists in another region; set another name under `storage.buckets`"))
        }
        Err(failure) => Err(failure),
    }
}

/// Whether versioning is on; `None` when the bucket does not exist or, for one that is not recorded, is not ours.
async fn versioned(aws: &Aws, name: &str, recorded: bool) -> Result<Option<bool>, Failure> {
    let call = aws.s3.get_bucket_versioning().bucket(name).expected_bucket_owner(owner(aws));
    match classify("GetBucketVersioning", call.send().await) {
        Ok(answer) => Ok(Some(answer.status() == Some(&BucketVersioningStatus::Enabled))),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
        Err(failure) if !recorded && failure.code.as_deref() == Some("PermanentRedirect") => Ok(None),
        // It belongs to another account, or it is ours and we lack the permission: only the list of our own buckets tells.
        Err(failure) if !recorded && failure.kind == FailureKind::Permission => {
            if is_in_account(aws, name).await? {
                Err(failure)
            } else {
                Ok(None)
            }
        }
        Err(failure) => Err(failure),
    }
}

/// Whether a bucket of that name belongs to this account.
async fn is_in_account(aws: &Aws, name: &str) -> Result<bool, Failure> {
    let pages = aws.s3.list_buckets().prefix(name).into_paginator().items().send();
    let buckets = classify("ListBuckets", pages.collect::<Result<Vec<_>, _>>().await)?;
    Ok(buckets.iter().any(|bucket| bucket.name() == Some(name)))
}

/// The settings of an existing bucket, read concurrently.
async fn settings(aws: &Aws, name: &str, versioned: bool) -> Result<Value, Failure> {
    let block = aws.s3.get_public_access_block().bucket(name).expected_bucket_owner(owner(aws)).send();
    let encryption = aws.s3.get_bucket_encryption().bucket(name).expected_bucket_owner(owner(aws)).send();
    let policy = aws.s3.get_bucket_policy().bucket(name).expected_bucket_owner(owner(aws)).send();
    let lifecycle = aws.s3.get_bucket_lifecycle_configuration().bucket(name).expected_bucket_owner(owner(aws)).send();
    let (block, encryption, policy, lifecycle) = tokio::join!(block, encryption, policy, lifecycle);
    let block = or_absent(classify("GetPublicAccessBlock", block))?.and_then(|answer| answer.public_access_block_configuration);
    let encryption = or_absent(classify("GetBucketEncryption", encryption))?.and_then(|answer| answer.server_side_encryption_configuration);
    let policy = or_absent(classify("GetBucketPolicy", policy))?.and_then(|answer| answer.policy);
    let rules = or_absent(classify("GetBucketLifecycleConfiguration", lifecycle))?.and_then(|answer| answer.rules).unwrap_or_default();
    let mut spec = Map::new();
    spec.insert("name".to_owned(), json!(name));
    spec.insert("versioned".to_owned(), json!(versioned));
    spec.insert("public_access_blocked".to_owned(), json!(block.is_some_and(|block| all_blocked(&block))));
    spec.insert("kms_key".to_owned(), json!(encryption.as_ref().and_then(kms_key)));
    spec.insert("policy".to_owned(), policy.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Value::Null));
    let noncurrent = rules.iter().find_map(|rule| rule.noncurrent_version_expiration()?.noncurrent_days());
    let abort = rules.iter().find_map(|rule| rule.abort_incomplete_multipart_upload()?.days_after_initiation());
    spec.insert("noncurrent_days".to_owned(), json!(noncurrent));
    spec.insert("abort_multipart_days".to_owned(), json!(abort));
    Ok(Value::Object(spec))
}

fn all_blocked(block: &PublicAccessBlockConfiguration) -> bool {
    let switches = [block.block_public_acls(), block.ignore_public_acls(), block.block_public_policy(), block.restrict_public_buckets()];
    switches.iter().all(|switch| *switch == Some(true))
}

fn kms_key(configuration: &ServerSideEncryptionConfiguration) -> Option<String> {
    let default = configuration.rules().first()?.apply_server_side_encryption_by_default()?;
    default.kms_master_key_id().map(str::to_owned)
}

async fn put_public_access_block(aws: &Aws, it: &Typed<'_, Spec>) -> Result<(), Failure> {
    let on = it.spec.public_access_blocked;
    let block = PublicAccessBlockConfiguration::builder()
        .block_public_acls(on)
        .ignore_public_acls(on)
        .block_public_policy(on)
        .restrict_public_buckets(on);
    let call = aws.s3.put_public_access_block().bucket(&it.id).expected_bucket_owner(owner(aws));
    classify("PutPublicAccessBlock", call.public_access_block_configuration(block.build()).send().await).map(drop)
}

async fn put_versioning(aws: &Aws, it: &Typed<'_, Spec>) -> Result<(), Failure> {
    let status = if it.spec.versioned { BucketVersioningStatus::Enabled } else { BucketVersioningStatus::Suspended };
    let call = aws.s3.put_bucket_versioning().bucket(&it.id).expected_bucket_owner(owner(aws));
    let configuration = VersioningConfiguration::builder().status(status).build();
    classify("PutBucketVersioning", call.versioning_configuration(configuration).send().await).map(drop)
}

/// SSE-KMS with a bucket key (fewer KMS calls), or SSE-S3.
async fn put_encryption(aws: &Aws, it: &Typed<'_, Spec>) -> Result<(), Failure> {
    let operation = "PutBucketEncryption";
    let algorithm = if it.spec.kms_key.is_some() { ServerSideEncryption::AwsKms } else { ServerSideEncryption::Aes256 };
    let key = it.spec.kms_key.as_ref().map(|key| key.as_str().to_owned());
    let default =
        ServerSideEncryptionByDefault::builder().sse_algorithm(algorithm).set_kms_master_key_id(key).build().map_err(bad(operation))?;
    let rule =
        ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(default).bucket_key_enabled(it.spec.kms_key.is_some());
    let configuration = ServerSideEncryptionConfiguration::builder().rules(rule.build()).build().map_err(bad(operation))?;
    let call = aws.s3.put_bucket_encryption().bucket(&it.id).expected_bucket_owner(owner(aws));
    classify(operation, call.server_side_encryption_configuration(configuration).send().await).map(drop)
}

async fn put_policy(aws: &Aws, it: &Typed<'_, Spec>) -> Result<(), Failure> {
    let call = aws.s3.put_bucket_policy().bucket(&it.id).expected_bucket_owner(owner(aws));
    classify("PutBucketPolicy", call.policy(it.spec.policy.to_string()).send().await).map(drop)
}

/// The whole set of rules is ours; none of them affects current objects.
async fn put_lifecycle(aws: &Aws, it: &Typed<'_, Spec>) -> Result<(), Failure> {
    let operation = "PutBucketLifecycleConfiguration";
    let rule = |id: &str| {
        LifecycleRule::builder().id(id).status(ExpirationStatus::Enabled).filter(LifecycleRuleFilter::builder().prefix("").build())
    };
    let abort = AbortIncompleteMultipartUpload::builder().days_after_initiation(it.spec.abort_multipart_days).build();
    let mut rules = vec![rule("abort-unfinished-uploads").abort_incomplete_multipart_upload(abort).build().map_err(bad(operation))?];
    if let Some(days) = it.spec.noncurrent_days {
        let expiration = NoncurrentVersionExpiration::builder().noncurrent_days(days).build();
        rules.push(rule("expire-noncurrent-versions").noncurrent_version_expiration(expiration).build().map_err(bad(operation))?);
    }
    let configuration = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build().map_err(bad(operation))?;
    let call = aws.s3.put_bucket_lifecycle_configuration().bucket(&it.id).expected_bucket_owner(owner(aws));
    classify(operation, call.lifecycle_configuration(configuration).send().await).map(drop)
}

async fn read_tags(aws: &Aws, name: &str) -> Result<Tags, Failure> {
    let answer =
        or_absent(classify("GetBucketTagging", aws.s3.get_bucket_tagging().bucket(name).expected_bucket_owner(owner(aws)).send().await))?;
    let found = answer.map(|answer| answer.tag_set).unwrap_or_default();
    Ok(found.into_iter().map(|tag| (tag.key, tag.value)).collect())
}

/// PutBucketTagging replaces the whole set: read, modify, write.
async fn change_tags(aws: &Aws, update: &Update) -> Result<(), Failure> {
    let mut all = read_tags(aws, &update.item.id).await?;
    all.extend(update.set_tags.clone());
    all.retain(|key, _| !update.remove_tags.contains(key));
    let tagging = Tagging::builder().set_tag_set(Some(s3_tags(&all)?)).build().map_err(bad("PutBucketTagging"))?;
    let call = aws.s3.put_bucket_tagging().bucket(&update.item.id).expected_bucket_owner(owner(aws));
    classify("PutBucketTagging", call.tagging(tagging).send().await).map(drop)
}

/// Counts what is in the bucket; `None` when it does not exist.
async fn contents(aws: &Aws, item: &Item) -> Result<Option<Contents>, Failure> {
    let counted = bucket_contents::count(aws, &item.id).await?;
    Ok(counted
        .map(|counted| Contents { words: counted.words(), emptiness: if counted.is_empty() { Emptiness::Empty } else { Emptiness::Full } }))
}
