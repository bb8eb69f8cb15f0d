//! Deletes up to a thousand versions with one call, whose answer with status 200 may contain an error for each of them.

use super::emptied::Emptied;
use super::held::Held;
use super::keys::fits_xml;
use super::pages::{Bucket, Version};
use super::refusal::{Fate, Refusal, fate};
use super::retry::with_retries;
use crate::aws::errors::{classify, meaning, unexpected};
use crate::engine::{Failure, FailureKind};
use aws_sdk_s3::types::{Delete, Error, ObjectIdentifier};
use std::collections::{HashMap, HashSet};

/// Most objects that one DeleteObjects call takes.
pub(super) const BATCH: usize = 1000;

/// The outcome of one batch.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) deleted: Emptied,
    pub(super) held: Held,
    /// How many were not deleted because of a transient fault, with one of them as an example.
    pub(super) again: Option<(u64, Refusal)>,
}

/// Deletes all versions, or says for each why it was not deleted. A version that is gone already counts as deleted.
pub(super) async fn delete(bucket: Bucket, batch: Vec<Version>) -> Result<Outcome, Failure> {
    let (plain, odd): (Vec<Version>, Vec<Version>) = batch.into_iter().partition(|version| fits_xml(&version.key));
    let mut outcome = Outcome::default();
    if !plain.is_empty() {
        let errors = with_retries(|| together(&bucket, &plain)).await?;
        outcome.take(&plain, errors);
    }
    for version in odd {
        let refusal = alone(&bucket, &version).await?;
        outcome.note(&version, refusal);
    }
    Ok(outcome)
}

impl Outcome {
    /// An error without a version id is taken for one of the versions with its key.
    fn take(&mut self, batch: &[Version], errors: Vec<Error>) {
        let mut by_key: HashMap<&str, Vec<usize>> = HashMap::new();
        if !errors.is_empty() {
            batch.iter().enumerate().for_each(|(at, version)| by_key.entry(&version.key).or_default().push(at));
        }
        let mut failed = HashSet::new();
        for error in errors {
            let same = by_key.get(error.key().unwrap_or_default()).map_or(&[][..], Vec::as_slice);
            let fits = |at: &&usize| !failed.contains(*at) && error.version_id().is_none_or(|id| Some(id) == batch[**at].id.as_deref());
            let Some(at) = same.iter().find(fits).copied() else { continue };
            failed.insert(at);
            self.note(&batch[at], Some(refusal(&batch[at], error.code().unwrap_or_default(), error.message().unwrap_or_default())));
        }
        batch.iter().enumerate().filter(|(at, _)| !failed.contains(at)).for_each(|(_, version)| self.note(version, None));
    }

    fn note(&mut self, version: &Version, refusal: Option<Refusal>) {
        match refusal {
            Some(refusal) if refusal.fate == Fate::Again => self.again.get_or_insert((0, refusal)).0 += 1,
            Some(refusal) if refusal.fate != Fate::Gone => self.held.add(refusal),
            _ if version.is_marker => self.deleted.markers += 1,
            _ => {
                self.deleted.versions += 1;
                self.deleted.bytes += version.bytes;
            }
        }
    }
}

fn refusal(version: &Version, code: &str, message: &str) -> Refusal {
    let fate = fate(code, message, meaning(code, message));
    Refusal { fate, key: version.key.clone(), version: version.id.clone(), code: code.to_owned(), message: message.to_owned() }
}

/// Deletes them with one call; returns the errors in its answer.
async fn together(bucket: &Bucket, batch: &[Version]) -> Result<Vec<Error>, Failure> {
    let operation = "DeleteObjects";
    let bad = |error: aws_sdk_s3::error::BuildError| unexpected(operation, &error.to_string()).caused_by(error);
    let identifier = |version: &Version| ObjectIdentifier::builder().key(&version.key).set_version_id(version.id.clone()).build();
    let objects = batch.iter().map(identifier).collect::<Result<Vec<_>, _>>().map_err(bad)?;
    let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build().map_err(bad)?;
    let call = bucket.s3.delete_objects().bucket(&bucket.name).expected_bucket_owner(&bucket.owner).delete(delete);
    Ok(classify(operation, call.send().await)?.errors.unwrap_or_default())
}

/// Deletes a version whose key cannot be written in XML: a call of its own has the key in its URL.
async fn alone(bucket: &Bucket, version: &Version) -> Result<Option<Refusal>, Failure> {
    let call = bucket.s3.delete_object().bucket(&bucket.name).expected_bucket_owner(&bucket.owner);
    match classify("DeleteObject", call.key(&version.key).set_version_id(version.id.clone()).send().await) {
        Ok(_) => Ok(None),
        Err(failure) if failure.kind == FailureKind::Credentials || failure.code.as_deref() == Some("NoSuchBucket") => Err(failure),
        Err(failure) => {
            let code = failure.code.unwrap_or_default();
            let fate = fate(&code, &failure.message, failure.kind);
            Ok(Some(Refusal { fate, key: version.key.clone(), version: version.id.clone(), code, message: failure.message }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_takes_one_version_from_what_was_deleted() {
        let version = |key: &str, id: &str, is_marker| Version {
            key: key.to_owned(),
            id: Some(id.to_owned()),
            bytes: 10,
            is_latest: true,
            is_marker,
        };
        let batch = [version("a", "1", false), version("a", "2", false), version("b", "3", true), version("c", "4", false)];
        let error =
            |key: &str, id: Option<&str>, code: &str| Error::builder().key(key).set_version_id(id.map(str::to_owned)).code(code).build();
        for (errors, versions, markers, again, held) in [
            (vec![], 3, 1, 0, 0),
            (vec![error("a", Some("2"), "InternalError")], 2, 1, 1, 0),
            (vec![error("a", None, "AccessDenied"), error("a", None, "AccessDenied")], 1, 1, 0, 2),
            (vec![error("b", Some("3"), "SlowDown"), error("c", Some("4"), "NoSuchVersion")], 3, 0, 1, 0),
            (vec![error("unknown", None, "InternalError")], 3, 1, 0, 0),
        ] {
            let mut outcome = Outcome::default();
            outcome.take(&batch, errors.clone());
            let deleted = Emptied { versions, markers, uploads: 0, bytes: versions * 10 };
            assert_eq!(outcome.deleted, deleted, "{errors:?}");
            assert_eq!((outcome.again.map_or(0, |(count, _)| count), outcome.held.count()), (again, held), "{errors:?}");
        }
    }
}
