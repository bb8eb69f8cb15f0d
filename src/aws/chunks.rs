//! Sends long lists in chunks, because EC2 takes 200 values in one filter and Auto Scaling 100 names in one call; and page sizes for long
//! answers.

use crate::engine::Failure;
use std::future::Future;

/// Names or ids in one call, for every service.
const AT_ONCE: usize = 50;

/// Rows on a page of an EC2 list. Without a page size EC2 puts everything on one page, which is slow in a large account, throttled
/// sooner, and refused for network interfaces.
pub(super) const PAGE: i32 = 1000;
/// Page size for route tables, for which AWS accepts no larger one.
pub(super) const ROUTE_TABLE_PAGE: i32 = 100;
/// Page size for launch templates, for which AWS accepts no larger one.
pub(super) const LAUNCH_TEMPLATE_PAGE: i32 = 200;

/// Calls `ask` with one chunk after another and joins the answers; an empty list causes no call.
///
/// # Errors
/// The first call that fails.
pub(super) async fn in_chunks<T, R, F>(all: &[T], ask: impl Fn(Vec<T>) -> F) -> Result<Vec<R>, Failure>
where
    T: Clone,
    F: Future<Output = Result<Vec<R>, Failure>>,
{
    let mut found = Vec::new();
    for some in all.chunks(AT_ONCE) {
        found.extend(ask(some.to_vec()).await?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_one_is_asked_for_once_and_never_too_many_together() {
        for count in [0, 1, AT_ONCE, AT_ONCE + 1, 333] {
            let all: Vec<usize> = (0..count).collect();
            let asked = in_chunks(&all, |some| async move {
                assert!(!some.is_empty() && some.len() <= AT_ONCE);
                Ok(some)
            });
            assert_eq!(asked.await.unwrap(), all);
        }
    }
}
