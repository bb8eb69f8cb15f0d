//! The closed list of kinds and the table of what the engine must know of each.

use serde::Serialize;
use std::fmt;

/// Groups of a plan, in the order in which a reader wants them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// VPC, subnets, gateways, routes, security groups.
    Network,
    /// Keys, roles, policies.
    Identity,
    /// Buckets and file system.
    Storage,
    /// EKS cluster, access entries, logs.
    ControlPlane,
    /// Launch templates and Auto Scaling Groups.
    NodePools,
    /// EKS add-ons.
    AddOns,
    /// What the cluster made in the account while it ran, and nobody deleted.
    Leftovers,
}

impl Layer {
    /// Heading in the plan.
    pub fn title(self) -> &'static str {
        match self {
            Layer::Network => "Network",
            Layer::Identity => "Identity",
            Layer::Storage => "Storage",
            Layer::ControlPlane => "Control plane",
            Layer::NodePools => "Node pools",
            Layer::AddOns => "Add-ons",
            Layer::Leftovers => "Left by Kubernetes",
        }
    }
}

/// AWS services that we call, as the unit of rate limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// Amazon EC2.
    Ec2,
    /// IAM (global, low limits).
    Iam,
    /// Amazon EKS.
    Eks,
    /// EC2 Auto Scaling.
    AutoScaling,
    /// Amazon EFS.
    Efs,
    /// Amazon S3.
    S3,
    /// AWS KMS.
    Kms,
    /// CloudWatch Logs.
    Logs,
    /// Elastic Load Balancing, of both generations.
    LoadBalancing,
    /// AWS Backup.
    Backup,
}

impl Service {
    /// Mutating calls that may be in flight at once (aws-facts §6.3; IAM at most 4 by the design).
    pub fn concurrency(self) -> usize {
        match self {
            Service::Iam => 4,
            Service::Kms | Service::Logs | Service::LoadBalancing | Service::Backup => 4,
            Service::Ec2 | Service::Eks | Service::AutoScaling | Service::Efs | Service::S3 => 8,
        }
    }
}

/// How a create is found again after a crash (design rule 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// The API takes a client token: that of the intent.
    Token,
    /// A name or another natural key answers "already exists".
    NaturalKey,
    /// Nothing but the tag: look for it until the intent is old enough.
    TagOnly,
}

/// What a changed field means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// An update call exists.
    InPlace,
    /// The resource must be made anew.
    Replace,
    /// Immutable and too precious to replace: refused with the manual path.
    Blocked,
    /// Given at creation and never compared again.
    CreateOnly,
}

/// What the engine must know of a kind.
#[derive(Debug)]
pub struct Facts {
    /// Kind as it stands in addresses.
    pub name: &'static str,
    /// Group in the plan.
    pub layer: Layer,
    /// Service whose limits apply.
    pub service: Service,
    /// How a create is found again.
    pub identity: Identity,
    /// Holds data that a user may need: deleted only on an explicit word.
    pub holds_data: bool,
    /// Made by what ran in the cluster, never by us: only destroy looks for it (RUN-4).
    pub leftover: bool,
    /// The kind that writes it anew for a while after its own deletion, and for how many seconds (aws-facts §7.1).
    pub rewritten_by: Option<(Kind, u32)>,
    /// Usual seconds from the create call to ready (aws-facts §2.7).
    pub create_seconds: u32,
    /// Usual seconds from the delete call to gone.
    pub delete_seconds: u32,
    /// Seconds after which waiting is given up.
    pub timeout_seconds: u32,
    /// Fields that are not changed in place.
    pub fields: &'static [(&'static str, Change)],
    /// The kind that takes this one along when it is deleted.
    pub dies_with: Option<Kind>,
    /// Attributes that an update in place changes.
    pub volatile: &'static [&'static str],
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident => $facts:expr;)*) => {
        /// Kinds of AWS resources that we manage, in the order of creation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind { $($(#[$doc])* $variant,)* }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Kind] = &[$(Kind::$variant,)*];

            /// The kind's row in the table.
            pub fn facts(self) -> &'static Facts {
                match self { $(Kind::$variant => { const FACTS: Facts = $facts; &FACTS })* }
            }
        }
    };
}

/// The common row: quick, no data, all fields in place.
const fn quick(name: &'static str, layer: Layer, service: Service, identity: Identity) -> Facts {
    Facts {
        name,
        layer,
        service,
        identity,
        holds_data: false,
        leftover: false,
        rewritten_by: None,
        create_seconds: 1,
        delete_seconds: 1,
        timeout_seconds: 300,
        fields: &[],
        dies_with: None,
        volatile: &[],
    }
}

/// The row of something that only destroy knows.
const fn leftover(name: &'static str, service: Service, delete_seconds: u32) -> Facts {
    Facts { leftover: true, delete_seconds, timeout_seconds: 600, ..quick(name, Layer::Leftovers, service, Identity::NaturalKey) }
}

use Change::{Blocked, CreateOnly, Replace};
use Identity::{NaturalKey, TagOnly, Token};

kinds! {
    /// VPC.
    Vpc => Facts { fields: &[("cidr", Blocked)], ..quick("vpc", Layer::Network, Service::Ec2, TagOnly) };
    /// Internet gateway with its attachment.
    InternetGateway => quick("internet-gateway", Layer::Network, Service::Ec2, TagOnly);
    /// Subnet.
    Subnet => Facts { fields: &[("vpc", Blocked), ("zone", Blocked), ("cidr", Blocked)], ..quick("subnet", Layer::Network, Service::Ec2, NaturalKey) };
    /// Elastic IP address of a NAT gateway.
    ElasticIp => quick("elastic-ip", Layer::Network, Service::Ec2, TagOnly);
    /// NAT gateway.
    NatGateway => Facts { create_seconds: 100, delete_seconds: 60, timeout_seconds: 900, fields: &[("subnet", Replace), ("allocation", Replace)],
        ..quick("nat-gateway", Layer::Network, Service::Ec2, Token) };
    /// Route table with its routes and subnet associations.
    RouteTable => Facts { fields: &[("vpc", Replace)], ..quick("route-table", Layer::Network, Service::Ec2, Token) };
    /// Security group with its ingress rules.
    SecurityGroup => Facts { fields: &[("vpc", Replace), ("name", Replace), ("description", Replace)],
        ..quick("security-group", Layer::Network, Service::Ec2, NaturalKey) };
    /// VPC endpoint, gateway or interface.
    VpcEndpoint => Facts { create_seconds: 60, delete_seconds: 60, timeout_seconds: 900, fields: &[("vpc", Replace), ("service", Replace), ("endpoint_type", Replace)],
        ..quick("vpc-endpoint", Layer::Network, Service::Ec2, Token) };
    /// KMS key with its alias.
    KmsKey => Facts { holds_data: true, fields: &[("alias", Blocked)], ..quick("kms-key", Layer::Identity, Service::Kms, TagOnly) };
    /// Customer-managed IAM policy.
    IamPolicy => Facts { fields: &[("name", Replace), ("path", Replace), ("description", CreateOnly)], ..quick("iam-policy", Layer::Identity, Service::Iam, NaturalKey) };
    /// IAM role with its attached policies.
    IamRole => Facts { fields: &[("name", Replace), ("path", Replace), ("description", CreateOnly)], ..quick("iam-role", Layer::Identity, Service::Iam, NaturalKey) };
    /// Instance profile with its role.
    InstanceProfile => Facts { fields: &[("name", Replace), ("path", Replace)], ..quick("instance-profile", Layer::Identity, Service::Iam, NaturalKey) };
    /// S3 bucket with its settings.
    S3Bucket => Facts { holds_data: true, fields: &[("name", Blocked)], ..quick("s3-bucket", Layer::Storage, Service::S3, NaturalKey) };
    /// EFS file system.
    EfsFileSystem => Facts { holds_data: true, create_seconds: 5, delete_seconds: 5, timeout_seconds: 600, fields: &[("kms_key", Blocked)],
        ..quick("efs-file-system", Layer::Storage, Service::Efs, Token) };
    /// EFS mount target.
    EfsMountTarget => Facts { create_seconds: 85, delete_seconds: 40, timeout_seconds: 900, fields: &[("file_system", Replace), ("subnet", Replace)],
        ..quick("efs-mount-target", Layer::Storage, Service::Efs, NaturalKey) };
    /// EFS access point; immutable.
    EfsAccessPoint => Facts { create_seconds: 5, delete_seconds: 5, fields: &[("file_system", Replace), ("path", Replace), ("uid", Replace), ("gid", Replace),
        ("owner_uid", Replace), ("owner_gid", Replace), ("permissions", Replace)], ..quick("efs-access-point", Layer::Storage, Service::Efs, Token) };
    /// CloudWatch log group of the control plane.
    LogGroup => Facts { rewritten_by: Some((Kind::EksCluster, 60)), fields: &[("name", Replace)], ..quick("log-group", Layer::ControlPlane, Service::Logs, NaturalKey) };
    /// EKS cluster.
    EksCluster => Facts { create_seconds: 540, delete_seconds: 180, timeout_seconds: 2400, fields: &[("name", Blocked), ("role", Blocked), ("service_cidr", Blocked), ("kms_key", Blocked)],
        ..quick("eks-cluster", Layer::ControlPlane, Service::Eks, Token) };
    /// EKS access entry.
    EksAccessEntry => Facts { dies_with: Some(Kind::EksCluster), fields: &[("cluster", Replace), ("principal", Replace), ("entry_type", Replace)],
        ..quick("eks-access-entry", Layer::ControlPlane, Service::Eks, Token) };
    /// EC2 launch template; every change is a new version.
    LaunchTemplate => Facts { fields: &[("name", Replace)], volatile: &["version"], ..quick("launch-template", Layer::NodePools, Service::Ec2, Token) };
    /// Auto Scaling Group of one pool in one zone.
    AutoScalingGroup => Facts { create_seconds: 45, delete_seconds: 90, timeout_seconds: 1200, fields: &[("name", Replace), ("zone", Replace)],
        ..quick("autoscaling-group", Layer::NodePools, Service::AutoScaling, NaturalKey) };
    /// EKS add-on with its pod identity associations.
    EksAddOn => Facts { dies_with: Some(Kind::EksCluster), create_seconds: 25, delete_seconds: 20, timeout_seconds: 1200, fields: &[("cluster", Replace), ("name", Replace)],
        ..quick("eks-add-on", Layer::AddOns, Service::Eks, Token) };
    /// Target group of a controller's load balancer.
    TargetGroup => leftover("target-group", Service::LoadBalancing, 1);
    /// Security group that EKS or a controller made.
    KubernetesSecurityGroup => leftover("kubernetes-security-group", Service::Ec2, 1);
    /// Interface endpoint that GuardDuty's agent was given.
    GuardDutyEndpoint => leftover("guardduty-endpoint", Service::Ec2, 60);
    /// Application, network or gateway load balancer of a controller; gone when its interfaces are.
    LoadBalancer => leftover("load-balancer", Service::LoadBalancing, 30);
    /// Classic load balancer of the cloud controller; gone when its interfaces are.
    ClassicLoadBalancer => leftover("classic-load-balancer", Service::LoadBalancing, 30);
    /// Instance of the cluster outside of its Auto Scaling Groups.
    Instance => leftover("instance", Service::Ec2, 60);
    /// Interface that the CNI left unattached.
    NetworkInterface => leftover("network-interface", Service::Ec2, 1);
    /// Log group of an agent in the cluster.
    ContainerLogGroup => Facts { holds_data: true, ..leftover("container-log-group", Service::Logs, 1) };
    /// Volume of a claim; `deleting` for seconds, and for minutes on a bad day.
    EbsVolume => Facts { holds_data: true, ..leftover("ebs-volume", Service::Ec2, 10) };
    /// Snapshot of a claim.
    EbsSnapshot => Facts { holds_data: true, ..leftover("ebs-snapshot", Service::Ec2, 1) };
    /// Recovery point that AWS Backup holds of the file system.
    RecoveryPoint => Facts { holds_data: true, ..leftover("recovery-point", Service::Backup, 10) };
}

impl Kind {
    /// Kind as it stands in addresses.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// Kinds that we create and manage.
    pub fn managed() -> impl Iterator<Item = Kind> {
        Kind::ALL.iter().copied().filter(|kind| !kind.facts().leftover)
    }

    /// Kinds that only destroy looks for.
    pub fn leftovers() -> impl Iterator<Item = Kind> {
        Kind::ALL.iter().copied().filter(|kind| kind.facts().leftover)
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Whether the id is a name that anybody could give to something else once ours is gone.
    pub fn is_reusable_name(self) -> bool {
        matches!(self, Kind::EksCluster | Kind::AutoScalingGroup | Kind::EksAddOn | Kind::EksAccessEntry)
    }

    /// Whether ARN and name follow from the spec, so that they stay known while the resource is made anew.
    pub fn keeps_attributes(self) -> bool {
        matches!(self, Kind::IamPolicy | Kind::IamRole | Kind::InstanceProfile | Kind::S3Bucket | Kind::LogGroup)
    }

    /// What a change of a top-level spec field means.
    pub fn change_class(self, field: &str) -> Change {
        self.facts().fields.iter().find(|(name, _)| *name == field).map_or(Change::InPlace, |(_, class)| *class)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_read_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(*kind));
        }
    }

    #[test]
    fn precious_kinds_are_never_replaced() {
        for kind in Kind::ALL.iter().filter(|kind| kind.facts().holds_data) {
            assert!(kind.facts().fields.iter().all(|(_, class)| *class != Change::Replace), "{kind}");
        }
    }
}
