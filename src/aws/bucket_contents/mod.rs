//! What is inside a bucket: counting it, and deleting it before the bucket can go.
//!
//! `pages` lists, `keys` knows the characters of keys, `count` counts, `empty` deletes in passes, `batch` deletes up to a thousand
//! at once, `held` says what cannot be deleted and why.

mod batch;
mod count;
mod empty;
mod held;
mod keys;
mod pages;

#[cfg(test)]
mod tests;

pub(super) use count::count;
pub(super) use empty::{Emptied, empty};
