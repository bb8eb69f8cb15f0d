//! The command line: one file for each command. Only this module prints ([`printer`]) and ends the process ([`exit`]).

mod apply;
mod args;
mod command_hints;
mod completions;
mod confirm;
mod connect;
mod destroy;
mod exit;
mod init;
mod locked_store;
mod man;
mod outputs;
mod plan;
mod printer;
mod progress;
mod report_file;
mod rescue;
mod settings;
mod state;
mod state_location;
mod status;
mod stop;
mod terminal;
mod validate;

pub use args::Cli;

use args::Command;
use clap::Parser;
use exit::CliError;
use printer::Printer;
use settings::Settings;
use std::process::ExitCode;

/// Reads the command line, runs the command, and turns its result into an exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let printer = Printer::new(&cli.global);
    start_log(cli.global.verbose);
    let result = Settings::new(&cli.global).and_then(|settings| run(cli.command, &settings, &printer));
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            printer.error(&error);
            error.exit().into()
        }
    }
}

fn run(command: Command, settings: &Settings, printer: &Printer) -> Result<exit::Exit, CliError> {
    match command {
        Command::Init(args) => init::run(&args, settings, printer),
        Command::Validate => validate::run(settings, printer),
        Command::Plan(args) => plan::run(&args, settings, printer),
        Command::Apply(args) => apply::run(&args, settings, printer),
        Command::Status(args) => status::run(&args, settings, printer),
        Command::Destroy(args) => destroy::run(&args, settings, printer),
        Command::Outputs(args) => outputs::run(&args, settings, printer),
        Command::State(command) => state::run(&command, settings, printer),
        Command::Completions(args) => completions::run(&args, printer),
        Command::Man => man::run(printer),
    }
}

/// Starts the diagnostics for developers, off by default. Messages for users are not sent through them.
fn start_log(verbose: u8) {
    let level = match verbose {
        0 => "warn,aws_config=error",
        1 => "domino_eks=debug,warn",
        _ => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("DOMINO_EKS_LOG").unwrap_or_else(|_| level.into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().log_internal_errors(false).init();
}
