//! `validate`: checks the configuration offline.

use super::connect::warn_of_region;
use super::exit::{CliError, Exit};
use super::printer::Printer;
use super::settings::Settings;
use crate::blueprint::blueprint;
use crate::report::notes;

pub(super) fn run(settings: &Settings, printer: &Printer) -> Result<Exit, CliError> {
    let loaded = settings.load()?;
    let count = blueprint(&loaded.config).resources.len();
    let config = &loaded.config;
    warn_of_region(&config.region, printer);
    printer.say(&format!(
        "{} is valid: cluster {} in {} ({} {}), Kubernetes {}, {count} resources",
        settings.file.display(),
        config.name,
        config.region,
        config.zones.len(),
        if config.zones.len() == 1 { "zone" } else { "zones" },
        config.kubernetes.version
    ));
    notes(config).iter().for_each(|note| printer.say(&format!("  {note}")));
    Ok(Exit::Done)
}
