//! Questions before anything is changed.

use super::exit::{CliError, Exit};
use super::printer::Printer;
use std::io::{self, BufRead, IsTerminal};

/// Whether a question can be answered.
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal()
}

/// Read on a thread of its own, so that a signal is heard meanwhile.
async fn answer() -> String {
    let read = || {
        let mut line = String::new();
        // An input that ends or fails is no consent.
        let _ = io::stdin().lock().read_line(&mut line);
        line.trim().to_owned()
    };
    tokio::task::spawn_blocking(read).await.unwrap_or_default()
}

/// A question that only `yes` answers.
pub(super) async fn yes(printer: &Printer, question: &str) -> Result<(), CliError> {
    if !can_ask() {
        return Err(CliError::new(Exit::Changes, "there is no terminal to ask on").hint("add `--yes` to go ahead without being asked"));
    }
    printer.ask(&format!("{question} Only `yes` goes on:"));
    if answer().await == "yes" { Ok(()) } else { Err(CliError::new(Exit::Failed, "not confirmed; nothing was changed")) }
}

/// The cluster's name, typed.
pub(super) async fn name(printer: &Printer, question: &str, name: &str) -> Result<(), CliError> {
    if !can_ask() {
        return Err(CliError::new(Exit::Changes, "there is no terminal to ask on")
            .hint(format!("add `--confirm {name}` to go ahead without being asked")));
    }
    printer.ask(&format!("{question} Type the cluster's name to go on:"));
    check(&answer().await, name)
}

/// Whether the name is the right one.
pub(super) fn check(typed: &str, name: &str) -> Result<(), CliError> {
    if typed == name {
        return Ok(());
    }
    Err(CliError::new(Exit::Protected, format!("`{typed}` is not the cluster's name `{name}`; nothing was changed")))
}
