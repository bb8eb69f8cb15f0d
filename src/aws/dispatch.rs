//! Passes the engine's requests to the right kind, and asks all kinds concurrently.

use super::chunks::in_chunks;
use super::clients::Aws;
use super::errors::unexpected;
use super::resource::operations;
use crate::engine::{Blocker, Created, DeletionPolicy, Failure, FailureKind, Item, Observed, Provider, Query, Readiness, Scope, Update};
use crate::resource::Kind;
use std::collections::BTreeMap;
use std::sync::Arc;

/// While something is being created, what it depends on may not be visible yet.
fn not_yet(failure: Failure) -> Failure {
    match failure.kind {
        FailureKind::NotFound => failure.meaning(FailureKind::NotYet),
        _ => failure,
    }
}

/// "Already exists" cannot be about the resource that is being changed: another operation on it is in progress.
fn in_use(failure: Failure) -> Failure {
    match failure.kind {
        FailureKind::AlreadyExists => failure.meaning(FailureKind::InUse),
        _ => failure,
    }
}

impl Provider for Aws {
    async fn observe(&self, kind: Kind, query: Query) -> Result<Vec<Observed>, Failure> {
        let observe = operations(kind).observe;
        match query {
            // Sent in chunks, because AWS limits how many items one call takes.
            Query::These(items) => in_chunks(&items, |some| async move { observe(self, &Query::These(some)).await }).await,
            query => observe(self, &query).await,
        }
    }

    async fn create(&self, item: Item, token: String) -> Result<Created, Failure> {
        (operations(item.address.kind()).create)(self, &item, &token).await.map_err(not_yet)
    }

    async fn configure(&self, item: Item) -> Result<(), Failure> {
        (operations(item.address.kind()).configure)(self, &item).await.map_err(not_yet)
    }

    async fn update(&self, update: Update) -> Result<BTreeMap<String, String>, Failure> {
        let operations = operations(update.item.address.kind());
        if !update.set_tags.is_empty() || !update.remove_tags.is_empty() {
            (operations.change_tags)(self, &update).await.map_err(not_yet).map_err(in_use)?;
        }
        if update.fields.is_empty() {
            return Ok(BTreeMap::new());
        }
        (operations.update)(self, &update).await.map_err(not_yet).map_err(in_use)
    }

    /// A resource that AWS is deleting already gets no second request, which AWS would refuse; nor can it be kept any more.
    async fn delete(&self, item: Item, policy: Arc<DeletionPolicy>) -> Result<(), Failure> {
        if is_deleting(self, &item).await {
            return Ok(());
        }
        if policy.retain_data && item.address.kind().facts().holds_data {
            return Err(unexpected("delete", "it holds data, which is to be kept"));
        }
        (operations(item.address.kind()).delete)(self, &item, &policy).await.map_err(in_use)
    }

    async fn blockers(&self, item: Item, policy: Arc<DeletionPolicy>) -> Result<Vec<Blocker>, Failure> {
        match operations(item.address.kind()).deletion.blockers {
            Some(blockers) => blockers(self, &item, &policy.scope).await,
            None => Ok(Vec::new()),
        }
    }
}

/// Whether AWS shows that the item is being deleted; asked only for kinds where it matters.
async fn is_deleting(aws: &Aws, item: &Item) -> bool {
    let operations = operations(item.address.kind());
    // A query that is refused proves nothing; the delete call itself shows the error.
    operations.deletion.asks_whether_deleting
        && (operations.observe)(aws, &Query::These(vec![item.clone()]))
            .await
            .is_ok_and(|seen| seen.iter().any(|seen| seen.readiness == Readiness::Deleting))
}

/// Everything of the cluster, all kinds concurrently: by tag, and by the natural keys of the items.
///
/// # Errors
/// The first call that fails.
pub(super) async fn observe_all(aws: &Aws, items: Vec<Item>) -> Result<Vec<Observed>, Failure> {
    let of_kind = |kind: Kind| items.iter().filter(|item| item.address.kind() == kind).cloned().collect();
    observe_kinds(aws, Kind::managed().map(|kind| (kind, Query::Ours(of_kind(kind))))).await
}

/// Everything that the cluster left in its VPCs and in the account, all kinds concurrently. What an earlier destroy recorded is also
/// looked for by its id, because what proved its owner may be gone.
///
/// # Errors
/// The first call that fails.
pub(super) async fn leftovers(aws: &Aws, scope: &Scope, recorded: Vec<Item>) -> Result<Vec<Observed>, Failure> {
    let mut found = observe_kinds(aws, Kind::leftovers().map(|kind| (kind, Query::Leftovers(scope.clone())))).await?;
    let open: Vec<Item> = recorded.into_iter().filter(|item| found.iter().all(|seen| seen.id != item.id)).collect();
    let of_kind = |kind: Kind| open.iter().filter(|item| item.address.kind() == kind).cloned().collect::<Vec<_>>();
    let queries = Kind::leftovers().map(|kind| (kind, of_kind(kind))).filter(|(_, items)| !items.is_empty());
    found.extend(observe_kinds(aws, queries.map(|(kind, items)| (kind, Query::These(items)))).await?);
    Ok(found)
}

/// Volumes and snapshots that a cluster of this name left, under whatever state: their tags may be the only trace of it.
///
/// # Errors
/// The first call that fails.
pub(super) async fn volumes_and_snapshots(aws: &Aws, scope: &Scope) -> Result<Vec<Observed>, Failure> {
    let kinds = Kind::leftovers().filter(|kind| kind.facts().carries_lineage);
    observe_kinds(aws, kinds.map(|kind| (kind, Query::Leftovers(scope.clone())))).await
}

async fn observe_kinds(aws: &Aws, queries: impl Iterator<Item = (Kind, Query)>) -> Result<Vec<Observed>, Failure> {
    let mut tasks = tokio::task::JoinSet::new();
    for (kind, query) in queries {
        let aws = aws.clone();
        tasks.spawn(async move { aws.observe(kind, query).await });
    }
    let mut all = Vec::new();
    while let Some(joined) = tasks.join_next().await {
        all.extend(joined.map_err(|error| unexpected("observe", &format!("a task ended unexpectedly: {error}")).caused_by(error))??);
    }
    all.sort_by(|a: &Observed, b: &Observed| a.address.cmp(&b.address));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn what_holds_data_says_what_it_holds() {
        for kind in Kind::ALL {
            assert_eq!(kind.facts().holds_data, operations(*kind).deletion.data.is_some(), "{kind}");
        }
    }

    #[test]
    fn candidates_of_the_tagging_api_are_told_apart() {
        let unrecorded = || Kind::ALL.iter().filter_map(|kind| operations(*kind).deletion.unrecorded.as_ref());
        let types: Vec<&str> = unrecorded().filter_map(|how| how.tagged.as_ref()).map(|tagged| tagged.resource_type).collect();
        assert_eq!(types.iter().collect::<BTreeSet<_>>().len(), types.len(), "{types:?}");
        assert!(unrecorded().filter(|how| how.tagged.is_some()).all(|how| !how.key.is_empty()));
    }
}
