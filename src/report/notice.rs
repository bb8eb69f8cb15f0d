//! The notices of a workflow as text, and whether `--quiet` hides them.

use super::plan_text::plan_text;
use super::progress::clock;
use super::teardown_text::{Choice, teardown_text};
use crate::engine::{Drained, Duplicates};
use crate::workflow::Notice;

/// Whether `--quiet` hides a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Volume {
    /// Hidden with `--quiet`.
    Normal,
    /// Always shown: a warning, or something that a question or a refusal refers to.
    Always,
}

/// The lines of a notice. `notes` are the notes on the configuration.
pub fn notice_lines(notice: &Notice<'_>, notes: &[String]) -> Vec<(Volume, String)> {
    use Volume::{Always, Normal};
    let volume = |needed: bool| if needed { Always } else { Normal };
    let one = |volume: Volume, text: String| vec![(volume, text)];
    match notice {
        Notice::Duplicates(duplicates) => duplicate_warnings(duplicates).into_iter().map(|text| (Always, text)).collect(),
        Notice::Plan { plan, needed } => {
            let notes = notes.iter().filter(|_| plan.has_changes()).map(|note| format!("  {note}"));
            let lines = notes.chain([format!("\n{}", plan_text(plan).trim_end())]);
            lines.map(|text| (volume(*needed), text)).collect()
        }
        Notice::Recording { location } => one(Normal, format!("State: {location}\n")),
        Notice::DuplicateDeleted { name } => one(Normal, format!("deleted {name}, which nothing used")),
        Notice::DuplicateInUse { name, failure } => {
            one(Always, format!("warning: {name} is left alone: a resource of others uses it ({failure})"))
        }
        Notice::NoState { location, needed } => one(
            volume(*needed),
            format!("There is no state at {location}: resources are found by their tags. If it is stored elsewhere, give `--state`."),
        ),
        Notice::OtherLineage { count } => {
            one(Always, format!("warning: {count} with this cluster's tags were made under another state: they are left alone"))
        }
        Notice::Teardown { inspection, needed } => {
            one(volume(*needed), format!("\n{}", teardown_text(&inspection.plan, &inspection.survey, Choice::Made).trim_end()))
        }
        Notice::NextRound { inspection } => one(
            Normal,
            format!(
                "\nFound meanwhile, or worth another try:\n{}",
                teardown_text(&inspection.plan, &inspection.survey, Choice::Made).trim_end()
            ),
        ),
        Notice::NothingToDestroy => one(Normal, "Nothing to destroy.".to_owned()),
        Notice::WaitingForCreations { seconds, addresses } => {
            let names: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            one(
                Normal,
                format!(
                    "Waiting {} before inspecting AWS again: an interrupted run was about to create {}, which AWS may show late.",
                    clock(*seconds),
                    names.join(", ")
                ),
            )
        }
        Notice::NotDrainable => one(
            Normal,
            "The cluster is not active, so its Services and Ingresses cannot be listed; their load balancers are deleted in AWS."
                .to_owned(),
        ),
        Notice::Draining => one(Normal, "\nDeleting LoadBalancer Services and Ingresses first.".to_owned()),
        Notice::DrainProgress { line } => one(Normal, format!("        {line}")),
        Notice::Drained { drained } => drained_lines(drained),
        Notice::DrainFailed { failure } => {
            one(Always, format!("warning: the cluster was not drained: {failure}; load balancers are deleted in AWS instead"))
        }
    }
}

fn drained_lines(drained: &Drained) -> Vec<(Volume, String)> {
    let gone = format!("{} Services and {} Ingresses are gone.", drained.services.len(), drained.ingresses.len());
    let left =
        drained.left.iter().map(|left| (Volume::Always, format!("warning: {left} is still there; its load balancer is deleted in AWS")));
    std::iter::once((Volume::Normal, gone)).chain(left).collect()
}

/// A warning for each second resource of an address.
pub fn duplicate_warnings(duplicates: &Duplicates) -> Vec<String> {
    let empty = duplicates.empty.iter().map(|one| {
        let name = Duplicates::name(one);
        format!("warning: {name} is left from a request whose answer was lost; nothing uses it: it will be deleted")
    });
    let unclear = duplicates.unclear.iter().map(|one| {
        let name = Duplicates::name(one);
        format!("warning: {name} carries our tags, but another resource is recorded for its address; check it, and delete it in AWS")
    });
    empty.chain(unclear).collect()
}
