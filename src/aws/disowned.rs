//! Recorded resources that exist but no longer carry our tags: they may belong to others by now, so they are not deleted, but they are
//! not forgotten either.

use super::clients::Aws;
use super::resource::operations;
use crate::engine::{Failure, Item};

/// Those of the recorded items that no query by tags returned and that exist under their id or name. Kinds that do not answer this are
/// found or deleted by their id, and count as left until that is confirmed.
///
/// # Errors
/// The first call that fails.
pub(super) async fn disowned(aws: &Aws, items: Vec<Item>) -> Result<Vec<Item>, Failure> {
    let mut found = Vec::new();
    for item in items {
        let Some(exists) = operations(item.address.kind()).deletion.exists_by_name else { continue };
        if exists(aws, &item.id).await? {
            found.push(item);
        }
    }
    Ok(found)
}
