//! What a workflow says, as text, and how loud it is.

use super::plan_text::plan_text;
use super::progress::clock;
use super::teardown_text::{Choice, teardown_text};
use crate::engine::{Drained, Duplicates};
use crate::workflow::Notice;

/// Who hears a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Volume {
    /// Everybody, save with `--quiet`.
    Normal,
    /// Everybody: it is a warning, or a question or a refusal refers to it.
    Always,
}

/// The lines of a notice. `notes` is what the configuration brings along for people.
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
            one(Always, format!("warning: {name} is left alone: something that is not ours uses it ({failure})"))
        }
        Notice::NoState { location } => one(
            Normal,
            format!("There is no state at {location}: what AWS shows by its tags is taken. If it is elsewhere, give `--state`."),
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
                    "Waiting {} before looking again: a run that was cut off was about to create {}, which AWS may show late.",
                    clock(*seconds),
                    names.join(", ")
                ),
            )
        }
        Notice::NotDrainable => one(
            Normal,
            "The cluster is not active, so its Services and Ingresses cannot be asked for; their load balancers are deleted in AWS."
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
    let left = drained.left.iter().map(|left| (Volume::Always, format!("warning: {left} is still there; what it holds is deleted in AWS")));
    std::iter::once((Volume::Normal, gone)).chain(left).collect()
}

/// Which second objects of an address there are, and what becomes of them.
pub fn duplicate_warnings(duplicates: &Duplicates) -> Vec<String> {
    let empty = duplicates.empty.iter().map(|one| {
        let name = Duplicates::name(one);
        format!("warning: {name} is left from a request whose answer was lost; nothing uses it: it will be deleted")
    });
    let unclear = duplicates.unclear.iter().map(|one| {
        let name = Duplicates::name(one);
        format!("warning: {name} carries our tags, but another object has its place; look at it, and delete it in AWS")
    });
    empty.chain(unclear).collect()
}
