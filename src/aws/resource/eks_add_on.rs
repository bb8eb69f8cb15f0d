//! EKS add-on with its pod identity associations (EKS-2). Token and natural key: its name.

use crate::aws::Aws;
use crate::aws::contract::{Deletion, Resource, Typed, known_name};
use crate::aws::errors::{classify, or_inactive, unexpected};
use crate::aws::tags;
use crate::engine::{Created, DeletionPolicy, Failure, Item, Observed, Query, Readiness, Update};
use crate::resource::spec;
use aws_sdk_eks::types::{Addon, AddonPodIdentityAssociations, AddonStatus, ResolveConflicts};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(in crate::aws) struct EksAddOn;

type Spec = spec::EksAddOn;

impl Resource for EksAddOn {
    type Spec = Spec;

    const DELETION: Deletion =
        Deletion { blockers: None, protection: None, data: None, exists_by_name: None, unrecorded: None, asks_whether_deleting: false };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let mut tasks = tokio::task::JoinSet::new();
        for item in query.items() {
            let (aws, item, full) = (aws.clone(), item.clone(), query.is_ours());
            tasks.spawn(async move { observed(&aws, &item, full).await });
        }
        let mut seen = Vec::new();
        while let Some(joined) = tasks.join_next().await {
            seen.extend(joined.map_err(|error| unexpected("DescribeAddon", &error.to_string()).caused_by(error))??);
        }
        Ok(seen)
    }

    async fn create(aws: &Aws, new: &Typed<'_, Spec>, token: &str) -> Result<Created, Failure> {
        let spec = &new.spec;
        let call = aws.eks.create_addon().client_request_token(token).cluster_name(spec.cluster.as_str()).addon_name(&spec.name);
        let call = call.addon_version(spec.version.as_str()).resolve_conflicts(ResolveConflicts::Overwrite);
        let call = call.set_configuration_values(configuration(spec)).set_pod_identity_associations(associations(spec)?);
        let answer = classify("CreateAddon", call.set_tags(Some(tags::hash_map(&new.tags))).send().await)?;
        let arn = answer.addon().and_then(|addon| addon.addon_arn()).unwrap_or_default();
        Ok(Created { id: spec.name.clone(), attributes: tags::attributes(&spec.name, &[("arn", arn)]) })
    }

    async fn configure(_aws: &Aws, _it: &Typed<'_, Spec>) -> Result<(), Failure> {
        Ok(())
    }

    async fn update(aws: &Aws, it: &Typed<'_, Spec>, _update: &Update) -> Result<BTreeMap<String, String>, Failure> {
        let spec = &it.spec;
        let call = aws.eks.update_addon().cluster_name(spec.cluster.as_str()).addon_name(&spec.name).addon_version(spec.version.as_str());
        let call = call
            .resolve_conflicts(ResolveConflicts::Overwrite)
            .configuration_values(configuration(spec).unwrap_or_else(|| "{}".to_owned()));
        let call = call.set_pod_identity_associations(associations(spec)?);
        classify("UpdateAddon", call.send().await)?;
        Ok(BTreeMap::new())
    }

    async fn change_tags(aws: &Aws, _it: &Typed<'_, Spec>, update: &Update) -> Result<(), Failure> {
        tags::change_eks(aws, update).await
    }

    async fn delete(aws: &Aws, item: &Item, _policy: &DeletionPolicy) -> Result<(), Failure> {
        classify("DeleteAddon", aws.eks.delete_addon().cluster_name(&aws.cluster).addon_name(&item.id).send().await).map(drop)
    }
}

fn configuration(spec: &Spec) -> Option<String> {
    spec.configuration.as_ref().map(Value::to_string)
}

fn associations(spec: &Spec) -> Result<Option<Vec<AddonPodIdentityAssociations>>, Failure> {
    if spec.pod_identity.is_empty() {
        return Ok(None);
    }
    let build = |identity: &spec::PodIdentity| {
        let association =
            AddonPodIdentityAssociations::builder().service_account(&identity.service_account).role_arn(identity.role.as_str());
        association.build().map_err(|error| unexpected("CreateAddon", &error.to_string()).caused_by(error))
    };
    spec.pod_identity.iter().map(build).collect::<Result<Vec<_>, _>>().map(Some)
}

/// While the engine waits for an add-on (`full` is false), only its status counts and its roles are not read.
async fn observed(aws: &Aws, item: &Item, full: bool) -> Result<Option<Observed>, Failure> {
    let Some(name) = known_name(item, "name") else { return Ok(None) };
    let call = aws.eks.describe_addon().cluster_name(&aws.cluster).addon_name(name);
    let Some(addon) = or_inactive(classify("DescribeAddon", call.send().await))?.and_then(|answer| answer.addon) else { return Ok(None) };
    let configuration = addon.configuration_values().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let mut spec = json!({
        "name": name,
        "version": addon.addon_version(),
        "configuration": configuration.filter(|value| value.as_object().is_none_or(|map| !map.is_empty())),
    });
    if full {
        spec["pod_identity"] = pod_identity(aws, &addon).await?;
    }
    let found = addon.tags().cloned().unwrap_or_default().into_iter().collect();
    let arn = [("arn", addon.addon_arn().unwrap_or_default())];
    Ok(tags::observed(aws, name, found, spec, &arn, readiness(&addon, full)))
}

async fn pod_identity(aws: &Aws, addon: &Addon) -> Result<Value, Failure> {
    let mut identities = Vec::new();
    for arn in addon.pod_identity_associations() {
        let id = arn.rsplit('/').next().unwrap_or_default();
        let call = aws.eks.describe_pod_identity_association().cluster_name(&aws.cluster).association_id(id);
        if let Some(association) =
            or_inactive(classify("DescribePodIdentityAssociation", call.send().await))?.and_then(|answer| answer.association)
        {
            identities.push(json!({ "service_account": association.service_account(), "role": association.role_arn() }));
        }
    }
    Ok(Value::Array(identities))
}

/// DEGRADED ends once there are nodes; CREATE_FAILED never does, and the add-on must be deleted first. A failed update ends a wait; in a
/// plan it is no reason to replace the add-on.
fn readiness(addon: &Addon, full: bool) -> Readiness {
    let issues = addon.health().map(|health| health.issues()).unwrap_or_default();
    let texts: Vec<String> = issues.iter().filter_map(|issue| issue.message().map(str::to_owned)).collect();
    match addon.status() {
        Some(AddonStatus::Active) => Readiness::Ready,
        Some(AddonStatus::Deleting) => Readiness::Deleting,
        Some(AddonStatus::UpdateFailed) if !full => Readiness::Failed(format!("the update failed: {}", texts.join("; "))),
        Some(AddonStatus::CreateFailed) => {
            Readiness::Failed(if texts.is_empty() { "no reason given".to_owned() } else { texts.join("; ") })
        }
        Some(other) if texts.is_empty() => Readiness::NotYet(other.as_str().to_lowercase()),
        Some(other) => Readiness::NotYet(format!("{}: {}", other.as_str().to_lowercase(), texts.join("; "))),
        None => Readiness::NotYet("no status yet".to_owned()),
    }
}
