//! What is in the folder, who may read it, and folders that cannot be used.

use super::*;

#[tokio::test]
async fn nobody_else_can_read_anything() {
    let folder = StateFolder::new();
    let state = begun(&folder, document()).finish().unwrap();
    let writer = begun(&folder, state);
    for entry in entries() {
        writer.record(entry).await.unwrap();
    }
    writer.finish().unwrap();
    assert_eq!((mode(&folder.root), mode(&folder.file("backups"))), (0o700, 0o700));
    assert_eq!(mode(folder.root.parent().unwrap()), 0o700);
    for name in ["state.json", "journal.ndjson", "lock"] {
        assert_eq!(mode(&folder.file(name)), 0o600, "{name}");
    }
    for backup in fs::read_dir(folder.file("backups")).unwrap() {
        assert_eq!(mode(&backup.unwrap().path()), 0o600);
    }
}

#[tokio::test]
async fn no_temporary_file_stays_behind() {
    let folder = StateFolder::new();
    begun(&folder, document()).finish().unwrap();
    assert_eq!(folder.names(), ["backups", "journal.ndjson", "lock", "state.json"]);
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = LocalStore::new(file.join("demo")).lock("apply").expect_err("a file is not a folder");
    assert!(matches!(&error, StateError::Io { location, .. } if location.ends_with("file/demo")), "{error}");
}

/// A file in another folder that a link in the state's folder leads to.
fn linked(folder: &StateFolder, name: &str) -> PathBuf {
    let target = folder.root.parent().unwrap().join("elsewhere");
    fs::rename(folder.file(name), &target).unwrap();
    std::os::unix::fs::symlink(&target, folder.file(name)).unwrap();
    target
}

#[tokio::test]
async fn a_symbolic_link_is_refused_and_what_it_leads_to_stays() {
    for name in ["state.json", "journal.ndjson"] {
        let folder = StateFolder::new();
        interrupted(&folder).await;
        let target = linked(&folder, name);
        let before = fs::read(&target).unwrap();
        let error = refusal(&folder);
        assert!(matches!(&error, StateError::Link { location } if location.ends_with(name)), "{error}");
        assert_eq!(fs::read(&target).unwrap(), before);
    }
}

#[tokio::test]
async fn a_run_never_writes_through_a_link() {
    // The links were put there after the state was read.
    let folder = StateFolder::new();
    let state = interrupted(&folder).await;
    let document = linked(&folder, "state.json");
    let before = fs::read(&document).unwrap();
    let writer = begun(&folder, state);
    assert_eq!(fs::read(&document).unwrap(), before);
    assert!(!folder.store.path().is_symlink());
    let state = writer.document();
    drop(writer);

    let journal = linked(&folder, "journal.ndjson");
    fs::write(&journal, b"somebody's own file").unwrap();
    let lock = Arc::new(folder.store.lock("apply").unwrap());
    assert!(folder.store.begin(state, lock).is_err());
    assert_eq!(fs::read(&journal).unwrap(), b"somebody's own file");
}

#[tokio::test]
async fn a_dangling_link_is_no_missing_state() {
    let folder = StateFolder::new();
    fs::create_dir_all(&folder.root).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.store.path()).unwrap();
    assert!(matches!(refusal(&folder), StateError::Link { .. }));
}

#[tokio::test]
async fn what_cannot_be_read_is_no_missing_state() {
    // No user can read a folder in the place of a file, not even root.
    for name in ["state.json", "journal.ndjson"] {
        let folder = StateFolder::new();
        fs::create_dir_all(folder.file(name)).unwrap();
        let error = refusal(&folder);
        assert!(matches!(&error, StateError::Io { location, .. } if location.ends_with(name)), "{error}");
    }
    // Modes do not apply to root.
    if rustix::process::geteuid().is_root() {
        return;
    }
    for name in ["state.json", "journal.ndjson"] {
        let folder = StateFolder::new();
        interrupted(&folder).await;
        fs::set_permissions(folder.file(name), fs::Permissions::from_mode(0o000)).unwrap();
        assert!(matches!(refusal(&folder), StateError::Io { .. }));
    }
}

#[tokio::test]
async fn a_place_that_is_no_folder_is_no_missing_state() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), b"").unwrap();
    let error = LocalStore::new(folder.path().join("file").join("demo")).load().expect_err("a file is not a folder");
    assert!(matches!(&error, StateError::Io { .. }), "{error}");
}

#[tokio::test]
async fn a_state_without_room_for_its_backup_stays_as_it_was() {
    let folder = StateFolder::new();
    let state = begun(&folder, document()).finish().unwrap();
    let before = fs::read(folder.store.path()).unwrap();
    fs::remove_dir_all(folder.file("backups")).unwrap();
    fs::write(folder.file("backups"), b"").unwrap();
    let lock = Arc::new(folder.store.lock("apply").unwrap());
    assert!(folder.store.begin(state, lock).is_err(), "a run began without a backup");
    assert_eq!(fs::read(folder.store.path()).unwrap(), before);
}

#[tokio::test]
async fn unfinished_documents_go_when_the_next_run_begins() {
    let folder = StateFolder::new();
    let state = begun(&folder, document()).finish().unwrap();
    for name in [".state.json.a1b2c3", ".state.json."] {
        fs::write(folder.file(name), b"{\"checksum\":").unwrap();
    }
    fs::write(folder.file("notes.txt"), b"somebody's own").unwrap();
    drop(begun(&folder, state));
    assert_eq!(folder.names(), ["backups", "journal.ndjson", "lock", "notes.txt", "state.json"]);
}
