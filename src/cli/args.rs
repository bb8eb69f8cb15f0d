//! The command line as types. Its contract is fixed: scripts depend on it.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// From one YAML file to an AWS account ready for a Domino Data Lab installation.
#[derive(Debug, Parser)]
#[command(
    name = "domino-eks",
    version,
    max_term_width = 110,
    after_help = "Exit codes: 0 done or no changes · 1 failed · 2 changes (plan --detailed-exitcode) or bad flags · \
3 invalid configuration · 4 preflight failed · 5 state locked · 6 no credentials, permission or connection · 7 refused because protected · \
130 interrupted.\n\nEnvironment: DOMINO_EKS_STATE stands for --state, AWS_REGION for --region beside --cluster; DOMINO_EKS_LOG filters the \
diagnostics, as in `domino_eks=debug`; credentials, profile and endpoint as with every tool of AWS."
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
    // No default of clap's: whether it was given counts, wherever it stands.
    #[arg(short, long, global = true, value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
    /// Where the state lives, a folder or s3://bucket/prefix; overrides the file [default: .domino-eks/<cluster> beside the configuration]
    #[arg(long, global = true, value_name = "PLACE", env = "DOMINO_EKS_STATE")]
    pub(super) state: Option<String>,
    /// Colours in the output
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub(super) color: Color,
    /// Print errors and data only, and what a question is about
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// Print diagnostics; twice for all that the AWS SDK says. DOMINO_EKS_LOG filters more finely
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
    /// Write a commented configuration to begin with
    Init(InitArgs),
    /// Check the configuration offline
    Validate,
    /// Show what apply would do; writes nothing
    Plan(PlanArgs),
    /// Create and change until AWS is as the configuration says
    Apply(ApplyArgs),
    /// Show what exists, its health, and what was changed outside
    Status(FormatArgs),
    /// Remove everything of a cluster, also what Kubernetes left, and prove that nothing is left
    Destroy(DestroyArgs),
    /// Print what a Domino installation needs to know
    Outputs(FormatArgs),
    /// Look after the state: list, show, recover, unlock, push, pull, migrate
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
    /// Node zones, one or three [default: as many as the profile wants, from a]
    #[arg(long, value_delimiter = ',')]
    pub(super) zones: Vec<String>,
    /// Do not ask before a bucket for the state is made (with --state s3://…)
    #[arg(long, short)]
    pub(super) yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// Ask AWS nothing: everything is new. Needs no credentials
    #[arg(long)]
    pub(super) offline: bool,
    /// Show what destroy would do
    #[arg(long, conflicts_with = "offline")]
    pub(super) destroy: bool,
    #[command(flatten)]
    pub(super) selector: ClusterSelector,
    /// Form of the plan
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
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
}

/// A cluster without a configuration file.
#[derive(Debug, Args)]
pub(super) struct ClusterSelector {
    /// With destroy: a cluster without its configuration file. Its state tells what is its own where there is one, else its tags do
    #[arg(long, value_name = "NAME")]
    pub(super) cluster: Option<String>,
    /// With destroy and without a state: which of several states, when AWS shows things of more than one
    #[arg(long, value_name = "UUID", value_parser = lineage)]
    pub(super) lineage: Option<String>,
    /// Region of that cluster [default: AWS_REGION]
    // Not `env`: the variable alone is no word on the cluster.
    #[arg(long, value_name = "REGION")]
    pub(super) region: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct DestroyArgs {
    #[command(flatten)]
    pub(super) selector: ClusterSelector,
    /// Do not ask; without `--confirm` enough only for clusters with `lifecycle: ephemeral`
    #[arg(long, short)]
    pub(super) yes: bool,
    /// The cluster's name, instead of typing it
    #[arg(long, value_name = "NAME")]
    pub(super) confirm: Option<String>,
    /// Delete what holds data for good: buckets with their objects, the file system with its files and its recovery points in AWS Backup,
    /// the key, volumes and snapshots of claims, log groups of agents
    #[arg(long, conflicts_with = "retain_data")]
    pub(super) delete_data: bool,
    /// Keep what holds data (buckets, file system and recovery points, key, volumes and snapshots, log groups of agents); it stays in the state
    #[arg(long)]
    pub(super) retain_data: bool,
    /// Take off `protect: true` and AWS's own protection against deletion; wants the name, also of test environments
    #[arg(long)]
    pub(super) lift_protection: bool,
    /// Let the cluster delete its LoadBalancer Services and Ingresses first; needs its API, and is never necessary
    #[arg(long)]
    pub(super) drain_kubernetes: bool,
    /// Write what was found, deleted, kept and left as JSON
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = ProgressMode::Auto)]
    pub(super) progress: ProgressMode,
}

/// What to do with the state.
#[derive(Debug, Subcommand)]
pub(super) enum StateCommand {
    /// List what is recorded
    List(FormatArgs),
    /// Show one record in full, as JSON
    Show(ShowArgs),
    /// Build a lost or damaged state anew from tags and names in AWS; changes nothing in AWS
    Recover(RecoverArgs),
    /// Take away a lock whose holder is gone
    Unlock(UnlockArgs),
    /// Print the state document
    Pull,
    /// Make a saved document the state again
    Push(PushArgs),
    /// Move the state to another place and leave a note in the old one
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
    /// ClusterSelector state, when resources were made under several
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
    // Not `file`: that is the global flag, and clap would give one's value to the other.
    #[arg(value_name = "FILE")]
    pub(super) saved: PathBuf,
    /// Do not ask when what stands there is damaged
    #[arg(long, short)]
    pub(super) yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct MigrateArgs {
    /// New place: a folder, or s3://bucket/prefix
    pub(super) to: String,
}

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// Shell to complete for
    pub(super) shell: clap_complete::Shell,
}

/// Form of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ProgressMode {
    /// Live on a terminal, lines otherwise
    Auto,
    /// One line for each step
    Plain,
    /// One JSON object a line, on stdout
    Json,
}

/// A lineage as it stands in tags.
fn lineage(text: &str) -> Result<String, String> {
    let parsed = uuid::Uuid::try_parse(text);
    parsed.map(|uuid| uuid.to_string()).map_err(|_| "a lineage reads like 2693aea3-eb53-4f28-9d86-f02a4b716755".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn a_lineage_is_a_uuid() {
        assert_eq!(lineage("2693AEA3-eb53-4f28-9d86-f02a4b716755").as_deref(), Ok("2693aea3-eb53-4f28-9d86-f02a4b716755"));
        assert!(lineage("none").unwrap_err().contains("reads like"));
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
