//! What was deleted from a bucket, in numbers.

use crate::aws::words::{counted, listed};

/// What was deleted so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in super::super) struct Emptied {
    /// Versions of objects.
    pub(in super::super) versions: u64,
    /// Delete markers.
    pub(in super::super) markers: u64,
    /// Unfinished uploads.
    pub(in super::super) uploads: u64,
    /// Bytes of the versions.
    pub(in super::super) bytes: u64,
}

impl Emptied {
    /// `100,000 versions, 12 delete markers, 1.0 GiB`.
    pub(in super::super) fn words(&self) -> String {
        let parts = [
            (self.versions, counted(self.versions, "version")),
            (self.markers, counted(self.markers, "delete marker")),
            (self.uploads, counted(self.uploads, "unfinished upload")),
        ];
        listed(&parts, self.versions, self.bytes)
    }

    pub(super) fn add(&mut self, other: Self) {
        self.versions += other.versions;
        self.markers += other.markers;
        self.uploads += other.uploads;
        self.bytes += other.bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_deleted_in_words() {
        let all = Emptied { versions: 100_000, markers: 12, uploads: 1, bytes: 1 << 30 };
        assert_eq!(all.words(), "100,000 versions, 12 delete markers, 1 unfinished upload, 1.0 GiB");
        assert_eq!(Emptied { markers: 1, ..Emptied::default() }.words(), "1 delete marker");
    }
}
