//! From the configuration to desired resources: pure functions, one file for each layer. No AWS, no I/O, no clock.
//!
//! What only AWS can tell (an image id, an add-on's default version) is a [`Lookup`]; specs refer to its key.

mod add_ons;
mod addresses;
mod control_plane;
mod documents;
mod identity;
mod lookup;
mod network;
mod node_pools;
mod resource_builder;
mod storage;
mod user_data;

#[cfg(test)]
mod tests;

pub use lookup::{Lookup, Question};

use crate::config::Config;
use crate::resource::Desired;
use resource_builder::ResourceBuilder;

/// Everything that a configuration asks for.
#[derive(Debug, Clone)]
pub struct Blueprint {
    /// The resources that should exist, in the order of creation.
    pub resources: Vec<Desired>,
    /// Questions to AWS whose answers the specs refer to; answers are pinned in the state.
    pub lookups: Vec<Lookup>,
}

/// Makes the blueprint of a configuration.
pub fn blueprint(config: &Config) -> Blueprint {
    let builder = ResourceBuilder::new(config);
    let parts =
        [network::resources, identity::resources, storage::resources, control_plane::resources, node_pools::resources, add_ons::resources];
    let mut resources: Vec<Desired> = parts.iter().flat_map(|part| part(&builder)).collect();
    resources.sort_by(|a, b| a.address.cmp(&b.address));
    let mut lookups: Vec<Lookup> =
        [network::lookups, node_pools::lookups, add_ons::lookups].iter().flat_map(|part| part(&builder)).collect();
    lookups.sort_by(|a, b| a.key.cmp(&b.key));
    lookups.dedup();
    Blueprint { resources, lookups }
}

/// The bucket that `init` creates for states.
pub fn state_bucket(config: &Config, name: &str) -> Desired {
    storage::state_bucket(&ResourceBuilder::new(config), name)
}
