//! `man`: the manual page of all commands.

use super::args::Cli;
use super::exit::{CliError, Exit};
use super::printer::Printer;
use clap::{Command, CommandFactory};

pub(super) fn run(printer: &Printer) -> Result<Exit, CliError> {
    let mut page = Vec::new();
    let mut command = Cli::command();
    command.build();
    let failed = |error: std::io::Error| CliError::new(Exit::Failed, error.to_string());
    render(&command, "domino-eks", &mut page).map_err(failed)?;
    printer.data(&String::from_utf8_lossy(&page));
    Ok(Exit::Done)
}

/// A command and its subcommands.
fn render(command: &Command, title: &str, page: &mut Vec<u8>) -> std::io::Result<()> {
    clap_mangen::Man::new(command.clone()).title(title).render(page)?;
    let own = command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help");
    own.into_iter().try_for_each(|subcommand| render(subcommand, &format!("{title}-{}", subcommand.get_name()), page))
}
