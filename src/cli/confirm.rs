//! Questions to the user before anything is changed.

use super::printer::Printer;
use crate::workflow::Refusal;
use std::io::{self, BufRead, IsTerminal};

/// Whether a question can be answered.
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal()
}

/// Reads a line on a thread of its own, so that a signal can end the wait.
async fn answer() -> String {
    let read = || {
        let mut line = String::new();
        // If the input ends or fails, the line is empty, which is not a consent.
        let _ = io::stdin().lock().read_line(&mut line);
        line.trim().to_owned()
    };
    tokio::task::spawn_blocking(read).await.unwrap_or_default()
}

/// A question that only `yes` answers.
pub(super) async fn yes(printer: &Printer, question: &str) -> Result<(), Refusal> {
    if !can_ask() {
        return Err(Refusal::NoTerminal("--yes".to_owned()));
    }
    printer.ask(&format!("{question} Type `yes` to continue:"));
    if answer().await == "yes" { Ok(()) } else { Err(Refusal::NotConfirmed) }
}

/// A question that only the cluster's name answers.
pub(super) async fn name(printer: &Printer, question: &str, name: &str) -> Result<(), Refusal> {
    if !can_ask() {
        return Err(Refusal::NoTerminal(format!("--confirm {name}")));
    }
    printer.ask(&format!("{question} Type the cluster's name to continue:"));
    check(&answer().await, name)
}

/// Refuses a name that is not the cluster's.
pub(super) fn check(typed: &str, name: &str) -> Result<(), Refusal> {
    if typed == name { Ok(()) } else { Err(Refusal::WrongName { typed: typed.to_owned(), name: name.to_owned() }) }
}
