//! What is destroyed: the cluster of a configuration file, or one that is only named.

use crate::blueprint::blueprint;
use crate::cli::args::Which;
use crate::cli::exit::{CliError, Exit};
use crate::cli::session::Target;
use crate::cli::settings::{Loaded, Settings};
use crate::config::{self, model::Lifecycle};
use crate::resource::Desired;
use crate::state::{StateError, TeardownPolicy};

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
            refuse_region_alone(which)?;
            let loaded = settings.load().map_err(|error| {
                error.hint("without a configuration, name the cluster: `domino-eks destroy --cluster NAME --region REGION`")
            })?;
            return Ok(Self { name: loaded.config.name.clone(), region: loaded.config.region.clone(), loaded: Some(loaded) });
        };
        if settings.file_given {
            return Err(CliError::new(Exit::Changes, "`--cluster` and `--file` exclude each other; nothing was changed")
                .hint("`--cluster NAME --region REGION` is for a cluster without its configuration; with the file, leave it out"));
        }
        let region = which.region.clone().or_else(region_of_environment).ok_or_else(|| {
            CliError::new(Exit::Changes, "without a configuration, the region must be named")
                .hint("add `--region REGION`, or set AWS_REGION")
        })?;
        let checks = [("cluster name", name, config::check_cluster_name(name)), ("region", &region, config::check_region(&region))];
        if let Some((what, given, problem)) = checks.into_iter().find_map(|(what, given, check)| Some((what, given, check.err()?))) {
            return Err(CliError::new(Exit::Changes, format!("`{given}` is no {what}: {problem}")).hint("nothing was changed"));
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

    /// A state that cannot be used. `state recover` needs a configuration; without one, tags do.
    pub(super) fn without_that_state(&self, error: StateError) -> CliError {
        match (&self.loaded, &error) {
            (None, StateError::Damaged { .. } | StateError::Backwards { .. }) => CliError::new(Exit::Failed, error.to_string())
                .hint("name an empty folder with `--state`: everything of the cluster is then found by its tags; nothing was changed"),
            _ => error.into(),
        }
    }

    /// What the configuration names.
    pub(super) fn wanted(&self) -> Vec<Desired> {
        self.loaded.as_ref().map(|loaded| blueprint(&loaded.config).resources).unwrap_or_default()
    }

    /// What the configuration says about taking it down, and what it said when it was applied last.
    pub(super) fn teardown_policy(&self, recorded: Option<TeardownPolicy>) -> TeardownPolicy {
        let written = self
            .loaded
            .as_ref()
            .map(|loaded| TeardownPolicy { protect: loaded.config.protect, ephemeral: loaded.config.lifecycle == Lifecycle::Ephemeral });
        let all = || written.into_iter().chain(recorded);
        // The stricter one counts: a file that was edited and not applied says nothing about what exists.
        TeardownPolicy {
            protect: all().any(|policy| policy.protect),
            ephemeral: recorded.is_some() && all().all(|policy| policy.ephemeral),
        }
    }

    /// The flags that name the same cluster again.
    pub(super) fn flags(&self) -> String {
        match &self.loaded {
            Some(_) => String::new(),
            None => format!(" --cluster {} --region {}", self.name, self.region),
        }
    }
}

/// A region that is named but not used would deceive: the file has its own.
pub(in crate::cli) fn refuse_region_alone(which: &Which) -> Result<(), CliError> {
    if which.region.is_none() {
        return Ok(());
    }
    Err(CliError::new(
        Exit::Changes,
        "`--region` goes with `--cluster NAME`: a configuration file names its own region; nothing was changed",
    )
    .hint("leave `--region` out, or name the cluster with `--cluster`"))
}

fn region_of_environment() -> Option<String> {
    std::env::var("AWS_REGION").ok().filter(|region| !region.is_empty())
}
