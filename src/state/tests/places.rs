//! What lies in the folder, who may read it, and folders that are no good.

use super::*;

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
    assert!(matches!(&error, StateError::Io { place, .. } if place.ends_with("file/demo")), "{error}");
}
