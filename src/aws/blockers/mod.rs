//! Whose the resource is that blocks a deletion: AWS says only that there is one.

mod common;
pub(super) mod interfaces;
pub(super) mod vpc;

pub(super) use common::{blocker, by_id, if_allowed, if_answered, origin};
