//! Documents and journals that a crash or a foreign hand spoiled.

use super::*;

#[tokio::test]
async fn a_damaged_document_is_refused() {
    let place = Place::new();
    interrupted(&place).await;
    let whole = fs::read(place.store.path()).unwrap();
    // Only the line end may be missing.
    for length in 0..whole.len() - 1 {
        fs::write(place.store.path(), &whole[..length]).unwrap();
        let error = refusal(&place);
        assert!(matches!(error, StateError::Damaged { .. }), "{length} bytes: {error}");
    }
    fs::write(place.store.path(), b"").unwrap();
    assert!(refusal(&place).to_string().ends_with("is damaged: it is empty"));
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
async fn a_wrong_checksum_is_refused() {
    let place = Place::new();
    begun(&place, document()).finish().unwrap();
    place.edit(|envelope| envelope["checksum"] = json!("00"));
    assert!(matches!(refusal(&place), StateError::Damaged { .. }));
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
    assert!(refusal(&place).to_string().ends_with("is damaged: its journal or its backups are there, but the document is missing"));
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

#[tokio::test]
async fn only_the_newest_backup_can_be_put_back() {
    let place = Place::new();
    let first = begun(&place, after(document(), 3)).finish().unwrap();
    begun(&place, first.clone()).finish().unwrap();
    let put_back = |serial: u64| {
        fs::copy(place.file("backups").join(format!("{serial:08}.json")), place.store.path()).unwrap();
        place.store.load()
    };
    assert_eq!(put_back(3).unwrap(), Some(Document { serial: 3, ..first }));
    let error = put_back(2).expect_err("it was taken");
    assert!(matches!(error, StateError::Backwards { found: 2, newest: 3, .. }), "{error}");
}
