//! `status`: what exists, its health, and what was changed outside. Writes nothing.

use super::args::{Format, FormatArgs};
use super::exit::{CliError, Exit};
use super::printer::Printer;
use super::session::{Session, Target, block_on, connect_store};
use super::settings::{Loaded, Settings};
use crate::report::{status, status_text};

pub(super) fn run(args: &FormatArgs, settings: &Settings, printer: &Printer) -> Result<Exit, CliError> {
    let loaded = settings.load()?;
    let session = block_on(open(&loaded, settings, printer))?;
    session.warn(printer);
    let status = status(&session.state, &session.observed, &session.plan);
    match args.format {
        Format::Json => printer.data(&format!("{:#}\n", serde_json::json!(status))),
        Format::Text => printer.data(&printer.complete(&format!("\n{}", status_text(&status)))),
    }
    Ok(Exit::Done)
}

async fn open(loaded: &Loaded, settings: &Settings, printer: &Printer) -> Result<Session, CliError> {
    let (aws, store) = connect_store(&Target::of(&loaded.config), settings, printer).await?;
    let found = store.load().await?;
    Session::open(aws, loaded, found).await
}
