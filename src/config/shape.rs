//! First pass over a parsed file: keys and types against the schema, all findings together.
//!
//! What does not fit is replaced by placeholders, so that the rules can still be checked on the rest.

use super::diagnostics::Diagnostic;
use super::schema::schema;
use super::suggestion::suggestion;
use super::yaml::{Content, Entry, Node, Position, Source};
use serde_json::Value;
use std::collections::HashMap;

/// Checks a tree against the file's schema and takes out what does not fit.
pub(super) fn check(root: &mut Node, source: &Source<'_>) -> Vec<Diagnostic> {
    let schema = schema();
    let mut pass = Pass { source, definitions: &schema["$defs"], findings: Vec::new() };
    let position = root.position;
    if !pass.fits(root, &schema, "the file", Position { width: 1, ..position }) {
        root.content = Content::Map(Vec::new());
    }
    pass.findings
}

struct Pass<'a> {
    source: &'a Source<'a>,
    definitions: &'a Value,
    findings: Vec<Diagnostic>,
}

impl<'a> Pass<'a> {
    /// Whether a node can stay; `key` names it in messages, `position` is where findings about collections point.
    fn fits(&mut self, node: &mut Node, schema: &'a Value, key: &str, position: Position) -> bool {
        let schema = self.behind_references(schema);
        let wanted = wanted_type(schema);
        match (&mut node.content, wanted) {
            (Content::Map(entries), "object") => {
                self.map(entries, schema, key, position);
                true
            }
            (Content::List(items), "array") => {
                self.list(items, &schema["items"], key);
                true
            }
            (Content::Text(text), "string") => {
                let text = text.clone();
                self.one_of(&text, schema, key, node.position)
            }
            (Content::Bool(_), "boolean") | (Content::Null, _) => true,
            (Content::Number(number), "integer") if number.as_u64().is_some_and(|n| n <= limit_of(schema)) => true,
            _ => {
                self.wrong_type(node, wanted, key, position);
                false
            }
        }
    }

    fn behind_references(&self, schema: &'a Value) -> &'a Value {
        if let Some(name) = schema["$ref"].as_str().and_then(|r| r.strip_prefix("#/$defs/")) {
            return self.behind_references(&self.definitions[name]);
        }
        // An optional section is `anyOf` itself and null.
        match schema["anyOf"].as_array().and_then(|choices| choices.iter().find(|c| c["type"] != "null")) {
            Some(choice) => self.behind_references(choice),
            None => schema,
        }
    }

    fn map(&mut self, entries: &mut Vec<Entry>, schema: &'a Value, key: &str, position: Position) {
        self.drop_duplicates(entries);
        for required in required(schema) {
            let given = entries.iter().any(|e| e.key == required && !matches!(e.value.content, Content::Null));
            if !given {
                self.missing(entries, required, key, position);
            }
        }
        entries.retain_mut(|entry| {
            let known = schema["properties"].get(&entry.key);
            let other = Some(&schema["additionalProperties"]).filter(|s| s.is_object());
            let Some(schema) = known.or(other) else {
                self.unknown_key(entry, &schema["properties"], key);
                return false;
            };
            let name = entry.key.clone();
            if known.is_none() {
                self.fill_bare_key(entry, schema);
            }
            if !self.fits(&mut entry.value, schema, &name, entry.key_position) {
                // It is reported already. The placeholder tells the rules that something was written here, so that they do not report it
                // again.
                entry.value = Node { position: Position::PLACEHOLDER, content: Content::Null };
            }
            true
        });
        self.fill(entries, schema);
    }

    /// In maps whose keys the user chooses (pools, tags, labels) a key without a value is an entry: an empty section, or a missing value.
    fn fill_bare_key(&mut self, entry: &mut Entry, schema: &'a Value) {
        if !matches!(entry.value.content, Content::Null) {
            return;
        }
        match wanted_type(self.behind_references(schema)) {
            "object" => entry.value.content = Content::Map(Vec::new()),
            _ => {
                let message = format!("`{}` has no value", entry.key);
                self.report(entry.key_position, "wrong-type", message, "write the value; an empty one is `\"\"`");
                entry.value.position = Position::PLACEHOLDER;
            }
        }
    }

    /// Puts placeholders where required values are missing (they are reported), so that the rest can be checked.
    fn fill(&self, entries: &mut Vec<Entry>, schema: &'a Value) {
        for required in required(schema) {
            entries.retain(|e| e.key != required || !matches!(e.value.content, Content::Null));
            if entries.iter().any(|e| e.key == required) {
                continue;
            }
            let wanted = self.behind_references(&schema["properties"][required]);
            let content = match wanted_type(wanted) {
                "object" => Content::Map(Vec::new()),
                "array" => Content::List(Vec::new()),
                _ => Content::Text(choices(wanted).and_then(|c| c.first().copied()).unwrap_or_default().to_owned()),
            };
            let value = Node { position: Position::PLACEHOLDER, content };
            entries.push(Entry { key: required.to_owned(), key_position: Position::PLACEHOLDER, value });
        }
    }

    fn list(&mut self, items: &mut Vec<Node>, schema: &'a Value, key: &str) {
        items.retain_mut(|item| {
            let position = item.position;
            if matches!(item.content, Content::Null) {
                self.report(position, "wrong-type", format!("`{key}` has an empty item"), "write a value or remove the item");
                return false;
            }
            self.fits(item, schema, key, Position { width: 1, ..position })
        });
    }

    fn drop_duplicates(&mut self, entries: &mut Vec<Entry>) {
        let mut seen: HashMap<String, usize> = HashMap::new();
        entries.retain(|entry| {
            let Some(line) = seen.get(&entry.key) else {
                seen.insert(entry.key.clone(), entry.key_position.line);
                return true;
            };
            let message = format!("`{}` is given twice, first on line {line}", entry.key);
            self.report(entry.key_position, "duplicate-key", message, "keep one of the two");
            false
        });
    }

    fn missing(&mut self, entries: &[Entry], required: &str, key: &str, position: Position) {
        // A key without a value is where the value belongs.
        let position = entries.iter().find(|e| e.key == required).map_or(position, |e| e.key_position);
        let message = if key == "the file" { format!("`{required}` is missing") } else { format!("`{key}` has no `{required}`") };
        self.report(position, "missing-key", message, format!("add `{required}: …`"));
    }

    fn unknown_key(&mut self, entry: &Entry, properties: &Value, key: &str) {
        let known: Vec<&str> = properties.as_object().into_iter().flatten().map(|(k, _)| k.as_str()).collect();
        let help =
            if entry.key == "<<" { "merge keys are not read: write the keys out".to_owned() } else { suggestion(&entry.key, &known) };
        let of = if key == "the file" { String::new() } else { format!(" of `{key}`") };
        self.report(entry.key_position, "unknown-key", format!("`{}` is not a key{of}", entry.key), help);
    }

    fn one_of(&mut self, text: &str, schema: &Value, key: &str, position: Position) -> bool {
        let Some(choices) = choices(schema) else {
            return true;
        };
        if choices.contains(&text) {
            return true;
        }
        let message = format!("`{text}` is not a value of `{key}`");
        self.report(position, "unknown-value", message, suggestion(text, &choices));
        false
    }

    fn wrong_type(&mut self, node: &Node, wanted: &str, key: &str, key_position: Position) {
        let written = self.written(node);
        let (found, position) = match &node.content {
            Content::Map(_) => ("a map of keys and values".to_owned(), key_position),
            Content::List(_) => ("a list".to_owned(), key_position),
            Content::Bool(_) => (format!("the boolean `{written}`"), node.position),
            Content::Number(_) => (format!("the number `{written}`"), node.position),
            Content::Text(_) => (format!("the text `{written}`"), node.position),
            Content::Null => ("nothing".to_owned(), key_position),
        };
        let (takes, help) = match wanted {
            "string" if node.is_collection() => ("text", "write one value".to_owned()),
            "string" => ("text", format!("put it in quotes: `\"{written}\"`")),
            "integer" => ("a whole number", "write digits without quotes, sign or unit".to_owned()),
            "boolean" => ("true or false", "write `true` or `false`".to_owned()),
            "array" if !node.is_collection() => ("a list", format!("write `[{written}]`")),
            "array" => ("a list", "write `[a, b]` or one line for each item, beginning with `- `".to_owned()),
            _ => ("a map of keys and values", "write `key: value` lines, indented below it".to_owned()),
        };
        let subject = if key == "the file" { key.to_owned() } else { format!("`{key}`") };
        self.report(position, "wrong-type", format!("{subject} must be {takes}, but is {found}"), help);
    }

    /// A scalar as the user wrote it: `1.30` is not `1.3`.
    fn written(&self, node: &Node) -> String {
        let line = self.source.line(node.position.line);
        let text: String = line.chars().skip(node.position.column - 1).take(node.position.width).collect();
        text.trim().to_owned()
    }

    fn report(&mut self, position: Position, rule: &'static str, message: String, help: impl Into<String>) {
        self.findings.push(self.source.finding(position, rule, message, help));
    }
}

/// The type that a schema wants; "null" is the absence of a value and does not count.
fn wanted_type(schema: &Value) -> &str {
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).find(|t| *t != "null"),
        other => other.as_str(),
    };
    // Enumerations with documented values are a `oneOf` of constants without a type of their own.
    types.unwrap_or("string")
}

/// The keys that a map must have.
fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// The values of an enumeration.
fn choices(schema: &Value) -> Option<Vec<&str>> {
    match (schema["enum"].as_array(), schema["oneOf"].as_array()) {
        (Some(values), _) => Some(values.iter().filter_map(Value::as_str).collect()),
        (_, Some(values)) => Some(values.iter().filter_map(|v| v["const"].as_str()).collect()),
        _ => None,
    }
}

/// Greatest whole number that a field holds.
fn limit_of(schema: &Value) -> u64 {
    match schema["format"].as_str() {
        Some("uint8") => u8::MAX.into(),
        _ => u32::MAX.into(),
    }
}
