//! Words and rules that all questions about blockers share.

use crate::aws::tags::Tags;
use crate::engine::{Blocker, Failure, FailureKind, Scope, Whose};
use crate::resource::ownership;

/// How keys of tags begin that tell nothing about who made something.
const SILENT_TAGS: [&str; 2] = ["aws:", ownership::PREFIX];

/// What was found; nothing where we may not ask: these questions are a courtesy.
pub(in crate::aws) fn allowed<T>(asked: Result<Vec<T>, Failure>) -> Result<Vec<T>, Failure> {
    match asked {
        Err(failure) if failure.kind == FailureKind::Permission => {
            tracing::debug!(%failure, "what is not ours cannot be looked for");
            Ok(Vec::new())
        }
        other => other,
    }
}

/// The same before anything is deleted, where an AWS that is too busy is no reason to stop either. Not while something is
/// deleted: there, half an answer would look as if only strangers were in the way.
pub(in crate::aws) fn courteous<T>(asked: Result<Vec<T>, Failure>) -> Result<Vec<T>, Failure> {
    match asked {
        Err(failure) if failure.kind == FailureKind::Busy => {
            tracing::debug!(%failure, "what is not ours cannot be looked for now");
            Ok(Vec::new())
        }
        other => allowed(other),
    }
}

/// Something that stands in the way.
pub(in crate::aws) fn blocker(name: String, origin: String, whose: Whose) -> Blocker {
    Blocker { name, origin, whose }
}

/// Ours when we know the id, else somebody else's.
pub(in crate::aws) fn by_id(scope: &Scope, id: &str) -> Whose {
    if scope.ours.contains_key(id) { Whose::Ours } else { Whose::Foreign }
}

/// What tags and description tell of who made something.
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
    fn a_courtesy_stops_nobody() {
        let asked = |kind: FailureKind| Err::<Vec<()>, Failure>(Failure::new(kind, "DescribeNetworkAcls", "refused"));
        for forgiven in [FailureKind::Permission, FailureKind::Busy] {
            assert!(courteous(asked(forgiven)).unwrap().is_empty());
        }
        for stops in [FailureKind::Credentials, FailureKind::LostAnswer, FailureKind::Other] {
            assert!(courteous(asked(stops)).is_err());
        }
        // While something is deleted, the question is repeated instead.
        assert!(allowed(asked(FailureKind::Permission)).is_ok() && allowed(asked(FailureKind::Busy)).is_err());
    }
}
