//! `status`: shows what exists, its health, and what was changed outside of domino-eks. Writes nothing.

use super::args::{Format, FormatArgs};
use super::connect::block_on;
use super::exit::{CliError, Exit};
use super::plan::open;
use super::printer::Printer;
use super::settings::Settings;
use crate::report::{status, status_text};

pub(super) fn run(args: &FormatArgs, settings: &Settings, printer: &Printer) -> Result<Exit, CliError> {
    let loaded = settings.load()?;
    let (session, _) = block_on(open(&loaded, settings, printer))?;
    let status = status(&session.state, &session.observed, &session.plan);
    match args.format {
        Format::Json => printer.data(&format!("{:#}\n", serde_json::json!(status))),
        Format::Text => printer.data(&printer.complete(&format!("\n{}", status_text(&status)))),
    }
    Ok(Exit::Done)
}
