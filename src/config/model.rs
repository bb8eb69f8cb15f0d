//! The complete configuration: profile and defaults applied, every rule checked. The blueprint reads only this.
//!
//! Numbers that AWS takes have the type that its APIs use (`i32`): what does not fit was refused while the model was built.

pub use super::choices::{AmiFamily, Lifecycle, Nat, NetworkPolicy, PoolRole, Support};

use indexmap::IndexMap;
use ipnet::Ipv4Net;
use std::collections::BTreeMap;

/// One cluster, fully described (`domino-eks.yaml` over its profile).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Cluster name; every derived AWS name starts with it.
    pub name: String,
    /// AWS region, such as `us-west-2`.
    pub region: String,
    /// AWS partition that the region belongs to (`aws`, `aws-cn`, `aws-us-gov`, …).
    pub partition: String,
    /// Name of the profile that gave the defaults.
    pub profile: String,
    /// Zones that nodes run in, sorted: one or three (POOL-5).
    pub zones: Vec<String>,
    /// Whether the cluster is a throw-away test environment.
    pub lifecycle: Lifecycle,
    /// Refuse every destroy until set to false; turns EKS deletion protection on.
    pub protect: bool,
    /// Location of the state; `None` is `.domino-eks/<name>` beside the file.
    pub state: Option<String>,
    /// The user's tags, put on everything that can carry tags.
    pub tags: BTreeMap<String, String>,
    /// VPC and subnets.
    pub network: Network,
    /// Control plane and add-ons.
    pub kubernetes: Kubernetes,
    /// Which key encrypts secrets, volumes, buckets and the file system.
    pub encryption: Encryption,
    /// Buckets and file system.
    pub storage: Storage,
    /// Node pools in file order, `platform` first.
    pub pools: Vec<Pool>,
    /// What Domino's installer needs to know beyond AWS.
    pub domino: Domino,
}

/// The network: created with the cluster, or existing (NET-1, NET-5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Network {
    /// VPC, subnets, gateways and routes are created.
    Managed(ManagedNetwork),
    /// The VPC and its subnets exist: checked, never changed.
    Existing(ExistingNetwork),
}

/// A VPC that is created with the cluster (NET-1…NET-4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedNetwork {
    /// The VPC's range.
    pub cidr: Ipv4Net,
    /// Internet access of the private subnets.
    pub nat: Nat,
    /// All subnets, in the order public, private, control plane; zones in file order.
    pub subnets: Vec<Subnet>,
    /// Services with an interface endpoint, by short name (`ecr.api`, `sts`, …).
    pub interface_endpoints: Vec<String>,
}

/// One subnet to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    /// What the subnet is for.
    pub tier: Tier,
    /// Availability zone name.
    pub zone: String,
    /// Its range inside the VPC.
    pub cidr: Ipv4Net,
}

/// What a subnet is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tier {
    /// Load balancers and NAT gateways; routed to the internet gateway.
    Public,
    /// Nodes, pods, mount targets and the control plane's interfaces.
    Private,
    /// Only the control plane's interfaces, in a zone without nodes (EKS always needs two zones).
    ControlPlane,
}

impl Tier {
    /// The tier as it is written in addresses and names.
    pub fn as_str(self) -> &'static str {
        match self {
            Tier::Public => "public",
            Tier::Private => "private",
            Tier::ControlPlane => "control-plane",
        }
    }
}

/// An existing VPC that belongs to others (NET-5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingNetwork {
    /// Id of the VPC.
    pub vpc_id: String,
    /// Private subnet of each node zone: zone → subnet id, in file order.
    pub private_subnets: IndexMap<String, String>,
    /// Public subnets for load balancers, zone → subnet id; may be empty.
    pub public_subnets: IndexMap<String, String>,
    /// Further subnets for the control plane only, zone → subnet id (needed with one node zone).
    pub control_plane_subnets: IndexMap<String, String>,
}

/// EKS control plane (EKS-1…EKS-3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kubernetes {
    /// `major.minor`, always explicit.
    pub version: String,
    /// Range of service addresses; immutable after creation.
    pub service_cidr: Ipv4Net,
    /// Whether the API endpoint is reachable from the internet (the private endpoint is always on).
    pub public_endpoint: bool,
    /// Ranges that may reach the public endpoint; empty when it is off.
    pub public_cidrs: Vec<Ipv4Net>,
    /// Control-plane log types sent to CloudWatch Logs.
    pub log_types: Vec<String>,
    /// Days that control-plane logs are kept.
    pub log_retention_days: i32,
    /// Engine that enforces NetworkPolicy (EKS-3).
    pub network_policy: NetworkPolicy,
    /// What happens at the end of standard support.
    pub support: Support,
    /// IAM principals that get cluster-admin by access entry.
    pub administrators: Vec<String>,
    /// Add-on versions pinned by the user: name → version.
    pub add_on_versions: BTreeMap<String, String>,
}

/// Key for secrets, volumes, buckets and file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encryption {
    /// A customer-managed key that is created with the cluster.
    OwnKey,
    /// AWS-managed keys: no cost, no key policy.
    AwsManaged,
    /// A key that exists already, by ARN.
    ExistingKey(String),
}

/// Buckets and file system (S3-1, EFS-1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// The four buckets in the order blobs, registry, logs, backups.
    pub buckets: Vec<Bucket>,
    /// The shared file system.
    pub efs: Efs,
}

/// One bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// `blobs`, `registry`, `logs` or `backups`.
    pub kind: String,
    /// Name given by the user; `None` is `<name>-<account>-<region>-<kind>`.
    pub name: Option<String>,
    /// Days after which noncurrent versions expire; `None` keeps them.
    pub noncurrent_days: Option<i32>,
}

/// The EFS file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Efs {
    /// Daily AWS Backup.
    pub backup: bool,
    /// `elastic` or `bursting`.
    pub throughput_mode: String,
}

/// A node pool: one Auto Scaling Group in each node zone (POOL-5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Pool name, the value of its `dominodatalab.com/node-pool` label.
    pub name: String,
    /// What it is for.
    pub role: PoolRole,
    /// EC2 instance type.
    pub instance_type: String,
    /// Processor architecture of the type.
    pub arch: Arch,
    /// Minimum number of nodes over all zones.
    pub min: i32,
    /// Maximum number of nodes over all zones.
    pub max: i32,
    /// The totals spread exactly over the node zones, in zone order.
    pub zones: Vec<ZoneSize>,
    /// Root volume in GiB.
    pub disk_gib: i32,
    /// All node labels, sorted, with `dominodatalab.com/node-pool`.
    pub labels: BTreeMap<String, String>,
    /// Taints that kubelet registers.
    pub taints: Vec<Taint>,
    /// Further tags for the pool's groups and instances.
    pub tags: BTreeMap<String, String>,
    /// Image family.
    pub ami_family: AmiFamily,
    /// Image given by the user; `None` takes the newest EKS-optimised one and pins it in the state.
    pub ami_id: Option<String>,
    /// Spot instances instead of on-demand.
    pub spot: bool,
    /// Docker's bridge for image builds (POOL-7).
    pub docker_bridge: bool,
    /// Shell script run before the node joins.
    pub extra_user_data: Option<String>,
    /// NVIDIA devices of the instance type, when it has some.
    pub gpu: Option<Gpu>,
}

/// A pool's share of one zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneSize {
    /// Availability zone name.
    pub zone: String,
    /// Minimum number of nodes in this zone.
    pub min: i32,
    /// Maximum number of nodes in this zone.
    pub max: i32,
}

/// A Kubernetes taint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taint {
    /// Taint key.
    pub key: String,
    /// Taint value; may be empty.
    pub value: String,
    /// `NoSchedule`, `NoExecute` or `PreferNoSchedule`.
    pub effect: String,
}

/// NVIDIA devices of an instance type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gpu {
    /// Devices per instance.
    pub count: u32,
    /// Value of the label `k8s.amazonaws.com/accelerator` that the cluster autoscaler knows, such as `nvidia-a10g`.
    pub accelerator: String,
}

/// Processor architectures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Arch {
    /// Intel and AMD.
    X86_64,
    /// Graviton.
    Arm64,
}

/// What Domino's installer needs beyond AWS (OUT-1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Domino {
    /// The name that Domino will be served from.
    pub fqdn: Option<String>,
}
