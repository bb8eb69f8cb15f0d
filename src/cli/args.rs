//! The command line as types. Scripts depend on its flags and exit codes, so they do not change.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// From one YAML file to an AWS account ready for a Domino Data Lab installation.
#[derive(Debug, Parser)]
#[command(
    name = "domino-eks",
    version,
    max_term_width = 110,
    after_help = "Exit codes: 0 done or no changes · 1 failed · 2 changes (plan --detailed-exitcode) or bad flags · \
3 invalid configuration · 4 AWS lacks what the configuration needs · 5 state locked · 6 no credentials, permission or connection · 7 refused because protected · \
130 interrupted.\n\nEnvironment: DOMINO_EKS_STATE stands for --state, AWS_REGION for --region beside --cluster; DOMINO_EKS_LOG filters the \
diagnostics, as in `domino_eks=debug`; credentials, profile and endpoint are those of the AWS CLI."
)]
pub struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Flags of every command.
#[derive(Debug, Args)]
pub(super) struct Global {
    /// Configuration file [default: domino-eks.yaml]
    // The default is not clap's, because it matters whether the flag was given.
    #[arg(short, long, global = true, value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
    /// Where the state is stored: a folder or s3://bucket/prefix; overrides the file [default: .domino-eks/<cluster> beside the configuration]
    #[arg(long, global = true, value_name = "PLACE", env = "DOMINO_EKS_STATE")]
    pub(super) state: Option<String>,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub(super) color: Color,
    /// Print only errors, data, and what a question refers to
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// Print diagnostics; twice to include those of the AWS SDK. DOMINO_EKS_LOG overrides both with a filter
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    pub(super) verbose: u8,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write a commented configuration file
    Init(InitArgs),
    /// Check the configuration offline
    Validate,
    /// Show what apply would do; writes nothing
    Plan(PlanArgs),
    /// Create and change resources until AWS matches the configuration
    Apply(ApplyArgs),
    /// Show what exists, its health, and what was changed outside of domino-eks
    Status(FormatArgs),
    /// Delete everything of a cluster and what Kubernetes left, and verify that nothing is left
    Destroy(DestroyArgs),
    /// Print the values that a Domino installation needs
    Outputs(FormatArgs),
    /// Manage the state: list, show, recover, unlock, push, pull, migrate
    #[command(subcommand)]
    State(StateCommand),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the manual page (roff)
    Man,
}

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// Profile whose defaults apply: multi-az, single-az, test or legacy
    #[arg(long, default_value = "multi-az", value_name = "PROFILE")]
    pub(super) profile: String,
    /// Cluster name
    #[arg(long)]
    pub(super) name: String,
    /// AWS region, such as us-west-2
    #[arg(long)]
    pub(super) region: String,
    /// Zones of the nodes, one or three [default: as many as the profile has, beginning with zone a]
    #[arg(long, value_delimiter = ',')]
    pub(super) zones: Vec<String>,
    /// Do not ask before a bucket for the state is created (with --state s3://…)
    #[arg(long, short)]
    pub(super) yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// Do not ask AWS: everything counts as new. Needs no credentials
    #[arg(long)]
    pub(super) offline: bool,
    /// Show what destroy would do
    #[arg(long, conflicts_with = "offline")]
    pub(super) destroy: bool,
    #[command(flatten)]
    pub(super) selector: ClusterSelector,
    /// Format of the plan
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// Exit with 2 when there are changes
    #[arg(long)]
    pub(super) detailed_exitcode: bool,
}

#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// Do not ask
    #[arg(long, short)]
    pub(super) yes: bool,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = ProgressMode::Auto)]
    pub(super) progress: ProgressMode,
}

#[derive(Debug, Args)]
pub(super) struct FormatArgs {
    /// Format of the output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
}

/// A cluster without a configuration file.
#[derive(Debug, Args)]
pub(super) struct ClusterSelector {
    /// Destroy a cluster without its configuration file; its resources are found in its state or, without one, by their tags
    #[arg(long, value_name = "NAME")]
    pub(super) cluster: Option<String>,
    /// With destroy and without a state: lineage of the resources to delete, when AWS shows those of several states
    #[arg(long, value_name = "UUID", value_parser = lineage)]
    pub(super) lineage: Option<String>,
    /// Region of that cluster [default: AWS_REGION]
    // Not `env`: AWS_REGION alone must not count as the flag, which is refused without `--cluster`.
    #[arg(long, value_name = "REGION")]
    pub(super) region: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct DestroyArgs {
    #[command(flatten)]
    pub(super) selector: ClusterSelector,
    /// Do not ask; without `--confirm` only for clusters with `lifecycle: ephemeral`
    #[arg(long, short)]
    pub(super) yes: bool,
    /// The cluster's name, given here instead of typed at the question
    #[arg(long, value_name = "NAME")]
    pub(super) confirm: Option<String>,
    /// Delete data permanently: buckets with their objects, the file system with its files and its recovery points in AWS Backup,
    /// the key, volumes and snapshots of persistent volume claims, log groups of agents
    #[arg(long, conflicts_with = "retain_data")]
    pub(super) delete_data: bool,
    /// Keep data (buckets, file system and recovery points, key, volumes and snapshots, log groups of agents) in AWS and in the state
    #[arg(long)]
    pub(super) retain_data: bool,
    /// Lift `protect: true` and AWS's own protection against deletion; requires the name, also for test environments
    #[arg(long)]
    pub(super) lift_protection: bool,
    /// Delete LoadBalancer Services and Ingresses through the Kubernetes API first; optional, and needs access to that API
    #[arg(long)]
    pub(super) drain_kubernetes: bool,
    /// Write what was found, deleted, kept and left as JSON
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = ProgressMode::Auto)]
    pub(super) progress: ProgressMode,
}

/// The commands on the state.
#[derive(Debug, Subcommand)]
pub(super) enum StateCommand {
    /// List what is recorded
    List(FormatArgs),
    /// Show one record in full, as JSON
    Show(ShowArgs),
    /// Rebuild a lost or damaged state from tags and names in AWS; changes nothing in AWS
    Recover(RecoverArgs),
    /// Remove a lock whose holder is gone
    Unlock(UnlockArgs),
    /// Print the state document
    Pull,
    /// Make a saved document the state again
    Push(PushArgs),
    /// Move the state to another location and leave a note in the old one
    Migrate(MigrateArgs),
}

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Address, such as vpc/main
    pub(super) address: String,
}

#[derive(Debug, Args)]
pub(super) struct RecoverArgs {
    /// Do not ask
    #[arg(long, short)]
    pub(super) yes: bool,
    /// Lineage of the state to rebuild, when resources were made under several
    #[arg(long, value_name = "UUID", value_parser = lineage)]
    pub(super) lineage: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct UnlockArgs {
    /// Do not ask
    #[arg(long, short)]
    pub(super) yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct PushArgs {
    /// File written by `state pull`, or left by a run that could not write its state
    // Not named `file`, because clap would mix it up with the global flag of that name.
    #[arg(value_name = "FILE")]
    pub(super) saved: PathBuf,
    /// Do not ask before a damaged state is replaced
    #[arg(long, short)]
    pub(super) yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct MigrateArgs {
    /// New location: a folder, or s3://bucket/prefix
    pub(super) to: String,
}

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// Shell to complete for
    pub(super) shell: clap_complete::Shell,
}

/// Format of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Text
    Text,
    /// JSON
    Json,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ProgressMode {
    /// Live on a terminal, lines otherwise
    Auto,
    /// One line for each step
    Plain,
    /// One JSON object for each line, on stdout
    Json,
}

/// A lineage as it is written in tags.
fn lineage(text: &str) -> Result<String, String> {
    let parsed = uuid::Uuid::try_parse(text);
    parsed.map(|uuid| uuid.to_string()).map_err(|_| "a lineage is a UUID like 2693aea3-eb53-4f28-9d86-f02a4b716755".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn a_lineage_is_a_uuid() {
        assert_eq!(lineage("2693AEA3-eb53-4f28-9d86-f02a4b716755").as_deref(), Ok("2693aea3-eb53-4f28-9d86-f02a4b716755"));
        assert!(lineage("none").unwrap_err().contains("is a UUID like"));
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
