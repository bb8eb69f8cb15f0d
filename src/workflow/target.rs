//! Which cluster a command is about: that of a configuration file, or one given by name and region.

use crate::blueprint::blueprint;
use crate::config::Config;
use crate::config::model::Lifecycle;
use crate::resource::Desired;
use crate::state::TeardownPolicy;

/// A configuration file, read and checked.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// SHA-256 of the file's bytes, in hexadecimal.
    pub hash: String,
}

/// Where to connect to, and where the state is.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Cluster name.
    pub name: &'a str,
    /// Its region.
    pub region: &'a str,
    /// The partition of the region, where a configuration gives it.
    pub partition: Option<&'a str>,
    /// Location of the state according to the configuration.
    pub state: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// The cluster of a configuration.
    pub fn of(config: &'a Config) -> Self {
        Self { name: &config.name, region: &config.region, partition: Some(&config.partition), state: config.state.as_deref() }
    }
}

/// What the configuration says about taking the cluster down.
pub fn teardown_policy(config: &Config) -> TeardownPolicy {
    TeardownPolicy { protect: config.protect, ephemeral: config.lifecycle == Lifecycle::Ephemeral }
}

/// The cluster to destroy.
#[derive(Debug, Clone)]
pub struct TeardownTarget {
    /// Its name.
    pub name: String,
    /// Its region.
    pub region: String,
    /// The configuration, when there is one.
    pub loaded: Option<Loaded>,
}

impl TeardownTarget {
    /// The cluster of a configuration.
    pub fn of(loaded: Loaded) -> Self {
        Self { name: loaded.config.name.clone(), region: loaded.config.region.clone(), loaded: Some(loaded) }
    }

    /// What the connection and the state's location are derived from.
    pub fn target(&self) -> Target<'_> {
        match &self.loaded {
            Some(loaded) => Target::of(&loaded.config),
            None => Target { name: &self.name, region: &self.region, partition: None, state: None },
        }
    }

    /// The desired resources of the configuration; none without one.
    pub(super) fn desired(&self) -> Vec<Desired> {
        self.loaded.as_ref().map(|loaded| blueprint(&loaded.config).resources).unwrap_or_default()
    }

    /// The stricter of the teardown policies in the file and in the configuration applied last: an edited file that was not applied
    /// says nothing about what exists.
    pub(super) fn policy(&self, recorded: Option<TeardownPolicy>) -> TeardownPolicy {
        let written = self.loaded.as_ref().map(|loaded| teardown_policy(&loaded.config));
        let all = || written.into_iter().chain(recorded);
        TeardownPolicy {
            protect: all().any(|policy| policy.protect),
            ephemeral: recorded.is_some() && all().all(|policy| policy.ephemeral),
        }
    }

    /// `lifecycle` of the configuration, where there is one.
    pub(super) fn lifecycle(&self) -> Option<Lifecycle> {
        self.loaded.as_ref().map(|loaded| loaded.config.lifecycle)
    }

    /// The flags that select the same cluster in a further command.
    pub fn flags(&self) -> String {
        match &self.loaded {
            Some(_) => String::new(),
            None => format!(" --cluster {} --region {}", self.name, self.region),
        }
    }
}
