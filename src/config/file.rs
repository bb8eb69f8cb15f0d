//! The configuration file as it is written: the types behind the JSON schema.
//!
//! Defaults here are those of the `multi-az` profile; `profiles/multi-az.yaml` spells them out for people.

use super::choices::{AmiFamily, Lifecycle, Nat, NetworkPolicy, PoolRole, Support};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Days that CloudWatch Logs accepts as retention.
pub(super) const RETENTION_DAYS: &[u32] =
    &[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// Configuration of one cluster for Domino. Only `name`, `region`, `zones` and what differs from the profile need be given.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(title = "domino-eks configuration")]
pub(super) struct File {
    /// Profile that gives every value not named here.
    #[serde(default)]
    pub(super) profile: Profile,
    /// Cluster name: lower-case letters, digits and hyphens. Every derived AWS name starts with it.
    #[schemars(regex(pattern = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"))]
    pub(super) name: String,
    /// AWS region, such as `us-west-2`.
    pub(super) region: String,
    /// Availability zones that nodes run in: one or three.
    #[schemars(length(min = 1, max = 3))]
    pub(super) zones: Vec<String>,
    /// What the cluster is for. `ephemeral` marks a test environment: once applied, `destroy --yes` needs no name typed, and deletes the
    /// key and an almost empty file system without `--delete-data`; everything else that holds data still needs it.
    #[serde(default)]
    pub(super) lifecycle: Lifecycle,
    /// Refuse destroy until this is set to false and applied, or `--lift-protection` is given with the name; also turns on EKS deletion
    /// protection.
    #[serde(default)]
    pub(super) protect: bool,
    /// Location of the state: a local directory or `s3://bucket/prefix`. Default: `.domino-eks/<name>` beside this file.
    pub(super) state: Option<String>,
    /// Tags put on everything that can carry tags.
    #[serde(default)]
    pub(super) tags: BTreeMap<String, String>,
    /// EKS control plane and add-ons.
    #[serde(default)]
    pub(super) kubernetes: Kubernetes,
    /// VPC and subnets.
    #[serde(default)]
    pub(super) network: Network,
    /// Which key encrypts secrets, volumes, buckets and the file system.
    #[serde(default)]
    pub(super) encryption: Encryption,
    /// Buckets and file system.
    #[serde(default)]
    pub(super) storage: Storage,
    /// Docker bridge on every pool's nodes, for image builds.
    #[serde(default = "yes")]
    pub(super) docker_bridge: bool,
    /// Node pools: the profile's `platform`, `default` and `default-gpu`, and any of your own.
    #[serde(default)]
    pub(super) pools: IndexMap<String, Pool>,
    /// What Domino's installer needs to know beyond AWS.
    #[serde(default)]
    pub(super) domino: Domino,
}

/// Built-in sets of defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Profile {
    /// Production sizes over three zones.
    #[default]
    MultiAz,
    /// Production sizes in one zone, one NAT gateway.
    SingleAz,
    /// Small and short-lived, cheapest choices.
    Test,
    /// The older sizes of the Domino documents.
    Legacy,
}

/// EKS control plane and add-ons.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(super) struct Kubernetes {
    /// Kubernetes version as text, such as "1.35".
    pub(super) version: String,
    /// Range of service addresses: /12 to /24, private, outside the VPC. Cannot be changed later.
    pub(super) service_cidr: String,
    /// Make the API endpoint reachable from the internet too. The private endpoint is always on.
    pub(super) public_endpoint: bool,
    /// Ranges that may reach the public endpoint. Must be given when it is on.
    pub(super) public_cidrs: Vec<String>,
    /// Control-plane log types sent to CloudWatch Logs.
    pub(super) log_types: Vec<LogType>,
    /// Days that control-plane logs are kept.
    #[schemars(extend("enum" = RETENTION_DAYS))]
    pub(super) log_retention_days: u32,
    /// Engine that enforces NetworkPolicy.
    pub(super) network_policy: NetworkPolicy,
    /// What happens when standard support for the version ends: AWS upgrades (`standard`), or the version stays for a fee (`extended`).
    pub(super) support: Support,
    /// ARNs of IAM roles and users that get cluster-admin.
    pub(super) administrators: Vec<String>,
    /// With one node zone: further zones for the control plane, which always needs two. Default: the first of a, b, c without nodes.
    pub(super) control_plane_zones: Vec<String>,
    /// Fixed versions of EKS add-ons. Default: EKS's default for the Kubernetes version, kept in the state.
    pub(super) add_on_versions: BTreeMap<String, String>,
}

impl Default for Kubernetes {
    fn default() -> Self {
        Self {
            version: "1.35".to_owned(),
            service_cidr: "172.20.0.0/16".to_owned(),
            public_endpoint: false,
            public_cidrs: Vec::new(),
            log_types: vec![LogType::Api, LogType::Audit, LogType::Authenticator, LogType::ControllerManager, LogType::Scheduler],
            log_retention_days: 90,
            network_policy: NetworkPolicy::VpcCni,
            support: Support::Standard,
            administrators: Vec::new(),
            control_plane_zones: Vec::new(),
            add_on_versions: BTreeMap::new(),
        }
    }
}

/// Control-plane log types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum LogType {
    /// API server.
    Api,
    /// Audit trail.
    Audit,
    /// IAM authentication.
    Authenticator,
    /// Controller manager.
    ControllerManager,
    /// Scheduler.
    Scheduler,
}

/// VPC and subnets.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(super) struct Network {
    /// Range of the VPC, /16 to /28.
    pub(super) cidr: String,
    /// Internet access of the nodes: a NAT gateway per zone, a single one, or none.
    pub(super) nat: Nat,
    /// Prefix length of private subnets; every pod takes an address there. Default: the VPC's + 3.
    #[schemars(range(min = 16, max = 28))]
    pub(super) private_prefix: Option<u8>,
    /// Prefix length of public subnets. Default: the VPC's + 8, at most 28.
    #[schemars(range(min = 16, max = 28))]
    pub(super) public_prefix: Option<u8>,
    /// Explicit subnet ranges instead of computed ones.
    pub(super) subnets: Subnets,
    /// Ranges that must stay free, such as peered networks and VPNs.
    pub(super) avoid_cidrs: Vec<String>,
    /// AWS services with an interface endpoint in the VPC, by short name: `ecr.api`, `ecr.dkr`, `sts`, `ec2`, …
    pub(super) interface_endpoints: Vec<String>,
    /// Use a VPC that exists; it is checked and never changed. Leave out all other network keys then, except `avoidCidrs`.
    pub(super) existing: Option<ExistingNetwork>,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            cidr: "10.0.0.0/16".to_owned(),
            nat: Nat::PerZone,
            private_prefix: None,
            public_prefix: None,
            subnets: Subnets::default(),
            avoid_cidrs: Vec::new(),
            interface_endpoints: Vec::new(),
            existing: None,
        }
    }
}

/// Explicit subnet ranges: zone → range.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(super) struct Subnets {
    /// Subnets of nodes and pods, one per node zone.
    pub(super) private: IndexMap<String, String>,
    /// Subnets of load balancers and NAT gateways, one per node zone.
    pub(super) public: IndexMap<String, String>,
    /// Subnets of the control plane alone, one per control-plane zone.
    pub(super) control_plane: IndexMap<String, String>,
}

/// A VPC that exists.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ExistingNetwork {
    /// Id of the VPC.
    pub(super) vpc_id: String,
    /// Private subnet of each node zone: zone → subnet id.
    pub(super) private_subnets: IndexMap<String, String>,
    /// Public subnets for load balancers: zone → subnet id.
    #[serde(default)]
    pub(super) public_subnets: IndexMap<String, String>,
    /// With one node zone: a subnet in another zone for the control plane: zone → subnet id.
    #[serde(default)]
    pub(super) control_plane_subnets: IndexMap<String, String>,
}

/// Which key encrypts secrets, volumes, buckets and the file system.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(super) struct Encryption {
    /// `own` (a key made for this cluster), `aws-managed` (no cost), or the ARN of a KMS key.
    #[schemars(regex(pattern = r"^(own|aws-managed|arn:.+)$"))]
    pub(super) key: String,
}

impl Default for Encryption {
    fn default() -> Self {
        Self { key: "own".to_owned() }
    }
}

/// Buckets and file system.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(super) struct Storage {
    /// The four buckets.
    pub(super) buckets: Buckets,
    /// The shared file system.
    pub(super) efs: Efs,
}

/// The four buckets.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(super) struct Buckets {
    /// User data.
    pub(super) blobs: Bucket,
    /// Images of the internal registry.
    pub(super) registry: Bucket,
    /// Logs.
    pub(super) logs: Bucket,
    /// Backups.
    pub(super) backups: Bucket,
}

impl Default for Buckets {
    fn default() -> Self {
        let replaceable = Bucket { name: None, noncurrent_days: 30 };
        Self { blobs: Bucket::default(), registry: replaceable.clone(), logs: replaceable, backups: Bucket::default() }
    }
}

/// One bucket.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(super) struct Bucket {
    /// Name of the bucket. Default: `<name>-<account>-<region>-<kind>`.
    pub(super) name: Option<String>,
    /// Days after which replaced and deleted versions of objects expire; 0 keeps them for ever. Default: 30 for `registry` and `logs`, else 0.
    #[schemars(extend("default" = null))]
    pub(super) noncurrent_days: u32,
}

/// The shared file system.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(super) struct Efs {
    /// Daily AWS Backup.
    pub(super) backup: bool,
    /// `elastic` is paid per use, `bursting` grows with the stored data.
    pub(super) throughput_mode: ThroughputMode,
}

impl Default for Efs {
    fn default() -> Self {
        Self { backup: true, throughput_mode: ThroughputMode::Elastic }
    }
}

/// EFS throughput modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ThroughputMode {
    /// Paid per use.
    Elastic,
    /// Grows with the stored data.
    Bursting,
}

/// A node pool: one Auto Scaling Group in each node zone.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(super) struct Pool {
    /// What the pool is for. Default: `gpu` for instance types with NVIDIA devices, else `compute`; `platform` for the pool of that name alone.
    pub(super) role: Option<PoolRole>,
    /// EC2 instance type.
    pub(super) instance_type: Option<String>,
    /// Minimum number of nodes over all zones.
    pub(super) min: Option<u32>,
    /// Maximum number of nodes over all zones.
    pub(super) max: Option<u32>,
    /// Root volume in GiB.
    #[serde(rename = "diskGiB")]
    pub(super) disk_gib: Option<u32>,
    /// Further node labels; `dominodatalab.com/node-pool` is always set.
    pub(super) labels: BTreeMap<String, String>,
    /// Taints that kubelet registers.
    pub(super) taints: Vec<Taint>,
    /// Further tags for the pool's groups and instances.
    pub(super) tags: BTreeMap<String, String>,
    /// Image family. Default: AL2023.
    pub(super) ami_family: Option<AmiFamily>,
    /// Image of your own. Default: the newest EKS-optimised one, kept in the state.
    pub(super) ami_id: Option<String>,
    /// Spot instances instead of on-demand.
    pub(super) spot: bool,
    /// Docker bridge on this pool's nodes. Default: the top-level `dockerBridge`.
    pub(super) docker_bridge: Option<bool>,
    /// Shell script run before the node joins, 12 KiB at most.
    pub(super) user_data: Option<String>,
    /// Set to false to leave the pool out.
    pub(super) enabled: Option<bool>,
    /// Sizes for single zones; the pool's totals are then the sums.
    pub(super) zones: IndexMap<String, ZoneSize>,
}

/// A Kubernetes taint.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Taint {
    /// Key.
    pub(super) key: String,
    /// Value; may be left out.
    #[serde(default)]
    pub(super) value: String,
    /// What happens to pods that do not tolerate the taint.
    pub(super) effect: TaintEffect,
}

/// Taint effects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) enum TaintEffect {
    /// New pods stay away.
    NoSchedule,
    /// Running pods leave too.
    NoExecute,
    /// New pods stay away where possible.
    PreferNoSchedule,
}

/// Size of a pool in one zone.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(super) struct ZoneSize {
    /// Minimum number of nodes in this zone. Default: the zone's share of the pool's `min`.
    pub(super) min: Option<u32>,
    /// Maximum number of nodes in this zone. Default: the zone's share of the pool's `max`.
    pub(super) max: Option<u32>,
}

/// What Domino's installer needs to know beyond AWS.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(super) struct Domino {
    /// Name that Domino will be served from.
    pub(super) fqdn: Option<String>,
    /// Names of other Domino installations, which must not be above or below this one.
    pub(super) other_fqdns: Vec<String>,
}

fn yes() -> bool {
    true
}
