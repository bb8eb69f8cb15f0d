//! `state recover`: a lost or damaged state, rebuilt from what AWS shows. Nothing in AWS is changed.

use crate::cli::args::RecoverArgs;
use crate::cli::confirm;
use crate::cli::connect::{block_on, connect_store};
use crate::cli::exit::{CliError, Exit};
use crate::cli::printer::Printer;
use crate::cli::settings::Settings;
use crate::cli::state_location::{Guard, Store};
use crate::cli::stop::Stop;
use crate::report::{duplicate_warnings, plan_text};
use crate::state::{Document, StateError};
use crate::workflow::recover::{Recovered, search};
use crate::workflow::{Target, WorkflowError, state_for};

/// Why a state needs to be rebuilt.
enum Lost {
    /// There is none at this location.
    Absent(String),
    /// It cannot be used.
    Unusable(StateError),
}

pub(super) fn run(args: &RecoverArgs, settings: &Settings, printer: &Printer) -> Result<Exit, CliError> {
    let loaded = settings.load()?;
    block_on(async {
        let stop = Stop::listen(printer);
        let (aws, store) = stop.unless(connect_store(&Target::of(&loaded.config), settings, printer)).await??;
        stop.locked(&store, "state recover", printer, async |_: Guard| {
            let Some(lost) = stop.unless(why_lost(&store, printer)).await?? else { return Ok(Exit::Done) };
            let blank = state_for(&aws, None).map_err(WorkflowError::from)?;
            let blank = Document { serial: store.highest_serial(), ..blank };
            let found = stop.unless(search(&aws, &loaded, &blank, args.lineage.as_deref())).await??;
            let shown = printer.always_if(!args.yes);
            show_lost(&lost, &shown);
            let Some(found) = found else { return nothing_found(&store, &lost, args, &stop, printer, blank).await };
            show(&found, &shown);
            if !args.yes {
                stop.unless(confirm::yes(printer, "\nWrite this as the state? Nothing in AWS is changed.")).await??;
            }
            write(&store, found.state, printer).await
        })
        .await
    })
}

/// Why the state needs to be rebuilt; nothing when it does not.
async fn why_lost(store: &Store, printer: &Printer) -> Result<Option<Lost>, CliError> {
    match store.load().await {
        Ok(Some(state)) if !state.is_empty() => {
            printer.say(&format!(
                "{} is intact: {} resources, nothing to recover. `domino-eks apply` adopts what carries our tags and is not in it.",
                store.location(),
                state.resources.len()
            ));
            Ok(None)
        }
        Ok(_) => Ok(Some(Lost::Absent(store.location()))),
        Err(error @ (StateError::Damaged { .. } | StateError::Backwards { .. })) => Ok(Some(Lost::Unusable(error))),
        Err(error) => Err(error.into()),
    }
}

fn show_lost(lost: &Lost, printer: &Printer) {
    match lost {
        Lost::Absent(place) => printer.say(&format!("\nThere is no state in {place}.")),
        Lost::Unusable(error) => printer.say(&format!("\nLost: {error}.")),
    }
}

fn show(found: &Recovered, printer: &Printer) {
    let state = &found.state;
    printer.say(&format!("AWS shows {} resources of it (lineage {}):\n", state.resources.len(), state.lineage));
    let width = state.resources.keys().map(|address| address.to_string().len()).max().unwrap_or_default();
    for (address, record) in &state.resources {
        printer.say(&format!("  {address:<width$}  {}", record.id, address = address.to_string()));
    }
    duplicate_warnings(&found.duplicates).iter().for_each(|warning| printer.always(warning));
    printer.say("\nIf a run has died within the last two minutes, wait and run this again: what it created last may not be listed yet.");
    let outlook = plan_text(&found.plan);
    printer.say(&format!("With this state, `domino-eks plan` would say: {}", outlook.trim_end().lines().last().unwrap_or_default()));
}

/// Nothing in AWS carries our tags: a damaged state is replaced with an empty one.
async fn nothing_found(
    store: &Store,
    lost: &Lost,
    args: &RecoverArgs,
    stop: &Stop,
    printer: &Printer,
    blank: Document,
) -> Result<Exit, CliError> {
    printer.always_if(!args.yes).say("AWS shows nothing that carries this cluster's tags.");
    if matches!(lost, Lost::Absent(_)) {
        return Ok(Exit::Done);
    }
    if !args.yes {
        stop.unless(confirm::yes(printer, "\nReplace the damaged state with an empty one?")).await??;
    }
    write(store, blank, printer).await
}

async fn write(store: &Store, mut state: Document, printer: &Printer) -> Result<Exit, CliError> {
    state.serial += 1;
    store.replace(&state).await?;
    printer.say(&format!(
        "{} holds {} resources now. `domino-eks plan` shows what is left to do.",
        store.location(),
        state.resources.len()
    ));
    Ok(Exit::Done)
}
