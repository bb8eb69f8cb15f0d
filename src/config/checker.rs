//! What every check works with: the merged file, the user's own tree (which has the positions), and the findings so far.

use super::diagnostics::Diagnostic;
use super::file::File;
use super::yaml::{Node, Position, Source};

/// Checks the merged file and collects what it finds.
pub(super) struct Checker<'a> {
    /// The user's file over its profile.
    pub(super) file: &'a File,
    user: &'a Node,
    source: &'a Source<'a>,
    findings: Vec<Diagnostic>,
}

impl<'a> Checker<'a> {
    /// Begins a check with the findings of the earlier passes.
    pub(super) fn new(file: &'a File, user: &'a Node, source: &'a Source<'a>, findings: Vec<Diagnostic>) -> Self {
        Self { file, user, source, findings }
    }

    /// All findings.
    pub(super) fn into_findings(self) -> Vec<Diagnostic> {
        self.findings
    }

    /// How many findings there are so far.
    pub(super) fn count(&self) -> usize {
        self.findings.len()
    }

    /// Whether the user's own file, not the profile, has something at a path.
    pub(super) fn given(&self, path: &[&str]) -> bool {
        let mut node = self.user;
        for step in path {
            match node.child(step) {
                Some((child, _)) if child.position != Position::PLACEHOLDER => node = child,
                _ => return false,
            }
        }
        true
    }

    /// Whether the user wrote something of a wrong type at a path; that is reported already.
    pub(super) fn has_wrong_type(&self, path: &[&str]) -> bool {
        let mut node = self.user;
        for step in path {
            match node.child(step) {
                Some((child, _)) => node = child,
                None => return false,
            }
        }
        node.position == Position::PLACEHOLDER
    }

    /// Records a broken rule at a path, or at the nearest thing above it that the user wrote.
    pub(super) fn refuse(&mut self, path: &[&str], rule: &'static str, message: impl Into<String>, help: impl Into<String>) {
        let finding = self.source.finding(self.position(path), rule, message, help);
        self.findings.push(finding);
    }

    /// As `refuse`, at the first of several paths that the user wrote.
    pub(super) fn refuse_first(&mut self, paths: &[&[&str]], rule: &'static str, message: impl Into<String>, help: impl Into<String>) {
        let path = paths.iter().find(|p| self.given(p)).or(paths.first()).copied().unwrap_or_default();
        self.refuse(path, rule, message, help);
    }

    /// As `refuse`, at the key instead of the value behind it.
    pub(super) fn refuse_key(&mut self, path: &[&str], rule: &'static str, message: impl Into<String>, help: impl Into<String>) {
        let finding = self.source.finding(self.key_position(path), rule, message, help);
        self.findings.push(finding);
    }

    fn position(&self, path: &[&str]) -> Position {
        let mut node = self.user;
        let mut key = Position::START;
        for step in path {
            match node.child(step) {
                Some((child, position)) if child.position != Position::PLACEHOLDER => (node, key) = (child, position),
                _ => return key,
            }
        }
        if node.is_collection() { key } else { node.position }
    }

    fn key_position(&self, path: &[&str]) -> Position {
        let mut node = self.user;
        let mut key = Position::START;
        for step in path {
            let Some((child, position)) = node.child(step) else {
                return key;
            };
            (node, key) = (child, position);
        }
        key
    }
}
