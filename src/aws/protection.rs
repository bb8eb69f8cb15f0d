//! What AWS refuses to delete because somebody switched that on. Looked at before a teardown begins: a refusal in its middle
//! would come when the nodes are gone.

use super::Aws;
use super::resource::{autoscaling_group, instance, kms_key, load_balancer, log_group};
use crate::engine::{Action, Failure, FailureKind, Plan, Protection, Verb};
use crate::resource::Kind;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

/// Protections of what the plan deletes, in the plan's order.
///
/// # Errors
/// The first call that fails.
pub(super) async fn protections(aws: &Aws, plan: &Plan) -> Result<Vec<Protection>, Failure> {
    let deletes: Vec<&Action> = plan.actions.iter().filter(|action| action.verb == Verb::Delete && action.existing.is_some()).collect();
    let key = deletes.iter().find(|action| action.kind == Kind::KmsKey).and_then(|action| action.existing.as_ref()?.attributes.get("arn"));
    let going: BTreeSet<&str> = deletes.iter().filter_map(|action| action.id.as_deref()).collect();
    let ids =
        |kind: Kind| deletes.iter().filter(move |action| action.kind == kind).filter_map(|action| action.id.clone()).collect::<Vec<_>>();
    let logs = ids(Kind::LogGroup).into_iter().chain(ids(Kind::ContainerLogGroup)).collect();
    let (groups, balancers, instances, logs, encrypted) = tokio::try_join!(
        of_groups(aws, ids(Kind::AutoScalingGroup)),
        of_balancers(aws, ids(Kind::LoadBalancer)),
        instance::protections(aws, ids(Kind::Instance)),
        log_group::protected(aws, logs),
        of_key(aws, key, &going)
    )?;
    let by = |action: &Action| {
        let id = action.id.as_deref()?;
        match action.kind {
            Kind::EksCluster => is_protected_cluster(action).then(|| "EKS's deletion protection".to_owned()),
            Kind::AutoScalingGroup => groups.get(id).map(|level| format!("EC2 Auto Scaling's deletion protection (`{level}`)")),
            Kind::LoadBalancer => balancers.iter().any(|arn| arn == id).then(|| "its deletion protection".to_owned()),
            Kind::Instance => instances.get(id).cloned(),
            Kind::LogGroup | Kind::ContainerLogGroup => logs.contains(id).then(|| "its deletion protection".to_owned()),
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

/// Deletes what may be protected. Where AWS refuses for that reason, the protection is lifted and the deletion sent again, if
/// somebody said the word; else the refusal tells of the word.
///
/// # Errors
/// What AWS says.
pub(super) async fn delete<D, L>(
    may_lift: bool,
    delete: impl Fn() -> D,
    is_protected: impl Fn(&Failure) -> bool,
    lift: impl FnOnce() -> L,
) -> Result<(), Failure>
where
    D: Future<Output = Result<(), Failure>>,
    L: Future<Output = Result<(), Failure>>,
{
    let refusal = match delete().await {
        Err(failure) if is_protected(&failure) => failure,
        other => return other,
    };
    if !may_lift {
        let message = format!("{}; `destroy --lift-protection` lifts that", refusal.message.trim_end_matches('.'));
        return Err(Failure { message, ..refusal });
    }
    lift().await?;
    // AWS may take a moment to see that it is off.
    delete().await.map_err(|failure| if is_protected(&failure) { Failure { kind: FailureKind::NotYet, ..failure } } else { failure })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::errors::unexpected;
    use std::cell::Cell;

    fn refusal() -> Failure {
        unexpected("TerminateInstances", "it may not be terminated.")
    }

    /// Deletes something whose protection AWS still sees for so many deletions after it was lifted.
    async fn deleted(may_lift: bool, late: usize) -> (Result<(), Failure>, usize, bool) {
        let (tries, lifted) = (Cell::new(0), Cell::new(false));
        let send = || {
            tries.set(tries.get() + 1);
            std::future::ready(if lifted.get() && tries.get() > late + 1 { Ok(()) } else { Err(refusal()) })
        };
        let lift = || {
            lifted.set(true);
            std::future::ready(Ok(()))
        };
        let ended = delete(may_lift, send, |failure| failure.message.contains("may not be terminated"), lift).await;
        (ended, tries.get(), lifted.get())
    }

    #[tokio::test]
    async fn a_protection_is_lifted_only_on_a_word() {
        let (ended, tries, lifted) = deleted(false, 0).await;
        let failure = ended.unwrap_err();
        assert_eq!((failure.kind, tries, lifted), (FailureKind::Other, 1, false));
        assert_eq!(failure.message, "it may not be terminated; `destroy --lift-protection` lifts that");
        assert_eq!(deleted(true, 0).await, (Ok(()), 2, true));
        // It is off, and AWS does not see that yet: the engine comes back.
        let (ended, ..) = deleted(true, 1).await;
        assert_eq!(ended.unwrap_err().kind, FailureKind::NotYet);
    }

    #[tokio::test]
    async fn another_refusal_lifts_nothing() {
        let other = || std::future::ready(Err(unexpected("TerminateInstances", "no")));
        let lift = || async { unreachable!("nothing protects it") };
        assert_eq!(delete(true, other, |failure| failure.message.contains("may not"), lift).await.unwrap_err().message, "no");
    }
}
