//! The rules, one file for each part of the configuration; each builds its part of the model on the way.

mod domino;
mod encryption;
mod existing_network;
mod identity;
mod kubernetes;
mod labels;
mod network;
mod pools;
mod storage;
mod subnets;
mod tags;

pub(super) use domino::domino;
pub(super) use encryption::encryption;
pub(super) use identity::identity;
#[cfg(test)]
pub(super) use identity::longest_excess;
pub(super) use kubernetes::{RETENTION_DAYS, kubernetes};
pub(super) use network::network;
pub(super) use pools::pools;
pub(super) use storage::storage;
pub(super) use tags::{tag_counts, tags};

/// Places of items that stand earlier in a list already.
fn repeated<T: PartialEq>(items: &[T]) -> impl Iterator<Item = usize> + '_ {
    items.iter().enumerate().filter(|(i, item)| items[..*i].contains(item)).map(|(i, _)| i)
}
