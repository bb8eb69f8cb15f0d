//! What AWS refuses to delete because somebody switched that on. Looked at before a teardown begins: a refusal in its middle
//! would come when the nodes are gone.

use super::Aws;
use super::resource::{autoscaling_group, kms_key, load_balancer};
use crate::engine::{Action, Failure, Plan, Protection, Verb};
use crate::resource::Kind;
use std::collections::{BTreeMap, BTreeSet};

/// Protections of what the plan deletes, in the plan's order.
///
/// # Errors
/// The first call that fails.
pub async fn protections(aws: &Aws, plan: &Plan) -> Result<Vec<Protection>, Failure> {
    let deletes: Vec<&Action> = plan.actions.iter().filter(|action| action.verb == Verb::Delete && action.existing.is_some()).collect();
    let key = deletes.iter().find(|action| action.kind == Kind::KmsKey).and_then(|action| action.existing.as_ref()?.attributes.get("arn"));
    let going: BTreeSet<&str> = deletes.iter().filter_map(|action| action.id.as_deref()).collect();
    let ids = |kind: Kind| deletes.iter().filter(move |action| action.kind == kind).filter_map(|action| action.id.clone()).collect();
    let (groups, balancers, encrypted) = tokio::try_join!(
        of_groups(aws, ids(Kind::AutoScalingGroup)),
        of_balancers(aws, ids(Kind::LoadBalancer)),
        of_key(aws, key, &going)
    )?;
    let by = |action: &Action| {
        let id = action.id.as_deref()?;
        match action.kind {
            Kind::EksCluster => is_protected_cluster(action).then(|| "EKS's deletion protection".to_owned()),
            Kind::AutoScalingGroup => groups.get(id).map(|level| format!("EC2 Auto Scaling's deletion protection (`{level}`)")),
            Kind::LoadBalancer => balancers.iter().any(|arn| arn == id).then(|| "its deletion protection".to_owned()),
            Kind::KmsKey => encrypted.clone(),
            _ => None,
        }
    };
    let protection =
        |action: &&Action| Some(Protection { address: action.address.clone(), id: action.id.clone().unwrap_or_default(), by: by(action)? });
    Ok(deletes.iter().filter_map(protection).collect())
}

fn is_protected_cluster(action: &Action) -> bool {
    let spec = action.existing.as_ref().map(|existing| &existing.spec);
    spec.and_then(|spec| spec.get("deletion_protection")?.as_bool()) == Some(true)
}

async fn of_groups(aws: &Aws, names: Vec<String>) -> Result<BTreeMap<String, String>, Failure> {
    if names.is_empty() { Ok(BTreeMap::new()) } else { autoscaling_group::protections(aws, names).await }
}

async fn of_balancers(aws: &Aws, arns: Vec<String>) -> Result<Vec<String>, Failure> {
    let mut protected = Vec::new();
    for arn in arns {
        if load_balancer::is_protected(aws, &arn).await? {
            protected.push(arn);
        }
    }
    Ok(protected)
}

/// What stays and would be unreadable without the key: snapshots of AWS Backup, say, which are not ours to delete.
async fn of_key(aws: &Aws, arn: Option<&String>, going: &BTreeSet<&str>) -> Result<Option<String>, Failure> {
    let Some(arn) = arn else { return Ok(None) };
    let needing = kms_key::needing(aws, arn).await?;
    let stay: Vec<&str> = needing.iter().map(|one| one.id.as_str()).filter(|id| !going.contains(id)).collect();
    Ok(kms_key::why_needed(&stay))
}
