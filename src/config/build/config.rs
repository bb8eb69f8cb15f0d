//! Lays the user's file over its profile, checks all parts and builds the model.

use super::super::checker::Checker;
use super::super::diagnostics::Diagnostic;
use super::super::file::File;
use super::super::model::Config;
use super::super::names;
use super::super::profiles;
use super::super::yaml::{Node, Position, Source};
use super::domino::domino;
use super::encryption::encryption;
use super::identity::identity;
use super::kubernetes::kubernetes;
use super::network::network;
use super::pools::pools;
use super::storage::storage;
use super::tags::{tag_counts, tags};

/// Builds the configuration, or returns the findings of this and the earlier passes.
pub(in super::super) fn build_config(user: &Node, source: &Source<'_>, mut findings: Vec<Diagnostic>) -> Result<Config, Vec<Diagnostic>> {
    let user_values = user.to_json();
    let mut values = profiles::values(user_values["profile"].as_str().unwrap_or_default());
    profiles::overlay(&mut values, user_values);
    let file: File = match serde_json::from_value(values) {
        Ok(file) => file,
        Err(error) => {
            // The first pass has reported what does not fit its type; anything that it missed must still be reported.
            if findings.is_empty() {
                let help = "compare the file with the JSON schema";
                findings.push(source.finding(Position::START, "wrong-type", error.to_string(), help));
            }
            return Err(findings);
        }
    };
    // The order of zones in the file must not matter: otherwise a reordered list would move existing subnets.
    let mut sorted = file.clone();
    sorted.zones.sort();
    let mut checker = Checker::new(&file, user, source, findings);
    let config = build_parts(&mut checker, &sorted);
    let findings = checker.into_findings();
    debug_assert!(config.is_some() || !findings.is_empty(), "refused without a finding");
    match config {
        Some(config) if findings.is_empty() => Ok(config),
        _ => Err(findings),
    }
}

/// Builds all parts. The first one reports positions in the list of zones as it is in the file, so it needs the unsorted file; all others
/// work with the sorted zones.
fn build_parts<'a>(checker: &mut Checker<'a>, file: &'a File) -> Option<Config> {
    identity(checker);
    checker.file = file;
    tags(checker);
    let kubernetes = kubernetes(checker);
    let network = network(checker);
    let encryption = encryption(checker);
    let storage = storage(checker);
    let pools = pools(checker);
    tag_counts(checker, &pools);
    let domino = domino(checker);
    Some(Config {
        name: file.name.clone(),
        region: file.region.clone(),
        partition: names::partition(&file.region).to_owned(),
        profile: file.profile.as_str().to_owned(),
        zones: file.zones.clone(),
        lifecycle: file.lifecycle,
        protect: file.protect,
        state: file.state.clone(),
        tags: file.tags.clone(),
        network: network?,
        kubernetes: kubernetes?,
        encryption: encryption?,
        storage,
        pools,
        domino,
    })
}
