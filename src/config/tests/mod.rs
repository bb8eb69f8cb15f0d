//! Tests of the configuration room: every rule refused at its position, every boundary accepted.

mod cluster;
mod network;
mod pools;
mod profiles;
mod properties;
mod reading;
mod schema;
mod tags;

use super::diagnostics::Diagnostic;
use super::{Config, Diagnostics, parse};

/// Marks where the one finding must point in a test file.
const MARK: char = '§';

/// A good file with three zones, and more lines.
fn three(more: &str) -> String {
    format!("name: demo\nregion: us-west-2\nzones: [us-west-2a, us-west-2b, us-west-2c]\n{}", dedent(more))
}

/// A good file with one zone, and more lines.
fn one(more: &str) -> String {
    format!("name: demo\nregion: us-west-2\nzones: [us-west-2a]\n{}", dedent(more))
}

/// Removes the indentation of the first line from all lines, so that YAML can be indented in a test.
fn dedent(text: &str) -> String {
    let text = text.strip_prefix('\n').unwrap_or(text);
    let indent = text.len() - text.trim_start_matches(' ').len();
    let bare = |line: &'_ str| line.get(indent..).unwrap_or_default().to_owned();
    text.lines().map(bare).collect::<Vec<_>>().join("\n")
}

/// The configuration of a file that must be good.
fn accepted(text: &str) -> Config {
    parse("test.yaml", text.as_bytes()).unwrap_or_else(|findings| panic!("refused:\n{findings}"))
}

/// All findings of a file that must be bad.
fn findings(text: &str) -> Diagnostics {
    parse("test.yaml", text.as_bytes()).expect_err("the file was accepted")
}

/// Rules of all findings, in file order.
fn rules(text: &str) -> Vec<&'static str> {
    findings(text).iter().map(|f| f.rule).collect()
}

/// The one finding of a file, which must be of this rule and at the mark.
fn refused(marked: &str, rule: &str) -> Diagnostic {
    let at = marked.find(MARK).expect("the test's file has no mark");
    let before = &marked[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let all = findings(&marked.replace(MARK, ""));
    let found = all.iter().next().cloned().expect("no finding");
    assert_eq!(all.len(), 1, "more than one finding:\n{all}");
    assert_eq!((found.rule, found.line, found.column), (rule, line, column), "{found}");
    assert!(!found.help.is_empty() && !found.message.contains('\n'), "{found}");
    found
}

/// As `refused`, and the message or help must contain these words.
fn refused_saying(marked: &str, rule: &str, words: &str) {
    let found = refused(marked, rule);
    let said = format!("{}\n{}", found.message, found.help);
    assert!(said.contains(words), "`{words}` is not said by:\n{found}");
}
