//! domino-eks: from one YAML file to an AWS account ready for a Domino Data Lab installation.
//!
//! ```text
//! domino-eks.yaml ─ config ─▶ blueprint ─▶ desired resources ┐
//!                                                            ├─▶ plan ─▶ apply ─▶ state ─▶ outputs
//! AWS ──────────────── observe (bulk, by kind) ─▶ observed ──┘          │
//!                                                                       └─▶ events ─▶ progress, JSON lines
//! ```
//!
//! | Module | Holds | May use |
//! |---|---|---|
//! | [`resource`] | addresses, kinds and their facts, specs, references | nothing |
//! | [`config`] | the YAML file: types, profiles, checks, schema | – |
//! | [`blueprint`] | pure functions from the configuration to desired resources | `config`, `resource` |
//! | [`state`] | the state document, its journal, the local and the remote store and their locks | `resource` |
//! | [`engine`] | diff, plan, graph, scheduler, events, and the traits for AWS | `resource`, `state` (the document), `blueprint` (its look-ups) |
//! | [`aws`] | everything that names an AWS SDK crate; one file a kind | `resource`, `engine` (the provider's trait), `state` (the bucket's trait), `blueprint` (its look-ups), `config` (the model) |
//! | [`workflow`] | what a command does: plan, apply, destroy, recover; over traits for AWS, the state and the user | `config` (the model), `blueprint`, `engine`, `resource`, `state` |
//! | [`report`] | plan, status and outputs as text and JSON; progress lines | `config` (the model), `engine`, `resource`, `state`, `workflow` |
//! | [`cli`] | one file for each command; the only module that prints | all |

mod aws;
mod blueprint;
mod cli;
mod config;
mod engine;
mod report;
mod resource;
mod state;
mod workflow;

/// Runs the command line of this process; its exit code.
pub fn main() -> std::process::ExitCode {
    cli::main()
}
