//! Runs that begin, record and end, or do not end.

use super::*;
use std::sync::atomic::{AtomicBool, Ordering};

#[tokio::test]
async fn a_run_begins_ends_and_is_read_back() {
    let folder = StateFolder::new();
    assert_eq!(folder.store.load().unwrap(), None);
    let writer = begun(&folder, document());
    assert_eq!(writer.document().serial, 1);
    for entry in entries() {
        writer.record(entry).await.unwrap();
    }
    let ended = writer.finish().unwrap();
    assert_eq!(ended.serial, 2);
    let expected = after(Document { lineage: ended.lineage.clone(), serial: 2, ..document() }, entries().len());
    assert_eq!(folder.store.load().unwrap(), Some(expected));
    assert_eq!(fs::read(folder.file("journal.ndjson")).unwrap(), b"");
}

#[tokio::test]
async fn reading_writes_nothing() {
    let folder = StateFolder::new();
    folder.store.load().unwrap();
    assert!(!folder.root.exists());
    interrupted(&folder).await;
    let look = || {
        let names = fs::read_dir(&folder.root).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = names.filter(|path| path.is_file()).map(|path| (path.clone(), fs::read(path).unwrap())).collect();
        files.sort();
        files
    };
    let before = look();
    folder.store.load().unwrap();
    assert_eq!(look(), before);
}

#[tokio::test]
async fn every_entry_is_on_disk_when_record_returns() {
    let folder = StateFolder::new();
    let writer = begun(&folder, document());
    for (count, entry) in entries().into_iter().enumerate() {
        writer.record(entry).await.unwrap();
        let lineage = writer.document().lineage;
        assert_eq!(folder.store.load().unwrap(), Some(after(Document { lineage, serial: 1, ..document() }, count + 1)));
    }
}

#[tokio::test]
async fn an_interrupted_run_goes_on_under_a_new_serial() {
    let folder = StateFolder::new();
    let before = interrupted(&folder).await;
    let loaded = folder.store.load().unwrap().unwrap();
    assert_eq!(loaded, before);
    let writer = begun(&folder, loaded);
    assert_eq!(fs::read(folder.file("journal.ndjson")).unwrap(), b"", "the document contains the entries of the journal");
    assert_eq!(writer.document(), Document { serial: 2, ..before });
    assert_eq!(folder.store.load().unwrap(), Some(writer.document()));
}

#[tokio::test]
async fn lines_of_an_older_run_are_not_applied_again() {
    let folder = StateFolder::new();
    let writer = begun(&folder, document());
    writer.record(Entry::Recorded { address: vpc(), record: Box::new(record("vpc-1")) }).await.unwrap();
    let journal = fs::read(folder.file("journal.ndjson")).unwrap();
    writer.record(Entry::Gone { address: vpc() }).await.unwrap();
    let ended = writer.finish().unwrap();
    drop(writer);
    // The process died after it replaced the document and before it emptied the journal.
    fs::write(folder.file("journal.ndjson"), journal).unwrap();
    assert_eq!(folder.store.load().unwrap(), Some(ended));
}

#[tokio::test]
async fn nothing_is_written_after_the_end_of_a_run() {
    let folder = StateFolder::new();
    let writer = begun(&folder, document());
    let ended = writer.finish().unwrap();
    assert!(writer.record(Entry::Gone { address: vpc() }).await.is_err());
    assert_eq!(folder.store.load().unwrap(), Some(ended));
}

#[tokio::test]
async fn many_writers_at_once_lose_nothing() {
    let folder = StateFolder::new();
    let writer = begun(&folder, document());
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
    assert_eq!(folder.store.load().unwrap().unwrap().resources.len(), 40);
}

#[tokio::test]
async fn ten_backups_are_kept_the_newest_ones() {
    let folder = StateFolder::new();
    let mut state = document();
    for _ in 0..9 {
        state = begun(&folder, state).finish().unwrap();
    }
    assert_eq!(state.serial, 18);
    let mut names: Vec<String> =
        fs::read_dir(folder.file("backups")).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    assert_eq!(names, (8..18).map(|serial| format!("{serial:08}.json")).collect::<Vec<_>>());
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
    assert!(!Document::new("", "aws", "us-west-2", "demo").attributes().contains_key("aws"), "offline the account is not known");
}

#[test]
fn every_state_has_a_lineage_of_its_own() {
    assert_ne!(document().lineage, document().lineage);
}

#[tokio::test]
async fn reading_without_the_lock_never_fails_while_runs_begin_and_end() {
    let folder = StateFolder::new();
    let mut state = begun(&folder, document()).finish().unwrap();
    let store = folder.store.clone();
    let over = Arc::new(AtomicBool::new(false));
    let ended = over.clone();
    let looking = std::thread::spawn(move || {
        let (mut serial, mut count) = (0, 0);
        while !ended.load(Ordering::SeqCst) {
            let seen = store.load().unwrap().expect("it was there before").serial;
            assert!(seen >= serial, "{seen} after {serial}");
            (serial, count) = (seen, count + 1);
        }
        count
    });
    for _ in 0..40 {
        let writer = begun(&folder, state);
        for entry in entries() {
            writer.record(entry).await.unwrap();
        }
        state = writer.finish().unwrap();
        drop(writer);
        state.serial += 1;
        folder.store.replace(&state).unwrap();
    }
    over.store(true, Ordering::SeqCst);
    assert!(looking.join().unwrap() > 40);
}
