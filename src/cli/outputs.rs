//! `outputs`: the values that a Domino installation needs, from the state alone.

use super::args::{Format, FormatArgs};
use super::connect::{block_on, connect_store};
use super::exit::{CliError, Exit};
use super::printer::Printer;
use super::settings::Settings;
use super::state_location::StateLocation;
use crate::report::outputs;
use crate::state::{Document, LocalStore};
use crate::workflow::{Loaded, Target, state_for};

pub(super) fn run(args: &FormatArgs, settings: &Settings, printer: &Printer) -> Result<Exit, CliError> {
    let loaded = settings.load()?;
    let state = read(&loaded, settings, printer)?;
    if state.is_empty() {
        return Err(nothing_applied(&settings.state_location(&Target::of(&loaded.config))?));
    }
    let outputs = outputs(&state, loaded.config.domino.fqdn);
    match args.format {
        Format::Json => printer.data(&format!("{:#}\n", serde_json::json!(outputs))),
        Format::Text => printer.data(&outputs.text()),
    }
    Ok(Exit::Done)
}

/// Reads the state, for commands that need nothing else of AWS; a state in a folder needs no credentials.
pub(super) fn read(loaded: &Loaded, settings: &Settings, printer: &Printer) -> Result<Document, CliError> {
    let place = settings.state_location(&Target::of(&loaded.config))?;
    let found = match &place {
        StateLocation::Folder(folder) => LocalStore::new(folder).load()?,
        StateLocation::Bucket { .. } => block_on(async {
            let (aws, store) = connect_store(&Target::of(&loaded.config), settings, printer).await?;
            let found = store.load().await?;
            Ok(found.map(|state| state_for(&aws, Some(state))).transpose()?)
        })?,
    };
    found.ok_or_else(|| nothing_applied(&place))
}

fn nothing_applied(place: &StateLocation) -> CliError {
    CliError::new(Exit::Failed, format!("nothing is applied yet: there is no state in `{place}`")).hint("`domino-eks apply` first")
}
