//! `state show`: prints one record in full.

use crate::cli::args::ShowArgs;
use crate::cli::exit::{CliError, Exit};
use crate::cli::outputs::read;
use crate::cli::printer::Printer;
use crate::cli::settings::Settings;
use crate::state::Document;

pub(super) fn run(args: &ShowArgs, settings: &Settings, printer: &Printer) -> Result<Exit, CliError> {
    let state = read(&settings.load()?, settings, printer)?;
    let found = state.resources.iter().find(|(address, _)| address.to_string() == args.address);
    let begun = state.intents.iter().find(|(address, _)| address.to_string() == args.address);
    let json = match (found, begun) {
        (Some((address, record)), _) => with_address(&args.address, address.kind().name(), serde_json::json!(record)),
        (None, Some((address, intent))) => with_address(&args.address, address.kind().name(), serde_json::json!({ "begun": intent })),
        (None, None) => return Err(unknown(&args.address, &state)),
    };
    printer.data(&format!("{json:#}\n"));
    Ok(Exit::Done)
}

fn with_address(address: &str, kind: &str, mut json: serde_json::Value) -> serde_json::Value {
    if let Some(fields) = json.as_object_mut() {
        fields.shift_insert(0, "address".to_owned(), address.into());
        fields.shift_insert(1, "kind".to_owned(), kind.into());
    }
    json
}

fn unknown(asked: &str, state: &Document) -> CliError {
    let kind = asked.split('/').next().unwrap_or_default();
    let near: Vec<String> =
        state.resources.keys().filter(|address| address.kind().name() == kind).take(5).map(ToString::to_string).collect();
    let hint =
        if near.is_empty() { "`domino-eks state list` shows all addresses".to_owned() } else { format!("there are {}", near.join(", ")) };
    CliError::new(Exit::Failed, format!("the state has no `{asked}`")).hint(hint)
}
