//! The proof: everything of ours is looked for again by every means, after everything that was to be done.

use super::look::{Looked, Means, is_retained, look};
use super::{Report, Subject};
use crate::aws::Aws;
use crate::cli::apply::Run;
use crate::cli::exit::CliError;
use crate::cli::session::lineage_of;
use crate::engine::{Action, Foreign, Observed, Readiness, Verb};
use crate::resource::Address;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// How everything was looked for, in words.
const MEANS: [&str; 6] = [
    "ids and names of the state and the configuration",
    "ownership tags, service by service",
    "ownership tags across services (Resource Groups Tagging)",
    "the cluster's path in IAM",
    "tags, names and descriptions that controllers of Kubernetes give, in the cluster's VPC",
    "recovery points of its file systems",
];

/// Something that exists after all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Left {
    /// What it is.
    pub(super) address: Address,
    /// Its AWS id.
    pub(super) id: String,
    /// Why it is there.
    pub(super) why: String,
}

/// What the last look showed.
#[derive(Debug, Default, Serialize)]
pub(super) struct Proof {
    /// Not gone, and not asked to be kept.
    pub(super) left: Vec<Left>,
    /// Kept for its data, as asked.
    pub(super) kept: Vec<Left>,
    /// With the cluster's tags, but of another state.
    pub(super) others: Vec<Left>,
    /// Keys that AWS deletes later.
    pub(super) scheduled: Vec<Left>,
    /// What is not ours and stands in the way of what is left.
    pub(super) foreign: Vec<Foreign>,
    /// How everything was looked for.
    pub(super) searched_by: Vec<&'static str>,
}

/// Looks again.
pub(super) async fn prove(aws: Aws, subject: &Subject, run: &Run<'_>, report: &Report) -> Result<Proof, CliError> {
    let found = run.store.load().await?;
    let means = Means { before: Some(report.before.clone()), ..Means::default() };
    let looked = look(aws, subject, found, means).await?;
    Ok(judge(&looked, &report.failures))
}

fn judge(looked: &Looked, failures: &BTreeMap<Address, String>) -> Proof {
    let mut proof = Proof { searched_by: MEANS.to_vec(), ..Proof::default() };
    let mut told = BTreeSet::new();
    let held: BTreeMap<&Address, &str> = looked.session.plan.actions.iter().filter_map(held).collect();
    let why = |address: &Address| failures.get(address).map(String::as_str).or(held.get(address).copied());
    for seen in looked.session.observed.iter().chain(&looked.leftovers) {
        if !told.insert((&seen.address, &seen.id)) {
            continue;
        }
        let left = |why: &str| Left { address: seen.address.clone(), id: seen.id.clone(), why: why.to_owned() };
        if is_retained(&looked.session.state, seen) {
            proof.kept.push(left("kept for its data"));
        } else if seen.is_scheduled() {
            proof.scheduled.push(scheduled(seen));
        } else {
            let going = (seen.readiness == Readiness::Deleting).then_some("being deleted");
            let why = why(&seen.address).or(going).unwrap_or("not deleted; run the same command again");
            proof.left.push(left(why));
        }
    }
    // Without our tags no look finds it, but nothing has confirmed that it is gone.
    for action in &looked.session.plan.actions {
        let Some(id) = action.id.as_ref().filter(|id| action.existing.is_some() && told.insert((&action.address, id))) else { continue };
        let why = why(&action.address).unwrap_or("it is recorded, and was not deleted; run the same command again");
        proof.left.push(Left { address: action.address.clone(), id: id.clone(), why: why.to_owned() });
    }
    let without_tags = "it exists, but our tags were taken off: left alone, and still recorded; put the tags `domino-eks:cluster` and \
                        `domino-eks:lineage` back and run the same command again, or delete it yourself";
    proof.left.extend(looked.survey.disowned.iter().map(|one| Left {
        address: one.address.clone(),
        id: one.id.clone(),
        why: without_tags.to_owned(),
    }));
    let stranger = |seen: &Observed| Left {
        address: seen.address.clone(),
        id: seen.id.clone(),
        why: format!("lineage {}", lineage_of(seen).unwrap_or("unknown")),
    };
    let (waiting, strangers): (Vec<&Observed>, Vec<&Observed>) = looked.strangers.iter().partition(|seen| seen.is_scheduled());
    proof.scheduled.extend(waiting.into_iter().map(scheduled));
    proof.others.extend(strangers.into_iter().map(stranger));
    if !proof.left.is_empty() {
        proof.foreign = looked.survey.foreign.clone();
    }
    proof
}

fn scheduled(seen: &Observed) -> Left {
    let why = "AWS deletes it when its waiting period is over; until then that can be cancelled";
    Left { address: seen.address.clone(), id: seen.id.clone(), why: why.to_owned() }
}

/// Why something is not deleted by a further run either.
fn held(action: &Action) -> Option<(&Address, &str)> {
    (action.verb == Verb::NoChange && !action.reason.is_empty()).then_some((&action.address, action.reason.as_str()))
}

impl Proof {
    /// For people.
    pub(super) fn lines(&self, subject: &Subject) -> Vec<String> {
        let mut lines = vec![String::new()];
        let mut section = |title: &str, list: &[Left]| {
            if !list.is_empty() {
                lines.push(title.to_owned());
                lines.extend(list.iter().map(|left| format!("  {} ({}): {}", left.address, left.id, left.why)));
            }
        };
        section("Left:", &self.left);
        section("Kept:", &self.kept);
        section("Scheduled for deletion:", &self.scheduled);
        section(
            "Made under another state of this name, and not touched (`--state EMPTY-FOLDER --lineage UUID` destroys them):",
            &self.others,
        );
        if !self.kept.is_empty() {
            let flags = subject.flags();
            let with = if subject.loaded.is_none() { " with its configuration" } else { "" };
            lines.push(format!(
                "  `domino-eks destroy{flags} --delete-data --confirm {}` deletes what is kept; `domino-eks apply`{with} takes it back.",
                subject.name
            ));
        }
        if self.left.is_empty() {
            let kept = if self.kept.is_empty() { "Nothing left" } else { "Nothing else left" };
            lines.push(format!("{kept}: searched by {}.", self.searched_by.join("; ")));
        }
        lines
    }
}
