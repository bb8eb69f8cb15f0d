//! Tests of the local store: what a crash, a foreign hand or a second process can do to it (RUN-2).

pub(super) mod crash;

use super::*;
use crate::resource::{Address, Kind};
use crate::state::Recorder;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A folder of its own with a store inside.
struct Place {
    _folder: tempfile::TempDir,
    root: PathBuf,
    store: LocalStore,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("state").join("demo");
        Self { store: LocalStore::new(&root), root, _folder: folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Writes the document anew as somebody's hand would.
    fn edit(&self, edit: impl FnOnce(&mut Value)) {
        let mut envelope: Value = serde_json::from_slice(&fs::read(self.store.path()).unwrap()).unwrap();
        edit(&mut envelope);
        fs::write(self.store.path(), serde_json::to_vec(&envelope).unwrap()).unwrap();
    }
}

fn document() -> Document {
    Document::new("111122223333", "aws", "us-west-2", "demo")
}

fn vpc() -> Address {
    Address::new(Kind::Vpc, "main")
}

fn record(id: &str) -> Record {
    Record {
        id: id.to_owned(),
        status: Status::Ready,
        spec: json!({"cidr": "10.0.0.0/16"}),
        tags: BTreeMap::from([("team".to_owned(), "ml".to_owned())]),
        attributes: BTreeMap::from([("id".to_owned(), id.to_owned())]),
        dependencies: vec![Address::new(Kind::KmsKey, "main")],
    }
}

fn entries() -> Vec<Entry> {
    let intent = Intent { nonce: "n".repeat(64), since: Timestamp::UNIX_EPOCH, spec: json!({"cidr": "10.0.0.0/16"}), dependencies: vec![] };
    vec![
        Entry::Pinned { pins: BTreeMap::from([("image/x".to_owned(), BTreeMap::from([("id".to_owned(), "ami-1".to_owned())]))]) },
        Entry::Intent { address: vpc(), intent: intent.clone() },
        Entry::Recorded { address: vpc(), record: Box::new(record("vpc-1")) },
        Entry::Intent { address: Address::new(Kind::KmsKey, "main"), intent: intent.clone() },
        Entry::IntentDropped { address: Address::new(Kind::KmsKey, "main") },
        Entry::Intent { address: Address::zonal(Kind::Subnet, "private", "us-west-2a"), intent },
        Entry::Deleting { address: vpc() },
        Entry::Applied { config_hash: "abc".to_owned() },
    ]
}

/// The document after so many entries.
fn after(mut document: Document, count: usize) -> Document {
    entries().into_iter().take(count).for_each(|entry| document.apply(entry));
    document
}

fn begun(place: &Place, document: Document) -> Writer {
    let lock = place.store.lock("apply").unwrap();
    place.store.begin(document, lock).unwrap()
}

/// A run that ended without a word after all entries.
async fn interrupted(place: &Place) -> Document {
    let writer = begun(place, document());
    for entry in entries() {
        writer.record(entry).await.unwrap();
    }
    writer.document()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_run_begins_ends_and_is_read_back() {
    let place = Place::new();
    assert_eq!(place.store.load().unwrap(), None);
    let writer = begun(&place, document());
    assert_eq!(writer.document().serial, 1);
    for entry in entries() {
        writer.record(entry).await.unwrap();
    }
    let ended = writer.finish().unwrap();
    assert_eq!(ended.serial, 2);
    let expected = after(Document { lineage: ended.lineage.clone(), serial: 2, ..document() }, entries().len());
    assert_eq!(place.store.load().unwrap(), Some(expected));
    assert_eq!(fs::read(place.file("journal.ndjson")).unwrap(), b"");
}

#[tokio::test]
async fn reading_writes_nothing() {
    let place = Place::new();
    place.store.load().unwrap();
    assert!(!place.root.exists());
    interrupted(&place).await;
    let look = || {
        let names = fs::read_dir(&place.root).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = names.filter(|path| path.is_file()).map(|path| (path.clone(), fs::read(path).unwrap())).collect();
        files.sort();
        files
    };
    let before = look();
    place.store.load().unwrap();
    assert_eq!(look(), before);
}

#[tokio::test]
async fn every_entry_is_on_disk_when_record_returns() {
    let place = Place::new();
    let writer = begun(&place, document());
    for (count, entry) in entries().into_iter().enumerate() {
        writer.record(entry).await.unwrap();
        let lineage = writer.document().lineage;
        assert_eq!(place.store.load().unwrap(), Some(after(Document { lineage, serial: 1, ..document() }, count + 1)));
    }
}

#[tokio::test]
async fn a_journal_cut_at_any_byte_loads_as_its_whole_lines() {
    let place = Place::new();
    let lineage = interrupted(&place).await.lineage;
    let journal = fs::read(place.file("journal.ndjson")).unwrap();
    for length in 0..=journal.len() {
        fs::write(place.file("journal.ndjson"), &journal[..length]).unwrap();
        let whole = journal[..length].iter().filter(|byte| **byte == b'\n').count();
        let expected = after(Document { lineage: lineage.clone(), serial: 1, ..document() }, whole);
        assert_eq!(place.store.load().unwrap(), Some(expected), "{length} bytes");
    }
}

#[tokio::test]
async fn an_interrupted_run_goes_on_under_a_new_serial() {
    let place = Place::new();
    let before = interrupted(&place).await;
    let loaded = place.store.load().unwrap().unwrap();
    assert_eq!(loaded, before);
    let writer = begun(&place, loaded);
    assert_eq!(fs::read(place.file("journal.ndjson")).unwrap(), b"", "the document has taken the journal in");
    assert_eq!(writer.document(), Document { serial: 2, ..before });
    assert_eq!(place.store.load().unwrap(), Some(writer.document()));
}

#[tokio::test]
async fn lines_of_an_older_run_are_not_applied_again() {
    let place = Place::new();
    let writer = begun(&place, document());
    writer.record(Entry::Recorded { address: vpc(), record: Box::new(record("vpc-1")) }).await.unwrap();
    let journal = fs::read(place.file("journal.ndjson")).unwrap();
    writer.record(Entry::Gone { address: vpc() }).await.unwrap();
    let ended = writer.finish().unwrap();
    drop(writer);
    // The process died after it replaced the document and before it emptied the journal.
    fs::write(place.file("journal.ndjson"), journal).unwrap();
    assert_eq!(place.store.load().unwrap(), Some(ended));
}

#[tokio::test]
async fn nothing_is_written_after_the_end_of_a_run() {
    let place = Place::new();
    let writer = begun(&place, document());
    let ended = writer.finish().unwrap();
    assert!(writer.record(Entry::Gone { address: vpc() }).await.is_err());
    assert_eq!(place.store.load().unwrap(), Some(ended));
}

#[tokio::test]
async fn many_writers_at_once_lose_nothing() {
    let place = Place::new();
    let writer = begun(&place, document());
    let tasks: Vec<_> = (0..40)
        .map(|number| {
            let writer = writer.clone();
            tokio::spawn(async move {
                let address = Address::new(Kind::IamRole, &format!("r{number}"));
                writer.record(Entry::Recorded { address, record: Box::new(record("x")) }).await
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(place.store.load().unwrap().unwrap().resources.len(), 40);
}

fn refusal(place: &Place) -> StateError {
    place.store.load().expect_err("it was taken")
}

#[tokio::test]
async fn a_damaged_document_is_refused() {
    let place = Place::new();
    interrupted(&place).await;
    let whole = fs::read(place.store.path()).unwrap();
    for length in (0..whole.len() - 1).step_by(13) {
        fs::write(place.store.path(), &whole[..length]).unwrap();
        let error = refusal(&place);
        assert!(matches!(error, StateError::Damaged { .. }), "{length} bytes: {error}");
    }
    fs::write(place.store.path(), b"").unwrap();
    assert!(refusal(&place).to_string().ends_with("is damaged: the file is empty"));
    fs::write(place.store.path(), b"[]").unwrap();
    assert!(matches!(refusal(&place), StateError::Damaged { .. }));
}

#[tokio::test]
async fn a_document_edited_by_hand_is_refused() {
    let place = Place::new();
    begun(&place, document()).finish().unwrap();
    place.edit(|envelope| envelope["state"]["region"] = json!("eu-west-1"));
    assert!(refusal(&place).to_string().ends_with("its checksum does not fit; was it edited by hand?"));
}

#[tokio::test]
async fn another_order_of_keys_is_the_same_document() {
    let place = Place::new();
    let ended = begun(&place, after(document(), 8)).finish().unwrap();
    place.edit(|envelope| {
        let state = envelope["state"].as_object().unwrap().clone();
        envelope["state"] = Value::Object(state.into_iter().rev().collect());
    });
    assert_eq!(place.store.load().unwrap(), Some(ended));
}

#[tokio::test]
async fn a_wrong_checksum_is_refused() {
    let place = Place::new();
    begun(&place, document()).finish().unwrap();
    place.edit(|envelope| envelope["checksum"] = json!("00"));
    assert!(matches!(refusal(&place), StateError::Damaged { .. }));
}

#[tokio::test]
async fn a_newer_document_is_refused_as_such() {
    let place = Place::new();
    begun(&place, document()).finish().unwrap();
    place.edit(|envelope| {
        envelope["state"]["format_version"] = json!(FORMAT_VERSION + 1);
        envelope["state"]["something_new"] = json!(true);
    });
    let error = refusal(&place);
    assert!(matches!(error, StateError::Newer { found: 2, .. }), "{error}");
    assert!(error.to_string().contains("has format 2, which is newer than this version of domino-eks knows (1)"), "{error}");
}

#[tokio::test]
async fn a_damaged_line_before_whole_ones_is_refused_with_its_number() {
    let place = Place::new();
    interrupted(&place).await;
    let journal = fs::read_to_string(place.file("journal.ndjson")).unwrap();
    let mut lines: Vec<&str> = journal.lines().collect();
    lines[2] = &lines[2][..20];
    fs::write(place.file("journal.ndjson"), lines.join("\n") + "\n").unwrap();
    let error = refusal(&place);
    assert!(matches!(&error, StateError::Damaged { why, .. } if why.starts_with("line 3: ")), "{error}");
}

#[tokio::test]
async fn a_journal_without_its_document_is_refused() {
    let place = Place::new();
    interrupted(&place).await;
    fs::remove_file(place.store.path()).unwrap();
    let error = refusal(&place);
    assert!(matches!(&error, StateError::Damaged { why, .. } if why == "the journal is there, but the document is missing"), "{error}");
}

#[test]
fn a_second_holder_is_told_who_has_the_lock() {
    let place = Place::new();
    let held = place.store.lock("apply --yes").unwrap();
    let error = place.store.lock("destroy").expect_err("the lock was given twice");
    let StateError::Locked { holder: Some(holder), .. } = &error else { panic!("{error}") };
    assert_eq!((holder.pid, holder.command.as_str()), (std::process::id(), "apply --yes"));
    let said = error.to_string();
    assert!(
        said.starts_with("the state is locked by ") && said.contains(&format!("(process {}, `apply --yes`, since ", holder.pid)),
        "{said}"
    );
    drop(held);
    place.store.lock("destroy").unwrap();
}

#[test]
fn the_note_of_a_shorter_command_leaves_nothing_of_the_one_before() {
    let place = Place::new();
    drop(place.store.lock(&"x".repeat(500)).unwrap());
    let _held = place.store.lock("apply").unwrap();
    let Err(StateError::Locked { holder: Some(holder), .. }) = place.store.lock("status") else { panic!() };
    assert_eq!(holder.command, "apply");
}

#[tokio::test]
async fn the_lock_is_held_until_the_run_is_over() {
    let place = Place::new();
    let writer = begun(&place, document());
    assert!(matches!(place.store.lock("apply"), Err(StateError::Locked { .. })));
    let other = writer.clone();
    drop(writer);
    assert!(matches!(place.store.lock("apply"), Err(StateError::Locked { .. })), "a step still works");
    drop(other);
    place.store.lock("apply").unwrap();
}

#[tokio::test]
async fn ten_backups_are_kept_the_newest_ones() {
    let place = Place::new();
    let mut state = document();
    for _ in 0..9 {
        state = begun(&place, state).finish().unwrap();
    }
    assert_eq!(state.serial, 18);
    let mut names: Vec<String> =
        fs::read_dir(place.file("backups")).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    assert_eq!(names, (8..18).map(|serial| format!("{serial:08}.json")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_backup_can_be_put_back() {
    let place = Place::new();
    let first = begun(&place, after(document(), 3)).finish().unwrap();
    begun(&place, Document { resources: BTreeMap::new(), ..first.clone() }).finish().unwrap();
    fs::copy(place.file("backups").join(format!("{:08}.json", first.serial)), place.store.path()).unwrap();
    assert_eq!(place.store.load().unwrap(), Some(first));
}

#[tokio::test]
async fn nobody_else_can_read_anything() {
    let place = Place::new();
    let state = begun(&place, document()).finish().unwrap();
    let writer = begun(&place, state);
    for entry in entries() {
        writer.record(entry).await.unwrap();
    }
    writer.finish().unwrap();
    assert_eq!((mode(&place.root), mode(&place.file("backups"))), (0o700, 0o700));
    assert_eq!(mode(place.root.parent().unwrap()), 0o700);
    for name in ["state.json", "journal.ndjson", "lock"] {
        assert_eq!(mode(&place.file(name)), 0o600, "{name}");
    }
    for backup in fs::read_dir(place.file("backups")).unwrap() {
        assert_eq!(mode(&backup.unwrap().path()), 0o600);
    }
}

#[tokio::test]
async fn no_temporary_file_stays_behind() {
    let place = Place::new();
    begun(&place, document()).finish().unwrap();
    let mut names: Vec<String> =
        fs::read_dir(&place.root).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    assert_eq!(names, ["backups", "journal.ndjson", "lock", "state.json"]);
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = LocalStore::new(file.join("demo")).lock("apply").expect_err("a file is no folder");
    assert!(matches!(&error, StateError::Io { path, .. } if path.ends_with("file/demo")), "{error}");
}

#[test]
fn an_entry_counts_once_however_often_it_is_applied() {
    let mut one = document();
    let mut twice = one.clone();
    for entry in entries() {
        one.apply(entry.clone());
        twice.apply(entry.clone());
        twice.apply(entry);
    }
    assert_eq!(one, twice);
}

#[test]
fn attributes_are_those_of_records_pins_and_the_account() {
    let known = after(document(), 3).attributes();
    assert_eq!(known["vpc/main"]["id"], "vpc-1");
    assert_eq!(known["image/x"]["id"], "ami-1");
    assert_eq!(known["aws"]["account"], "111122223333");
    assert!(!Document::new("", "aws", "us-west-2", "demo").attributes().contains_key("aws"), "offline nobody is known");
}

#[test]
fn every_state_has_a_lineage_of_its_own() {
    assert_ne!(document().lineage, document().lineage);
}

#[tokio::test]
async fn a_journal_cut_inside_a_letter_loads() {
    let place = Place::new();
    let writer = begun(&place, document());
    let tags = BTreeMap::from([("owner".to_owned(), "Zoë Müller, 研究".to_owned())]);
    writer.record(Entry::Recorded { address: vpc(), record: Box::new(Record { tags, ..record("vpc-1") }) }).await.unwrap();
    let journal = fs::read(place.file("journal.ndjson")).unwrap();
    for length in 0..=journal.len() {
        fs::write(place.file("journal.ndjson"), &journal[..length]).unwrap();
        let loaded = place.store.load();
        assert!(loaded.is_ok(), "{length} bytes: {loaded:?}");
    }
}
