//! `state`: commands that manage the state, one file for each.

mod list;
mod migrate;
mod pull;
mod push;
mod recover;
mod show;
mod unlock;

use super::args::StateCommand;
use super::exit::{CliError, Exit};
use super::printer::Printer;
use super::settings::Settings;

pub(super) fn run(command: &StateCommand, settings: &Settings, printer: &Printer) -> Result<Exit, CliError> {
    match command {
        StateCommand::List(args) => list::run(args, settings, printer),
        StateCommand::Show(args) => show::run(args, settings, printer),
        StateCommand::Recover(args) => recover::run(args, settings, printer),
        StateCommand::Unlock(args) => unlock::run(args, settings, printer),
        StateCommand::Pull => pull::run(settings, printer),
        StateCommand::Push(args) => push::run(args, settings, printer),
        StateCommand::Migrate(args) => migrate::run(args, settings, printer),
    }
}
