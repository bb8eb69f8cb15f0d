//! What the resources that hold data contain, before the user agrees to their deletion.

use super::clients::Aws;
use super::contract::Emptiness;
use super::errors::unexpected;
use super::resource::operations;
use crate::engine::{Action, DataLine, Failure, Item, Plan, Verb};
use crate::state::RecordStatus;

/// Reads what is in everything that holds data and that the plan deletes or keeps. Where AWS cannot say for certain (EFS meters its bytes
/// hours late), a resource counts as empty only if `may_be_late` is set: in a test environment.
///
/// # Errors
/// The first call that fails.
pub(super) async fn data(aws: &Aws, plan: &Plan, may_be_late: bool) -> Result<Vec<DataLine>, Failure> {
    let mut tasks = tokio::task::JoinSet::new();
    for action in plan.actions.iter().filter(|action| is_listed(action)) {
        let (Some(existing), Some(ask)) = (&action.existing, operations(action.kind).deletion.data) else { continue };
        let (aws, item) = (aws.clone(), Item::recorded(&action.address, existing));
        tasks.spawn(async move {
            let line = |item: Item, words, emptiness| {
                let is_empty = emptiness == Emptiness::Empty || emptiness == Emptiness::SeemsEmpty && may_be_late;
                DataLine { address: item.address, id: item.id, holds: words, is_empty }
            };
            let contents = ask(&aws, &item).await?;
            Ok(contents.map(|contents| line(item, contents.words, contents.emptiness)))
        });
    }
    let mut lines = Vec::new();
    while let Some(joined) = tasks.join_next().await {
        lines.extend(joined.map_err(|error| unexpected("read the contents", &error.to_string()).caused_by(error))??);
    }
    lines.sort_by(|a: &DataLine, b: &DataLine| (a.is_empty, &a.address).cmp(&(b.is_empty, &b.address)));
    Ok(lines)
}

/// Whether the plan deletes or keeps it, or an earlier destroy kept it.
fn is_listed(action: &Action) -> bool {
    let is_kept = || action.existing.as_ref().is_some_and(|existing| existing.status == RecordStatus::Retained);
    matches!(action.verb, Verb::Delete | Verb::Retain) || is_kept()
}
