//! `outputs`: what a Domino installation needs to know, from the state alone.

use super::args::{Format, FormatArgs};
use super::exit::{CliError, Exit};
use super::place::Place;
use super::printer::Printer;
use super::session::{Target, block_on, connect_store, state_for};
use super::settings::{Loaded, Settings};
use crate::report::outputs;
use crate::state::{Document, LocalStore};

pub(super) fn run(args: &FormatArgs, settings: &Settings, printer: &Printer) -> Result<Exit, CliError> {
    let loaded = settings.load()?;
    let state = read(&loaded, settings, printer)?;
    let outputs = outputs(&state, loaded.config.domino.fqdn);
    match args.format {
        Format::Json => printer.data(&format!("{:#}\n", serde_json::json!(outputs))),
        Format::Text => printer.data(&outputs.text()),
    }
    Ok(Exit::Done)
}

/// The state alone, for commands that ask AWS nothing else; a folder needs no credentials.
pub(super) fn read(loaded: &Loaded, settings: &Settings, printer: &Printer) -> Result<Document, CliError> {
    let place = settings.place(&Target::of(&loaded.config))?;
    let found = match &place {
        Place::Folder(folder) => LocalStore::new(folder).load()?,
        Place::Bucket { .. } => block_on(async {
            let (aws, store) = connect_store(&Target::of(&loaded.config), settings, printer).await?;
            let found = store.load().await?;
            found.map(|state| state_for(&aws, Some(state))).transpose()
        })?,
    };
    found.filter(|state| !state.is_empty()).ok_or_else(|| {
        CliError::new(Exit::Failed, format!("nothing is applied yet: there is no state in `{place}`")).hint("`domino-eks apply` first")
    })
}
