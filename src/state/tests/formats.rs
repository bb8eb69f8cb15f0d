//! Older, newer and rearranged documents.

use super::*;

#[tokio::test]
async fn a_newer_document_is_refused_as_such() {
    let folder = StateFolder::new();
    begun(&folder, document()).finish().unwrap();
    folder.edit(|envelope| {
        envelope["state"]["format_version"] = json!(FORMAT_VERSION + 1);
        envelope["state"]["something_new"] = json!(true);
    });
    let error = refusal(&folder);
    assert!(matches!(error, StateError::Newer { found: 4, .. }), "{error}");
    assert!(error.to_string().contains("has format 4, which is newer than this version of domino-eks knows (3)"), "{error}");
}

#[tokio::test]
async fn another_order_of_keys_is_the_same_document() {
    let folder = StateFolder::new();
    let ended = begun(&folder, after(document(), 8)).finish().unwrap();
    folder.edit(|envelope| {
        let state = envelope["state"].as_object().unwrap().clone();
        envelope["state"] = Value::Object(state.into_iter().rev().collect());
    });
    assert_eq!(folder.store.load().unwrap(), Some(ended));
}

/// A document as the first version of the tool wrote it; the checksum was not computed by this program.
const FORMAT_1: &str = r#"{
  "checksum": "5d11c4e1f89f4fff3b398ac257e1beb775bbd8b94efa2cba9e2121cf2218a3a1",
  "state": {
    "format_version": 1,
    "lineage": "6f1c0a52-3a4e-4f0e-9d7b-0c5f6d1e2a3b",
    "serial": 7,
    "tool_version": "0.1.0",
    "account": "111122223333",
    "region": "us-west-2",
    "partition": "aws",
    "cluster": "demo",
    "config_hash": "abc",
    "resources": {
      "vpc/main": {
        "id": "vpc-1",
        "status": "ready",
        "spec": { "cidr": "10.0.0.0/16" },
        "tags": { "owner": "Zoë" },
        "attributes": { "id": "vpc-1" },
        "dependencies": ["kms-key/main"]
      }
    },
    "intents": {
      "nat-gateway/a": { "nonce": "n1", "since": "1970-01-01T00:00:00Z", "spec": null, "dependencies": [] }
    },
    "pins": { "image/x": { "id": "ami-1" } }
  }
}
"#;

/// The content of [`FORMAT_1`] in the current format.
fn of_format_1() -> Document {
    let intent = Intent { client_token: "n1".to_owned(), since: Timestamp::UNIX_EPOCH, spec: Value::Null, dependencies: vec![] };
    let tags = BTreeMap::from([("owner".to_owned(), "Zoë".to_owned())]);
    Document {
        format_version: 3,
        lineage: "6f1c0a52-3a4e-4f0e-9d7b-0c5f6d1e2a3b".to_owned(),
        serial: 7,
        tool_version: "0.1.0".to_owned(),
        config_hash: Some("abc".to_owned()),
        teardown_policy: TeardownPolicy { protect: false, ephemeral: false },
        resources: BTreeMap::from([(vpc(), Record { tags, ..record("vpc-1") })]),
        intents: BTreeMap::from([(Address::new(Kind::NatGateway, "a"), intent)]),
        pins: BTreeMap::from([("image/x".to_owned(), BTreeMap::from([("id".to_owned(), "ami-1".to_owned())]))]),
        ..document()
    }
}

/// A document as the version that knew format 2 wrote it; its checksum was not computed by this program either.
const FORMAT_2: &str = r#"{
  "checksum": "e2dd239122b1db4d9b59722209af9d51bdc2a472edfd71d3d1364a63a02000e5",
  "state": {
    "format_version": 2,
    "lineage": "6f1c0a52-3a4e-4f0e-9d7b-0c5f6d1e2a3b",
    "serial": 7,
    "tool_version": "0.1.0",
    "account": "111122223333",
    "region": "us-west-2",
    "partition": "aws",
    "cluster": "demo",
    "config_hash": "abc",
    "marks": { "protect": true, "ephemeral": false },
    "resources": {
      "vpc/main": {
        "id": "vpc-1",
        "status": "deleting",
        "spec": { "cidr": "10.0.0.0/16" },
        "tags": { "owner": "Zoë" },
        "attributes": { "id": "vpc-1" },
        "dependencies": ["kms-key/main"]
      }
    },
    "intents": {
      "nat-gateway/a": { "nonce": "n1", "since": "1970-01-01T00:00:00Z", "spec": null, "dependencies": [] }
    },
    "pins": { "image/x": { "id": "ami-1" } }
  }
}
"#;

/// The content of [`FORMAT_2`] in the current format: it has a teardown policy of its own.
fn of_format_2() -> Document {
    let mut document = of_format_1();
    document.teardown_policy.protect = true;
    document.apply(Entry::Deleting { address: vpc() });
    document
}

/// A document as the first version that knew format 3 wrote it, before names in the code began to differ from those in the JSON; its
/// checksum was not computed by this program either.
const FORMAT_3: &str = r#"{
  "checksum": "60317a2970d2b25ebf22552301a3207cee0a11d1b305be8c3b18f23671248536",
  "state": {
    "format_version": 3,
    "lineage": "6f1c0a52-3a4e-4f0e-9d7b-0c5f6d1e2a3b",
    "serial": 7,
    "tool_version": "0.1.0",
    "account": "111122223333",
    "region": "us-west-2",
    "partition": "aws",
    "cluster": "demo",
    "config_hash": "abc",
    "marks": { "protect": true, "ephemeral": true },
    "resources": {
      "vpc/main": {
        "id": "vpc-1",
        "status": "retained",
        "spec": { "cidr": "10.0.0.0/16" },
        "tags": { "owner": "Zoë" },
        "attributes": { "id": "vpc-1" },
        "dependencies": ["kms-key/main"]
      }
    },
    "intents": {
      "nat-gateway/a": { "nonce": "n1", "since": "1970-01-01T00:00:00Z", "spec": null, "dependencies": [] }
    },
    "pins": { "image/x": { "id": "ami-1" } }
  }
}
"#;

/// The content of [`FORMAT_3`] in the current format.
fn of_format_3() -> Document {
    let mut document = of_format_1();
    document.teardown_policy = TeardownPolicy { protect: true, ephemeral: true };
    document.resources.values_mut().for_each(|record| record.status = RecordStatus::Retained);
    document
}

/// A document with this state, and a checksum that was not computed by the code under test.
fn sealed(state: &Value) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                let fields: BTreeMap<_, _> = fields.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
                Value::Object(fields.into_iter().collect())
            }
            Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
            other => other.clone(),
        }
    }
    let checksum = format!("{:x}", Sha256::digest(sorted(state).to_string()));
    serde_json::to_vec(&json!({ "checksum": checksum, "state": state })).unwrap()
}

/// The state of [`FORMAT_1`], changed and with a new checksum.
fn changed(change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> Vec<u8> {
    let mut envelope: Value = serde_json::from_str(FORMAT_1).unwrap();
    change(envelope["state"].as_object_mut().unwrap());
    sealed(&envelope["state"])
}

#[tokio::test]
async fn a_document_of_format_1_is_read_as_format_3_and_kept_as_a_backup() {
    let folder = StateFolder::new();
    folder.put(FORMAT_1.as_bytes());
    assert_eq!(folder.store.load().unwrap(), Some(of_format_1()));
    assert_eq!(fs::read_to_string(folder.store.path()).unwrap(), FORMAT_1, "reading writes nothing");
    drop(begun(&folder, of_format_1()));
    assert_eq!(folder.store.load().unwrap(), Some(Document { serial: 8, ..of_format_1() }));
    assert_eq!(fs::read_to_string(folder.backup(7)).unwrap(), FORMAT_1, "an older version of the tool can continue with it");
}

#[tokio::test]
async fn a_document_of_format_2_keeps_what_it_says_and_is_kept_as_a_backup() {
    let folder = StateFolder::new();
    folder.put(FORMAT_2.as_bytes());
    assert_eq!(folder.store.load().unwrap(), Some(of_format_2()));
    assert_eq!(fs::read_to_string(folder.store.path()).unwrap(), FORMAT_2, "reading writes nothing");
    drop(begun(&folder, of_format_2()));
    assert_eq!(folder.store.load().unwrap(), Some(Document { serial: 8, ..of_format_2() }));
    assert_eq!(fs::read_to_string(folder.backup(7)).unwrap(), FORMAT_2, "an older version of the tool can continue with it");
}

#[tokio::test]
async fn an_interrupted_run_of_format_2_is_read_with_its_journal() {
    let folder = StateFolder::new();
    folder.put(FORMAT_2.as_bytes());
    let line = "{\"serial\":7,\"lineage\":\"6f1c0a52-3a4e-4f0e-9d7b-0c5f6d1e2a3b\",\"op\":\"gone\",\"address\":\"vpc/main\"}\n";
    fs::write(folder.file("journal.ndjson"), line).unwrap();
    assert_eq!(folder.store.load().unwrap(), Some(Document { resources: BTreeMap::new(), ..of_format_2() }));
}

#[tokio::test]
async fn format_3_is_read_and_written_with_the_names_of_its_first_version() {
    let folder = StateFolder::new();
    folder.put(FORMAT_3.as_bytes());
    assert_eq!(folder.store.load().unwrap(), Some(of_format_3()));
    assert_eq!(String::from_utf8(encode(&of_format_3()).unwrap()).unwrap().parse::<Value>().unwrap(), FORMAT_3.parse::<Value>().unwrap());
}

#[tokio::test]
async fn a_journal_of_the_first_version_of_format_3_is_read_and_written_alike() {
    let folder = StateFolder::new();
    folder.put(FORMAT_3.as_bytes());
    let line = r#"{"serial":7,"lineage":"6f1c0a52-3a4e-4f0e-9d7b-0c5f6d1e2a3b","op":"marked","marks":{"protect":false,"ephemeral":true}}"#;
    let intent = r#"{"serial":7,"lineage":"6f1c0a52-3a4e-4f0e-9d7b-0c5f6d1e2a3b","op":"intent","address":"nat-gateway/b","intent":{"nonce":"n2","since":"1970-01-01T00:00:00Z","spec":null,"dependencies":[]}}"#;
    fs::write(folder.file("journal.ndjson"), format!("{line}\n{intent}\n")).unwrap();
    let policy = TeardownPolicy { protect: false, ephemeral: true };
    let new = Intent { client_token: "n2".to_owned(), since: Timestamp::UNIX_EPOCH, spec: Value::Null, dependencies: vec![] };
    let address = Address::new(Kind::NatGateway, "b");
    let mut expected = Document { teardown_policy: policy, ..of_format_3() };
    expected.intents.insert(address.clone(), new.clone());
    assert_eq!(folder.store.load().unwrap(), Some(expected));
    let entries = [(line, Entry::TeardownPolicySet { policy }), (intent, Entry::Intent { address, intent: new })];
    for (line, entry) in entries {
        let mut read: Value = line.parse().unwrap();
        read.as_object_mut().unwrap().retain(|key, _| key != "serial" && key != "lineage");
        assert_eq!(serde_json::to_value(entry).unwrap(), read);
    }
}

#[tokio::test]
async fn what_was_retained_is_written_and_read_in_format_3() {
    let kept =
        Document { resources: BTreeMap::from([(vpc(), Record { status: RecordStatus::Retained, ..record("vpc-1") })]), ..document() };
    let bytes = encode(&kept).unwrap();
    assert!(String::from_utf8(bytes.clone()).unwrap().contains("\"status\": \"retained\""));
    assert_eq!(decode(&bytes, "here").unwrap(), kept);
}

#[tokio::test]
async fn an_interrupted_run_of_format_1_is_read_with_its_journal() {
    let folder = StateFolder::new();
    folder.put(FORMAT_1.as_bytes());
    // Its lines did not name their state.
    let lines = "{\"serial\":7,\"op\":\"gone\",\"address\":\"vpc/main\"}\n{\"serial\":7,\"op\":\"applied\",\"config_hash\":\"def\"}\n";
    fs::write(folder.file("journal.ndjson"), lines).unwrap();
    let expected = Document { resources: BTreeMap::new(), config_hash: Some("def".to_owned()), ..of_format_1() };
    assert_eq!(folder.store.load().unwrap(), Some(expected.clone()));
    drop(begun(&folder, expected.clone()));
    assert_eq!(folder.store.load().unwrap(), Some(Document { serial: 8, ..expected }));
}

#[tokio::test]
async fn the_checksum_of_a_fixture_fits() {
    let folder = StateFolder::new();
    folder.put(&changed(|_| ()));
    assert_eq!(folder.store.load().unwrap(), Some(of_format_1()));
}

#[tokio::test]
async fn a_document_of_format_1_edited_by_hand_is_refused() {
    let folder = StateFolder::new();
    folder.put(FORMAT_1.replace("\"vpc-1\"", "\"vpc-2\"").as_bytes());
    assert!(refusal(&folder).to_string().ends_with("its checksum does not match; was it edited by hand?"));
}

#[tokio::test]
async fn a_document_without_a_format_version_is_refused() {
    let folder = StateFolder::new();
    for version in [None, Some(json!(0)), Some(json!("2")), Some(json!(-1)), Some(json!(1.5))] {
        folder.put(&changed(|state| match version {
            None => drop(state.remove("format_version")),
            Some(version) => drop(state.insert("format_version".to_owned(), version)),
        }));
        assert!(refusal(&folder).to_string().ends_with("is damaged: it has no format version"));
    }
}

#[tokio::test]
async fn a_state_that_is_no_object_is_refused() {
    let folder = StateFolder::new();
    for state in [json!(null), json!([]), json!("state"), json!(2)] {
        folder.put(&sealed(&state));
        assert!(matches!(refusal(&folder), StateError::Damaged { .. }));
    }
}

#[tokio::test]
async fn fields_that_the_format_does_not_know_are_refused() {
    // They would be lost with the next write.
    let folder = StateFolder::new();
    folder.put(&changed(|state| drop(state.insert("surprise".to_owned(), json!(1)))));
    assert!(matches!(refusal(&folder), StateError::Damaged { .. }));
    folder.put(&changed(|state| state["resources"]["vpc/main"]["surprise"] = json!(1)));
    assert!(matches!(refusal(&folder), StateError::Damaged { .. }));
}

#[tokio::test]
async fn a_moved_state_leads_to_its_new_place() {
    let folder = StateFolder::new();
    let state = interrupted(&folder).await;
    folder.store.mark_moved("s3://bucket/prefix").unwrap();
    let error = refusal(&folder);
    assert!(matches!(&error, StateError::Moved { to, .. } if to == "s3://bucket/prefix"), "{error}");
    assert_eq!(error.to_string(), format!("the state was moved from `{}` to `s3://bucket/prefix`", folder.store.path().display()));
    assert_eq!(folder.store.highest_serial(), state.serial, "a state that is moved back gets a higher serial");
    let back = Document { serial: state.serial + 1, ..state };
    folder.store.replace(&back).unwrap();
    assert_eq!(folder.store.load().unwrap(), Some(back));
}

#[test]
fn encoded_documents_are_decoded_again() {
    let state = after(document(), entries().len());
    assert_eq!(decode(&encode(&state).unwrap(), "here").unwrap(), state);
    let error = decode(b"{}", "here").expect_err("it was accepted");
    assert!(error.to_string().starts_with("the state `here` is damaged: "), "{error}");
}
