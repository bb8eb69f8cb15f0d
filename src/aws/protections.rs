//! Protections because of which AWS refuses to delete a resource. They are read before a teardown begins: in the middle of it, when the
//! nodes are gone, a refusal would come too late.

use super::clients::Aws;
use super::contract::ToDelete;
use super::errors::unexpected;
use super::resource::operations;
use crate::engine::{Action, Failure, Item, Plan, Protection, Verb};
use crate::resource::{Address, Kind};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Protections of what the plan deletes, in the plan's order.
///
/// # Errors
/// The first call that fails.
pub(super) async fn protections(aws: &Aws, plan: &Plan) -> Result<Vec<Protection>, Failure> {
    let deletes: Vec<&Action> = plan.actions.iter().filter(|action| action.verb == Verb::Delete && action.existing.is_some()).collect();
    let all: Arc<BTreeSet<String>> = Arc::new(deletes.iter().filter_map(|action| action.id.clone()).collect());
    let mut tasks = JoinSet::new();
    for kind in Kind::ALL {
        let Some(ask) = operations(*kind).deletion.protection else { continue };
        let of_kind = deletes.iter().filter(|action| action.kind == *kind);
        let items: Vec<Item> = of_kind.filter_map(|action| Some(Item::recorded(&action.address, action.existing.as_ref()?))).collect();
        if !items.is_empty() {
            let (aws, targets) = (aws.clone(), ToDelete { items, all: all.clone() });
            tasks.spawn(async move { Ok((targets.items[0].address.kind(), ask(&aws, &targets).await?)) });
        }
    }
    let mut protected: BTreeMap<Kind, BTreeMap<String, String>> = BTreeMap::new();
    while let Some(joined) = tasks.join_next().await {
        protected.extend([joined.map_err(|error| unexpected("look for protections", &error.to_string()).caused_by(error))??]);
    }
    let told = |address: &Address, id: &str| {
        let by = protected.get(&address.kind())?.get(id)?.clone();
        Some(Protection { address: address.clone(), id: id.to_owned(), by })
    };
    Ok(deletes.iter().filter_map(|action| told(&action.address, action.id.as_deref()?)).collect())
}
