//! Documents and journals that were damaged by a crash or changed by hand.

use super::*;

#[tokio::test]
async fn a_damaged_document_is_refused() {
    let folder = StateFolder::new();
    interrupted(&folder).await;
    let whole = fs::read(folder.store.path()).unwrap();
    // Only the line end may be missing.
    for length in 0..whole.len() - 1 {
        fs::write(folder.store.path(), &whole[..length]).unwrap();
        let error = refusal(&folder);
        assert!(matches!(error, StateError::Damaged { .. }), "{length} bytes: {error}");
    }
    fs::write(folder.store.path(), b"").unwrap();
    assert!(refusal(&folder).to_string().ends_with("is damaged: it is empty"));
    fs::write(folder.store.path(), b"[]").unwrap();
    assert!(matches!(refusal(&folder), StateError::Damaged { .. }));
}

#[tokio::test]
async fn a_document_edited_by_hand_is_refused() {
    let folder = StateFolder::new();
    begun(&folder, document()).finish().unwrap();
    folder.edit(|envelope| envelope["state"]["region"] = json!("eu-west-1"));
    assert!(refusal(&folder).to_string().ends_with("its checksum does not match; was it edited by hand?"));
}

#[tokio::test]
async fn a_wrong_checksum_is_refused() {
    let folder = StateFolder::new();
    begun(&folder, document()).finish().unwrap();
    folder.edit(|envelope| envelope["checksum"] = json!("00"));
    assert!(matches!(refusal(&folder), StateError::Damaged { .. }));
}

#[tokio::test]
async fn a_damaged_line_before_whole_ones_is_refused_with_its_number() {
    let folder = StateFolder::new();
    interrupted(&folder).await;
    let journal = fs::read_to_string(folder.file("journal.ndjson")).unwrap();
    let mut lines: Vec<&str> = journal.lines().collect();
    lines[2] = &lines[2][..20];
    fs::write(folder.file("journal.ndjson"), lines.join("\n") + "\n").unwrap();
    let error = refusal(&folder);
    assert!(
        matches!(&error, StateError::Damaged { source, .. } if source.to_string().starts_with("line 3: ") && source.source().is_some()),
        "{error}"
    );
}

#[tokio::test]
async fn a_journal_without_its_document_is_refused() {
    let folder = StateFolder::new();
    interrupted(&folder).await;
    fs::remove_file(folder.store.path()).unwrap();
    assert!(refusal(&folder).to_string().ends_with("is damaged: its journal or its backups are there, but the document is missing"));
}

#[tokio::test]
async fn a_journal_cut_at_any_byte_loads_as_its_whole_lines() {
    let folder = StateFolder::new();
    let lineage = interrupted(&folder).await.lineage;
    let journal = fs::read(folder.file("journal.ndjson")).unwrap();
    for length in 0..=journal.len() {
        fs::write(folder.file("journal.ndjson"), &journal[..length]).unwrap();
        let whole = journal[..length].iter().filter(|byte| **byte == b'\n').count();
        let expected = after(Document { lineage: lineage.clone(), serial: 1, ..document() }, whole);
        assert_eq!(folder.store.load().unwrap(), Some(expected), "{length} bytes");
    }
}

#[tokio::test]
async fn a_journal_cut_inside_a_letter_loads() {
    let folder = StateFolder::new();
    let writer = begun(&folder, document());
    let tags = BTreeMap::from([("owner".to_owned(), "Zoë Müller, 研究".to_owned())]);
    writer.record(Entry::Recorded { address: vpc(), record: Box::new(Record { tags, ..record("vpc-1") }) }).await.unwrap();
    let journal = fs::read(folder.file("journal.ndjson")).unwrap();
    for length in 0..=journal.len() {
        fs::write(folder.file("journal.ndjson"), &journal[..length]).unwrap();
        let loaded = folder.store.load();
        assert!(loaded.is_ok(), "{length} bytes: {loaded:?}");
    }
}

#[tokio::test]
async fn only_the_newest_backup_can_be_put_back() {
    let folder = StateFolder::new();
    let first = begun(&folder, after(document(), 3)).finish().unwrap();
    begun(&folder, first.clone()).finish().unwrap();
    let put_back = |serial: u64| {
        fs::copy(folder.backup(serial), folder.store.path()).unwrap();
        folder.store.load()
    };
    assert_eq!(put_back(3).unwrap(), Some(Document { serial: 3, ..first }));
    let error = put_back(2).expect_err("it was accepted");
    assert!(matches!(error, StateError::Backwards { found: 2, newest: 3, .. }), "{error}");
    assert!(error.to_string().contains("has serial 2, but serial 3 was written here"), "{error}");
}

#[tokio::test]
async fn a_document_older_than_its_journal_is_refused() {
    let folder = StateFolder::new();
    let state = interrupted(&folder).await;
    folder.put(&encode(&Document { serial: 0, ..state }).unwrap());
    let error = refusal(&folder);
    assert!(matches!(error, StateError::Backwards { found: 0, newest: 1, .. }), "{error}");
    assert!(error.to_string().contains("has serial 0, but serial 1 was written here"), "{error}");
}

#[tokio::test]
async fn a_journal_of_another_state_is_refused() {
    let folder = StateFolder::new();
    interrupted(&folder).await;
    // The same serial, another lineage.
    folder.put(&encode(&Document { serial: 1, ..document() }).unwrap());
    assert!(refusal(&folder).to_string().ends_with("is damaged: its journal belongs to another state"));
}

#[tokio::test]
async fn journal_lines_that_do_not_name_their_state_are_taken() {
    let folder = StateFolder::new();
    let state = interrupted(&folder).await;
    let journal = fs::read_to_string(folder.file("journal.ndjson")).unwrap();
    let old = journal.replace(&format!("\"lineage\":\"{}\",", state.lineage), "");
    assert!(!old.contains("lineage"));
    fs::write(folder.file("journal.ndjson"), old).unwrap();
    assert_eq!(folder.store.load().unwrap(), Some(state));
}

#[tokio::test]
async fn a_document_that_is_missing_beside_its_backups_is_refused() {
    let folder = StateFolder::new();
    begun(&folder, document()).finish().unwrap();
    fs::remove_file(folder.store.path()).unwrap();
    fs::remove_file(folder.file("journal.ndjson")).unwrap();
    assert!(refusal(&folder).to_string().ends_with("its journal or its backups are there, but the document is missing"));
}

#[tokio::test]
async fn every_backup_is_whole() {
    // A user who restores the newest one loses nothing of what the journal held when it was made.
    let folder = StateFolder::new();
    let state = interrupted(&folder).await;
    let backup = |serial: u64| decode(&fs::read(folder.backup(serial)).unwrap(), "backup").unwrap();
    let writer = begun(&folder, state.clone());
    assert_eq!(backup(1), state, "of an interrupted run");
    writer.record(Entry::Recorded { address: vpc(), record: Box::new(record("vpc-2")) }).await.unwrap();
    let before = writer.document();
    writer.finish().unwrap();
    assert_eq!(backup(2), before, "of a run that ended");
    drop(writer);
    let writer = begun(&folder, before);
    writer.record(Entry::Gone { address: vpc() }).await.unwrap();
    let before = writer.document();
    drop(writer);
    folder.store.replace(&Document { serial: before.serial + 1, ..document() }).unwrap();
    assert_eq!(backup(before.serial), before, "of a state that was replaced");
}

#[tokio::test]
async fn a_damaged_document_is_kept_when_it_is_replaced() {
    let folder = StateFolder::new();
    let state = begun(&folder, document()).finish().unwrap();
    folder.put(b"half of it");
    folder.store.replace(&Document { serial: state.serial + 1, ..state.clone() }).unwrap();
    assert_eq!(folder.store.load().unwrap().unwrap().serial, state.serial + 1);
    assert_eq!(fs::read(folder.file("backups").join("damaged.json")).unwrap(), b"half of it");
}

#[tokio::test]
async fn the_highest_serial_is_known_however_damaged_things_are() {
    let folder = StateFolder::new();
    assert_eq!(folder.store.highest_serial(), 0);
    let state = begun(&folder, document()).finish().unwrap();
    let writer = begun(&folder, state);
    for entry in entries() {
        writer.record(entry).await.unwrap();
    }
    drop(writer);
    assert_eq!(folder.store.highest_serial(), 3);
    let (whole, journal) = (fs::read(folder.store.path()).unwrap(), fs::read(folder.file("journal.ndjson")).unwrap());
    // A document edited by hand still contains its serial.
    fs::remove_file(folder.file("journal.ndjson")).unwrap();
    folder.edit(|envelope| envelope["state"]["region"] = json!("eu-west-1"));
    assert_eq!(folder.store.highest_serial(), 3);
    // One that was cut off does not, but its backups or its journal do.
    folder.put(&whole[..whole.len() / 2]);
    assert_eq!(folder.store.highest_serial(), 2);
    fs::write(folder.file("journal.ndjson"), &journal).unwrap();
    assert_eq!(folder.store.highest_serial(), 3);
    let mut spoiled = journal.clone();
    spoiled[..20].fill(b'x');
    fs::write(folder.file("journal.ndjson"), &spoiled).unwrap();
    assert_eq!(folder.store.highest_serial(), 3, "one spoiled line does not silence the others");
    fs::remove_file(folder.store.path()).unwrap();
    assert_eq!(folder.store.highest_serial(), 3);
}
