//! The tags that say whose a resource is. Whatever carries none of them is not ours, whatever its name.

/// How the keys of our tags begin.
pub const PREFIX: &str = "domino-eks:";
/// Name of the cluster that a resource belongs to.
pub const CLUSTER: &str = "domino-eks:cluster";
/// Lineage of the state that it was made under.
pub const LINEAGE: &str = "domino-eks:lineage";
/// Its address in plan and state.
pub const ADDRESS: &str = "domino-eks:address";
/// On the bucket that holds states; a bucket without it is never written to.
pub const STATE: &str = "domino-eks:state";
