//! `init`: writes a commented configuration file.

use super::args::InitArgs;
use super::confirm;
use super::connect::{block_on, connect, warn_of_region};
use super::exit::{CliError, Exit};
use super::printer::Printer;
use super::settings::Settings;
use super::state_location::StateLocation;
use super::stop::Stop;
use crate::aws::{Aws, StateBucket};
use crate::blueprint::state_bucket as state_bucket_spec;
use crate::config::{self, Config};
use crate::engine::{Failure, FailureKind, Item, Provider};
use crate::resource::Desired;
use crate::state::{Objects, StateError};
use crate::workflow::Target;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// Attempts of the settings of a new bucket.
const CONFIGURE_ATTEMPTS: usize = 10;

pub(super) fn run(args: &InitArgs, settings: &Settings, printer: &Printer) -> Result<Exit, CliError> {
    if !config::profile_names().contains(&args.profile.as_str()) {
        let known = config::profile_names().join(", ");
        return Err(CliError::new(Exit::Changes, format!("there is no profile `{}`", args.profile)).hint(format!("profiles: {known}")));
    }
    let zones = if args.zones.is_empty() { default_zones(args) } else { args.zones.clone() };
    let state = settings.given_state().map(|state| seen_from(settings.beside(), state)).transpose()?;
    let text = config::template(&args.profile, &args.name, &args.region, &zones, state.as_deref());
    // The written file must be a valid configuration.
    let config = config::parse("the new configuration", text.as_bytes())?;
    let path = settings.file.display();
    if settings.file.exists() {
        return Err(exists(&path.to_string()));
    }
    match settings.state_location(&Target::of(&config))? {
        StateLocation::Bucket { bucket, .. } => block_on(state_bucket(args, &config, &bucket, settings, printer))?,
        StateLocation::Folder(_) => warn_of_region(&config.region, printer),
    }
    let write =
        || OpenOptions::new().write(true).create_new(true).open(&settings.file).and_then(|mut file| file.write_all(text.as_bytes()));
    write().map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => exists(&path.to_string()),
        _ => CliError::new(Exit::Failed, format!("`{path}`: {error}")),
    })?;
    printer.say(&format!("Wrote {path}. Next: `domino-eks plan --offline` shows what it creates, `domino-eks apply` creates it."));
    Ok(Exit::Done)
}

/// A state location as the file must name it: a relative path in the file is relative to its folder, in the flag to the current one.
fn seen_from(beside: &Path, place: &str) -> Result<String, CliError> {
    if place.contains("://") || place.trim().is_empty() || Path::new(place).is_absolute() || beside == Path::new("") {
        return Ok(place.to_owned());
    }
    let absolute =
        |path: &Path| std::path::absolute(path).map_err(|error| CliError::new(Exit::Failed, format!("`{}`: {error}", path.display())));
    let (folder, beside) = (absolute(Path::new(place))?, absolute(beside)?);
    let inside = folder.strip_prefix(&beside).ok().filter(|inside| *inside != Path::new(""));
    Ok(inside.unwrap_or(&folder).display().to_string())
}

fn default_zones(args: &InitArgs) -> Vec<String> {
    let count = if args.profile == "single-az" { 1 } else { 3 };
    ["a", "b", "c"].iter().take(count).map(|letter| format!("{}{letter}", args.region)).collect()
}

fn exists(path: &str) -> CliError {
    CliError::new(Exit::Failed, format!("`{path}` exists already")).hint("name another file with `--file`")
}

/// The bucket for the state: checked when it exists, created otherwise.
async fn state_bucket(args: &InitArgs, config: &Config, name: &str, settings: &Settings, printer: &Printer) -> Result<(), CliError> {
    let stop = Stop::listen(printer);
    let aws = stop.unless(connect(&Target::of(config), settings, printer)).await??;
    let bucket = StateBucket::new(&aws, name);
    let refused = |source| StateError::Remote { location: format!("s3://{name}"), source };
    if stop.unless(bucket.exists()).await?.map_err(refused)? {
        if bucket.is_unfinished().await.map_err(refused)? {
            let wanted = state_bucket_spec(config, name);
            configure(&aws, &existing(wanted, name), settings).await?;
        }
        bucket.check().await.map_err(refused)?;
        printer.say(&format!("The bucket `{name}` exists and is versioned."));
        return Ok(());
    }
    if !args.yes {
        let question = format!("There is no bucket `{name}` in {}. Create it: private, versioned, encrypted, TLS only?", config.region);
        stop.unless(confirm::yes(printer, &question)).await??;
    }
    make(&aws, state_bucket_spec(config, name), settings).await?;
    bucket.check().await.map_err(refused)?;
    printer.say(&format!("Created the bucket `{name}`. `destroy` does not delete it."));
    Ok(())
}

/// Creates the bucket and its settings.
async fn make(aws: &Aws, wanted: Desired, settings: &Settings) -> Result<(), CliError> {
    let name = wanted.spec["name"].as_str().unwrap_or_default().to_owned();
    let item = existing(wanted, &name);
    match aws.create(Item { id: String::new(), ..item.clone() }, String::new()).await {
        Err(failure) if failure.kind == FailureKind::Foreign => {
            let message = format!("the bucket `{name}` cannot be created: its name is taken, or you lack access to it");
            return Err(CliError::new(Exit::Credentials, message).hint("name another bucket with `--state`, or allow s3:ListBucket on it"));
        }
        created => created?,
    };
    Ok(configure(aws, &item, settings).await?)
}

fn existing(wanted: Desired, name: &str) -> Item {
    Item { address: wanted.address, spec: wanted.spec, tags: wanted.tags, id: name.to_owned(), attributes: BTreeMap::new() }
}

/// Configures the bucket, with retries because a new bucket may not be visible everywhere at once. Each setting is safe to repeat.
async fn configure(aws: &Aws, item: &Item, settings: &Settings) -> Result<(), Failure> {
    for _ in 0..CONFIGURE_ATTEMPTS {
        match aws.configure(item.clone()).await {
            Err(failure) if matches!(failure.kind, FailureKind::NotFound | FailureKind::NotYet) => {
                tokio::time::sleep(settings.time_scale.seconds(2.0)).await;
            }
            other => return other,
        }
    }
    aws.configure(item.clone()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_named_as_the_file_sees_it() {
        let here = |path: &str| std::path::absolute(path).unwrap().display().to_string();
        for (beside, given, written) in [
            ("", "sub/states", "sub/states".to_owned()),
            ("sub", "sub/states", "states".to_owned()),
            ("sub", "./sub/a/b", "a/b".to_owned()),
            ("sub", "states", here("states")),
            ("sub", "subs", here("subs")),
            ("sub", "sub", here("sub")),
            (&here("sub"), "sub/states", "states".to_owned()),
            ("sub", "/var/states", "/var/states".to_owned()),
            ("sub", "s3://bucket/prefix", "s3://bucket/prefix".to_owned()),
        ] {
            assert_eq!(seen_from(Path::new(beside), given).unwrap(), written, "{given} from {beside}");
        }
    }
}
