//! The desired spec of each kind: only fields that we own; references to other resources are [`Input`]s.
//!
//! Lists that AWS treats as sets are kept sorted by the observing side, and compared as sets by the plan.

mod control_plane;
mod identity;
mod network;
mod nodes;
mod storage;

pub use control_plane::{EksAccessEntry, EksAddOn, EksCluster, LogGroup, PodIdentity};
pub use identity::{IamPolicy, IamRole, InstanceProfile, KmsKey};
pub use network::{ElasticIp, InternetGateway, NatGateway, Route, RouteTable, Rule, SELF_GROUP, SecurityGroup, Subnet, Vpc, VpcEndpoint};
pub use nodes::{AutoScalingGroup, LaunchTemplate};
pub use storage::{EfsAccessPoint, EfsFileSystem, EfsMountTarget, S3Bucket};
