//! What is destroyed: the cluster of a configuration file, or one that is only named.

use crate::blueprint::blueprint;
use crate::cli::args::Which;
use crate::cli::exit::{CliError, Exit};
use crate::cli::session::Target;
use crate::cli::settings::{Loaded, Settings};
use crate::config::{self, model::Lifecycle};
use crate::resource::Desired;
use crate::state::Marks;

/// The cluster to destroy.
pub(in crate::cli) struct Subject {
    /// Its name.
    pub(in crate::cli) name: String,
    /// Its region.
    pub(in crate::cli) region: String,
    /// The configuration, when there is one.
    pub(in crate::cli) loaded: Option<Loaded>,
}

impl Subject {
    /// From the flags, else from the configuration file.
    pub(in crate::cli) fn of(which: &Which, settings: &Settings) -> Result<Self, CliError> {
        let Some(name) = &which.cluster else {
            let loaded = settings.load().map_err(|error| {
                error.hint("without a configuration, name the cluster: `domino-eks destroy --cluster NAME --region REGION`")
            })?;
            return Ok(Self { name: loaded.config.name.clone(), region: loaded.config.region.clone(), loaded: Some(loaded) });
        };
        let region = which.region.clone().ok_or_else(|| {
            CliError::new(Exit::Changes, "without a configuration, the region must be named")
                .hint("add `--region REGION`, or set AWS_REGION")
        })?;
        let faults = [("cluster name", name, config::name_fault(name)), ("region", &region, config::region_fault(&region))];
        if let Some((what, given, fault)) = faults.into_iter().find_map(|(what, given, fault)| Some((what, given, fault?))) {
            return Err(CliError::new(Exit::Changes, format!("`{given}` is no {what}: {fault}")));
        }
        Ok(Self { name: name.clone(), region, loaded: None })
    }

    /// Where to connect to.
    pub(in crate::cli) fn target(&self) -> Target<'_> {
        match &self.loaded {
            Some(loaded) => Target::of(&loaded.config),
            None => Target { name: &self.name, region: &self.region, partition: None, state: None },
        }
    }

    /// What the configuration names.
    pub(super) fn wanted(&self) -> Vec<Desired> {
        self.loaded.as_ref().map(|loaded| blueprint(&loaded.config).resources).unwrap_or_default()
    }

    /// What the configuration says about taking it down, and what it said when it was applied last.
    pub(super) fn marks(&self, recorded: Option<Marks>) -> Marks {
        let written = self
            .loaded
            .as_ref()
            .map(|loaded| Marks { protect: loaded.config.protect, ephemeral: loaded.config.lifecycle == Lifecycle::Ephemeral });
        let all = || written.into_iter().chain(recorded);
        // The stricter one counts: a file that was edited and not applied says nothing about what exists.
        Marks { protect: all().any(|marks| marks.protect), ephemeral: recorded.is_some() && all().all(|marks| marks.ephemeral) }
    }

    /// The flags that name the same cluster again.
    pub(super) fn flags(&self) -> String {
        match &self.loaded {
            Some(_) => String::new(),
            None => format!(" --cluster {} --region {}", self.name, self.region),
        }
    }
}
