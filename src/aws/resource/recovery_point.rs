//! Recovery points that AWS Backup holds of our file systems; they outlive the file system.

use super::leftover::{found, number};
use crate::aws::Aws;
use crate::aws::contract::{Contents, Deletion, Emptiness, Leftover, still_there};
use crate::aws::errors::{classify, or_absent};
use crate::aws::tags::{Tags, arn};
use crate::aws::words;
use crate::engine::{DeletionPolicy, Failure, FailureKind, Item, Observed, Query, Readiness};
use crate::resource::{Kind, spec};
use aws_sdk_backup::operation::describe_recovery_point::DescribeRecoveryPointOutput;
use aws_sdk_backup::primitives::DateTimeFormat as Format;
use aws_sdk_backup::types::{RecoveryPointByResource, RecoveryPointStatus};
use serde_json::{Value, json};

/// How AWS words the refusal of a vault's policy.
const VAULT_REFUSALS: [&str; 2] = ["Insufficient privileges", "resource-based policy"];
/// Name of their maker in plans.
const MAKER: &str = "AWS Backup";

pub(in crate::aws) struct RecoveryPoint;

impl Leftover for RecoveryPoint {
    type Spec = spec::RecoveryPoint;

    const DELETION: Deletion = Deletion {
        blockers: None,
        protection: None,
        data: Some(|aws, item| Box::pin(contents(aws, item))),
        exists_by_name: None,
        unrecorded: None,
        asks_whether_deleting: true,
    };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let Query::Leftovers(scope) = query else { return these(aws, query.items()).await };
        let mut left = Vec::new();
        for file_system in &scope.file_systems {
            let resource = arn(aws, "elasticfilesystem", &format!("file-system/{file_system}"));
            let pages = aws.backup.list_recovery_points_by_resource().resource_arn(resource).into_paginator().items().send();
            let points = or_absent(classify("ListRecoveryPointsByResource", pages.collect::<Result<Vec<_>, _>>().await))?;
            left.extend(points.unwrap_or_default().iter().map(|point| observed(file_system, point)));
        }
        Ok(left)
    }

    /// The policy of the automatic backups' vault forbids this, and belongs to the account: it is not ours to change.
    async fn delete(aws: &Aws, item: &Item, _policy: &DeletionPolicy) -> Result<(), Failure> {
        let vault = vault(item);
        let call = aws.backup.delete_recovery_point().backup_vault_name(vault).recovery_point_arn(&item.id);
        match classify("DeleteRecoveryPoint", call.send().await) {
            Err(failure) if failure.kind == FailureKind::Permission => Err(refused(aws, item, failure).await),
            other => other.map(drop),
        }
    }
}

/// Explains a refusal. A vault's policy refuses every caller, so that other credentials would not help; a message that names the caller
/// is about the caller's own permissions.
async fn refused(aws: &Aws, item: &Item, failure: Failure) -> Failure {
    let vault = vault(item);
    if !VAULT_REFUSALS.iter().any(|text| failure.message.contains(text)) {
        return failure;
    }
    let end = match described(aws, item).await {
        Ok(Some(point)) => end_of(&point).map(|date| format!("; AWS deletes it by itself on {date}")).unwrap_or_default(),
        _ => String::new(),
    };
    let message = format!(
        "{}; the policy of the vault `{vault}` forbids it: its statement against `backup:DeleteRecoveryPoint`, in \
         `aws backup get-backup-vault-access-policy --backup-vault-name {vault}`, is the account's to change{end}",
        failure.message.trim_end_matches('.')
    );
    failure.meaning(FailureKind::Other).worded(message)
}

/// The day on which its lifecycle deletes it.
fn end_of(point: &DescribeRecoveryPointOutput) -> Option<String> {
    let end = point.calculated_lifecycle()?.delete_at()?.fmt(Format::DateTime).ok()?;
    end.get(..10).map(str::to_owned)
}

fn vault(item: &Item) -> &str {
    item.spec.get("vault").and_then(Value::as_str).unwrap_or_default()
}

fn is_going(status: Option<&RecoveryPointStatus>) -> bool {
    status == Some(&RecoveryPointStatus::Deleting)
}

fn observed(file_system: &str, point: &RecoveryPointByResource) -> Observed {
    let id = point.recovery_point_arn().unwrap_or_default();
    let name = id.rsplit(':').next().unwrap_or(id);
    let spec =
        json!({ "vault": point.backup_vault_name(), "bytes": point.backup_size_bytes(), "source": format!("file system {file_system}") });
    let readiness = if is_going(point.status()) { Readiness::Deleting } else { Readiness::Ready };
    Observed { readiness, ..found(Kind::RecoveryPoint, name, id, MAKER, Tags::new(), spec) }
}

async fn these(aws: &Aws, items: &[Item]) -> Result<Vec<Observed>, Failure> {
    let mut seen = Vec::new();
    for item in items {
        if let Some(point) = described(aws, item).await? {
            seen.push(Observed { readiness: readiness(&point), ..still_there(item) });
        }
    }
    Ok(seen)
}

async fn described(aws: &Aws, item: &Item) -> Result<Option<DescribeRecoveryPointOutput>, Failure> {
    let call = aws.backup.describe_recovery_point().backup_vault_name(vault(item)).recovery_point_arn(&item.id);
    or_absent(classify("DescribeRecoveryPoint", call.send().await))
}

/// AWS Backup accepts a deletion even where it lacks the permission: then the recovery point stays, and is `EXPIRED`.
fn readiness(point: &DescribeRecoveryPointOutput) -> Readiness {
    match point.status() {
        Some(RecoveryPointStatus::Deleting) => Readiness::Deleting,
        Some(RecoveryPointStatus::Expired) => {
            let why = point.status_message().unwrap_or("no reason given").trim_end_matches('.');
            Readiness::Failed(format!(
                "it is EXPIRED and was not deleted ({why}); AWS Backup needs its service-linked role \
                 AWSServiceRoleForBackup, or the caller `iam:CreateServiceLinkedRole` for it"
            ))
        }
        _ => Readiness::Ready,
    }
}

async fn contents(_aws: &Aws, item: &Item) -> Result<Option<Contents>, Failure> {
    let words = format!("{} in vault {}", words::bytes(number(item, "bytes")), vault(item));
    Ok(Some(Contents { words, emptiness: Emptiness::Full }))
}
