//! Long lists in parts: EC2 takes 200 values in one filter, Auto Scaling 100 names in one question; and long answers in pages.

use crate::engine::Failure;
use std::future::Future;

/// Names or ids that one question may hold, of every service.
const AT_ONCE: usize = 50;

/// Rows that a page of an EC2 list holds. Unless a question says how many, EC2 puts all that there is into one page: slow in
/// a large account, throttled sooner, and of network interfaces refused.
pub(super) const PAGE: i32 = 1000;
/// The same of route tables, of which AWS takes no larger one.
pub(super) const ROUTE_TABLE_PAGE: i32 = 100;
/// The same of launch templates.
pub(super) const LAUNCH_TEMPLATE_PAGE: i32 = 200;

/// Asks for all of them, a part at a time; for none without a question.
///
/// # Errors
/// The first question that fails.
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
