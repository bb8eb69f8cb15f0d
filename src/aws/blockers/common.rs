//! Functions that all questions about blockers share.

use crate::aws::tags::Tags;
use crate::engine::{Blocker, Failure, FailureKind, Scope, Whose};
use crate::resource::ownership;

/// How the keys of tags begin that say nothing about who made a resource.
const SILENT_TAGS: [&str; 2] = ["aws:", ownership::PREFIX];

/// The answer, or nothing where we have no permission to ask: these questions only explain what is in the way.
pub(in crate::aws) fn if_allowed<T>(asked: Result<Vec<T>, Failure>) -> Result<Vec<T>, Failure> {
    match asked {
        Err(failure) if failure.kind == FailureKind::Permission => {
            tracing::debug!(%failure, "the resources of others cannot be listed");
            Ok(Vec::new())
        }
        other => other,
    }
}

/// The same before anything is deleted, where a busy AWS is no reason to stop either. It is not used while something is being deleted:
/// there, an incomplete answer would look as if only resources of others were in the way.
pub(in crate::aws) fn if_answered<T>(asked: Result<Vec<T>, Failure>) -> Result<Vec<T>, Failure> {
    match asked {
        Err(failure) if failure.kind == FailureKind::Busy => {
            tracing::debug!(%failure, "the resources of others cannot be listed now");
            Ok(Vec::new())
        }
        other => if_allowed(other),
    }
}

/// Something that blocks a deletion.
pub(in crate::aws) fn blocker(name: String, origin: String, whose: Whose) -> Blocker {
    Blocker { name, origin, whose }
}

/// Ours when the id is known, otherwise it belongs to others.
pub(in crate::aws) fn by_id(scope: &Scope, id: &str) -> Whose {
    if scope.ours.contains_key(id) { Whose::Ours } else { Whose::Foreign }
}

/// What tags and description say about who made it.
pub(in crate::aws) fn origin(description: Option<&str>, tags: &Tags) -> String {
    let quoted = description.filter(|text| !text.is_empty()).map(|text| format!("\"{text}\""));
    let is_telling = |key: &str, value: &str| Some(value) != description && !SILENT_TAGS.iter().any(|start| key.starts_with(start));
    let telling = tags.iter().filter(|(key, value)| is_telling(key, value));
    let tags = telling.take(3).map(|(key, value)| format!("{key}={value}"));
    quoted.into_iter().chain(tags).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_about_others_stop_no_run() {
        let asked = |kind: FailureKind| Err::<Vec<()>, Failure>(Failure::new(kind, "DescribeNetworkAcls", "refused"));
        for forgiven in [FailureKind::Permission, FailureKind::Busy] {
            assert!(if_answered(asked(forgiven)).unwrap().is_empty());
        }
        for stops in [FailureKind::Credentials, FailureKind::LostAnswer, FailureKind::Other] {
            assert!(if_answered(asked(stops)).is_err());
        }
        // While something is being deleted, the question is repeated instead.
        assert!(if_allowed(asked(FailureKind::Permission)).is_ok() && if_allowed(asked(FailureKind::Busy)).is_err());
    }
}
