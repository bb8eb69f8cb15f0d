//! `init`: a commented configuration to begin with.

use super::args::InitArgs;
use super::exit::{CliError, Exit};
use super::printer::Printer;
use super::settings::Settings;
use crate::config;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};

pub(super) fn run(args: &InitArgs, settings: &Settings, printer: &Printer) -> Result<Exit, CliError> {
    if !config::profile_names().contains(&args.profile.as_str()) {
        let known = config::profile_names().join(", ");
        return Err(CliError::new(Exit::Changes, format!("there is no profile `{}`", args.profile)).hint(format!("profiles: {known}")));
    }
    let zones = if args.zones.is_empty() { default_zones(args) } else { args.zones.clone() };
    let text = config::template(&args.profile, &args.name, &args.region, &zones);
    // What we write must be what we read.
    config::parse("the new configuration", text.as_bytes())?;
    let path = settings.file.display();
    let write =
        || OpenOptions::new().write(true).create_new(true).open(&settings.file).and_then(|mut file| file.write_all(text.as_bytes()));
    write().map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => CliError::new(Exit::Failed, format!("`{path}` exists already")).hint("name another file with `--file`"),
        _ => CliError::new(Exit::Failed, format!("`{path}`: {error}")),
    })?;
    printer.say(&format!("Wrote {path}. Next: `domino-eks plan --offline` shows what it makes, `domino-eks apply` makes it."));
    Ok(Exit::Done)
}

fn default_zones(args: &InitArgs) -> Vec<String> {
    let count = if args.profile == "single-az" { 1 } else { 3 };
    ["a", "b", "c"].iter().take(count).map(|letter| format!("{}{letter}", args.region)).collect()
}
