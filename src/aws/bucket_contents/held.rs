//! What cannot be deleted, and why: one example for each reason represents all versions, however many there are.

use super::pages::Bucket;
use super::refusal::{Fate, Refusal};
use crate::aws::errors::classify;
use crate::aws::words::counted;
use crate::engine::{Failure, FailureKind};
use aws_sdk_s3::types::{ObjectLockLegalHoldStatus, ObjectLockRetentionMode};
use aws_smithy_types::date_time::Format;
use std::collections::BTreeMap;

/// What can be done about Object Lock, and by whom.
const OBJECT_LOCK_HELP: &str = "retention in compliance mode cannot be lifted by anybody before its date; governance mode can by a caller with \
    s3:BypassGovernanceRetention, a legal hold by one with s3:PutObjectLegalHold; then run the same command again";

/// Numbers of versions by reason, with the first example of each.
#[derive(Debug, Default)]
pub(super) struct Held(BTreeMap<Fate, (u64, Refusal)>);

/// How S3 protects one version.
#[derive(Debug, Default, PartialEq, Eq)]
struct Protection {
    /// Mode and date.
    retention: Option<(String, String)>,
    legal_hold: bool,
}

impl Held {
    pub(super) fn add(&mut self, refusal: Refusal) {
        self.0.entry(refusal.fate).or_insert((0, refusal)).0 += 1;
    }

    pub(super) fn merge(&mut self, other: Held) {
        for (fate, (count, example)) in other.0 {
            self.0.entry(fate).or_insert((0, example)).0 += count;
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.0.values().map(|(count, _)| count).sum()
    }

    /// The failure for the most important reason; `None` when nothing is held.
    pub(super) async fn failure(&self, bucket: &Bucket) -> Option<Failure> {
        let (fate, (count, example)) = self.0.first_key_value()?;
        let protection = match fate {
            Fate::Locked | Fate::Denied => protection(bucket, example).await,
            _ => Protection::default(),
        };
        Some(explained(*fate, *count, example, self.count() - count, &protection))
    }
}

/// A plain "Access Denied" may come from Object Lock too, so the protection of the example decides.
fn explained(fate: Fate, count: u64, example: &Refusal, others: u64, protection: &Protection) -> Failure {
    let is_locked = fate == Fate::Locked || *protection != Protection::default();
    let why = match is_locked {
        true => protection.words(),
        false if fate == Fate::Denied => format!("may not be deleted: {}", example.message),
        false => format!("cannot be deleted: {}", example.message),
    };
    let like = if count > 1 { format!(" ({} are affected)", counted(count, "version")) } else { String::new() };
    let more = if others > 0 { format!("; {} for other reasons", counted(others, "further version")) } else { String::new() };
    let end = if is_locked { format!("; {OBJECT_LOCK_HELP}") } else { String::new() };
    let kind = match fate {
        Fate::Denied if !is_locked => FailureKind::Permission,
        _ => FailureKind::Other,
    };
    let message = format!("{} {why}{like}{more}; everything else in the bucket is deleted{end}", example.name());
    Failure::new(kind, "DeleteObjects", message).with_code(&example.code)
}

impl Protection {
    fn words(&self) -> String {
        let retention = self.retention.as_ref().map(|(mode, date)| format!("in {mode} mode until {date}"));
        let hold = self.legal_hold.then(|| "by a legal hold".to_owned());
        let how: Vec<String> = retention.into_iter().chain(hold).collect();
        format!("is protected by Object Lock {}", how.join(" and ")).trim_end().to_owned()
    }
}

/// Reads the protection of one example only. Without the permission to read it, the message names no date.
async fn protection(bucket: &Bucket, example: &Refusal) -> Protection {
    let (key, version) = (Some(example.key.clone()), example.version.clone());
    let retention = bucket.s3.get_object_retention().bucket(&bucket.name).expected_bucket_owner(&bucket.owner);
    let hold = bucket.s3.get_object_legal_hold().bucket(&bucket.name).expected_bucket_owner(&bucket.owner);
    let (retention, hold) = tokio::join!(
        retention.set_key(key.clone()).set_version_id(version.clone()).send(),
        hold.set_key(key).set_version_id(version).send()
    );
    let retention = classify("GetObjectRetention", retention).ok().and_then(|answer| answer.retention);
    let hold = classify("GetObjectLegalHold", hold).ok().and_then(|answer| answer.legal_hold);
    Protection {
        retention: retention.and_then(|retention| {
            let mode = retention.mode.as_ref().map(ObjectLockRetentionMode::as_str)?.to_lowercase();
            Some((mode, retention.retain_until_date?.fmt(Format::DateTime).ok()?))
        }),
        legal_hold: hold.and_then(|hold| hold.status) == Some(ObjectLockLegalHoldStatus::On),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(fate: Fate, message: &str) -> Refusal {
        let [key, code] = ["logs/a\u{1}", "AccessDenied"].map(str::to_owned);
        Refusal { fate, key, version: Some("v1".to_owned()), code, message: message.to_owned() }
    }

    #[test]
    fn what_is_held_is_explained() {
        let free = || Protection::default();
        let retained = |mode: &str| Protection {
            retention: Some((mode.to_owned(), "2030-01-01T00:00:00Z".to_owned())),
            legal_hold: mode == "governance",
        };
        let name = "`logs/a\\u{1}` (version v1)";
        for (fate, count, others, protection, kind, start) in [
            (Fate::Locked, 1, 0, free(), FailureKind::Other, "is protected by Object Lock; everything else"),
            (
                Fate::Locked,
                3000,
                1,
                retained("compliance"),
                FailureKind::Other,
                "is protected by Object Lock in compliance mode until 2030-01-01T00:00:00Z (3,000 versions are affected); 1 further version for other reasons; everything else",
            ),
            (
                Fate::Denied,
                1,
                0,
                retained("governance"),
                FailureKind::Other,
                "is protected by Object Lock in governance mode until 2030-01-01T00:00:00Z and by a legal hold; everything else",
            ),
            (Fate::Denied, 2, 0, free(), FailureKind::Permission, "may not be deleted: no (2 versions are affected); everything else"),
            (Fate::Refused, 1, 0, free(), FailureKind::Other, "cannot be deleted: no; everything else"),
        ] {
            let failure = explained(fate, count, &refusal(fate, "no"), others, &protection);
            assert!(failure.message.starts_with(&format!("{name} {start} in the bucket is deleted")), "{}", failure.message);
            assert_eq!(failure.kind, kind, "{}", failure.message);
            assert_eq!(failure.message.ends_with(OBJECT_LOCK_HELP), failure.message.contains("Object Lock"), "{}", failure.message);
        }
    }

    #[test]
    fn numbers_of_batches_come_together() {
        let mut held = Held::default();
        held.add(refusal(Fate::Denied, "first"));
        let mut other = Held::default();
        other.add(refusal(Fate::Denied, "second"));
        other.add(refusal(Fate::Locked, "third"));
        held.merge(other);
        assert_eq!(held.count(), 3);
        assert_eq!(held.0[&Fate::Denied].0, 2);
        assert_eq!(held.0[&Fate::Denied].1.message, "first");
    }
}
