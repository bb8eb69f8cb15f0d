//! EKS cluster (EKS-1). Token and natural key: its name.

use crate::aws::Aws;
use crate::aws::blockers::{blocker, if_allowed};
use crate::aws::contract::{Deletion, Resource, ToDelete, Typed, json};
use crate::aws::errors::{classify, or_absent, unexpected};
use crate::aws::tags;
use crate::engine::{
    Blocker, Created, DeletionPolicy, Failure, FailureKind, Item, Namesake, Observed, Query, Readiness, Scope, Update, Whose,
};
use crate::resource::{Input, spec};
use aws_sdk_eks::types::{
    AuthenticationMode, Cluster, ClusterStatus, CreateAccessConfigRequest, EncryptionConfig, KubernetesNetworkConfigRequest, LogSetup,
    LogType, Logging, Provider, SupportType, UpgradePolicyRequest, VpcConfigRequest,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// Attribute with the URL of the Kubernetes API.
const ENDPOINT: &str = "endpoint";

pub(in crate::aws) struct EksCluster;

type Spec = spec::EksCluster;

impl Resource for EksCluster {
    type Spec = Spec;

    const DELETION: Deletion = Deletion {
        blockers: Some(|aws, item, scope| Box::pin(blockers(aws, item, scope))),
        protection: Some(|aws, targets| Box::pin(protections(aws, targets))),
        data: None,
        exists_by_name: None,
        unrecorded: None,
        asks_whether_deleting: false,
    };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let Some(cluster) = describe(aws, &aws.cluster).await? else { return Ok(Vec::new()) };
        let found: tags::Tags = cluster.tags().cloned().unwrap_or_default().into_iter().collect();
        let (spec, readiness) = (json(&spec_of(&cluster)), readiness(&cluster));
        let recorded = query.items().iter().find(|item| is_at(&cluster, item.attributes.get(ENDPOINT).map(String::as_str)));
        let observed = match recorded.filter(|_| tags::address(aws, &found).is_none()) {
            // Its tags were removed, but the endpoint shows that it is the recorded cluster.
            Some(item) => Some(tags::observed_item(item, &aws.cluster, spec, &[], readiness)),
            None => tags::observed(aws, &aws.cluster, found, spec, &[], readiness),
        };
        let wanted = |observed: &Observed| query.is_ours() || query.items().iter().any(|item| item.address == observed.address);
        Ok(observed.filter(wanted).map(|observed| Observed { attributes: attributes(&cluster), ..observed }).into_iter().collect())
    }

    async fn create(aws: &Aws, new: &Typed<'_, Spec>, token: &str) -> Result<Created, Failure> {
        let spec = &new.spec;
        let call =
            aws.eks.create_cluster().client_request_token(token).name(&spec.name).version(&spec.version).role_arn(spec.role.as_str());
        let call =
            call.resources_vpc_config(vpc_config(spec)).logging(logging(&spec.log_types)).deletion_protection(spec.deletion_protection);
        let call = call.kubernetes_network_config(KubernetesNetworkConfigRequest::builder().service_ipv4_cidr(&spec.service_cidr).build());
        // Access entries only; and no self-managed add-ons, which would conflict with those installed through the API.
        let access = CreateAccessConfigRequest::builder()
            .authentication_mode(AuthenticationMode::Api)
            .bootstrap_cluster_creator_admin_permissions(true);
        let call = call.access_config(access.build()).bootstrap_self_managed_addons(false);
        let call = call.upgrade_policy(support(spec)).set_encryption_config(encryption(spec)).set_tags(Some(tags::hash_map(&new.tags)));
        let answer = classify("CreateCluster", call.send().await)?;
        let cluster = answer.cluster().ok_or_else(|| unexpected("CreateCluster", "the answer names no cluster"))?;
        Ok(Created { id: spec.name.clone(), attributes: attributes(cluster) })
    }

    async fn configure(_aws: &Aws, _it: &Typed<'_, Spec>) -> Result<(), Failure> {
        Ok(())
    }

    /// EKS takes one kind of change at a time: this sends the next one that is missing and, while more remain, returns "in use", so that
    /// the engine tries again.
    async fn update(aws: &Aws, it: &Typed<'_, Spec>, _update: &Update) -> Result<BTreeMap<String, String>, Failure> {
        let cluster = describe(aws, &it.id).await?.ok_or_else(|| unexpected("DescribeCluster", "the cluster is gone"))?;
        if cluster.status() == Some(&ClusterStatus::Updating) {
            return Err(busy("the cluster takes one change at a time, and one is in progress"));
        }
        let missing = missing_changes(&it.spec, &spec_of(&cluster));
        match missing.first() {
            None => Ok(BTreeMap::new()),
            Some(next) => {
                send_change(aws, it, *next).await?;
                if missing.len() == 1 {
                    Ok(BTreeMap::new())
                } else {
                    Err(busy("the cluster takes one change at a time; further ones are pending"))
                }
            }
        }
    }

    async fn change_tags(aws: &Aws, _it: &Typed<'_, Spec>, update: &Update) -> Result<(), Failure> {
        tags::change_eks(aws, update).await
    }

    async fn delete(aws: &Aws, item: &Item, policy: &DeletionPolicy) -> Result<(), Failure> {
        if policy.lift_protection {
            lift_protection(aws, &item.id).await?;
        }
        classify("DeleteCluster", aws.eks.delete_cluster().name(&item.id).send().await).map(drop)
    }
}

/// A cluster of our name that was not created under this state: neither its tags say so, nor does it have the endpoint that the state
/// records.
///
/// # Errors
/// The failure of the call.
pub(in crate::aws) async fn another_cluster(aws: &Aws, lineage: &str, recorded: Option<&str>) -> Result<Option<Namesake>, Failure> {
    let Some(cluster) = describe(aws, &aws.cluster).await? else { return Ok(None) };
    let tag = |key: &str| cluster.tags().and_then(|tags| tags.get(key)).map(String::as_str);
    let is_tagged = tag(tags::CLUSTER) == Some(&aws.cluster) && tag(tags::LINEAGE) == Some(lineage);
    let vpc = cluster.resources_vpc_config().and_then(|network| network.vpc_id()).unwrap_or_default().to_owned();
    let namesake = || Namesake { arn: cluster.arn().unwrap_or_default().to_owned(), vpc };
    Ok((!is_tagged && !is_at(&cluster, recorded)).then(namesake))
}

/// Whether that is the cluster's endpoint, which no other cluster ever has.
fn is_at(cluster: &Cluster, endpoint: Option<&str>) -> bool {
    endpoint.is_some() && cluster.endpoint() == endpoint
}

fn busy(message: &str) -> Failure {
    Failure::new(FailureKind::InUse, "UpdateClusterConfig", message)
}

/// Turns the deletion protection off; returns "in use" until EKS has done that.
async fn lift_protection(aws: &Aws, name: &str) -> Result<(), Failure> {
    let Some(cluster) = describe(aws, name).await? else { return Ok(()) };
    if cluster.deletion_protection() != Some(true) {
        return Ok(());
    }
    if cluster.status() == Some(&ClusterStatus::Updating) {
        return Err(busy("the deletion protection is being turned off"));
    }
    classify("UpdateClusterConfig", aws.eks.update_cluster_config().name(name).deletion_protection(false).send().await)?;
    Err(busy("the deletion protection is being turned off"))
}

/// Kinds of change, the quick ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClusterChange {
    DeletionProtection,
    Support,
    Logging,
    Endpoint,
    Subnets,
    Version,
}

fn missing_changes(wanted: &Spec, now: &Spec) -> Vec<ClusterChange> {
    let sorted = |list: &[String]| {
        let mut list = list.to_vec();
        list.sort();
        list
    };
    let inputs = |list: &[Input]| sorted(&list.iter().map(|input| input.as_str().to_owned()).collect::<Vec<_>>());
    let table = [
        (wanted.deletion_protection != now.deletion_protection, ClusterChange::DeletionProtection),
        (wanted.support != now.support, ClusterChange::Support),
        (sorted(&wanted.log_types) != sorted(&now.log_types), ClusterChange::Logging),
        (
            wanted.public_endpoint != now.public_endpoint || sorted(&wanted.public_cidrs) != sorted(&now.public_cidrs),
            ClusterChange::Endpoint,
        ),
        (inputs(&wanted.subnets) != inputs(&now.subnets), ClusterChange::Subnets),
        (wanted.version != now.version, ClusterChange::Version),
    ];
    table.into_iter().filter(|(differs, _)| *differs).map(|(_, change)| change).collect()
}

async fn send_change(aws: &Aws, it: &Typed<'_, Spec>, change: ClusterChange) -> Result<(), Failure> {
    let spec = &it.spec;
    let call = aws.eks.update_cluster_config().name(&it.id);
    let call = match change {
        ClusterChange::DeletionProtection => call.deletion_protection(spec.deletion_protection),
        ClusterChange::Support => call.upgrade_policy(support(spec)),
        ClusterChange::Logging => call.logging(logging(&spec.log_types)),
        ClusterChange::Endpoint => call.resources_vpc_config(endpoint_config(spec).build()),
        ClusterChange::Subnets => {
            let subnets = spec.subnets.iter().map(|subnet| subnet.as_str().to_owned()).collect();
            call.resources_vpc_config(VpcConfigRequest::builder().set_subnet_ids(Some(subnets)).build())
        }
        ClusterChange::Version => {
            let upgrade = aws.eks.update_cluster_version().name(&it.id).version(&spec.version);
            return classify("UpdateClusterVersion", upgrade.send().await).map(drop);
        }
    };
    classify("UpdateClusterConfig", call.send().await).map(drop)
}

async fn describe(aws: &Aws, name: &str) -> Result<Option<Cluster>, Failure> {
    let answer = or_absent(classify("DescribeCluster", aws.eks.describe_cluster().name(name).send().await))?;
    Ok(answer.and_then(|answer| answer.cluster))
}

fn endpoint_config(spec: &Spec) -> aws_sdk_eks::types::builders::VpcConfigRequestBuilder {
    let builder = VpcConfigRequest::builder().endpoint_private_access(true).endpoint_public_access(spec.public_endpoint);
    if spec.public_endpoint { builder.set_public_access_cidrs(Some(spec.public_cidrs.clone())) } else { builder }
}

fn vpc_config(spec: &Spec) -> VpcConfigRequest {
    let subnets = spec.subnets.iter().map(|subnet| subnet.as_str().to_owned()).collect();
    endpoint_config(spec).set_subnet_ids(Some(subnets)).build()
}

/// Types that are on, and all others off.
fn logging(types: &[String]) -> Logging {
    let all = ["api", "audit", "authenticator", "controllerManager", "scheduler"];
    let setup = |enabled: bool| {
        let chosen = all
            .iter()
            .filter(|kind| types.iter().any(|wanted| wanted == *kind) == enabled)
            .map(|kind| LogType::from(*kind))
            .collect::<Vec<_>>();
        (!chosen.is_empty()).then(|| LogSetup::builder().set_types(Some(chosen)).enabled(enabled).build())
    };
    Logging::builder().set_cluster_logging(Some([setup(true), setup(false)].into_iter().flatten().collect())).build()
}

fn support(spec: &Spec) -> UpgradePolicyRequest {
    UpgradePolicyRequest::builder().support_type(SupportType::from(spec.support.as_str())).build()
}

fn encryption(spec: &Spec) -> Option<Vec<EncryptionConfig>> {
    let key = Provider::builder().key_arn(spec.kms_key.as_ref()?.as_str()).build();
    // EKS encrypts all API data, but the API still requires the field.
    #[expect(deprecated, reason = "CreateCluster refuses an encryptionConfig without resources")]
    let config = EncryptionConfig::builder().resources("secrets").provider(key).build();
    Some(vec![config])
}

fn spec_of(cluster: &Cluster) -> Spec {
    let vpc = cluster.resources_vpc_config();
    let public = vpc.is_some_and(|vpc| vpc.endpoint_public_access());
    let cidrs = vpc.map(|vpc| vpc.public_access_cidrs().to_vec()).unwrap_or_default();
    let setups = cluster.logging().map(Logging::cluster_logging).unwrap_or_default();
    let types =
        setups.iter().filter(|setup| setup.enabled() == Some(true)).flat_map(|setup| setup.types()).map(|kind| kind.as_str().to_owned());
    let key = cluster.encryption_config().first().and_then(|config| config.provider()?.key_arn());
    Spec {
        name: cluster.name().unwrap_or_default().to_owned(),
        version: cluster.version().unwrap_or_default().to_owned(),
        role: Input::from(cluster.role_arn().unwrap_or_default()),
        subnets: vpc.map(|vpc| vpc.subnet_ids().iter().map(|id| Input::from(id.as_str())).collect()).unwrap_or_default(),
        public_endpoint: public,
        // AWS returns 0.0.0.0/0 even while the public endpoint is off.
        public_cidrs: if public { cidrs } else { Vec::new() },
        service_cidr: cluster.kubernetes_network_config().and_then(|network| network.service_ipv4_cidr()).unwrap_or_default().to_owned(),
        log_types: types.collect(),
        kms_key: key.map(Input::from),
        support: cluster.upgrade_policy().and_then(|policy| policy.support_type()).map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
        deletion_protection: cluster.deletion_protection().unwrap_or(false),
    }
}

/// Endpoint and certificate exist only once the cluster is active.
fn attributes(cluster: &Cluster) -> BTreeMap<String, String> {
    let name = cluster.name().unwrap_or_default();
    let network = cluster.kubernetes_network_config();
    tags::attributes(
        name,
        &[
            ("name", name),
            ("arn", cluster.arn().unwrap_or_default()),
            ("endpoint", cluster.endpoint().unwrap_or_default()),
            ("certificate_authority", cluster.certificate_authority().and_then(|authority| authority.data()).unwrap_or_default()),
            ("security_group", cluster.resources_vpc_config().and_then(|vpc| vpc.cluster_security_group_id()).unwrap_or_default()),
            ("oidc_issuer", cluster.identity().and_then(|identity| identity.oidc()?.issuer()).unwrap_or_default()),
            ("service_cidr", network.and_then(|network| network.service_ipv4_cidr()).unwrap_or_default()),
        ],
    )
}

fn readiness(cluster: &Cluster) -> Readiness {
    match cluster.status() {
        Some(ClusterStatus::Active) => Readiness::Ready,
        Some(ClusterStatus::Deleting) => Readiness::Deleting,
        Some(ClusterStatus::Failed) => {
            let issues = cluster.health().map(|health| health.issues()).unwrap_or_default();
            let texts: Vec<&str> = issues.iter().filter_map(|issue| issue.message()).collect();
            Readiness::Failed(if texts.is_empty() { "no reason given".to_owned() } else { texts.join("; ") })
        }
        Some(other) => Readiness::NotYet(other.as_str().to_lowercase()),
        None => Readiness::NotYet("no status yet".to_owned()),
    }
}

/// Node groups and Fargate profiles: EKS refuses to delete a cluster that has them, and we create none.
async fn blockers(aws: &Aws, item: &Item, _scope: &Scope) -> Result<Vec<Blocker>, Failure> {
    node_groups(aws, &item.id).await
}

/// Managed node groups and Fargate profiles of the cluster.
pub(in crate::aws) async fn node_groups(aws: &Aws, name: &str) -> Result<Vec<Blocker>, Failure> {
    let groups = aws.eks.list_nodegroups().cluster_name(name).into_paginator().items().send();
    let groups =
        if_allowed(or_absent(classify("ListNodegroups", groups.collect::<Result<Vec<_>, _>>().await)).map(Option::unwrap_or_default))?;
    let profiles = aws.eks.list_fargate_profiles().cluster_name(name).into_paginator().items().send();
    let profiles = classify("ListFargateProfiles", profiles.collect::<Result<Vec<_>, _>>().await);
    let profiles = if_allowed(or_absent(profiles).map(Option::unwrap_or_default))?;
    let groups = groups.into_iter().map(|name| blocker(format!("managed node group {name}"), String::new(), Whose::Foreign));
    let profiles = profiles.into_iter().map(|name| blocker(format!("Fargate profile {name}"), String::new(), Whose::Foreign));
    Ok(groups.chain(profiles).collect())
}

/// The deletion protection of clusters, from the spec that was read.
async fn protections(_aws: &Aws, targets: &ToDelete) -> Result<BTreeMap<String, String>, Failure> {
    let is_on = |item: &&Item| item.spec.get("deletion_protection").and_then(Value::as_bool) == Some(true);
    Ok(targets.items.iter().filter(is_on).map(|item| (item.id.clone(), "EKS's deletion protection".to_owned())).collect())
}
