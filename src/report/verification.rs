//! What is left after a destroy: as text, and as the JSON of `--report`.

use crate::workflow::TeardownTarget;
use crate::workflow::destroy::{Remaining, RemainingReason, SEARCHED_BY, TeardownRecord, Verification};
use serde_json::{Value, json};

/// Version of the report's JSON format; minor versions only add fields.
const FORMAT_VERSION: &str = "1.0";

/// Why a resource still exists, as text.
fn reason_text(reason: &RemainingReason) -> String {
    match reason {
        RemainingReason::Kept => "kept for its data".to_owned(),
        RemainingReason::Scheduled => "AWS deletes it when its waiting period is over; until then that can be cancelled".to_owned(),
        RemainingReason::OtherLineage(lineage) => format!("lineage {}", lineage.as_deref().unwrap_or("unknown")),
        RemainingReason::Failed(why) => why.clone(),
        RemainingReason::HeldBack(reason) => reason.to_string(),
        RemainingReason::BeingDeleted => "being deleted".to_owned(),
        RemainingReason::NotDeleted => "not deleted; run the same command again".to_owned(),
        RemainingReason::Unconfirmed => "it is recorded, and its deletion is not confirmed; run the same command again".to_owned(),
        RemainingReason::Untagged => "it exists, but our tags were removed: left alone, and still recorded; put the tags \
                                      `domino-eks:cluster` and `domino-eks:lineage` back and run the same command again, or delete it yourself"
            .to_owned(),
    }
}

/// The verification as text.
pub fn verification_lines(verification: &Verification, target: &TeardownTarget) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut section = |title: &str, list: &[Remaining]| {
        if !list.is_empty() {
            lines.push(title.to_owned());
            lines.extend(list.iter().map(|one| format!("  {} ({}): {}", one.address, one.id, reason_text(&one.reason))));
        }
    };
    section("Left:", &verification.left);
    section("Kept:", &verification.kept);
    section("Scheduled for deletion:", &verification.scheduled);
    section(
        "Made under another state of this name, and not touched (`--state EMPTY-FOLDER --lineage UUID` destroys them):",
        &verification.others,
    );
    if !verification.kept.is_empty() {
        let flags = target.flags();
        let with = if target.loaded.is_none() { " with its configuration" } else { "" };
        lines.push(format!(
            "  `domino-eks destroy{flags} --delete-data --confirm {}` deletes what is kept; `domino-eks apply`{with} takes it back.",
            target.name
        ));
    }
    if verification.left.is_empty() {
        let kept = if verification.kept.is_empty() { "Nothing left" } else { "Nothing else left" };
        lines.push(format!("{kept}: searched by {}.", SEARCHED_BY.join("; ")));
    }
    lines
}

/// The report of a destroy that has not begun.
pub fn empty_teardown_report() -> Value {
    json!({ "format_version": FORMAT_VERSION, "result": "unknown" })
}

/// The report of a destroy so far.
pub fn teardown_report(record: &TeardownRecord) -> Value {
    let mut report = json!({
        "format_version": FORMAT_VERSION,
        "cluster": record.cluster,
        "account": record.account,
        "region": record.region,
        "lineage": record.lineage,
        "started": record.started.to_string(),
        "data": record.survey.data,
        "foreign": record.survey.foreign,
        "protected": record.survey.protected,
        "without_tags": record.survey.disowned,
        "result": "unknown",
    });
    let deleted = record.deleted.iter().map(|one| json!({ "address": one.address, "kind": one.address.kind().name(), "id": one.id }));
    report["deleted"] = deleted.collect();
    report["forgotten"] = json!(record.forgotten);
    report["failed"] = json!(record.failures);
    let Some(end) = &record.end else { return report };
    let verification = &end.verification;
    let listed = |list: &[Remaining]| -> Value {
        list.iter().map(|one| json!({ "address": one.address, "id": one.id, "why": reason_text(&one.reason) })).collect()
    };
    report["finished"] = json!(end.finished.to_string());
    report["seconds"] = json!(end.seconds);
    report["result"] = json!(match (verification.left.is_empty(), verification.kept.is_empty()) {
        (true, true) => "nothing_left",
        (true, false) => "kept_as_asked",
        (false, _) => "left",
    });
    report["cleared"] = record.cleared.iter().map(|(address, id)| json!({ "address": address, "id": id })).collect();
    report["kept"] = listed(&verification.kept);
    report["scheduled"] = listed(&verification.scheduled);
    report["others"] = listed(&verification.others);
    report["left"] = listed(&verification.left);
    report["in_the_way"] = json!(verification.foreign);
    report["searched_by"] = json!(SEARCHED_BY);
    report
}
