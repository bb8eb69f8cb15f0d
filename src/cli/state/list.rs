//! `state list`: what is recorded, without asking AWS.

use crate::cli::args::{Format, FormatArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::outputs::read;
use crate::cli::printer::Printer;
use crate::cli::settings::Settings;
use crate::state::{Document, RecordStatus};
use std::fmt::Write;

pub(super) fn run(args: &FormatArgs, settings: &Settings, printer: &Printer) -> Result<Exit, CliError> {
    let state = read(&settings.load()?, settings, printer)?;
    match args.format {
        Format::Json => printer.data(&format!("{:#}\n", json(&state))),
        Format::Text if state.is_empty() => printer.say("Nothing is recorded: the state exists and is empty."),
        Format::Text => printer.data(&text(&state)),
    }
    Ok(Exit::Done)
}

fn json(state: &Document) -> serde_json::Value {
    let resources = state.resources.iter().map(|(address, record)| {
        serde_json::json!({ "address": address, "kind": address.kind().name(), "id": record.id, "status": record.status })
    });
    let begun = state.intents.keys().filter(|address| !state.resources.contains_key(*address));
    serde_json::json!({
        "cluster": state.cluster, "account": state.account, "region": state.region, "lineage": state.lineage, "serial": state.serial,
        "resources": resources.collect::<Vec<_>>(), "begun": begun.collect::<Vec<_>>(),
    })
}

fn text(state: &Document) -> String {
    let width = state.resources.keys().chain(state.intents.keys()).map(|address| address.to_string().len()).max().unwrap_or_default();
    let mut text = String::new();
    for (address, record) in &state.resources {
        let note = match record.status {
            RecordStatus::Ready => "",
            RecordStatus::Creating => "  (not finished)",
            RecordStatus::Deleting => "  (being deleted)",
            RecordStatus::Retained => "  (kept by destroy)",
        };
        let _ = writeln!(text, "{address:<width$}  {}{note}", record.id, address = address.to_string());
    }
    for address in state.intents.keys().filter(|address| !state.resources.contains_key(*address)) {
        let _ = writeln!(text, "{address:<width$}  (creation begun; its id is not known yet)", address = address.to_string());
    }
    text
}
