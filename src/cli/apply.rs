//! `apply`: creates and changes resources until AWS matches the configuration.

use super::args::ApplyArgs;
use super::connect::{block_on, connect_store};
use super::exit::{CliError, Exit};
use super::locked_store::LockedStore;
use super::printer::Printer;
use super::settings::Settings;
use super::stop::Stop;
use super::terminal::Terminal;
use crate::report::notes;
use crate::workflow::apply::{Applying, apply};
use crate::workflow::{Context, Target};
use std::sync::Arc;

pub(super) fn run(args: &ApplyArgs, settings: &Settings, printer: &Printer) -> Result<Exit, CliError> {
    let loaded = settings.load()?;
    block_on(async {
        let stop = Stop::listen(printer);
        let (aws, store) = stop.unless(connect_store(&Target::of(&loaded.config), settings, printer)).await??;
        let ui = Terminal { printer, progress: args.progress, time_scale: settings.time_scale, notes: notes(&loaded.config), report: None };
        stop.locked(&store, "apply", printer, async |guard| {
            let store = LockedStore::new(&store, guard, settings, None, &stop, printer);
            let context =
                Context { provider: Arc::new(aws), store: &store, ui: &ui, interrupt: stop.interrupt(), time_scale: settings.time_scale };
            match apply(&context, &loaded, args.yes).await? {
                Applying::Unchanged => Ok(Exit::Done),
                Applying::Ran(outcome) => {
                    CliError::of_outcome(&outcome)?;
                    printer.say("Applied. `domino-eks outputs` prints what the Domino installation needs.");
                    Ok(Exit::Done)
                }
            }
        })
        .await
    })
}
