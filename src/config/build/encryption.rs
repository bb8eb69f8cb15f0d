//! The encryption key.

use super::super::checker::Checker;
use super::super::model::Encryption;
use super::super::names;

/// Builds the key, created with the cluster, AWS-managed or existing.
pub(super) fn encryption(checker: &mut Checker<'_>) -> Option<Encryption> {
    let key = &checker.file.encryption.key;
    match key.as_str() {
        "own" => return Some(Encryption::OwnKey),
        "aws-managed" => return Some(Encryption::AwsManaged),
        _ => {}
    }
    if let Err((message, help)) = check_key_arn(checker, key) {
        checker.refuse(&["encryption", "key"], "kms-key", message, help);
        return None;
    }
    Some(Encryption::ExistingKey(key.clone()))
}

/// Whether text is the ARN of a KMS key of this region; otherwise message and help.
fn check_key_arn(checker: &Checker<'_>, key: &str) -> Result<(), (String, String)> {
    let region = &checker.file.region;
    let partition = names::partition(region);
    let shape = format!("arn:{partition}:kms:{region}:<account>:key/<id>");
    let Some(arn) = names::arn(key).filter(|a| a.service == "kms" && names::is_account(a.account)) else {
        return Err((format!("`{key}` is not an encryption key"), format!("write `own`, `aws-managed` or `{shape}`")));
    };
    if arn.partition != partition || arn.region != region {
        let message = format!("the key `{key}` is not in region `{region}`");
        return Err((message, format!("give a key of this region: `{shape}`")));
    }
    let id = arn.resource.strip_prefix("key/").unwrap_or_default();
    let is_id = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if is_id {
        return Ok(());
    }
    Err((format!("`{key}` is not the ARN of a key itself"), format!("give the key, not an alias: `{shape}`")))
}
