//! How the document is stored in a file or an object: with a checksum over itself and a format number.

use super::document::{Document, FORMAT_VERSION};
use super::error::StateError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::error::Error;

/// The document with its checksum.
#[derive(Serialize, Deserialize)]
struct Envelope {
    checksum: String,
    state: Value,
}

/// The note at the old location of a state that was moved.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Moved {
    moved_to: String,
}

/// Migrations from each older format to the next one; the first leads from format 1 to 2.
const MIGRATIONS: [fn(&mut Map<String, Value>); 2] = [with_teardown_policy, with_retained];

const _: () = assert!(MIGRATIONS.len() + 1 == FORMAT_VERSION as usize, "every format but the last has its step");

/// Format 2 adds whether the cluster is protected, and whether it is a test environment.
fn with_teardown_policy(state: &mut Map<String, Value>) {
    state.insert("marks".to_owned(), serde_json::json!({ "protect": false, "ephemeral": false }));
}

/// Format 3 adds the status `retained`; no older document has it.
fn with_retained(_: &mut Map<String, Value>) {}

/// The document as bytes, as stored in a file or an object.
///
/// # Errors
/// Never for a document that this program made.
pub fn encode(document: &Document) -> Result<Vec<u8>, serde_json::Error> {
    let state = serde_json::to_value(document)?;
    let mut bytes = serde_json::to_vec_pretty(&Envelope { checksum: checksum(&state), state })?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The note that names the new location.
pub(super) fn encode_moved(to: &str) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec_pretty(&Moved { moved_to: to.to_owned() })
}

/// The document of these bytes, migrated to the newest format. `location` is for the errors.
///
/// # Errors
/// When it is damaged, newer than this program, or a note that it was moved.
pub fn decode(bytes: &[u8], location: &str) -> Result<Document, StateError> {
    let damaged = |source: Box<dyn Error + Send + Sync>| StateError::damaged(location, source);
    if bytes.is_empty() {
        return Err(damaged("it is empty".into()));
    }
    if let Ok(Moved { moved_to }) = serde_json::from_slice(bytes) {
        return Err(StateError::Moved { location: location.to_owned(), to: moved_to });
    }
    let mut envelope: Envelope = serde_json::from_slice(bytes).map_err(|error| damaged(error.into()))?;
    let found = envelope.state.get("format_version").and_then(Value::as_u64).unwrap_or(0);
    if found > u64::from(FORMAT_VERSION) {
        return Err(StateError::Newer { location: location.to_owned(), found });
    }
    if checksum(&envelope.state) != envelope.checksum {
        return Err(damaged("its checksum does not match; was it edited by hand?".into()));
    }
    migrate(&mut envelope.state, found).map_err(|why| damaged(why.into()))?;
    serde_json::from_value(envelope.state).map_err(|error| damaged(error.into()))
}

fn migrate(state: &mut Value, found: u64) -> Result<(), &'static str> {
    let fields = state.as_object_mut().ok_or("the state is not an object")?;
    let first = usize::try_from(found).ok().and_then(|found| found.checked_sub(1)).ok_or("it has no format version")?;
    MIGRATIONS.iter().skip(first).for_each(|step| step(fields));
    fields.insert("format_version".to_owned(), FORMAT_VERSION.into());
    Ok(())
}

/// The serial in a state file, even when the rest is damaged.
pub(super) fn serial(bytes: &[u8]) -> Option<u64> {
    serde_json::from_slice::<Envelope>(bytes).ok()?.state.get("serial")?.as_u64()
}

fn checksum(state: &Value) -> String {
    format!("{:x}", Sha256::digest(canonical(state)))
}

/// The same bytes for the same document, whatever the order of keys.
fn canonical(state: &Value) -> String {
    match state {
        Value::Object(map) => {
            let sorted: std::collections::BTreeMap<_, _> = map.iter().collect();
            let entries: Vec<String> =
                sorted.iter().map(|(key, value)| format!("{}:{}", serde_json::json!(key), canonical(value))).collect();
            format!("{{{}}}", entries.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}
