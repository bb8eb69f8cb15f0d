//! Recovery points that AWS Backup holds of our file systems; they outlive the file system.

use super::Resource;
use super::leftover::found;
use crate::aws::Aws;
use crate::aws::errors::{or_absent, sent};
use crate::aws::tags::{Tags, arn};
use crate::engine::{Failure, FailureKind, Item, Observed, Query, Readiness};
use crate::resource::Kind;
use aws_sdk_backup::types::{RecoveryPointByResource, RecoveryPointStatus};
use serde_json::{Value, json};

/// What the automatic backup of EFS looks like to people.
const MAKER: &str = "AWS Backup";

pub(super) struct RecoveryPoint;

impl Resource for RecoveryPoint {
    type Spec = Value;

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let Query::Left(scope) = query else { return these(aws, query.items()).await };
        let mut left = Vec::new();
        for file_system in &scope.file_systems {
            let resource = arn(aws, "elasticfilesystem", &format!("file-system/{file_system}"));
            let pages = aws.backup.list_recovery_points_by_resource().resource_arn(resource).into_paginator().items().send();
            let points = or_absent(sent("ListRecoveryPointsByResource", pages.collect::<Result<Vec<_>, _>>().await))?;
            left.extend(
                points.unwrap_or_default().iter().filter(|point| !is_going(point.status())).map(|point| observed(file_system, point)),
            );
        }
        Ok(left)
    }

    /// The vault of the automatic backups has a policy against it, which is the account's and not ours to change.
    async fn delete(aws: &Aws, item: &Item) -> Result<(), Failure> {
        let vault = vault(item);
        let call = aws.backup.delete_recovery_point().backup_vault_name(vault).recovery_point_arn(&item.id);
        match sent("DeleteRecoveryPoint", call.send().await) {
            Err(failure) if failure.kind == FailureKind::Permission => {
                let message = format!(
                    "{}; the policy of the vault `{vault}` forbids it, or you may not: change that, or let the recovery point expire",
                    failure.message.trim_end_matches('.')
                );
                Err(Failure { message, ..failure })
            }
            other => other.map(drop),
        }
    }
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
    found(Kind::RecoveryPoint, name, id, MAKER, Tags::new(), spec)
}

async fn these(aws: &Aws, items: &[Item]) -> Result<Vec<Observed>, Failure> {
    let mut seen = Vec::new();
    for item in items {
        let call = aws.backup.describe_recovery_point().backup_vault_name(vault(item)).recovery_point_arn(&item.id);
        if let Some(answer) = or_absent(sent("DescribeRecoveryPoint", call.send().await))? {
            let readiness = if is_going(answer.status()) { Readiness::Deleting } else { Readiness::Ready };
            seen.push(Observed { readiness, ..super::again(item) });
        }
    }
    Ok(seen)
}
