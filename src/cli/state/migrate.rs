//! `state migrate`: moves the state between folders and buckets; a note stays in the old location.

use crate::aws::Aws;
use crate::cli::args::MigrateArgs;
use crate::cli::connect::{block_on, connect};
use crate::cli::exit::{CliError, Exit};
use crate::cli::printer::Printer;
use crate::cli::settings::Settings;
use crate::cli::state_location::StateLocation;
use crate::cli::state_location::{Guard, Store};
use crate::cli::stop::Stop;
use crate::state::{Document, StateError};
use crate::workflow::{Target, WorkflowError, state_for};
use std::path::Path;

pub(super) fn run(args: &MigrateArgs, settings: &Settings, printer: &Printer) -> Result<Exit, CliError> {
    let loaded = settings.load()?;
    let from = settings.state_location(&Target::of(&loaded.config))?;
    let to = StateLocation::parse(&args.to, Path::new(""), &loaded.config.name)?;
    if from == to {
        return Err(CliError::new(Exit::Changes, format!("the state is in `{to}` already")));
    }
    block_on(async {
        let stop = Stop::listen(printer);
        let aws = stop.unless(connect(&Target::of(&loaded.config), settings, printer)).await??;
        let (source, target) = (from.open(&aws, settings.time_scale), to.open(&aws, settings.time_scale));
        let address = address(&args.to)?;
        let moved = stop
            .locked(&source, "state migrate", printer, async |_: Guard| {
                // Before the new location is locked, so that nothing is written there when there is nothing to move.
                let document = standing(&aws, &source).await?;
                stop.locked(&target, "state migrate", printer, async |_: Guard| migrate(document, &source, &target, &address).await).await
            })
            .await?;
        printer.say(&format!("{moved} resources moved from {} to {}.", source.location(), target.location()));
        printer.say(&format!("Now set `state: {address}` in {}; the old location refers to the new one.", settings.file.display()));
        Ok(Exit::Done)
    })
}

/// The new location as an absolute path, or as an S3 URL.
fn address(to: &str) -> Result<String, CliError> {
    if to.starts_with("s3://") {
        return Ok(to.to_owned());
    }
    let path = std::path::absolute(to).map_err(|error| CliError::new(Exit::Failed, format!("`{to}`: {error}")))?;
    Ok(path.display().to_string())
}

async fn standing(aws: &Aws, source: &Store) -> Result<Document, CliError> {
    let found = source.load().await?;
    found
        .map(|state| state_for(aws, Some(state)))
        .transpose()
        .map_err(WorkflowError::from)?
        .ok_or_else(|| CliError::new(Exit::Failed, format!("there is no state in {}", source.location())).hint("nothing was changed"))
}

async fn migrate(mut document: Document, source: &Store, target: &Store, to: &str) -> Result<usize, CliError> {
    match target.load().await {
        Ok(None) | Err(StateError::Moved { .. }) => {}
        // An earlier move was interrupted before it wrote the note: the copy has the next serial, and was not changed since.
        Ok(Some(standing)) if standing.lineage == document.lineage && standing.serial <= document.serial + 1 => {}
        Ok(Some(_)) => {
            return Err(CliError::new(Exit::Failed, format!("there is a state in {} already", target.location()))
                .hint("name a location without one; nothing was changed"));
        }
        Err(error) => return Err(error.into()),
    }
    document.serial = document.serial.max(target.highest_serial()) + 1;
    target.replace(&document).await?;
    if target.load().await?.as_ref() != Some(&document) {
        return Err(CliError::new(Exit::Failed, format!("{} does not show what was written", target.location()))
            .hint("the state in its old location is unchanged"));
    }
    source.mark_moved(to).await.map_err(|error| {
        CliError::from(error).hint(format!(
            "both {} and {} hold the state now: run the same command again before any other",
            source.location(),
            target.location()
        ))
    })?;
    Ok(document.resources.len())
}
