//! `outputs`: what a Domino installation needs to know, from the state alone.

use super::args::{Format, FormatArgs};
use super::exit::{CliError, Exit};
use super::printer::Printer;
use super::settings::Settings;
use crate::report::outputs;

pub(super) fn run(args: &FormatArgs, settings: &Settings, printer: &Printer) -> Result<Exit, CliError> {
    let loaded = settings.load()?;
    let store = settings.store(&loaded.config)?;
    let state = store.load()?.filter(|state| !state.resources.is_empty()).ok_or_else(|| {
        CliError::new(Exit::Failed, format!("nothing is applied yet: there is no state in `{}`", store.path().display()))
            .hint("`domino-eks apply` first")
    })?;
    let outputs = outputs(&state, loaded.config.domino.fqdn);
    match args.format {
        Format::Json => printer.data(&format!("{:#}\n", serde_json::json!(outputs))),
        Format::Text => printer.data(&outputs.text()),
    }
    Ok(Exit::Done)
}
