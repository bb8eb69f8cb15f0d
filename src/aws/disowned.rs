//! What is recorded and exists, but does not carry our tags any more: it may be somebody else's by now, so it is left alone,
//! but it is not forgotten either.

use super::Aws;
use super::resource::{autoscaling_group, efs_file_system, s3_bucket};
use crate::engine::{Failure, Item};
use crate::resource::Kind;

/// Those of the recorded items, which no look by their tags has shown, that exist under their id or name.
///
/// # Errors
/// The first call that fails.
pub(super) async fn disowned(aws: &Aws, items: Vec<Item>) -> Result<Vec<Item>, Failure> {
    let mut found = Vec::new();
    for item in items {
        let exists = match item.address.kind() {
            Kind::S3Bucket => s3_bucket::is_in_account(aws, &item.id).await?,
            Kind::EfsFileSystem => efs_file_system::exists(aws, &item.id).await?,
            Kind::AutoScalingGroup => autoscaling_group::exists(aws, &item.id).await?,
            // Everything else is found or deleted by its id, and counts as left until that is confirmed.
            _ => false,
        };
        if exists {
            found.push(item);
        }
    }
    Ok(found)
}
