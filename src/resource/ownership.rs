//! The tags that say which cluster a resource belongs to. What carries none of them is not ours, whatever its name.

/// How the keys of our tags begin.
pub const PREFIX: &str = "domino-eks:";
/// Name of the cluster that a resource belongs to.
pub const CLUSTER: &str = "domino-eks:cluster";
/// Lineage of the state under which it was created.
pub const LINEAGE: &str = "domino-eks:lineage";
/// Its address in plans and in the state.
pub const ADDRESS: &str = "domino-eks:address";
/// On the bucket that holds states; a bucket without it is never written to.
pub const STATE: &str = "domino-eks:state";
