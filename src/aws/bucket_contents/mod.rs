//! What is inside a bucket: counting it, and deleting it before the bucket is deleted.
//!
//! `pages` lists, `keys` handles the characters of keys, `count` counts, `empty` deletes in passes, `batch` deletes up to a thousand
//! versions with one call, `refusal` and `held` describe what cannot be deleted and why, `emptied` how much was deleted, `retry` repeats
//! calls after transient faults.

mod batch;
mod count;
mod emptied;
mod empty;
mod held;
mod keys;
mod pages;
mod refusal;
mod retry;

#[cfg(test)]
mod tests;

pub(super) use count::count;
pub(super) use emptied::Emptied;
pub(super) use empty::empty;
