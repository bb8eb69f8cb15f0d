//! The plan as text: refusals and deletions first, then changes, then additions by layer.

use super::style::{ADD, CHANGE, DANGER, FAINT, HEADING, paint};
use crate::engine::{Action, FieldChange, MADE_BY, MADE_FOR, Plan, Reason, Verb};
use crate::resource::Layer;
use serde_json::Value;
use std::fmt::Write as _;

/// Longest value shown in a line.
const LONGEST_VALUE: usize = 60;

/// The plan as text, with colours. The last line is `Plan: N to add, N to change, N to destroy.`
pub fn plan_text(plan: &Plan) -> String {
    let mut text = String::new();
    let of = |verb: Verb| plan.actions.iter().filter(move |action| action.verb == verb).collect::<Vec<_>>();
    section(&mut text, "Refused", &of(Verb::Blocked), changed);
    section(&mut text, "Delete", &of(Verb::Delete), deleted);
    section(&mut text, "Replace (deleted and created again)", &of(Verb::Replace), changed);
    section(&mut text, "Change in place", &of(Verb::Update), changed);
    section(&mut text, "Take into the state (exists, carries our tags)", &of(Verb::Adopt), changed);
    additions(&mut text, &of(Verb::Create));
    let summary = plan.summary();
    if !plan.has_changes() {
        text.push_str("No changes: AWS is as the configuration says.\n\n");
    }
    if summary.no_change > 0 && plan.has_changes() {
        let _ = writeln!(text, "{}", paint(FAINT, format!("{} unchanged, not shown.", summary.no_change)));
    }
    if summary.adopt > 0 {
        let _ = writeln!(text, "{} to take into the state.", summary.adopt);
    }
    if summary.blocked > 0 {
        let _ = writeln!(text, "{}", paint(DANGER, format!("{} refused: nothing is applied while a change is refused.", summary.blocked)));
    }
    let (add, destroy) = (summary.create + summary.replace, summary.delete + summary.replace);
    let _ = writeln!(text, "Plan: {add} to add, {} to change, {destroy} to destroy.", summary.update);
    text
}

fn section(text: &mut String, title: &str, actions: &[&Action], line: fn(&Action, usize) -> String) {
    if actions.is_empty() {
        return;
    }
    let width = width(actions);
    let _ = writeln!(text, "{}", paint(HEADING, title));
    actions.iter().for_each(|action| text.push_str(&line(action, width)));
    text.push('\n');
}

pub(super) fn width(actions: &[&Action]) -> usize {
    actions.iter().map(|action| action.address.to_string().len()).max().unwrap_or(0)
}

fn additions(text: &mut String, actions: &[&Action]) {
    let mut layers: Vec<Layer> = actions.iter().map(|action| action.layer).collect();
    layers.dedup();
    for layer in layers {
        let of_layer: Vec<&Action> = actions.iter().filter(|action| action.layer == layer).copied().collect();
        section(text, layer.title(), &of_layer, added);
    }
}

fn added(action: &Action, width: usize) -> String {
    let fields = action.kind.facts().headline.iter().filter_map(|name| action.fields.iter().find(|field| field.path == *name));
    // Fields that are known only during apply are left out, because there would be one for almost every reference.
    let fields = fields.filter(|field| !field.unknown && field.after != Value::Array(Vec::new()));
    let fields: Vec<String> = fields.map(|field| format!("{}={}", field.path, after_text(field))).collect();
    let why = if action.reason == Reason::New { String::new() } else { format!("  {}", paint(CHANGE, &action.reason)) };
    let line = format!("  {} {:width$}  {}{why}", paint(ADD, "+"), action.address, fields.join("  "));
    format!("{}\n", line.trim_end())
}

pub(super) fn deleted(action: &Action, width: usize) -> String {
    let data = if action.kind.facts().holds_data { paint(DANGER, "  holds data") } else { String::new() };
    // The ARN of a leftover is not shown when it only repeats its name.
    let id = action.id.as_deref().filter(|id| !(action.kind.facts().leftover && id.contains(action.address.name()))).unwrap_or_default();
    let reason = match (&action.reason, left_by(action)) {
        (_, Some(maker)) => format!("  {maker}"),
        (Reason::Unwanted, None) => String::new(),
        (reason, None) => format!("  {reason}"),
    };
    format!("  {} {:width$}  {}{data}{reason}\n", paint(DANGER, "-"), action.address, paint(FAINT, id))
}

/// Who made a leftover, and for what.
fn left_by(action: &Action) -> Option<String> {
    let spec = &action.existing.as_ref()?.spec;
    let text = |field: &str| spec.get(field).and_then(Value::as_str);
    let purpose = text(MADE_FOR).map(|purpose| format!(" for {purpose}")).unwrap_or_default();
    Some(format!("made by {}{purpose}", text(MADE_BY)?))
}

fn changed(action: &Action, width: usize) -> String {
    let symbol = match action.verb {
        Verb::Replace => paint(DANGER, "-/+"),
        Verb::Blocked => paint(DANGER, "!"),
        Verb::Adopt => paint(ADD, "="),
        _ => paint(CHANGE, "~"),
    };
    let mut text = format!("  {symbol} {:width$}  {}\n", action.address, paint(FAINT, &action.reason));
    for field in &action.fields {
        let forces = if field.forces_replacement { paint(DANGER, "  forces replacement") } else { String::new() };
        let _ = writeln!(text, "      {}: {} → {}{forces}", field.path, before_text(&field.before), after_text(field));
    }
    text
}

fn before_text(value: &Value) -> String {
    if value.is_null() { "(none)".to_owned() } else { value_text(value) }
}

fn after_text(field: &FieldChange) -> String {
    match (&field.after, field.unknown) {
        (_, true) => "(known during apply)".to_owned(),
        (Value::Null, false) => "(none)".to_owned(),
        (value, false) => value_text(value),
    }
}

/// A value in a line: strings bare, lists by their members, documents by their size.
pub fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) if text.contains('\n') => format!("({} lines)", text.lines().count()),
        Value::String(text) => shortened(text),
        Value::Array(items) if items.iter().all(|item| item.is_string()) => {
            let members: Vec<&str> = items.iter().filter_map(Value::as_str).map(last_part).collect();
            shortened(&members.join(", "))
        }
        Value::Array(items) => items.iter().map(value_text).collect::<Vec<_>>().join("; "),
        Value::Object(map) if map.contains_key("Statement") => {
            format!("({} statements)", map["Statement"].as_array().map_or(1, Vec::len))
        }
        Value::Object(map) if map.contains_key("destination") => {
            format!("{} → {}", value_text(&map["destination"]), map.get("target").map(value_text).unwrap_or_default())
        }
        Value::Object(map) if map.contains_key("protocol") => rule_text(map),
        other => shortened(&other.to_string()),
    }
}

/// `tcp 2049 from sg-1`.
fn rule_text(rule: &serde_json::Map<String, Value>) -> String {
    let source = rule.get("source").and_then(Value::as_str).unwrap_or("?");
    match (rule.get("protocol").and_then(Value::as_str), rule.get("from_port")) {
        (Some("-1"), _) => format!("all from {source}"),
        (Some(protocol), Some(port)) => format!("{protocol} {port} from {source}"),
        _ => source.to_owned(),
    }
}

/// The last part of an ARN.
fn last_part(text: &str) -> &str {
    if text.starts_with("arn:") { text.rsplit('/').next().unwrap_or(text) } else { text }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= LONGEST_VALUE {
        return text.to_owned();
    }
    let head: String = text.chars().take(LONGEST_VALUE - 1).collect();
    format!("{head}…")
}
