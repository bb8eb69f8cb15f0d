//! `state unlock`: removes a lock whose holder is gone. A holder that is still running keeps it.

use crate::cli::args::UnlockArgs;
use crate::cli::confirm;
use crate::cli::connect::{block_on, connect_store};
use crate::cli::exit::{CliError, Exit};
use crate::cli::printer::Printer;
use crate::cli::settings::Settings;
use crate::cli::state_location::Guard;
use crate::cli::state_location::StateLocation;
use crate::cli::stop::Stop;
use crate::state::{LocalStore, StateError};
use crate::workflow::Target;

pub(super) fn run(args: &UnlockArgs, settings: &Settings, printer: &Printer) -> Result<Exit, CliError> {
    let loaded = settings.load()?;
    match settings.state_location(&Target::of(&loaded.config))? {
        StateLocation::Folder(folder) => match LocalStore::new(folder).holder() {
            // The operating system holds this lock, and frees it when the process ends.
            Some(holder) => Err(StateError::Locked { holder, remote: false }.into()),
            None => not_locked(printer),
        },
        StateLocation::Bucket { .. } => block_on(async {
            let stop = Stop::listen(printer);
            let (_, store) = stop.unless(connect_store(&Target::of(&loaded.config), settings, printer)).await??;
            let Some(holder) = stop.unless(store.holder()).await?? else { return not_locked(printer) };
            let who = holder.map_or_else(|| "an unknown holder (the lock's note cannot be read)".to_owned(), |holder| holder.to_string());
            printer.always_if(!args.yes).say(&format!("{} is locked by {who}.", store.location()));
            if !args.yes {
                stop.unless(confirm::yes(printer, "Remove the lock, if its holder gives no sign of life?")).await??;
            }
            // Taking the lock over waits until the holder is certainly gone, and fails when it is still running.
            stop.locked(&store, "state unlock", printer, async |_: Guard| Ok(())).await?;
            printer.say("Unlocked.");
            Ok(Exit::Done)
        }),
    }
}

fn not_locked(printer: &Printer) -> Result<Exit, CliError> {
    printer.say("The state is not locked.");
    Ok(Exit::Done)
}
