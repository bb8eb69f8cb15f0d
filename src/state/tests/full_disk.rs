//! A full disk, simulated by a limit on the size of files in a process of its own.

use super::*;
use rustix::process::{Resource, getrlimit, setrlimit};

/// The folder in which the child works.
const FOLDER: &str = "FULL_DISK_FOLDER";

fn limit(size: Option<u64>) {
    let now = getrlimit(Resource::Fsize);
    setrlimit(Resource::Fsize, rustix::process::Rlimit { current: size, ..now }).unwrap();
}

fn role(number: usize) -> Entry {
    Entry::Recorded { address: Address::new(Kind::IamRole, &format!("r{number}")), record: Box::new(record("x")) }
}

/// The roles in the state on disk.
fn on_disk(store: &LocalStore) -> Vec<String> {
    store.load().unwrap().unwrap().resources.keys().map(ToString::to_string).collect()
}

#[tokio::test]
async fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let store = LocalStore::new(folder);
    let writer = store.begin(document(), Arc::new(store.lock("apply").unwrap())).unwrap();
    writer.record(role(0)).await.unwrap();
    let length = fs::metadata(store.path().with_file_name("journal.ndjson")).unwrap().len();

    // Room for half a line only.
    limit(Some(length + 40));
    writer.record(role(1)).await.expect_err("there was no room");
    writer.record(role(2)).await.expect_err("there was no room");
    assert_eq!(on_disk(&store), ["iam-role/r0"]);

    limit(None);
    writer.record(role(3)).await.unwrap();
    assert_eq!(on_disk(&store), ["iam-role/r0", "iam-role/r3"], "half a line precedes a whole one");
    let ended = writer.finish().unwrap();
    assert_eq!(on_disk(&store), ["iam-role/r0", "iam-role/r1", "iam-role/r2", "iam-role/r3"], "what happened was forgotten");
    drop(writer);

    // There is no room at the end of the run either.
    let writer = store.begin(ended, Arc::new(store.lock("apply").unwrap())).unwrap();
    writer.record(role(4)).await.unwrap();
    limit(Some(200));
    assert!(matches!(writer.finish(), Err(StateError::Io { .. })));
    assert_eq!(on_disk(&store).len(), 5, "the journal still holds what was recorded");
    assert_eq!(writer.document().resources.len(), 5);
    drop(writer);
    let loaded = store.load().unwrap().unwrap();
    let lock = Arc::new(store.lock("apply").unwrap());
    assert!(store.begin(loaded.clone(), lock.clone()).is_err(), "a run began without room");
    assert_eq!(store.load().unwrap(), Some(loaded.clone()));

    limit(None);
    store.begin(loaded, lock).unwrap().finish().unwrap();
    assert_eq!(on_disk(&store).len(), 5);
}

#[test]
fn what_a_full_disk_keeps_out_of_the_journal_is_in_the_document_when_there_is_room_again() {
    let folder = tempfile::tempdir().unwrap();
    // The signal that a file grew too large is ignored, because a full disk sends none; it stays ignored after exec.
    let child = std::process::Command::new("sh")
        .args(["-c", r#"trap '' XFSZ; exec "$0" "$@""#])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "state::tests::full_disk::child", "--nocapture"])
        .env(FOLDER, folder.path().join("state"))
        .output()
        .unwrap();
    assert!(child.status.success(), "{}{}", String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
    assert!(folder.path().join("state").exists(), "the child did not work");
}
