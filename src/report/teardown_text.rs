//! The plan of a destroy as text: data first, then what is protected or not ours, then the deletions by layer.

use super::plan_text::{deleted, width};
use super::style::{DANGER, FAINT, HEADING, paint};
use crate::engine::{Action, DataLine, Disowned, Foreign, Plan, Protection, Survey, Verb};
use crate::resource::Layer;
use std::fmt::Write as _;

/// Whether it is decided that data is deleted or kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// In a plan it is open: the flags of destroy decide it.
    Open,
    /// In a destroy, the flags have decided it.
    Made,
}

/// The plan as text, with colours. The last line is `Plan: 0 to add, 0 to change, N to destroy.`
pub fn teardown_text(plan: &Plan, survey: &Survey, choice: Choice) -> String {
    let of = |verb: Verb| plan.actions.iter().filter(move |action| action.verb == verb).collect::<Vec<_>>();
    let (deletes, kept) = (of(Verb::Delete), of(Verb::Retain));
    let mut text = String::new();
    let is_deleted = |line: &&DataLine| deletes.iter().any(|action| action.address == line.address);
    let title = match choice {
        Choice::Open => "Data (deleted with `--delete-data`, kept with `--retain-data`)",
        Choice::Made => "Data that is deleted",
    };
    data(&mut text, title, &survey.data.iter().filter(is_deleted).collect::<Vec<_>>());
    data(&mut text, "Data that is kept", &survey.data.iter().filter(|line| !is_deleted(line)).collect::<Vec<_>>());
    protected(&mut text, &survey.protected);
    foreign(&mut text, &survey.foreign);
    disowned(&mut text, &survey.disowned);
    // Resources that hold data are listed above.
    let is_data = |action: &&&Action| survey.data.iter().any(|line| line.address == action.address);
    layers(&mut text, &deletes.iter().filter(|action| !is_data(action)).copied().collect::<Vec<_>>());
    if !kept.is_empty() {
        let _ = writeln!(text, "{} kept, and recorded as such.", kept.len());
    }
    let _ = writeln!(text, "Plan: 0 to add, 0 to change, {} to destroy.", deletes.len());
    text
}

fn data(text: &mut String, title: &str, lines: &[&DataLine]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "{}", paint(HEADING, title));
    let width = lines.iter().map(|line| line.address.to_string().len()).max().unwrap_or(0);
    for line in lines {
        let style = if line.is_empty { FAINT } else { DANGER };
        let _ =
            writeln!(text, "  {} {:width$}  {}  {}", paint(style, "!"), line.address, paint(FAINT, &line.id), paint(style, &line.holds));
    }
    text.push('\n');
}

fn protected(text: &mut String, list: &[Protection]) {
    if list.is_empty() {
        return;
    }
    let _ = writeln!(text, "{}", paint(HEADING, "Protected (deleted only with `--lift-protection`)"));
    for one in list {
        let _ = writeln!(text, "  {} {}  {}  by {}", paint(DANGER, "!"), one.address, paint(FAINT, &one.id), one.by);
    }
    text.push('\n');
}

fn foreign(text: &mut String, list: &[Foreign]) {
    if list.is_empty() {
        return;
    }
    let _ = writeln!(text, "{}", paint(HEADING, "Not ours, and in the way (never touched; what it holds stays until it is gone)"));
    for one in list {
        let origin = if one.origin.is_empty() { String::new() } else { format!(" ({})", one.origin) };
        let holds: Vec<String> = one.holds.iter().map(ToString::to_string).collect();
        let holds = if holds.is_empty() { String::new() } else { format!(" holds {}", holds.join(", ")) };
        let _ = writeln!(text, "  {} {}{origin}{holds}", paint(DANGER, "!"), one.name);
    }
    text.push('\n');
}

fn disowned(text: &mut String, list: &[Disowned]) {
    if list.is_empty() {
        return;
    }
    let _ = writeln!(text, "{}", paint(HEADING, "Recorded, but without our tags (left alone; put them back, or delete it yourself)"));
    for one in list {
        let _ = writeln!(text, "  {} {}  {}", paint(DANGER, "!"), one.address, paint(FAINT, &one.id));
    }
    text.push('\n');
}

/// The last layer first, in the order of deletion.
fn layers(text: &mut String, actions: &[&Action]) {
    let mut layers: Vec<Layer> = actions.iter().map(|action| action.layer).collect();
    layers.sort();
    layers.dedup();
    for layer in layers.into_iter().rev() {
        let of_layer: Vec<&Action> = actions.iter().filter(|action| action.layer == layer).copied().collect();
        let width = width(&of_layer);
        let _ = writeln!(text, "{}", paint(HEADING, layer.title()));
        of_layer.iter().for_each(|action| text.push_str(&deleted(action, width)));
        text.push('\n');
    }
}
