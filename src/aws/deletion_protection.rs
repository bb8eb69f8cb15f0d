//! Deletes resources that may have deletion protection.

use crate::engine::{Failure, FailureKind};
use std::future::Future;

/// Deletes a resource that may be protected. When AWS refuses for that reason and the run may lift protections (`--lift-protection`), the
/// protection is lifted and the deletion sent again; otherwise the message names the flag.
///
/// # Errors
/// The failure of the call.
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
        let message = format!("{}; `destroy --lift-protection` lifts this protection", refusal.message.trim_end_matches('.'));
        return Err(refusal.worded(message));
    }
    lift().await?;
    // AWS may take a moment until the change is in effect.
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

    /// Deletes a resource that AWS still treats as protected for this many deletions after the protection was lifted.
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
    async fn a_protection_is_lifted_only_when_the_run_may() {
        let (ended, tries, lifted) = deleted(false, 0).await;
        let failure = ended.unwrap_err();
        assert_eq!((failure.kind, tries, lifted), (FailureKind::Other, 1, false));
        assert_eq!(failure.message, "it may not be terminated; `destroy --lift-protection` lifts this protection");
        assert_eq!(deleted(true, 0).await, (Ok(()), 2, true));
        // The protection is lifted, but not in effect yet: the engine tries again later.
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
