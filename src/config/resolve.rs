//! The user's file over its profile, through all checks, into the model.

use super::checks;
use super::context::Context;
use super::diagnostics::Diagnostic;
use super::file::File;
use super::model::Config;
use super::names;
use super::profiles;
use super::yaml::{Node, Place, Source};

/// Builds the configuration, or returns the findings of this and the earlier passes.
pub(super) fn resolve(user: &Node, source: &Source<'_>, mut findings: Vec<Diagnostic>) -> Result<Config, Vec<Diagnostic>> {
    let user_values = user.to_json();
    let mut values = profiles::values(user_values["profile"].as_str().unwrap_or_default());
    profiles::overlay(&mut values, user_values);
    let file: File = match serde_json::from_value(values) {
        Ok(file) => file,
        Err(error) => {
            // The shape pass takes out what does not fit; what it let through is still said.
            if findings.is_empty() {
                let help = "compare the file with the JSON schema";
                findings.push(source.finding(Place::START, "wrong-type", error.to_string(), help));
            }
            return Err(findings);
        }
    };
    // The order of zones in the file must mean nothing: it would move subnets that exist.
    let mut sorted = file.clone();
    sorted.zones.sort();
    let mut cx = Context::new(&file, user, source, findings);
    let config = build(&mut cx, &sorted);
    let findings = cx.into_findings();
    debug_assert!(config.is_some() || !findings.is_empty(), "refused without a finding");
    match config {
        Some(config) if findings.is_empty() => Ok(config),
        _ => Err(findings),
    }
}

/// Runs every check; each builds its part of the model. The first one points into the list of zones as it stands in the
/// file, all others work with the sorted one.
fn build<'a>(cx: &mut Context<'a>, file: &'a File) -> Option<Config> {
    checks::identity(cx);
    cx.file = file;
    checks::tags(cx);
    let kubernetes = checks::kubernetes(cx);
    let network = checks::network(cx);
    let encryption = checks::encryption(cx);
    let storage = checks::storage(cx);
    let pools = checks::pools(cx);
    checks::tag_counts(cx, &pools);
    let domino = checks::domino(cx);
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
