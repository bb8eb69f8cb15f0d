//! One bucket, and the pages of what is in it.

use super::keys::{decoded, shown};
use crate::aws::Aws;
use crate::aws::errors::{classify, unexpected};
use crate::engine::Failure;
use aws_sdk_s3::types::EncodingType;

/// The bucket, and the account that must own it.
#[derive(Clone)]
pub(super) struct Bucket {
    pub(super) s3: aws_sdk_s3::Client,
    pub(super) name: String,
    pub(super) owner: String,
}

/// A version of an object, or a delete marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) key: String,
    pub(super) id: Option<String>,
    pub(super) bytes: u64,
    pub(super) is_latest: bool,
    pub(super) is_marker: bool,
}

/// A multipart upload that was not finished.
pub(super) struct Upload {
    pub(super) key: String,
    pub(super) id: Option<String>,
}

/// The entry after which a page begins; the default is the start of the bucket.
#[derive(Default, Clone, PartialEq, Eq)]
pub(super) struct PageStart {
    key: Option<String>,
    id: Option<String>,
}

pub(super) struct Page<T> {
    pub(super) entries: Vec<T>,
    /// Where the next page begins; `None` after the last one.
    pub(super) next: Option<PageStart>,
}

/// How the keys of one answer are encoded.
struct Writing {
    operation: &'static str,
    is_encoded: bool,
}

impl Writing {
    fn key(&self, text: &str) -> Result<String, Failure> {
        if !self.is_encoded {
            return Ok(text.to_owned());
        }
        decoded(text).ok_or_else(|| unexpected(self.operation, &format!("the key `{text}` is not UTF-8")))
    }

    /// A next page that begins where this one began would never end.
    fn next(&self, from: &PageStart, truncated: Option<bool>, key: Option<&str>, id: Option<&str>) -> Result<Option<PageStart>, Failure> {
        let place = PageStart { key: key.map(|key| self.key(key)).transpose()?, id: id.map(str::to_owned) };
        Ok(Some(place).filter(|place| truncated == Some(true) && place.key.is_some() && place != from))
    }
}

impl Bucket {
    pub(super) fn of(aws: &Aws, name: &str) -> Self {
        Self { s3: aws.s3.clone(), name: name.to_owned(), owner: aws.connection.account.clone() }
    }

    /// Versions and delete markers. The keys are requested URL-encoded, because XML cannot represent all of them.
    pub(super) async fn versions(&self, from: &PageStart) -> Result<Page<Version>, Failure> {
        let operation = "ListObjectVersions";
        let call = self.s3.list_object_versions().bucket(&self.name).expected_bucket_owner(&self.owner);
        let call = call.encoding_type(EncodingType::Url).set_key_marker(from.key.clone()).set_version_id_marker(from.id.clone());
        let answer = classify(operation, call.send().await)?;
        let writing = Writing { operation, is_encoded: answer.encoding_type() == Some(&EncodingType::Url) };
        let mut entries = Vec::new();
        for it in answer.versions() {
            let (key, id) = (writing.key(it.key().unwrap_or_default())?, it.version_id().map(str::to_owned));
            let bytes = u64::try_from(it.size().unwrap_or_default())
                .map_err(|_| unexpected(operation, &format!("the answer gives {:?} as the size of `{}`", it.size(), shown(&key))))?;
            entries.push(Version { key, id, bytes, is_latest: it.is_latest() == Some(true), is_marker: false });
        }
        for it in answer.delete_markers() {
            let (key, id) = (writing.key(it.key().unwrap_or_default())?, it.version_id().map(str::to_owned));
            entries.push(Version { key, id, bytes: 0, is_latest: it.is_latest() == Some(true), is_marker: true });
        }
        let next = writing.next(from, answer.is_truncated(), answer.next_key_marker(), answer.next_version_id_marker())?;
        // The entry after which the next page begins must be last, as in the bucket; the answer lists versions and markers separately.
        let is_last = |it: &Version| next.as_ref().is_some_and(|next| next.key.as_ref() == Some(&it.key) && next.id == it.id);
        if let Some(at) = entries.iter().rposition(is_last) {
            let last = entries.remove(at);
            entries.push(last);
        }
        Ok(Page { entries, next })
    }

    pub(super) async fn uploads(&self, from: &PageStart) -> Result<Page<Upload>, Failure> {
        let operation = "ListMultipartUploads";
        let call = self.s3.list_multipart_uploads().bucket(&self.name).expected_bucket_owner(&self.owner);
        let call = call.encoding_type(EncodingType::Url).set_key_marker(from.key.clone()).set_upload_id_marker(from.id.clone());
        let answer = classify(operation, call.send().await)?;
        let writing = Writing { operation, is_encoded: answer.encoding_type() == Some(&EncodingType::Url) };
        let mut entries = Vec::new();
        for it in answer.uploads() {
            entries.push(Upload { key: writing.key(it.key().unwrap_or_default())?, id: it.upload_id().map(str::to_owned) });
        }
        let next = writing.next(from, answer.is_truncated(), answer.next_key_marker(), answer.next_upload_id_marker())?;
        Ok(Page { entries, next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_decoded_and_never_repeated() {
        let place = |key: &str, id: &str| PageStart { key: Some(key.to_owned()), id: Some(id.to_owned()) };
        let writing = |is_encoded| Writing { operation: "List", is_encoded };
        for (is_encoded, truncated, key, next) in [
            (true, Some(true), Some("a+b%00"), Some(place("a b\0", "v"))),
            (false, Some(true), Some("a+b%00"), Some(place("a+b%00", "v"))),
            (true, Some(false), Some("a+b"), None),
            (true, None, Some("a+b"), None),
            (true, Some(true), None, None),
            (true, Some(true), Some("here"), None),
        ] {
            let found = writing(is_encoded).next(&place("here", "v"), truncated, key, Some("v")).unwrap();
            assert!(found == next, "{is_encoded} {truncated:?} {key:?}");
        }
        assert!(writing(true).key("%FF").unwrap_err().message.contains("`%FF` is not UTF-8"));
    }
}
