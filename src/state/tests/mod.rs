//! Tests of the local store: what a crash, a change by hand or a second process can do to it (RUN-2).

pub(super) mod crash;
mod damaged;
mod formats;
mod full_disk;
mod lock;
mod places;
mod runs;

use super::*;
use crate::resource::{Address, Kind};
use crate::state::local::LocalWriter;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A folder of its own with a store inside.
struct StateFolder {
    _folder: tempfile::TempDir,
    root: PathBuf,
    store: LocalStore,
}

impl StateFolder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("state").join("demo");
        Self { store: LocalStore::new(&root), root, _folder: folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The file of the backup with this serial.
    fn backup(&self, serial: u64) -> PathBuf {
        self.file("backups").join(format!("{serial:08}.json"))
    }

    /// Writes bytes in the place of the document.
    fn put(&self, bytes: &[u8]) {
        fs::create_dir_all(&self.root).unwrap();
        fs::write(self.store.path(), bytes).unwrap();
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(&self.root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Writes the document again, as a user would who edits it by hand.
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
        status: RecordStatus::Ready,
        spec: json!({"cidr": "10.0.0.0/16"}),
        tags: BTreeMap::from([("team".to_owned(), "ml".to_owned())]),
        attributes: BTreeMap::from([("id".to_owned(), id.to_owned())]),
        dependencies: vec![Address::new(Kind::KmsKey, "main")],
    }
}

fn entries() -> Vec<Entry> {
    let intent =
        Intent { client_token: "n".repeat(64), since: Timestamp::UNIX_EPOCH, spec: json!({"cidr": "10.0.0.0/16"}), dependencies: vec![] };
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

fn begun(folder: &StateFolder, document: Document) -> LocalWriter {
    let lock = folder.store.lock("apply").unwrap();
    folder.store.begin(document, Arc::new(lock)).unwrap()
}

/// A run that stopped without finishing, after all entries.
async fn interrupted(folder: &StateFolder) -> Document {
    let writer = begun(folder, document());
    for entry in entries() {
        writer.record(entry).await.unwrap();
    }
    writer.document()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn refusal(folder: &StateFolder) -> StateError {
    folder.store.load().expect_err("it was accepted")
}
