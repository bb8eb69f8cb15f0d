//! What is inside a bucket: counting it, and deleting it before the bucket can go.
//!
//! `pages` lists, `keys` knows the characters of keys, `count` counts, `empty` deletes in passes, `batch` deletes up to a thousand
//! at once, `refusal` and `held` say what cannot be deleted and why, `emptied` how much went,
//! `retry` repeats what met a passing fault.

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
