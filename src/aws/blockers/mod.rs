//! Whose something is that stands in the way of a deletion: AWS says only that something does.

mod common;
pub(super) mod interfaces;
pub(super) mod vpc;

pub(super) use common::{allowed, blocker, by_id, courteous, origin};
