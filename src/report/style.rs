//! Colours of all texts. The printer removes them when the output is no terminal.

use anstyle::{AnsiColor, Style};

/// Additions.
pub(super) const ADD: Style = AnsiColor::Green.on_default();
/// Changes in place.
pub(super) const CHANGE: Style = AnsiColor::Yellow.on_default();
/// Deletions and refusals.
pub(super) const DANGER: Style = AnsiColor::Red.on_default();
/// Headings.
pub(super) const HEADING: Style = Style::new().bold();
/// Details of less importance.
pub(super) const FAINT: Style = Style::new().dimmed();

/// `text` in a style.
pub(super) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}
