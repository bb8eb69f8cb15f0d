//! The local lock.

use super::*;

#[test]
fn a_second_holder_is_told_who_has_the_lock() {
    let folder = StateFolder::new();
    let held = folder.store.lock("apply --yes").unwrap();
    let error = folder.store.lock("destroy").expect_err("the lock was given twice");
    let StateError::Locked { holder: Some(holder), .. } = &error else { panic!("{error}") };
    assert_eq!((holder.pid, holder.command.as_str()), (std::process::id(), "apply --yes"));
    let said = error.to_string();
    assert!(
        said.starts_with("the state is locked by ") && said.contains(&format!("(process {}, `apply --yes`, since ", holder.pid)),
        "{said}"
    );
    drop(held);
    folder.store.lock("destroy").unwrap();
}

#[test]
fn the_note_of_a_shorter_command_leaves_nothing_of_the_one_before() {
    let folder = StateFolder::new();
    drop(folder.store.lock(&"x".repeat(500)).unwrap());
    let _held = folder.store.lock("apply").unwrap();
    let Err(StateError::Locked { holder: Some(holder), .. }) = folder.store.lock("status") else { panic!() };
    assert_eq!(holder.command, "apply");
}

#[tokio::test]
async fn the_lock_is_held_until_the_run_is_over() {
    let folder = StateFolder::new();
    let writer = begun(&folder, document());
    assert!(matches!(folder.store.lock("apply"), Err(StateError::Locked { .. })));
    let other = writer.clone();
    drop(writer);
    assert!(matches!(folder.store.lock("apply"), Err(StateError::Locked { .. })), "a step still works");
    drop(other);
    folder.store.lock("apply").unwrap();
}

#[test]
fn the_holder_can_be_asked_for() {
    let folder = StateFolder::new();
    assert_eq!(folder.store.holder(), None, "no folder");
    let held = folder.store.lock("apply").unwrap();
    let holder = folder.store.holder().expect("no lock").expect("no entry");
    assert_eq!((holder.pid, holder.command.as_str()), (std::process::id(), "apply"));
    fs::write(folder.file("lock"), b"{\"user\":").unwrap();
    assert_eq!(folder.store.holder(), Some(None), "a note that cannot be read");
    assert!(matches!(folder.store.lock("apply"), Err(StateError::Locked { holder: None, remote: false })));
    drop(held);
    assert_eq!(folder.store.holder(), None, "a note without its holder means nothing");
    assert!(!folder.store.path().exists(), "asking and locking make no state");
}

#[tokio::test]
async fn a_run_whose_lock_was_deleted_writes_nothing_more() {
    let folder = StateFolder::new();
    let first = begun(&folder, document());
    let entry = || Entry::Recorded { address: vpc(), record: Box::new(record("vpc-1")) };
    first.record(entry()).await.unwrap();
    first.check_lock().unwrap();
    fs::remove_file(folder.file("lock")).unwrap();
    // Whoever deleted it believed that no run was in progress.
    let second = begun(&folder, folder.store.load().unwrap().unwrap());
    assert!(first.check_lock().is_err());
    assert!(first.record(Entry::Gone { address: vpc() }).await.is_err());
    let error = first.finish().expect_err("two runs wrote one state");
    assert!(matches!(error, StateError::Fenced { .. }), "{error}");
    assert!(error.to_string().contains("lock"), "{error}");
    second.check_lock().unwrap();
    second.record(Entry::Applied { config_hash: "second".to_owned() }).await.unwrap();
    let ended = second.finish().unwrap();
    assert_eq!(folder.store.load().unwrap(), Some(ended.clone()));
    assert_eq!((ended.resources.len(), ended.config_hash.as_deref()), (1, Some("second")));
}

#[test]
fn a_lock_file_that_comes_and_goes_has_one_holder() {
    // Every holder deletes the file before it unlocks, as other tools do. A process that opened it before that locks a file that nobody
    // else sees, and must notice.
    use std::sync::atomic::{AtomicUsize, Ordering};
    let folder = StateFolder::new();
    let inside = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    let held = loop {
                        match folder.store.lock("apply") {
                            Ok(held) => break held,
                            Err(_) => std::thread::yield_now(),
                        }
                    };
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two hold the lock");
                    std::thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    fs::remove_file(folder.file("lock")).unwrap();
                    drop(held);
                }
            });
        }
    });
}

#[test]
fn a_lock_is_free_at_once_while_processes_are_being_started() {
    // Between fork and exec a child has a copy of every open file, and with it of the lock.
    use std::sync::atomic::{AtomicBool, Ordering};
    let folder = StateFolder::new();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                std::process::Command::new("true").status().unwrap();
            }
        });
        let taken: Vec<bool> = (0..300).map(|_| folder.store.lock("apply").is_ok() && folder.store.holder().is_none()).collect();
        over.store(true, Ordering::SeqCst);
        assert!(taken.into_iter().all(|taken| taken), "a lock that was given back was still held");
    });
}
