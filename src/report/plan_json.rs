//! The plan as JSON.

use crate::engine::{Plan, Verb};
use serde_json::{Value, json};

/// Version of the plan's JSON format; minor versions only add fields.
const FORMAT_VERSION: &str = "1.0";

/// The plan as JSON. `account` is unknown in an offline plan. Unchanged resources are counted, not listed.
pub fn plan_json(plan: &Plan, cluster: &str, account: Option<&str>, region: &str, notes: &[String]) -> Value {
    let actions: Vec<_> = plan.actions.iter().filter(|action| action.verb != Verb::NoChange).collect();
    json!({
        "format_version": FORMAT_VERSION,
        "cluster": cluster,
        "account": account,
        "region": region,
        "summary": plan.summary(),
        "actions": actions,
        "notes": notes,
    })
}
