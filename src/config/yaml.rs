//! From bytes to a tree of values that know their position in the text. Types and rules come later.

use super::diagnostics::{Diagnostic, Diagnostics, SNIPPET_COLUMNS};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::{DuplicateKeyPolicy, Error, Location, MergeKeyPolicy, MessageFormatter, Spanned, UserMessageFormatter};
use std::fmt;

/// Largest file that is read, in bytes. A real one has a few kilobytes.
const MAX_BYTES: usize = 1024 * 1024;
/// Deepest nesting of lists and maps; the format itself needs five levels.
const MAX_DEPTH: usize = 24;
/// Most keys and values; a real file has some hundreds.
const MAX_NODES: usize = 10_000;
/// Most repetitions of anchored content, so that a few lines cannot grow into gigabytes.
const MAX_REPLAYED: usize = 10_000;

/// Longest message, in characters.
const MAX_MESSAGE: usize = 600;

/// A position in the source text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    /// Line, from 1.
    pub(super) line: usize,
    /// Column in characters, from 1.
    pub(super) column: usize,
    /// Characters covered.
    pub(super) width: usize,
}

impl Position {
    /// The position of a finding about the whole file.
    pub(super) const START: Position = Position { line: 1, column: 1, width: 1 };

    /// The position of a placeholder for a missing or wrong value that was reported already: the rules do not report it again.
    pub(super) const PLACEHOLDER: Position = Position { line: 0, column: 0, width: 0 };

    /// A position that does not fit a `usize` is beyond any file that is read; it counts as the start.
    fn of(location: Location) -> Self {
        let number = |n: u64| usize::try_from(n).ok().map(|n| n.max(1));
        match (number(location.line()), number(location.column()), number(location.span().len())) {
            (Some(line), Some(column), Some(width)) => Self { line, column, width },
            _ => Self::START,
        }
    }
}

/// A value and its position.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) position: Position,
    pub(super) content: Content,
}

/// What a value is before any type is expected of it.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key with its value; keys may still be doubled.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_position: Position,
    pub(super) value: Node,
}

impl Node {
    /// The value without positions, nulls left out (a key with nothing behind it is a key not given).
    pub(super) fn to_json(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Bool(b) => Value::Bool(*b),
            Content::Number(n) => Value::Number(n.clone()),
            Content::Text(s) => Value::String(s.clone()),
            Content::List(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Content::Map(entries) => Value::Object(
                entries
                    .iter()
                    .filter(|e| !matches!(e.value.content, Content::Null))
                    .map(|e| (e.key.clone(), e.value.to_json()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// The entry or item that a path step names.
    pub(super) fn child(&self, step: &str) -> Option<(&Node, Position)> {
        match &self.content {
            Content::Map(entries) => entries.iter().find(|e| e.key == step).map(|e| (&e.value, e.key_position)),
            Content::List(items) => items.get(step.parse::<usize>().ok()?).map(|n| (n, n.position)),
            _ => None,
        }
    }

    /// Findings about lists and maps point at their key, because their own text may span many lines.
    pub(super) fn is_collection(&self) -> bool {
        matches!(self.content, Content::List(_) | Content::Map(_) | Content::Null)
    }
}

/// The text of a file and its name, for findings that quote it.
#[derive(Debug, Clone)]
pub(super) struct Source<'a> {
    file: &'a str,
    text: &'a str,
    lines: Vec<&'a str>,
}

impl<'a> Source<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, lines: text.lines().collect() }
    }

    /// A line by its number from 1; empty outside the text.
    pub(super) fn line(&self, number: usize) -> &'a str {
        number.checked_sub(1).and_then(|i| self.lines.get(i)).copied().unwrap_or_default()
    }

    /// A finding at a position.
    pub(super) fn finding(
        &self,
        position: Position,
        rule: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic {
            file: self.file.to_owned(),
            line: position.line,
            column: position.column,
            rule,
            message: printable(message.into()),
            help: printable(help.into()),
            source: printable(self.line(position.line).chars().take(SNIPPET_COLUMNS).collect()),
            width: position.width,
        }
    }
}

/// Values come from the file, so a message must be free of control characters and must not grow to a megabyte.
fn printable(text: String) -> String {
    let short = text.chars().count() <= MAX_MESSAGE;
    if short && !text.contains(|c: char| c.is_control() && c != '\t') {
        return text;
    }
    let clean = text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c });
    if short { clean.collect() } else { clean.take(MAX_MESSAGE).chain(['…']).collect() }
}

/// Checks size and encoding, takes off a byte order mark.
pub(super) fn text_of<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, Diagnostics> {
    let at_start = Source::new(file, "");
    if bytes.len() > MAX_BYTES {
        let message = format!("the file has {} bytes, more than the {MAX_BYTES} that a configuration may have", bytes.len());
        let help = "give the configuration file, not a log or an archive";
        return Err(Diagnostics::one(at_start.finding(Position::START, "file-size", message, help)));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| not_utf8(file, bytes, error.valid_up_to()))
}

fn not_utf8(file: &str, bytes: &[u8], offset: usize) -> Diagnostics {
    let good = std::str::from_utf8(&bytes[..offset]).unwrap_or_default();
    let line_start = good.rfind('\n').map_or(0, |i| i + 1);
    let position = Position { line: good.matches('\n').count() + 1, column: good[line_start..].chars().count() + 1, width: 1 };
    let message = format!("the file is not UTF-8: byte {} is `0x{:02x}`", offset + 1, bytes[offset]);
    let source = Source::new(file, good);
    Diagnostics::one(source.finding(position, "utf-8", message, "save the file as UTF-8"))
}

/// Parses the text; the root is `Null` when there is nothing but comments.
pub(super) fn parse(source: &Source<'_>) -> Result<Node, Diagnostics> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH, max_nodes: MAX_NODES, max_aliases: 1_000 },
        // All keys are passed on, so that duplicate ones are reported together with everything else.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::AsOrdinary,
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_REPLAYED },
        // `no` and `on` are text, because they are common in tags.
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    };
    if source.lines.iter().all(|line| matches!(line.trim_start().chars().next(), None | Some('#'))) {
        return Ok(Node { position: Position::START, content: Content::Null });
    }
    serde_saphyr::from_str_with_options::<Spanned<Content>>(source.text, options)
        .map(Node::from)
        .map_err(|error| Diagnostics::one(syntax_error(source, &error)))
}

fn syntax_error(source: &Source<'_>, error: &Error) -> Diagnostic {
    let error = error.without_snippet();
    let position = error.location().map_or(Position::START, Position::of);
    if let Some((message, help)) = excess(error) {
        return source.finding(position, "yaml", message, help);
    }
    let message = UserMessageFormatter.format_message(error).into_owned();
    let has_tab = |line: &str| line.trim_start_matches(' ').starts_with('\t');
    let help = if has_tab(source.line(position.line)) || has_tab(source.line(position.line + 1)) {
        "indent with spaces: YAML allows no tabs there"
    } else {
        "correct the YAML here; what comes after it was not read"
    };
    source.finding(position, "yaml", message, help)
}

/// Limits that only a file that is not a configuration exceeds.
fn excess(error: &Error) -> Option<(&'static str, &'static str)> {
    match error {
        Error::AliasError { error, .. } => excess(error),
        Error::MultipleDocuments { .. } => {
            Some(("the file has a second YAML document", "keep one document: one file describes one cluster"))
        }
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => Some((
            "the file has more values, levels or repetitions than a configuration can have",
            "write the values out, without anchors that multiply each other",
        )),
        _ => None,
    }
}

impl From<Spanned<Content>> for Node {
    fn from(spanned: Spanned<Content>) -> Self {
        Self { position: Position::of(spanned.referenced), content: spanned.value }
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_none<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Content, E> {
        Ok(Content::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Content, E> {
        Ok(Content::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Content, E> {
        Ok(Content::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Content, E> {
        // Infinity and NaN have no JSON number: as text they fail the type check.
        Ok(Number::from_f64(value).map_or_else(|| Content::Text(value.to_string()), Content::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Content, E> {
        Ok(Content::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Content, E> {
        Ok(Content::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Content, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Spanned<Content>>()? {
            list.push(item.into());
        }
        Ok(Content::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Content, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = entries.next_key::<Spanned<String>>()? {
            let value = entries.next_value::<Spanned<Content>>()?;
            map.push(Entry { key_position: Position::of(key.referenced), key: key.value, value: value.into() });
        }
        Ok(Content::Map(map))
    }
}
