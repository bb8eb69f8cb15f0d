//! Why S3 did not delete a version.

use super::keys::shown;
use crate::engine::FailureKind;

/// How S3 words its refusal to delete a protected object.
const LOCK_WORDS: [&str; 2] = ["protected by object lock", "legal hold"];

/// Why a version was not deleted, as far as it decides what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    /// Object Lock protects it.
    Locked,
    /// The caller may not delete it.
    Denied,
    /// Another refusal that repeating does not change.
    Refused,
    /// A transient fault: the next pass lists it again.
    Again,
    /// It was gone already.
    Gone,
}

pub(super) fn fate(code: &str, message: &str, kind: FailureKind) -> Fate {
    let message = message.to_lowercase();
    match kind {
        FailureKind::NotFound => Fate::Gone,
        FailureKind::Busy | FailureKind::LostAnswer | FailureKind::NotYet => Fate::Again,
        // IAM's message names the object, whose key may contain any words.
        FailureKind::Permission if message.contains("not authorized to perform") => Fate::Denied,
        FailureKind::Permission if LOCK_WORDS.iter().any(|words| message.contains(words)) => Fate::Locked,
        FailureKind::Permission => Fate::Denied,
        _ if code == "NoSuchKey" || code == "NoSuchVersion" => Fate::Gone,
        _ => Fate::Refused,
    }
}

/// One version that was not deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) fate: Fate,
    pub(super) key: String,
    pub(super) version: Option<String>,
    pub(super) code: String,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn name(&self) -> String {
        match &self.version {
            Some(version) => format!("`{}` (version {version})", shown(&self.key)),
            None => format!("`{}`", shown(&self.key)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::errors::meaning;

    #[test]
    fn errors_inside_an_answer_are_told_apart() {
        let iam =
            "User: arn:aws:iam::1:user/u is not authorized to perform: s3:DeleteObjectVersion on resource: \"arn:aws:s3:::b/legal hold\"";
        for (code, message, expected) in [
            ("InternalError", "We encountered an internal error. Please try again.", Fate::Again),
            ("SlowDown", "Please reduce your request rate.", Fate::Again),
            ("ServiceUnavailable", "", Fate::Again),
            ("OperationAborted", "A conflicting conditional operation is currently in progress", Fate::Again),
            ("AccessDenied", "Access Denied because object protected by object lock.", Fate::Locked),
            ("AccessDenied", "Access Denied", Fate::Denied),
            ("AccessDenied", iam, Fate::Denied),
            ("NoSuchVersion", "The specified version does not exist.", Fate::Gone),
            ("NoSuchKey", "", Fate::Gone),
            ("MethodNotAllowed", "", Fate::Refused),
            ("", "", Fate::Refused),
        ] {
            assert_eq!(fate(code, message, meaning(code, message)), expected, "{code}: {message}");
        }
    }
}
