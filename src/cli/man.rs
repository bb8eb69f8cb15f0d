//! `man`: the manual page of all commands.

use super::args::Cli;
use super::exit::{CliError, Exit};
use super::printer::Printer;
use clap::CommandFactory;

pub(super) fn run(printer: &Printer) -> Result<Exit, CliError> {
    let mut page = Vec::new();
    let mut command = Cli::command();
    command.build();
    let failed = |error: std::io::Error| CliError::new(Exit::Failed, error.to_string());
    clap_mangen::Man::new(command.clone()).render(&mut page).map_err(failed)?;
    for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
        let title = format!("domino-eks-{}", subcommand.get_name());
        clap_mangen::Man::new(subcommand.clone()).title(title).render(&mut page).map_err(failed)?;
    }
    printer.data(&String::from_utf8_lossy(&page));
    Ok(Exit::Done)
}
