//! The [`StateStore`] of the workflows: the state under its lock, and the file to which it is saved when it cannot be written.

use super::printer::Printer;
use super::rescue::{push_command, rescue};
use super::settings::Settings;
use super::state_location::{Guard, Store, Writer};
use super::stop::Stop;
use crate::state::{Document, StateError};
use crate::workflow::{RunWriter, StateStore};
use std::io;
use std::path::PathBuf;

/// A store whose lock is held.
pub(super) struct LockedStore {
    store: Store,
    guard: Guard,
    /// The folder of the configuration.
    beside: PathBuf,
    /// Where the state is, as a value of `--state`, when the run has no configuration file.
    bare: Option<String>,
    /// Saves unwritten entries at the second interrupt.
    stop: Stop,
    printer: Printer,
}

impl LockedStore {
    /// The store while its lock is held. `bare` is where the state is, when there is no configuration file.
    pub(super) fn new(store: &Store, guard: Guard, settings: &Settings, bare: Option<String>, stop: &Stop, printer: &Printer) -> Self {
        let beside = settings.beside().to_owned();
        Self { store: store.clone(), guard, beside, bare, stop: stop.clone(), printer: printer.clone() }
    }
}

impl StateStore for LockedStore {
    type Writer = Writer;

    fn location(&self) -> String {
        self.store.location()
    }

    async fn load(&self) -> Result<Option<Document>, StateError> {
        self.store.load().await
    }

    async fn begin(&self, document: Document) -> Result<Writer, StateError> {
        let writer = self.store.begin(document, &self.guard).await?;
        let (last, beside, bare, printer) = (writer.clone(), self.beside.clone(), self.bare.clone(), self.printer.clone());
        self.stop.rescue_with(move || {
            if !last.is_saved()
                && let Ok(path) = rescue(&last.document(), &beside)
            {
                printer.always(&format!("not everything was written; restore it with {}", push_command(&path, bare.as_deref())));
            }
        });
        Ok(writer)
    }

    fn check_lock(&self) -> Result<(), String> {
        self.guard.check_lock()
    }

    fn save_aside(&self, document: &Document) -> io::Result<PathBuf> {
        rescue(document, &self.beside)
    }
}

impl RunWriter for Writer {
    fn document(&self) -> Document {
        Writer::document(self)
    }

    async fn finish(&self) -> Result<Document, StateError> {
        Writer::finish(self).await
    }
}
