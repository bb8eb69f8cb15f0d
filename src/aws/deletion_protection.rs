//! Deleting what somebody may have protected.

use crate::engine::{Failure, FailureKind};
use std::future::Future;

/// Deletes what may be protected. Where AWS refuses for that reason, the protection is lifted and the deletion sent again, if
/// somebody said the word; else the refusal tells of the word.
///
/// # Errors
/// What AWS says.
pub(super) async fn delete<D, L>(
    may_lift: bool,
    delete: impl Fn() -> D,
    is_protected: impl Fn(&Failure) -> bool,
    lift: impl FnOnce() -> L,
) -> Result<(), Failure>
where
    D: Future<Output = Result<(), Failure>>,
    L: Future<Output = Result<(), Failure>>,
{
    let refusal = match delete().await {
        Err(failure) if is_protected(&failure) => failure,
        other => return other,
    };
    if !may_lift {
        let message = format!("{}; `destroy --lift-protection` lifts that", refusal.message.trim_end_matches('.'));
        return Err(refusal.worded(message));
    }
    lift().await?;
    // AWS may take a moment to see that it is off.
    delete().await.map_err(|failure| if is_protected(&failure) { failure.meaning(FailureKind::NotYet) } else { failure })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::errors::unexpected;
    use std::cell::Cell;

    fn refusal() -> Failure {
        unexpected("TerminateInstances", "it may not be terminated.")
    }

    /// Deletes something whose protection AWS still sees for so many deletions after it was lifted.
    async fn deleted(may_lift: bool, late: usize) -> (Result<(), Failure>, usize, bool) {
        let (tries, lifted) = (Cell::new(0), Cell::new(false));
        let send = || {
            tries.set(tries.get() + 1);
            std::future::ready(if lifted.get() && tries.get() > late + 1 { Ok(()) } else { Err(refusal()) })
        };
        let lift = || {
            lifted.set(true);
            std::future::ready(Ok(()))
        };
        let ended = delete(may_lift, send, |failure| failure.message.contains("may not be terminated"), lift).await;
        (ended, tries.get(), lifted.get())
    }

    #[tokio::test]
    async fn a_protection_is_lifted_only_on_a_word() {
        let (ended, tries, lifted) = deleted(false, 0).await;
        let failure = ended.unwrap_err();
        assert_eq!((failure.kind, tries, lifted), (FailureKind::Other, 1, false));
        assert_eq!(failure.message, "it may not be terminated; `destroy --lift-protection` lifts that");
        assert_eq!(deleted(true, 0).await, (Ok(()), 2, true));
        // It is off, and AWS does not see that yet: the engine comes back.
        let (ended, ..) = deleted(true, 1).await;
        assert_eq!(ended.unwrap_err().kind, FailureKind::NotYet);
    }

    #[tokio::test]
    async fn another_refusal_lifts_nothing() {
        let other = || std::future::ready(Err(unexpected("TerminateInstances", "no")));
        let lift = || async { unreachable!("nothing protects it") };
        assert_eq!(delete(true, other, |failure| failure.message.contains("may not"), lift).await.unwrap_err().message, "no");
    }
}
