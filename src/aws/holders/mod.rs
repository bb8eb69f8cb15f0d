//! What stands in the way of a deletion, and whose it is: AWS says only that something does.

mod interfaces;
mod network;

use super::Aws;
use super::errors::{or_absent, sent};
use super::resource::kms_key::{self, Needing};
use super::tags::Tags;
use crate::engine::{Failure, FailureKind, Foreign, Holder, Item, Whose};
use crate::resource::Kind;

/// Tags that tell nothing about who made something.
const SILENT_TAGS: [&str; 2] = ["aws:", "domino-eks:"];

/// Who holds the resource; empty when nothing is found or the kind is never held.
///
/// # Errors
/// The first call that fails.
pub(super) async fn holders(aws: &Aws, item: &Item) -> Result<Vec<Holder>, Failure> {
    let id = item.id.as_str();
    match item.address.kind() {
        Kind::Subnet => interfaces::with(aws, "subnet-id", id).await,
        Kind::SecurityGroup | Kind::KubernetesSecurityGroup => network::of_security_group(aws, id).await,
        Kind::InternetGateway => network::of_internet_gateway(aws, id).await,
        Kind::Vpc => network::of_vpc(aws, id).await,
        Kind::EksCluster => of_cluster(aws, id).await,
        Kind::EfsFileSystem => of_file_system(aws, id).await,
        Kind::IamPolicy => of_policy(aws, id).await,
        Kind::IamRole => of_role(aws, id).await,
        Kind::KmsKey => of_key(aws, item).await,
        _ => Ok(Vec::new()),
    }
}

/// Everything in the cluster's VPC that is not of the cluster and will stand in the way: asked before anything is deleted.
///
/// # Errors
/// The first call that fails.
pub(super) async fn foreign(aws: &Aws) -> Result<Vec<Foreign>, Failure> {
    network::foreign(aws).await
}

/// What was found; nothing where we may not ask: these questions are a courtesy.
fn allowed<T>(asked: Result<Vec<T>, Failure>) -> Result<Vec<T>, Failure> {
    match asked {
        Err(failure) if failure.kind == FailureKind::Permission => {
            tracing::debug!(%failure, "what is not ours cannot be looked for");
            Ok(Vec::new())
        }
        other => other,
    }
}

/// The same before anything is deleted, where an AWS that is too busy is no reason to stop either. Not while something is
/// deleted: there, half an answer would look as if only strangers were in the way.
fn courteous<T>(asked: Result<Vec<T>, Failure>) -> Result<Vec<T>, Failure> {
    match asked {
        Err(failure) if failure.kind == FailureKind::Busy => {
            tracing::debug!(%failure, "what is not ours cannot be looked for now");
            Ok(Vec::new())
        }
        other => allowed(other),
    }
}

fn holder(name: String, origin: String, whose: Whose) -> Holder {
    Holder { name, origin, whose }
}

/// Ours when we know the id, else somebody else's.
fn by_id(aws: &Aws, id: &str) -> Whose {
    if aws.scope.ours.contains_key(id) { Whose::Ours } else { Whose::Foreign }
}

/// What tags and description tell of who made something.
fn origin(description: Option<&str>, tags: &Tags) -> String {
    let quoted = description.filter(|text| !text.is_empty()).map(|text| format!("\"{text}\""));
    let is_telling = |key: &str, value: &str| Some(value) != description && !SILENT_TAGS.iter().any(|start| key.starts_with(start));
    let telling = tags.iter().filter(|(key, value)| is_telling(key, value));
    let tags = telling.take(3).map(|(key, value)| format!("{key}={value}"));
    quoted.into_iter().chain(tags).collect::<Vec<_>>().join(", ")
}

/// Node groups and Fargate profiles: EKS refuses to delete a cluster that has them, and we make none.
async fn of_cluster(aws: &Aws, name: &str) -> Result<Vec<Holder>, Failure> {
    let groups = aws.eks.list_nodegroups().cluster_name(name).into_paginator().items().send();
    let groups = allowed(or_absent(sent("ListNodegroups", groups.collect::<Result<Vec<_>, _>>().await)).map(Option::unwrap_or_default))?;
    let profiles = aws.eks.list_fargate_profiles().cluster_name(name).into_paginator().items().send();
    let profiles = sent("ListFargateProfiles", profiles.collect::<Result<Vec<_>, _>>().await);
    let profiles = allowed(or_absent(profiles).map(Option::unwrap_or_default))?;
    let groups = groups.into_iter().map(|name| holder(format!("managed node group {name}"), String::new(), Whose::Foreign));
    let profiles = profiles.into_iter().map(|name| holder(format!("Fargate profile {name}"), String::new(), Whose::Foreign));
    Ok(groups.chain(profiles).collect())
}

async fn of_file_system(aws: &Aws, id: &str) -> Result<Vec<Holder>, Failure> {
    let pages = aws.efs.describe_mount_targets().file_system_id(id).into_paginator().items().send();
    let targets = or_absent(sent("DescribeMountTargets", pages.collect::<Result<Vec<_>, _>>().await))?.unwrap_or_default();
    let named = |target: &aws_sdk_efs::types::MountTargetDescription| {
        let origin = format!("in subnet {}", target.subnet_id());
        holder(format!("mount target {}", target.mount_target_id()), origin, by_id(aws, target.mount_target_id()))
    };
    Ok(targets.iter().map(named).collect())
}

/// What would be unreadable without the key. None of it was meant to go, or it would be gone by now.
async fn of_key(aws: &Aws, item: &Item) -> Result<Vec<Holder>, Failure> {
    let needing = kms_key::needing(aws, &kms_key::arn(aws, item)).await?;
    let named = |one: &Needing| holder(format!("{} {}", one.what, one.id), origin(one.description.as_deref(), &one.tags), Whose::Foreign);
    Ok(needing.iter().map(named).collect())
}

async fn of_policy(aws: &Aws, arn: &str) -> Result<Vec<Holder>, Failure> {
    let Some(answer) = or_absent(sent("ListEntitiesForPolicy", aws.iam.list_entities_for_policy().policy_arn(arn).send().await))? else {
        return Ok(Vec::new());
    };
    let named = |what: &str, name: Option<&str>| {
        let name = name.unwrap_or_default();
        holder(format!("{what} {name}"), "the policy is attached to it".to_owned(), by_id(aws, name))
    };
    let roles = answer.policy_roles().iter().map(|role| named("role", role.role_name()));
    let users = answer.policy_users().iter().map(|user| named("user", user.user_name()));
    let groups = answer.policy_groups().iter().map(|group| named("user group", group.group_name()));
    Ok(roles.chain(users).chain(groups).collect())
}

async fn of_role(aws: &Aws, name: &str) -> Result<Vec<Holder>, Failure> {
    let pages = aws.iam.list_instance_profiles_for_role().role_name(name).into_paginator().items().send();
    let profiles = or_absent(sent("ListInstanceProfilesForRole", pages.collect::<Result<Vec<_>, _>>().await))?.unwrap_or_default();
    let named = |profile: &aws_sdk_iam::types::InstanceProfile| {
        let name = profile.instance_profile_name();
        holder(format!("instance profile {name}"), "it holds the role".to_owned(), by_id(aws, name))
    };
    Ok(profiles.iter().map(named).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::errors::unexpected;

    #[test]
    fn a_courtesy_stops_nobody() {
        let asked = |kind: FailureKind| Err::<Vec<()>, Failure>(Failure { kind, ..unexpected("DescribeNetworkAcls", "refused") });
        for forgiven in [FailureKind::Permission, FailureKind::Busy] {
            assert!(courteous(asked(forgiven)).unwrap().is_empty());
        }
        for stops in [FailureKind::Credentials, FailureKind::LostAnswer, FailureKind::Other] {
            assert!(courteous(asked(stops)).is_err());
        }
        // While something is deleted, the question is repeated instead.
        assert!(allowed(asked(FailureKind::Permission)).is_ok() && allowed(asked(FailureKind::Busy)).is_err());
    }
}
