//! Counts what is in a bucket, before the user is asked whether it may be deleted.

use super::pages::{Bucket, PageStart, Version};
use crate::aws::Aws;
use crate::aws::errors::or_absent;
use crate::aws::words::{counted, listed};
use crate::engine::Failure;

/// Versions, markers or uploads after which counting stops: a page of a thousand takes a quarter of a second.
const LIMIT: u64 = 100_000;

/// What is in a bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::aws) struct Contents {
    /// Current versions: what a user sees.
    pub objects: u64,
    /// All versions, the current ones too.
    pub versions: u64,
    /// Delete markers.
    pub markers: u64,
    /// Unfinished uploads.
    pub uploads: u64,
    /// Bytes of all versions. Those of unfinished uploads are not known.
    pub bytes: u64,
    /// Whether everything was counted; otherwise there is more than this.
    pub complete: bool,
}

impl Contents {
    /// Whether it holds no data: an unfinished upload is not data.
    pub(in crate::aws) fn is_empty(&self) -> bool {
        self.complete && self.versions == 0 && self.markers == 0
    }

    /// `12,345 objects in 20,000 versions, 3 delete markers, 1 unfinished upload, 1.2 GiB`.
    pub(in crate::aws) fn words(&self) -> String {
        let parts = [
            (self.versions, format!("{} in {}", counted(self.objects, "object"), counted(self.versions, "version"))),
            (self.markers, counted(self.markers, "delete marker")),
            (self.uploads, counted(self.uploads, "unfinished upload")),
        ];
        let text = listed(&parts, self.versions, self.bytes);
        match (text.is_empty(), self.complete) {
            (true, true) => "empty".to_owned(),
            (false, false) => format!("more than {text}"),
            _ => text,
        }
    }

    fn add(&mut self, version: &Version) {
        if version.is_marker {
            self.markers += 1;
            return;
        }
        self.objects += u64::from(version.is_latest);
        self.versions += 1;
        self.bytes += version.bytes;
    }
}

/// Counts what is in the bucket, up to a limit; `None` when the bucket does not exist.
///
/// # Errors
/// When S3 refuses a call.
pub(in crate::aws) async fn count(aws: &Aws, bucket: &str) -> Result<Option<Contents>, Failure> {
    or_absent(all_of(&Bucket::of(aws, bucket)).await)
}

pub(super) async fn all_of(bucket: &Bucket) -> Result<Contents, Failure> {
    let mut contents = Contents { complete: true, ..Contents::default() };
    let mut from = Some(PageStart::default());
    while let Some(place) = from.take() {
        if contents.versions.max(contents.markers) >= LIMIT {
            contents.complete = false;
            break;
        }
        let page = bucket.versions(&place).await?;
        page.entries.iter().for_each(|version| contents.add(version));
        from = page.next;
    }
    let mut from = Some(PageStart::default());
    while let Some(place) = from.take() {
        if contents.uploads >= LIMIT {
            contents.complete = false;
            break;
        }
        let page = bucket.uploads(&place).await?;
        contents.uploads += page.entries.len() as u64;
        from = page.next;
    }
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_in_words() {
        let contents = |objects, versions, markers, uploads, bytes, complete| {
            let it = Contents { objects, versions, markers, uploads, bytes, complete };
            (it.words(), it.is_empty())
        };
        for ((words, is_empty), expected, empty) in [
            (contents(0, 0, 0, 0, 0, true), "empty", true),
            (
                contents(12_345, 20_000, 3, 1, 1_288_490_189, true),
                "12,345 objects in 20,000 versions, 3 delete markers, 1 unfinished upload, 1.2 GiB",
                false,
            ),
            (contents(1, 1, 0, 0, 0, true), "1 object in 1 version, 0 B", false),
            (contents(0, 0, 1, 0, 0, true), "1 delete marker", false),
            (contents(0, 0, 0, 2, 0, true), "2 unfinished uploads", true),
            (contents(90_000, 100_000, 0, 0, 1024, false), "more than 90,000 objects in 100,000 versions, 1.0 KiB", false),
        ] {
            assert_eq!(words, expected);
            assert_eq!(is_empty, empty, "{expected}");
        }
    }

    #[test]
    fn versions_and_markers_are_counted_apart() {
        let version = |is_latest, is_marker| Version { key: "a".to_owned(), id: None, bytes: 5, is_latest, is_marker };
        let mut contents = Contents::default();
        [version(true, false), version(false, false), version(true, true)].iter().for_each(|version| contents.add(version));
        assert_eq!(contents, Contents { objects: 1, versions: 2, markers: 1, bytes: 10, ..Contents::default() });
    }
}
