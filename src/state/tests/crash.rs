//! The process dies between any two operations on files, and the state still loads.

/// A moment at which a child process of a test may kill itself.
pub(in crate::state) fn point() {}
