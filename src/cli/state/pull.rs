//! `state pull`: prints the state document to stdout.

use crate::cli::exit::{CliError, Exit};
use crate::cli::outputs::read;
use crate::cli::printer::Printer;
use crate::cli::settings::Settings;

pub(super) fn run(settings: &Settings, printer: &Printer) -> Result<Exit, CliError> {
    let state = read(&settings.load()?, settings, printer)?;
    let bytes = crate::state::encode(&state).map_err(|error| CliError::new(Exit::Failed, error.to_string()))?;
    printer.data(&String::from_utf8_lossy(&bytes));
    Ok(Exit::Done)
}
