//! One file for each kind, named after the AWS thing it manages; this file says what each of them must answer, and
//! sends the engine's questions to the right one.

pub(super) mod autoscaling_group;
pub(super) mod classic_load_balancer;
mod container_log_group;
mod ebs_snapshot;
mod ebs_volume;
mod efs_access_point;
pub(super) mod efs_file_system;
mod efs_mount_target;
mod eks_access_entry;
mod eks_add_on;
pub(super) mod eks_cluster;
mod elastic_ip;
pub(super) mod guardduty_endpoint;
mod iam_policy;
mod iam_role;
pub(super) mod instance;
mod instance_profile;
mod internet_gateway;
pub(super) mod kms_key;
pub(super) mod kubernetes_security_group;
mod launch_template;
mod leftover;
pub(super) mod load_balancer;
pub(super) mod log_group;
mod nat_gateway;
pub(super) mod network_interface;
mod recovery_point;
mod route_table;
pub(super) mod s3_bucket;
pub(super) mod security_group;
mod subnet;
mod target_group;
mod vpc;
pub(super) mod vpc_endpoint;

use super::Aws;
use super::errors::unexpected;
use super::holders;
use super::parts::in_parts;
use super::tags;
use crate::engine::{Created, Failure, FailureKind, Holder, Item, Observed, Provider, Query, Readiness, Update};
use crate::resource::{Kind, Service};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::future::Future;
use std::ops::Deref;

/// An item with its spec typed.
pub(in crate::aws) struct Typed<'a, S> {
    pub(super) spec: S,
    pub(super) item: &'a Item,
}

impl<S> Deref for Typed<'_, S> {
    type Target = Item;

    fn deref(&self) -> &Item {
        self.item
    }
}

/// What each kind answers.
///
/// Rules for all of them:
/// - [`Resource::observe`] asks in bulk. For [`Query::Ours`] it returns only what carries this cluster's tag (or stands
///   under a tagged parent); items with an empty id are not recorded yet and get their tags read.
/// - [`Resource::create`] is exactly one mutating call, with tags in it, and the nonce where the API takes a token.
/// - [`Resource::settle`] makes the further calls of a creation and is safe to repeat.
/// - "Not found" while creating or settling is eventual consistency; while deleting it is success. The dispatch below
///   sees to both.
pub(in crate::aws) trait Resource {
    /// The kind's spec.
    type Spec: Serialize + DeserializeOwned + Send + Sync;

    /// Lists resources of the kind.
    fn observe(aws: &Aws, query: &Query) -> impl Future<Output = Result<Vec<Observed>, Failure>> + Send;

    /// Sends the create call. What only destroy knows has none.
    fn create(_aws: &Aws, _new: &Typed<'_, Self::Spec>, _nonce: &str) -> impl Future<Output = Result<Created, Failure>> + Send {
        async { Err(unexpected("create", "this kind is never created by domino-eks")) }
    }

    /// Makes the further calls of a creation.
    fn settle(_aws: &Aws, _it: &Typed<'_, Self::Spec>) -> impl Future<Output = Result<(), Failure>> + Send {
        async { Ok(()) }
    }

    /// Changes the named top-level fields in place; returns attributes that changed. Tags are changed elsewhere, save
    /// for kinds whose service has no common way ([`tags::change`]).
    fn update(
        _aws: &Aws,
        _it: &Typed<'_, Self::Spec>,
        _update: &Update,
    ) -> impl Future<Output = Result<BTreeMap<String, String>, Failure>> + Send {
        async { Err(unexpected("update", "this kind is never changed by domino-eks")) }
    }

    /// Deletes; the object may go on to exist for a while.
    fn delete(aws: &Aws, item: &Item) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Runs an expression with `R` standing for the kind's type.
macro_rules! dispatch {
    ($kind:expr, $r:ident => $body:expr) => {
        match $kind {
            Kind::Vpc => {
                type $r = vpc::Vpc;
                $body
            }
            Kind::InternetGateway => {
                type $r = internet_gateway::InternetGateway;
                $body
            }
            Kind::Subnet => {
                type $r = subnet::Subnet;
                $body
            }
            Kind::ElasticIp => {
                type $r = elastic_ip::ElasticIp;
                $body
            }
            Kind::NatGateway => {
                type $r = nat_gateway::NatGateway;
                $body
            }
            Kind::RouteTable => {
                type $r = route_table::RouteTable;
                $body
            }
            Kind::SecurityGroup => {
                type $r = security_group::SecurityGroup;
                $body
            }
            Kind::VpcEndpoint => {
                type $r = vpc_endpoint::VpcEndpoint;
                $body
            }
            Kind::KmsKey => {
                type $r = kms_key::KmsKey;
                $body
            }
            Kind::IamPolicy => {
                type $r = iam_policy::IamPolicy;
                $body
            }
            Kind::IamRole => {
                type $r = iam_role::IamRole;
                $body
            }
            Kind::InstanceProfile => {
                type $r = instance_profile::InstanceProfile;
                $body
            }
            Kind::S3Bucket => {
                type $r = s3_bucket::S3Bucket;
                $body
            }
            Kind::EfsFileSystem => {
                type $r = efs_file_system::EfsFileSystem;
                $body
            }
            Kind::EfsMountTarget => {
                type $r = efs_mount_target::EfsMountTarget;
                $body
            }
            Kind::EfsAccessPoint => {
                type $r = efs_access_point::EfsAccessPoint;
                $body
            }
            Kind::LogGroup => {
                type $r = log_group::LogGroup;
                $body
            }
            Kind::EksCluster => {
                type $r = eks_cluster::EksCluster;
                $body
            }
            Kind::EksAccessEntry => {
                type $r = eks_access_entry::EksAccessEntry;
                $body
            }
            Kind::LaunchTemplate => {
                type $r = launch_template::LaunchTemplate;
                $body
            }
            Kind::AutoScalingGroup => {
                type $r = autoscaling_group::AutoScalingGroup;
                $body
            }
            Kind::EksAddOn => {
                type $r = eks_add_on::EksAddOn;
                $body
            }
            Kind::TargetGroup => {
                type $r = target_group::TargetGroup;
                $body
            }
            Kind::KubernetesSecurityGroup => {
                type $r = kubernetes_security_group::KubernetesSecurityGroup;
                $body
            }
            Kind::GuardDutyEndpoint => {
                type $r = guardduty_endpoint::GuardDutyEndpoint;
                $body
            }
            Kind::LoadBalancer => {
                type $r = load_balancer::LoadBalancer;
                $body
            }
            Kind::ClassicLoadBalancer => {
                type $r = classic_load_balancer::ClassicLoadBalancer;
                $body
            }
            Kind::Instance => {
                type $r = instance::Instance;
                $body
            }
            Kind::NetworkInterface => {
                type $r = network_interface::NetworkInterface;
                $body
            }
            Kind::ContainerLogGroup => {
                type $r = container_log_group::ContainerLogGroup;
                $body
            }
            Kind::EbsVolume => {
                type $r = ebs_volume::EbsVolume;
                $body
            }
            Kind::EbsSnapshot => {
                type $r = ebs_snapshot::EbsSnapshot;
                $body
            }
            Kind::RecoveryPoint => {
                type $r = recovery_point::RecoveryPoint;
                $body
            }
        }
    };
}

fn typed<S: DeserializeOwned>(item: &Item) -> Result<Typed<'_, S>, Failure> {
    let spec = S::deserialize(&item.spec)
        .map_err(|error| unexpected("read the spec", &format!("the spec of {} is damaged: {error}", item.address)))?;
    Ok(Typed { spec, item })
}

/// The spec as JSON, for observed values.
pub(super) fn json(spec: &impl Serialize) -> Value {
    serde_json::to_value(spec).unwrap_or(Value::Null)
}

/// Path under which all of the cluster's IAM resources lie.
pub(super) fn iam_path(aws: &Aws) -> String {
    iam_policy::path(aws)
}

/// An item that is still there.
fn again(item: &Item) -> Observed {
    tags::observed_item(item, &item.id, item.spec.clone(), &[], Readiness::Ready)
}

/// While something is being made, what it needs may just not be visible yet.
fn not_yet(failure: Failure) -> Failure {
    match failure.kind {
        FailureKind::NotFound => Failure { kind: FailureKind::NotYet, ..failure },
        _ => failure,
    }
}

/// What exists already cannot be in the way of its own change: then something else of it is going on.
fn in_use(failure: Failure) -> Failure {
    match failure.kind {
        FailureKind::AlreadyExists => Failure { kind: FailureKind::InUse, ..failure },
        _ => failure,
    }
}

impl Provider for Aws {
    async fn observe(&self, kind: Kind, query: Query) -> Result<Vec<Observed>, Failure> {
        match query {
            // However many there are, no kind puts more into a question than AWS takes.
            Query::These(items) => in_parts(&items, |some| observe(self, kind, Query::These(some))).await,
            query => observe(self, kind, query).await,
        }
    }

    async fn create(&self, item: Item, nonce: String) -> Result<Created, Failure> {
        dispatch!(item.address.kind(), R => R::create(self, &typed::<<R as Resource>::Spec>(&item)?, &nonce).await).map_err(not_yet)
    }

    async fn settle(&self, item: Item) -> Result<(), Failure> {
        dispatch!(item.address.kind(), R => R::settle(self, &typed::<<R as Resource>::Spec>(&item)?).await).map_err(not_yet)
    }

    async fn update(&self, update: Update) -> Result<BTreeMap<String, String>, Failure> {
        if !update.set_tags.is_empty() || !update.remove_tags.is_empty() {
            tags::change(self, &update).await.map_err(not_yet)?;
        }
        // Groups and buckets change their tags themselves.
        let own_tags = matches!(update.item.address.kind().facts().service, Service::AutoScaling | Service::S3);
        if update.fields.is_empty() && !own_tags {
            return Ok(BTreeMap::new());
        }
        dispatch!(update.item.address.kind(), R => R::update(self, &typed::<<R as Resource>::Spec>(&update.item)?, &update).await)
            .map_err(not_yet)
            .map_err(in_use)
    }

    /// What AWS deletes already needs no second word, which it would refuse; nor can it be kept any more.
    async fn delete(&self, item: Item) -> Result<(), Failure> {
        if is_going(self, &item).await {
            return Ok(());
        }
        if self.spares_data && item.address.kind().facts().holds_data {
            return Err(unexpected("delete", "it holds data, which is to be kept"));
        }
        dispatch!(item.address.kind(), R => R::delete(self, &item).await).map_err(in_use)
    }

    async fn holders(&self, item: Item) -> Result<Vec<Holder>, Failure> {
        holders::holders(self, &item).await
    }
}

async fn observe(aws: &Aws, kind: Kind, query: Query) -> Result<Vec<Observed>, Failure> {
    dispatch!(kind, R => R::observe(aws, &query).await)
}

/// Whether AWS shows that it is being deleted: asked of volumes and recovery points, for which that takes minutes.
async fn is_going(aws: &Aws, item: &Item) -> bool {
    let facts = item.address.kind().facts();
    let is_asked = facts.leftover && facts.holds_data && facts.delete_seconds > 1;
    // A question that is refused says nothing; the delete itself will.
    is_asked
        && observe(aws, item.address.kind(), Query::These(vec![item.clone()]))
            .await
            .is_ok_and(|seen| seen.iter().any(|seen| seen.readiness == Readiness::Deleting))
}

/// Tags of IAM resources, which have a call for each kind.
pub(super) async fn change_iam_tags(aws: &Aws, update: &Update) -> Result<(), Failure> {
    match update.item.address.kind() {
        Kind::IamPolicy => iam_policy::change_tags(aws, update).await,
        Kind::InstanceProfile => instance_profile::change_tags(aws, update).await,
        _ => iam_role::change_tags(aws, update).await,
    }
}

/// Everything of the cluster, all kinds at once: by tag, and by the natural keys of the items.
///
/// # Errors
/// The first call that fails.
pub(super) async fn observe_all(aws: &Aws, items: Vec<Item>) -> Result<Vec<Observed>, Failure> {
    let of_kind = |kind: Kind| items.iter().filter(|item| item.address.kind() == kind).cloned().collect();
    observe_kinds(aws, Kind::managed().map(|kind| (kind, Query::Ours(of_kind(kind))))).await
}

/// Everything that the cluster left in its VPCs and in the account, all kinds at once; what an earlier destroy wrote down is
/// looked for by its id, too, because what proved it may be gone.
///
/// # Errors
/// The first call that fails.
pub(super) async fn leftovers(aws: &Aws, recorded: Vec<Item>) -> Result<Vec<Observed>, Failure> {
    let mut found = observe_kinds(aws, Kind::leftovers().map(|kind| (kind, Query::Left(aws.scope.clone())))).await?;
    let open: Vec<Item> = recorded.into_iter().filter(|item| found.iter().all(|seen| seen.id != item.id)).collect();
    let of_kind = |kind: Kind| open.iter().filter(|item| item.address.kind() == kind).cloned().collect::<Vec<_>>();
    let queries = Kind::leftovers().map(|kind| (kind, of_kind(kind))).filter(|(_, items)| !items.is_empty());
    found.extend(observe_kinds(aws, queries.map(|(kind, items)| (kind, Query::These(items)))).await?);
    Ok(found)
}

/// Volumes and snapshots that a cluster of the name left, under whatever state: their tags may be all that tells of one.
///
/// # Errors
/// The first call that fails.
pub(super) async fn claims(aws: &Aws) -> Result<Vec<Observed>, Failure> {
    let kinds = [Kind::EbsVolume, Kind::EbsSnapshot];
    observe_kinds(aws, kinds.into_iter().map(|kind| (kind, Query::Left(aws.scope.clone())))).await
}

async fn observe_kinds(aws: &Aws, queries: impl Iterator<Item = (Kind, Query)>) -> Result<Vec<Observed>, Failure> {
    let mut tasks = tokio::task::JoinSet::new();
    for (kind, query) in queries {
        let aws = aws.clone();
        tasks.spawn(async move { aws.observe(kind, query).await });
    }
    let mut all = Vec::new();
    while let Some(joined) = tasks.join_next().await {
        all.extend(joined.map_err(|error| unexpected("observe", &format!("a task ended unexpectedly: {error}")))??);
    }
    all.sort_by(|a: &Observed, b: &Observed| a.address.cmp(&b.address));
    Ok(all)
}
