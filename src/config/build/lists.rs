//! Functions for lists of the file.

/// Indices of items that stand earlier in the list already.
pub(super) fn repeated<T: PartialEq>(items: &[T]) -> impl Iterator<Item = usize> + '_ {
    items.iter().enumerate().filter(|(i, item)| items[..*i].contains(item)).map(|(i, _)| i)
}
