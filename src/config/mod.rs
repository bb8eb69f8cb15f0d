//! The configuration room: from the bytes of `domino-eks.yaml` to a checked `model::Config`.
//!
//! The passes in their order: `yaml` parses into a tree with positions, `shape` checks keys and types against the JSON schema
//! generated from `file`, `build` lays the user's file over its profile and applies the rules while it builds the model.
//! Every pass adds to one list of findings, so that all of them are reported together. No I/O here.

mod build;
mod checker;
mod choices;
mod diagnostics;
mod file;
mod instance_types;
mod layout;
pub mod model;
mod names;
mod profiles;
mod schema;
mod shape;
mod suggestion;
mod template;
mod yaml;

#[cfg(test)]
mod tests;

pub use diagnostics::Diagnostics;
pub use model::Config;
pub use names::{check_cluster_name, check_region, check_state_location, unknown_region_hint};
pub use profiles::profile_names;
pub use template::template;

/// Reads a configuration file; `file_name` is what findings call it.
///
/// # Errors
/// All findings, in file order; an error in the YAML text itself is the only finding.
pub fn parse(file_name: &str, bytes: &[u8]) -> Result<Config, Diagnostics> {
    let text = yaml::text_of(file_name, bytes)?;
    let source = yaml::Source::new(file_name, text);
    let mut tree = yaml::parse(&source)?;
    if matches!(tree.content, yaml::Content::Null) {
        return Err(Diagnostics::one(source.finding(
            yaml::Position::START,
            "empty-file",
            "the file is empty",
            "write at least `name`, `region` and `zones`, or begin with `domino-eks init`",
        )));
    }
    let findings = shape::check(&mut tree, &source);
    build::build_config(&tree, &source, findings).map_err(Diagnostics::new)
}
