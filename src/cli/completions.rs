//! `completions`: the completion script of a shell.

use super::args::{Cli, CompletionsArgs};
use super::exit::{CliError, Exit};
use super::printer::Printer;
use clap::CommandFactory;

pub(super) fn run(args: &CompletionsArgs, printer: &Printer) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "domino-eks", &mut script);
    printer.data(&String::from_utf8_lossy(&script));
    Ok(Exit::Done)
}
