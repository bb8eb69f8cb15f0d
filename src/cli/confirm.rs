//! Questions before anything is changed.

use super::exit::{CliError, Exit};
use super::printer::Printer;
use std::io::{self, BufRead, IsTerminal};

/// Whether a question can be answered.
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal()
}

fn answer() -> String {
    let mut line = String::new();
    // An input that ends or fails is no consent.
    let _ = io::stdin().lock().read_line(&mut line);
    line.trim().to_owned()
}

/// A question that only `yes` answers.
pub(super) fn yes(printer: &Printer, question: &str) -> Result<(), CliError> {
    if !can_ask() {
        return Err(CliError::new(Exit::Changes, "there is no terminal to ask on").hint("add `--yes` to go ahead without being asked"));
    }
    printer.ask(&format!("{question} Only `yes` goes on:"));
    if answer() == "yes" { Ok(()) } else { Err(CliError::new(Exit::Failed, "not confirmed; nothing was changed")) }
}

/// The cluster's name, typed.
pub(super) fn name(printer: &Printer, question: &str, name: &str) -> Result<(), CliError> {
    if !can_ask() {
        return Err(CliError::new(Exit::Changes, "there is no terminal to ask on")
            .hint(format!("add `--confirm {name}` to go ahead without being asked")));
    }
    printer.ask(&format!("{question} Type the cluster's name to go on:"));
    check(&answer(), name)
}

/// Whether the name is the right one.
pub(super) fn check(typed: &str, name: &str) -> Result<(), CliError> {
    if typed == name {
        return Ok(());
    }
    Err(CliError::new(Exit::Protected, format!("`{typed}` is not the cluster's name `{name}`; nothing was changed")))
}
