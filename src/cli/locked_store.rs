//! The [`StateStore`] of the workflows: the state under its lock, and the file to which it is saved when it cannot be written.

use super::printer::Printer;
use super::rescue::{push_command, rescue};
use super::state_location::{Guard, Store, Writer};
use super::stop::Stop;
use crate::state::{Document, StateError};
use crate::workflow::{RunWriter, StateStore};
use std::io;
use std::path::PathBuf;

/// A store whose lock is held.
pub(super) struct LockedStore {
    pub(super) store: Store,
    pub(super) guard: Guard,
    /// The folder of the configuration.
    pub(super) beside: PathBuf,
    /// Where the state is, as a value of `--state`, when the run has no configuration file.
    pub(super) bare: Option<String>,
    /// Saves unwritten entries at the second interrupt.
    pub(super) stop: Stop,
    pub(super) printer: Printer,
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
