//! What is said of a kind: everything that the engine and the reports know of it.

use super::kind::Kind;
use serde::Serialize;

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
    /// Mutating calls that may be in flight at once (docs/aws.md, "Throttling and retries").
    pub fn concurrency(self) -> usize {
        match self {
            Service::Iam => 4,
            Service::Kms | Service::Logs | Service::LoadBalancing | Service::Backup => 4,
            Service::Ec2 | Service::Eks | Service::AutoScaling | Service::Efs | Service::S3 => 8,
        }
    }
}

/// How a create that was cut off is found again, so that it is not made twice (docs/design-rules.md, rule 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idempotency {
    /// The API takes a client token, which the intent holds.
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

/// What a resource of a kind tells of the VPC that the cluster runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VpcEvidence {
    /// Nothing that destroy relies on.
    None,
    /// It is the VPC.
    Itself,
    /// Its field `vpc` names the VPC, also when the VPC was brought along.
    Member,
}

/// What the engine and the reports must know of a kind.
#[derive(Debug)]
pub struct Facts {
    /// Kind as it stands in addresses.
    pub name: &'static str,
    /// Group in the plan.
    pub layer: Layer,
    /// Service whose limits apply.
    pub service: Service,
    /// How a create that was cut off is found again.
    pub idempotency: Idempotency,
    /// The few fields of an addition that a reviewer needs, in the order in which the plan shows them.
    pub headline: &'static [&'static str],
    /// Holds data that a user may need: deleted only when that is asked for explicitly, and never replaced.
    pub holds_data: bool,
    /// Made by what ran in the cluster, never by us: only destroy looks for it (RUN-4).
    pub leftover: bool,
    /// Of a leftover: it carries our ownership tags, because our add-on puts them on everything that it makes.
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
    /// Its ARN and name follow from the spec, so that they stay known while the resource is made anew.
    pub keeps_attributes: bool,
    /// Its id is a name that anybody could give to something else once ours is gone.
    pub reusable_name: bool,
    /// One that was ready and has failed since is not replaced: what runs in it would be lost, so a person decides.
    pub blocked_when_failed: bool,
    /// The kind that takes this one along when it is deleted: deleting each by itself would only cost time (docs/aws.md, "Deletion order").
    pub dies_with: Option<Kind>,
    /// What uses it acts with its permissions: it goes after all its users, also after those that die with their parent.
    pub grants_permissions: bool,
    /// The kind that writes it anew for a while after its own deletion, and for how many seconds (docs/aws.md, "Deletion order").
    pub rewritten_by: Option<(Kind, u32)>,
    /// Holds no data itself, but stays where data of this kind stays, which nobody could read without it.
    pub kept_with: Option<Kind>,
    /// Nodes of the cluster run in it, or it is one.
    pub runs_nodes: bool,
    /// Nodes work through it until they end: they write to it, or reach AWS or the control plane through it
    /// (docs/aws.md, "Deletion order").
    pub used_by_nodes: bool,
    /// Controllers run in it that make resources in the account, such as load balancers: what they made goes after it.
    pub runs_controllers: bool,
    /// The kind that AWS does not delete while one of these exists, although no spec says so: public addresses keep the
    /// internet gateway.
    pub goes_before: Option<Kind>,
    /// What it tells of the VPC that the cluster runs in. Where the VPC is not ours, what tells of it goes last.
    pub vpc_evidence: VpcEvidence,
    /// Looks in a row that must not show it before it counts as gone.
    pub looks_until_gone: u32,
    /// AWS deletes it only when a waiting period of days is over; until then it is shown as being deleted.
    pub scheduled_deletion: bool,
}

impl Facts {
    /// Whether it goes only when the last node is gone: what holds data, so that all is written, and what nodes work through.
    pub fn waits_for_nodes(&self) -> bool {
        self.holds_data || self.used_by_nodes
    }
}

/// What must be said of a kind that we create.
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
    /// The facts of a kind of which nothing else is special.
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

/// What must be said of a kind that only destroy knows.
pub(crate) struct Leftover {
    pub(crate) name: &'static str,
    pub(crate) service: Service,
    pub(crate) holds_data: bool,
    pub(crate) delete_seconds: u32,
}

impl Leftover {
    /// The facts of a kind of which nothing else is special. It is never created: what a creation would need is empty.
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
