//! The status of a cluster: what exists, its health, and where AWS differs from what was applied.

use super::plan_text::value_text;
use super::style::{ADD, CHANGE, DANGER, FAINT, HEADING, paint};
use crate::engine::{Action, Observed, Plan, Readiness, Verb};
use crate::resource::{Address, Layer};
use crate::state::{Document, Record, RecordStatus};
use serde::Serialize;
use std::fmt::Write as _;

/// The status of one cluster.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// Cluster name.
    pub cluster: String,
    /// Account id.
    pub account: String,
    /// Region.
    pub region: String,
    /// Whether everything in the configuration exists, is ready and as it was applied.
    pub healthy: bool,
    /// One line for each resource that is recorded or desired.
    pub resources: Vec<Line>,
}

/// Health of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// It is usable.
    Ready,
    /// It is being created or changed.
    NotReady,
    /// AWS reports that it has failed.
    Failed,
    /// It is being deleted.
    Deleting,
    /// It is recorded, but does not exist in AWS.
    Missing,
    /// It is desired, but not created yet.
    Absent,
    /// An earlier destroy kept it for its data.
    Kept,
}

impl Health {
    /// Its name in JSON and in text.
    pub fn name(self) -> &'static str {
        match self {
            Health::Ready => "ready",
            Health::NotReady => "not-ready",
            Health::Failed => "failed",
            Health::Deleting => "deleting",
            Health::Missing => "missing",
            Health::Absent => "absent",
            Health::Kept => "kept",
        }
    }
}

/// One resource.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// Its address.
    pub address: String,
    /// Its group.
    pub layer: Layer,
    /// AWS id.
    pub id: Option<String>,
    /// Its health.
    pub health: Health,
    /// Why it is not ready.
    pub detail: Option<String>,
    /// Fields that were changed outside of domino-eks or are not applied yet.
    pub drift: Vec<String>,
}

/// Combines state, observed resources and plan.
pub fn status(state: &Document, observed: &[Observed], plan: &Plan) -> Status {
    let is_known = |action: &&Action| {
        state.resources.contains_key(&action.address) || matches!(action.verb, Verb::Adopt | Verb::Create | Verb::Blocked)
    };
    let mut resources: Vec<Line> = plan
        .actions
        .iter()
        .filter(is_known)
        .map(|action| {
            let seen = observed.iter().find(|observed| observed.address == action.address);
            let (health, detail) = health(action, state.resources.get(&action.address), seen);
            let changes = if seen.is_some() { action.fields.as_slice() } else { &[] };
            let drift = changes.iter().map(|field| {
                let cause = if field.drift { "changed outside" } else { "not applied yet" };
                format!("{} is {} ({cause})", field.path, value_text(&field.before))
            });
            Line { address: action.address.to_string(), layer: action.layer, id: action.id.clone(), health, detail, drift: drift.collect() }
        })
        .collect();
    // Data that was kept and that the configuration does not name says nothing about the cluster.
    let healthy = !resources.is_empty() && resources.iter().all(|line| line.health == Health::Ready && line.drift.is_empty());
    resources.extend(kept_beside(state, plan));
    resources.sort_by_key(|line| line.layer);
    Status { cluster: state.cluster.clone(), account: state.account.clone(), region: state.region.clone(), healthy, resources }
}

/// The health of a resource, and why it is not ready.
fn health(action: &Action, record: Option<&Record>, seen: Option<&Observed>) -> (Health, Option<String>) {
    let is_kept = record.is_some_and(|record| record.status == RecordStatus::Retained);
    match seen.map(|observed| &observed.readiness) {
        None if record.is_none() => (Health::Absent, (action.verb == Verb::Blocked).then(|| action.reason.to_string())),
        None => (Health::Missing, None),
        Some(Readiness::NotYet(why)) => (Health::NotReady, Some(why.clone())),
        Some(Readiness::Failed(why)) => (Health::Failed, Some(why.clone())),
        Some(Readiness::Deleting) => (Health::Deleting, None),
        Some(Readiness::Ready) if is_kept => kept(),
        // Its creation was interrupted, and another run has to finish it.
        Some(Readiness::Ready) if action.verb == Verb::Create => (Health::NotReady, Some(action.reason.to_string())),
        Some(Readiness::Ready) => (Health::Ready, None),
    }
}

fn kept() -> (Health, Option<String>) {
    (Health::Kept, Some("by an earlier destroy, for its data".to_owned()))
}

/// Resources that an earlier destroy kept and that the configuration does not name, such as volumes of claims.
fn kept_beside(state: &Document, plan: &Plan) -> Vec<Line> {
    let is_beside = |address: &Address| plan.actions.iter().all(|action| action.address != *address);
    let kept_ones = state.resources.iter().filter(|(address, record)| record.status == RecordStatus::Retained && is_beside(address));
    kept_ones
        .map(|(address, record)| {
            let (health, detail) = kept();
            let layer = address.kind().facts().layer;
            Line { address: address.to_string(), layer, id: Some(record.id.clone()), health, detail, drift: Vec::new() }
        })
        .collect()
}

/// The status as text, with colours.
pub fn status_text(status: &Status) -> String {
    let count = |health: Health| status.resources.iter().filter(|line| line.health == health).count();
    if status.resources.iter().all(|line| line.health == Health::Absent && line.detail.is_none()) {
        return "Nothing exists yet: `domino-eks apply` creates it.\n".to_owned();
    }
    let mut text = String::new();
    let width = status.resources.iter().map(|line| line.address.len()).max().unwrap_or(0);
    let mut layer = None;
    for line in &status.resources {
        if layer != Some(line.layer) {
            let _ = writeln!(text, "{}", paint(HEADING, line.layer.title()));
            layer = Some(line.layer);
        }
        let style = match line.health {
            Health::Ready => ADD,
            Health::NotReady | Health::Deleting | Health::Kept => CHANGE,
            Health::Failed | Health::Missing | Health::Absent => DANGER,
        };
        let id = paint(FAINT, line.id.as_deref().unwrap_or_default());
        let detail = line.detail.as_ref().map(|detail| format!("  {detail}")).unwrap_or_default();
        let _ = writeln!(text, "  {:width$}  {}  {id}{detail}", line.address, paint(style, format!("{:9}", line.health.name())));
        for drift in &line.drift {
            let _ = writeln!(text, "      {}", paint(CHANGE, drift));
        }
    }
    let drifted = status.resources.iter().filter(|line| !line.drift.is_empty()).count();
    let more = |count: usize, what: &str| if count > 0 { format!(", {count} {what}") } else { String::new() };
    let _ = writeln!(
        text,
        "\n{} of {} ready, {drifted} differ from the configuration{}{}.",
        count(Health::Ready),
        status.resources.len(),
        more(count(Health::Absent) + count(Health::Missing), "not in AWS (`domino-eks apply` creates what is missing)"),
        more(count(Health::Kept), "kept by an earlier destroy"),
    );
    text
}
