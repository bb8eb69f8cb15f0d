//! Flags, environment and file locations, resolved once before a command runs.

use super::args::Global;
use super::exit::{CliError, Exit};
use super::state_location::StateLocation;
use crate::config;
use crate::engine::TimeScale;
use crate::workflow::{Loaded, Target};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The configuration file when no flag names one.
const DEFAULT_FILE: &str = "domino-eks.yaml";
/// Factor on all waits, for tests against a local AWS (CONTRIBUTING.md).
const TIME_SCALE: &str = "DOMINO_EKS_TIME_SCALE";
/// Largest number of bytes read of a configuration file; `config` refuses files far smaller than that.
const MOST_BYTES: u64 = 4 << 20;

/// What every command needs to know.
#[derive(Debug)]
pub(super) struct Settings {
    /// Configuration file.
    pub(super) file: PathBuf,
    /// Whether a flag named it.
    pub(super) file_given: bool,
    /// Location of the state given by flag or environment.
    state: Option<String>,
    /// Length of a second.
    pub(super) time_scale: TimeScale,
}

impl Settings {
    pub(super) fn new(global: &Global) -> Result<Self, CliError> {
        let time_scale = match std::env::var(TIME_SCALE) {
            Err(_) => TimeScale::REAL,
            Ok(text) => text.parse().ok().and_then(TimeScale::scaled).ok_or_else(|| {
                CliError::new(Exit::Changes, format!("{TIME_SCALE} is `{text}`"))
                    .hint("it is a factor between 0.0001 and 1, for tests against a local AWS")
            })?,
        };
        let file = global.file.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
        Ok(Self { file, file_given: global.file.is_some(), state: global.state.clone(), time_scale })
    }

    /// Reads and checks the configuration.
    pub(super) fn load(&self) -> Result<Loaded, CliError> {
        let unreadable = |error: std::io::Error| {
            CliError::new(Exit::Configuration, format!("`{}`: {error}", self.file.display()))
                .hint("name the file with `--file`, or write one with `domino-eks init`")
        };
        let mut bytes = Vec::new();
        fs::File::open(&self.file).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes)).map_err(unreadable)?;
        let config = config::parse(&self.file.display().to_string(), &bytes)?;
        let hash = format!("{:x}", Sha256::digest(&bytes));
        Ok(Loaded { config, hash })
    }

    /// Where the cluster's state is stored: given by the flag, else by the file, else beside the configuration.
    pub(super) fn state_location(&self, target: &Target<'_>) -> Result<StateLocation, CliError> {
        let beside = self.beside();
        match (&self.state, target.state) {
            (Some(given), _) => StateLocation::parse(given, Path::new(""), target.name),
            (None, Some(written)) => StateLocation::parse(written, beside, target.name),
            (None, None) => Ok(StateLocation::Folder(beside.join(".domino-eks").join(target.name))),
        }
    }

    /// The folder of the configuration file.
    pub(super) fn beside(&self) -> &Path {
        self.file.parent().unwrap_or_else(|| Path::new(""))
    }

    /// Where the state is stored without a configuration, as a value of `--state`.
    pub(super) fn place_as_given(&self, cluster: &str) -> String {
        self.state.clone().unwrap_or_else(|| format!(".domino-eks/{cluster}"))
    }

    /// The location given by flag or environment.
    pub(super) fn given_state(&self) -> Option<&str> {
        self.state.as_deref()
    }
}
