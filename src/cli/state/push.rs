//! `state push`: a saved document becomes the state again, unless that would lose something.

use crate::cli::args::PushArgs;
use crate::cli::confirm;
use crate::cli::connect::{block_on, connect_store};
use crate::cli::exit::{CliError, Exit};
use crate::cli::printer::Printer;
use crate::cli::settings::Settings;
use crate::cli::state_location::{Guard, Store};
use crate::cli::stop::Stop;
use crate::engine::Discovery;
use crate::state::{Document, FORMAT_VERSION, StateError, decode};
use crate::workflow::{Target, owner_mismatch};

pub(super) fn run(args: &PushArgs, settings: &Settings, printer: &Printer) -> Result<Exit, CliError> {
    let loaded = settings.load()?;
    let path = args.saved.display().to_string();
    let bytes = std::fs::read(&args.saved).map_err(|error| unfit(&format!("`{path}` cannot be read: {error}")))?;
    let pushed = decode(&bytes, &path).map_err(|error| undecodable(&path, error))?;
    block_on(async {
        let stop = Stop::listen(printer);
        let (aws, store) = stop.unless(connect_store(&Target::of(&loaded.config), settings, printer)).await??;
        if let Some(fault) = owner_mismatch(aws.connection(), aws.cluster(), &pushed) {
            return Err(unfit(&format!("the state in the file `{path}` {fault}")));
        }
        stop.locked(&store, "state push", printer, async |_: Guard| push(pushed, args, &store, &stop, printer).await).await
    })
}

async fn push(mut pushed: Document, args: &PushArgs, store: &Store, stop: &Stop, printer: &Printer) -> Result<Exit, CliError> {
    match store.load().await {
        Ok(None) => {}
        Ok(Some(standing)) if standing == pushed => {
            printer.say(&format!("{} is the same already.", store.location()));
            return Ok(Exit::Done);
        }
        Ok(Some(standing)) => refuse_loss(&pushed, &standing)?,
        Err(error @ (StateError::Damaged { .. } | StateError::Backwards { .. })) => {
            printer.always_if(!args.yes).say(&format!("The state there cannot be used: {error}."));
            if !args.yes {
                stop.unless(confirm::yes(printer, "Replace it with the file? What was recorded since the file was saved is lost."))
                    .await??;
            }
        }
        Err(error) => return Err(error.into()),
    }
    // The serial must also exceed those of all earlier documents in this location.
    pushed.serial = pushed.serial.max(store.highest_serial()) + 1;
    store.replace(&pushed).await?;
    printer.say(&format!("{} holds {} resources now (serial {}).", store.location(), pushed.resources.len(), pushed.serial));
    Ok(Exit::Done)
}

/// An error about the file, not about the stored state.
fn unfit(message: &str) -> CliError {
    CliError::new(Exit::Failed, message).hint(
        "name a file of this cluster that `domino-eks state pull` printed, or that a run left as `<cluster>.errored-state.json`; nothing was changed",
    )
}

fn undecodable(path: &str, error: StateError) -> CliError {
    match error {
        StateError::Damaged { source, .. } => unfit(&format!("the file `{path}` is damaged, or is not a saved state: {source}")),
        StateError::Moved { to, .. } => unfit(&format!("the file `{path}` contains no state, only a note that it was moved to `{to}`")),
        StateError::Newer { found, .. } => CliError::new(
            Exit::Failed,
            format!("the file `{path}` has format {found}, which is newer than this version of domino-eks knows ({FORMAT_VERSION})"),
        )
        .hint("use the newer domino-eks that wrote it; nothing was changed"),
        other => other.into(),
    }
}

fn refuse_loss(pushed: &Document, standing: &Document) -> Result<(), CliError> {
    if pushed.lineage != standing.lineage && !standing.is_empty() {
        let message = format!("the file has lineage {}, the stored state {}", pushed.lineage, standing.lineage);
        return Err(CliError::new(Exit::Failed, message).hint("they are states of two different clusters; nothing was changed"));
    }
    // Also refused with the same serial: the journal of an interrupted run may contain more than its document.
    if pushed.lineage == standing.lineage && pushed.serial <= standing.serial {
        let message = format!("the file has serial {}, the stored state already {}", pushed.serial, standing.serial);
        return Err(CliError::new(Exit::Failed, message)
            .hint("pushing it would forget what was done since; `domino-eks plan` shows whether anything is missing there, and finds it by its tags")
            .hint("nothing was changed"));
    }
    Ok(())
}
