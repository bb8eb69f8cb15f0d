//! Facts of a kind: everything that the engine and the reports know about it.

use super::kind::Kind;
use serde::Serialize;

/// Groups of a plan, in the order in which it shows them.
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
    /// What the cluster made in the account while it ran and did not delete.
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
    /// Mutating calls that may be in flight at once (docs/aws.md, "Throttling and retries").
    pub fn concurrency(self) -> usize {
        match self {
            Service::Iam => 4,
            Service::Kms | Service::Logs | Service::LoadBalancing | Service::Backup => 4,
            Service::Ec2 | Service::Eks | Service::AutoScaling | Service::Efs | Service::S3 => 8,
        }
    }
}

/// How a create call whose answer was lost is found again, so that the resource is not created twice (docs/design-rules.md, rule 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idempotency {
    /// The API takes a client token, which the intent holds.
    Token,
    /// A name or another natural key answers "already exists".
    NaturalKey,
    /// Only the tag: AWS is searched for it until the intent is old enough.
    TagOnly,
}

/// What a changed field means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// An update call exists.
    InPlace,
    /// The resource must be replaced.
    Replace,
    /// Immutable, and replacing it would lose what it holds: refused, with the manual steps.
    Blocked,
    /// Given at creation and never compared again.
    CreateOnly,
}

/// What a resource of a kind tells about the VPC that the cluster runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VpcEvidence {
    /// Nothing that destroy relies on.
    None,
    /// It is the VPC.
    Itself,
    /// Its field `vpc` names the VPC, also when that is an existing one.
    Member,
}

/// What the engine and the reports must know about a kind.
#[derive(Debug)]
pub struct Facts {
    /// Name of the kind in addresses.
    pub name: &'static str,
    /// Group in the plan.
    pub layer: Layer,
    /// Service whose limits apply.
    pub service: Service,
    /// How a create call whose answer was lost is found again.
    pub idempotency: Idempotency,
    /// The few fields of a new resource that a reviewer needs, in the order in which the plan shows them.
    pub headline: &'static [&'static str],
    /// Holds data that a user may need: deleted only when that is asked for explicitly, and never replaced.
    pub holds_data: bool,
    /// Made by what ran in the cluster, never by us: only destroy looks for it (RUN-4).
    pub leftover: bool,
    /// For a leftover: it carries our ownership tags, because our add-on puts them on everything that it creates.
    pub carries_lineage: bool,
    /// Usual seconds from the create call to ready (docs/aws.md, "Durations").
    pub create_seconds: u32,
    /// Usual seconds from the delete call to gone.
    pub delete_seconds: u32,
    /// Seconds after which waiting is given up.
    pub timeout_seconds: u32,
    /// Fields that are not changed in place.
    pub changes: &'static [(&'static str, Change)],
    /// Attributes that an update in place changes.
    pub volatile: &'static [&'static str],
    /// Its ARN and name follow from the spec, so that they stay known while the resource is replaced.
    pub keeps_attributes: bool,
    /// Its id is a name that others can use for another resource once ours is deleted.
    pub reusable_name: bool,
    /// One that was ready and has failed since is not replaced: what runs in it would be lost, so the user decides.
    pub blocked_when_failed: bool,
    /// The kind that deletes this one with itself, so that deleting each separately would only cost time (docs/aws.md, "Deletion order").
    pub dies_with: Option<Kind>,
    /// What uses it acts with its permissions: it is deleted after all its users, including those that are deleted with their parent.
    pub grants_permissions: bool,
    /// The kind that re-creates it for a while after its own deletion, and for how many seconds (docs/aws.md, "Deletion order").
    pub rewritten_by: Option<(Kind, u32)>,
    /// Holds no data itself, but is kept where data of this kind is kept, which would be unreadable without it.
    pub kept_with: Option<Kind>,
    /// Nodes of the cluster run in it, or it is one.
    pub runs_nodes: bool,
    /// Nodes depend on it until they are terminated: they write to it, or reach AWS or the control plane through it (docs/aws.md,
    /// "Deletion order").
    pub used_by_nodes: bool,
    /// Controllers run in it that create resources in the account, such as load balancers: those are deleted after it.
    pub runs_controllers: bool,
    /// The kind that AWS does not delete while one of these exists, although no spec refers to it: public addresses block the internet
    /// gateway.
    pub goes_before: Option<Kind>,
    /// What it tells about the VPC that the cluster runs in. Where the VPC is not ours, this evidence is deleted last.
    pub vpc_evidence: VpcEvidence,
    /// How many queries in a row must not return it before it counts as gone.
    pub looks_until_gone: u32,
    /// AWS deletes it only after a waiting period of days; until then it is shown as being deleted.
    pub scheduled_deletion: bool,
}

impl Facts {
    /// Whether it is deleted only after the last node: what holds data, so that everything is written, and what nodes depend on.
    pub fn waits_for_nodes(&self) -> bool {
        self.holds_data || self.used_by_nodes
    }
}

/// What must be given for a kind that we create.
pub(crate) struct Managed {
    pub(crate) name: &'static str,
    pub(crate) layer: Layer,
    pub(crate) service: Service,
    pub(crate) idempotency: Idempotency,
    pub(crate) headline: &'static [&'static str],
    pub(crate) holds_data: bool,
    pub(crate) create_seconds: u32,
    pub(crate) delete_seconds: u32,
    pub(crate) timeout_seconds: u32,
    pub(crate) changes: &'static [(&'static str, Change)],
}

impl Managed {
    /// The facts of a kind that needs no special ones.
    pub(crate) const fn facts(self) -> Facts {
        let Self { name, layer, service, idempotency, headline, holds_data, create_seconds, delete_seconds, timeout_seconds, changes } =
            self;
        Facts {
            name,
            layer,
            service,
            idempotency,
            headline,
            holds_data,
            leftover: false,
            carries_lineage: false,
            create_seconds,
            delete_seconds,
            timeout_seconds,
            changes,
            volatile: &[],
            keeps_attributes: false,
            reusable_name: false,
            blocked_when_failed: false,
            dies_with: None,
            grants_permissions: false,
            rewritten_by: None,
            kept_with: None,
            runs_nodes: false,
            used_by_nodes: false,
            runs_controllers: false,
            goes_before: None,
            vpc_evidence: VpcEvidence::None,
            looks_until_gone: 1,
            scheduled_deletion: false,
        }
    }
}

/// What must be given for a kind that only destroy knows.
pub(crate) struct Leftover {
    pub(crate) name: &'static str,
    pub(crate) service: Service,
    pub(crate) holds_data: bool,
    pub(crate) delete_seconds: u32,
}

impl Leftover {
    /// The facts of a kind that needs no special ones. It is never created, so the facts about creation are empty.
    pub(crate) const fn facts(self) -> Facts {
        let Self { name, service, holds_data, delete_seconds } = self;
        let like_ours = Managed {
            name,
            layer: Layer::Leftovers,
            service,
            idempotency: Idempotency::NaturalKey,
            headline: &[],
            holds_data,
            create_seconds: 1,
            delete_seconds,
            timeout_seconds: 600,
            changes: &[],
        };
        Facts { leftover: true, ..like_ours.facts() }
    }
}
