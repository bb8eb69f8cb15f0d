//! What the data-bearing resources hold, before anybody says that it may go.

use super::Aws;
use super::bucket_contents;
use super::bucket_contents::words;
use super::errors::{or_absent, sent};
use crate::engine::{Action, DataLine, Failure, MADE_FOR, Plan, Verb};
use crate::resource::{Address, Kind};
use crate::state::Status;
use serde_json::Value;

/// Bytes that EFS meters for an empty file system.
const EMPTY_FILE_SYSTEM: i64 = 6 << 10;

/// Looks into everything that holds data and that the plan deletes or keeps. EFS meters its bytes hours late, so a file
/// system is taken as empty only where `may_be_late` allows that (a test environment).
///
/// # Errors
/// The first call that fails.
pub(super) async fn data(aws: &Aws, plan: &Plan, may_be_late: bool) -> Result<Vec<DataLine>, Failure> {
    let mut tasks = tokio::task::JoinSet::new();
    let holds = plan.actions.iter().filter(|action| action.kind.facts().holds_data && is_told(action));
    for action in holds {
        let Some(existing) = &action.existing else { continue };
        let (aws, address, id, spec) = (aws.clone(), action.address.clone(), existing.id.clone(), existing.spec.clone());
        tasks.spawn(async move { line(&aws, address, id, &spec, may_be_late).await });
    }
    let mut lines = Vec::new();
    while let Some(joined) = tasks.join_next().await {
        let line = joined.map_err(|error| super::errors::unexpected("look into data", &error.to_string()))??;
        lines.extend(line);
    }
    lines.sort_by(|a: &DataLine, b: &DataLine| (a.is_empty, &a.address).cmp(&(b.is_empty, &b.address)));
    Ok(lines)
}

/// What goes, what stays, and what an earlier destroy kept already.
fn is_told(action: &Action) -> bool {
    let is_kept = || action.existing.as_ref().is_some_and(|existing| existing.status == Status::Retained);
    matches!(action.verb, Verb::Delete | Verb::Retain) || is_kept()
}

async fn line(aws: &Aws, address: Address, id: String, spec: &Value, may_be_late: bool) -> Result<Option<DataLine>, Failure> {
    let text = |field: &str| spec.get(field).and_then(Value::as_str);
    let number = |field: &str| spec.get(field).and_then(Value::as_i64).unwrap_or(0);
    let (holds, is_empty) = match address.kind() {
        Kind::S3Bucket => match bucket_contents::count(aws, &id).await? {
            Some(contents) => (contents.words(), contents.is_empty()),
            None => return Ok(None),
        },
        Kind::EfsFileSystem => match file_system_bytes(aws, &id).await? {
            Some(metered) => (format!("{} (metered, some hours late)", bytes(metered)), may_be_late && metered <= EMPTY_FILE_SYSTEM),
            None => return Ok(None),
        },
        Kind::KmsKey => ("what it encrypted is unreadable at once; the deletion can be cancelled for 30 days".to_owned(), may_be_late),
        Kind::EbsVolume | Kind::EbsSnapshot => {
            let purpose = text(MADE_FOR).map(|purpose| format!(", {purpose}")).unwrap_or_default();
            (format!("{} GiB{purpose}", number("size_gib")), false)
        }
        Kind::RecoveryPoint => (format!("{} in vault {}", bytes(number("bytes")), text("vault").unwrap_or_default()), false),
        _ => (bytes(number("bytes")), false),
    };
    Ok(Some(DataLine { address, id, holds, is_empty }))
}

async fn file_system_bytes(aws: &Aws, id: &str) -> Result<Option<i64>, Failure> {
    let answer = or_absent(sent("DescribeFileSystems", aws.efs.describe_file_systems().file_system_id(id).send().await))?;
    let systems = answer.and_then(|answer| answer.file_systems).unwrap_or_default();
    Ok(systems.first().map(|system| system.size_in_bytes().map_or(0, |size| size.value())))
}

fn bytes(number: i64) -> String {
    words::bytes(u64::try_from(number).unwrap_or(0))
}
