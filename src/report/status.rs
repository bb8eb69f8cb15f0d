//! What exists, its health, and where AWS differs from what was applied.

use super::plan_text::value_text;
use super::style::{ADD, CHANGE, DANGER, FAINT, HEADING, paint};
use crate::engine::{Observed, Plan, Readiness, Verb};
use crate::resource::Layer;
use crate::state::Document;
use serde::Serialize;
use std::fmt::Write as _;

/// The state of one cluster.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// Cluster name.
    pub cluster: String,
    /// Account id.
    pub account: String,
    /// Region.
    pub region: String,
    /// Whether everything is there, ready and as it was applied.
    pub healthy: bool,
    /// One line for each recorded resource.
    pub resources: Vec<Line>,
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
    /// `ready`, `not-ready`, `failed`, `deleting` or `missing`.
    pub health: &'static str,
    /// Why it is not ready.
    pub detail: Option<String>,
    /// What was changed outside or not applied yet.
    pub drift: Vec<String>,
}

/// Puts state, observation and plan together.
pub fn status(state: &Document, observed: &[Observed], plan: &Plan) -> Status {
    let known = plan.actions.iter().filter(|action| state.resources.contains_key(&action.address) || action.verb == Verb::Adopt);
    let resources: Vec<Line> = known
        .map(|action| {
            let seen = observed.iter().find(|observed| observed.address == action.address);
            let (health, detail) = match seen.map(|observed| &observed.readiness) {
                None => ("missing", None),
                Some(Readiness::Ready) => ("ready", None),
                Some(Readiness::NotYet(why)) => ("not-ready", Some(why.clone())),
                Some(Readiness::Failed(why)) => ("failed", Some(why.clone())),
                Some(Readiness::Deleting) => ("deleting", None),
            };
            let changes = if seen.is_some() { action.fields.as_slice() } else { &[] };
            let drift = changes.iter().map(|field| {
                let cause = if field.drift { "changed outside" } else { "not applied yet" };
                format!("{} is {} ({cause})", field.path, value_text(&field.before))
            });
            Line { address: action.address.to_string(), layer: action.layer, id: action.id.clone(), health, detail, drift: drift.collect() }
        })
        .collect();
    Status {
        cluster: state.cluster.clone(),
        account: state.account.clone(),
        region: state.region.clone(),
        healthy: resources.iter().all(|line| line.health == "ready" && line.drift.is_empty()),
        resources,
    }
}

/// The status as text, with colours.
pub fn status_text(status: &Status) -> String {
    if status.resources.is_empty() {
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
            "ready" => ADD,
            "not-ready" | "deleting" => CHANGE,
            _ => DANGER,
        };
        let id = paint(FAINT, line.id.as_deref().unwrap_or_default());
        let detail = line.detail.as_ref().map(|detail| format!("  {detail}")).unwrap_or_default();
        let _ = writeln!(text, "  {:width$}  {}  {id}{detail}", line.address, paint(style, format!("{:9}", line.health)));
        for drift in &line.drift {
            let _ = writeln!(text, "      {}", paint(CHANGE, drift));
        }
    }
    let ready = status.resources.iter().filter(|line| line.health == "ready").count();
    let drifted = status.resources.iter().filter(|line| !line.drift.is_empty()).count();
    let _ = writeln!(text, "\n{ready} of {} ready, {drifted} differ from the configuration.", status.resources.len());
    text
}
