//! The only writer to stdout and stderr. Data goes to stdout, everything else to stderr.

use super::args::{Color, Global};
use super::command_hints::CommandHints;
use super::exit::CliError;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use std::io::{self, IsTerminal, Write};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default();

/// Writes all output.
#[derive(Debug, Clone)]
pub(super) struct Printer {
    choice: ColorChoice,
    quiet: bool,
    hints: CommandHints,
}

impl Printer {
    pub(super) fn new(global: &Global) -> Self {
        let choice = match global.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        Self { choice, quiet: global.quiet, hints: CommandHints::of(global) }
    }

    /// The same printer, but if `needed` it prints also with `--quiet`: for what a question or a refusal refers to.
    pub(super) fn always_if(&self, needed: bool) -> Self {
        Self { quiet: self.quiet && !needed, ..self.clone() }
    }

    /// The text with this run's file and state in the commands that it names.
    pub(super) fn complete(&self, text: &str) -> String {
        self.hints.complete(text)
    }

    /// Data, to stdout. A closed pipe is not an error.
    pub(super) fn data(&self, text: &str) {
        let mut out = AutoStream::new(io::stdout().lock(), self.choice);
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// A line for the user, to stderr; not printed with `--quiet`.
    pub(super) fn say(&self, text: &str) {
        if !self.quiet {
            self.always(text);
        }
    }

    /// A line that is printed also with `--quiet`: warnings and failures.
    pub(super) fn always(&self, text: &str) {
        let mut err = AutoStream::new(io::stderr().lock(), self.choice);
        let _ = writeln!(err, "{}", self.complete(text)).and_then(|()| err.flush());
    }

    /// A question without an end of line, to stderr.
    pub(super) fn ask(&self, text: &str) {
        let mut err = AutoStream::new(io::stderr().lock(), self.choice);
        let _ = write!(err, "{text} ").and_then(|()| err.flush());
    }

    /// An error with its hints.
    pub(super) fn error(&self, error: &CliError) {
        let head = if error.has_heading() { String::new() } else { format!("{ERROR}error{ERROR:#}: ") };
        self.always(&format!("{head}{}", error.message()));
        for hint in error.hints() {
            self.always(&format!("{HINT}hint{HINT:#}: {hint}"));
        }
    }

    /// Whether live progress can be drawn.
    pub(super) fn is_live(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }
}
