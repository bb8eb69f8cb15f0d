//! What is wrong with a configuration file: where, which rule, and what to do about it.

use serde::Serialize;
use std::fmt;

/// One finding in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Name of the file as the user gave it.
    pub file: String,
    /// Line of the finding, from 1.
    pub line: usize,
    /// Column of the finding in characters, from 1.
    pub column: usize,
    /// Stable code: a requirement ID (`POOL-5`) or a short name (`aws-name-limit`).
    pub rule: &'static str,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// The beginning of the source line, for the snippet.
    #[serde(skip)]
    pub(super) source: String,
    /// How many characters to underline.
    #[serde(skip)]
    pub(super) width: usize,
}

/// Wide lines are cut in the snippet; the position still tells where the finding is.
pub(super) const SNIPPET_COLUMNS: usize = 160;

impl fmt::Display for Diagnostic {
    /// A snippet as rustc prints it: message, position, source line with caret, help.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error[{}]: {}", self.rule, self.message)?;
        let gutter = self.line.to_string().len();
        writeln!(f, "{:gutter$}--> {}:{}:{}", "", self.file, self.line, self.column)?;
        if self.column <= SNIPPET_COLUMNS && !self.source.trim().is_empty() {
            let shown = self.source.trim_end();
            // Tabs are kept in the line below, so that the caret is where the terminal puts the text.
            let indent: String = shown.chars().take(self.column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            let room = shown.chars().count().saturating_sub(self.column - 1);
            let carets = "^".repeat(self.width.min(room).max(1));
            writeln!(f, "{:gutter$} |", "")?;
            writeln!(f, "{} | {shown}", self.line)?;
            writeln!(f, "{:gutter$} | {indent}{carets}", "")?;
        }
        write!(f, "{:gutter$} = help: {}", "", self.help)
    }
}

/// Everything that is wrong with a configuration file, in file order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Sorts findings into file order and drops repetitions.
    pub(super) fn new(mut findings: Vec<Diagnostic>) -> Self {
        findings.sort_by_key(|d| (d.line, d.column));
        findings.dedup();
        Self(findings)
    }

    /// A finding after which the file is not read further.
    pub(super) fn one(finding: Diagnostic) -> Self {
        Self(vec![finding])
    }

    /// The findings in file order.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// How many findings there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, finding) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n\n")?;
            }
            write!(f, "{finding}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}
