//! The [`Ui`] of the workflows: the user at the terminal.

use super::args::ProgressMode;
use super::confirm;
use super::printer::Printer;
use super::progress;
use super::report_file::ReportFile;
use crate::engine::{Connection, Event, TimeScale};
use crate::report::{Volume, notice_lines};
use crate::workflow::destroy::TeardownRecord;
use crate::workflow::{Consent, Notice, Refusal, Ui};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

/// Prints notices, asks questions and shows progress.
pub(super) struct Terminal<'a> {
    pub(super) printer: &'a Printer,
    pub(super) progress: ProgressMode,
    pub(super) time_scale: TimeScale,
    /// Notes on the configuration.
    pub(super) notes: Vec<String>,
    /// The file of `--report`.
    pub(super) report: Option<ReportFile>,
}

impl Terminal<'_> {
    /// For a command that asks no questions and runs no plan.
    pub(super) fn silent(printer: &Printer, time_scale: TimeScale) -> Terminal<'_> {
        Terminal { printer, progress: ProgressMode::Plain, time_scale, notes: Vec::new(), report: None }
    }
}

impl Ui for Terminal<'_> {
    fn say(&self, notice: &Notice<'_>) {
        for (volume, text) in notice_lines(notice, &self.notes) {
            match volume {
                Volume::Normal => self.printer.say(&text),
                Volume::Always => self.printer.always(&text),
            }
        }
    }

    async fn ask(&self, question: &Consent<'_>) -> Result<(), Refusal> {
        match question {
            Consent::Apply { connection } => confirm::yes(self.printer, &format!("\nApply this to {}?", place(connection))).await,
            Consent::Destroy { connection, name } => {
                confirm::name(self.printer, &format!("\nDestroy all of this in {}?", place(connection)), name).await
            }
        }
    }

    fn show(&self, events: UnboundedReceiver<Event>) -> JoinHandle<()> {
        tokio::spawn(progress::show(events, self.progress, self.time_scale, self.printer.clone()))
    }

    fn note(&self, record: &TeardownRecord) {
        if let Some(Err(error)) = self.report.as_ref().map(|file| file.write(record)) {
            self.printer.always(&format!("warning: {}", error.message()));
        }
    }
}

fn place(connection: &Connection) -> String {
    let endpoint = connection.endpoint.as_deref().unwrap_or("AWS");
    format!("account {}, region {}, at {endpoint}", connection.account, connection.region)
}
