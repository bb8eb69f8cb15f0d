//! The rules, one file for each part of the configuration. Each checks its part of the file and builds its part of the model.

mod config;
mod domino;
mod encryption;
mod existing_network;
mod identity;
mod kubernetes;
mod labels;
mod lists;
mod network;
mod pools;
mod storage;
mod subnets;
mod tags;

pub(super) use config::build_config;
#[cfg(test)]
pub(super) use identity::longest_excess;
