//! The same behaviour of the store in a folder and of the store in a bucket.

use super::*;
use crate::state::{Guard, LocalStore, Store};

struct Places {
    _folder: tempfile::TempDir,
    local: Store<Client>,
    remote: Store<Client>,
}

fn places() -> Places {
    let folder = tempfile::tempdir().unwrap();
    let local = Store::Local(LocalStore::new(folder.path().join("demo")));
    Places { _folder: folder, local, remote: Store::Remote(store(&Client::new())) }
}

async fn taken(store: &Store<Client>) -> Guard<Client> {
    store.lock("apply", &|_| ()).await.unwrap()
}

/// A run that adds one role; returns the state that it leaves.
async fn run(store: &Store<Client>, number: usize) -> Document {
    let guard = taken(store).await;
    let state = store.load().await.unwrap().unwrap_or_else(document);
    let writer = store.begin(state, &guard).await.unwrap();
    writer.record(entry(number)).await.unwrap();
    writer.check_lock().unwrap();
    assert_eq!(store.load().await.unwrap(), Some(writer.document()));
    let ended = writer.clone().finish().await.unwrap();
    assert!(writer.record(entry(99)).await.is_err(), "the run is over");
    drop(writer);
    guard.release().await.unwrap();
    ended
}

/// What `state migrate` does.
async fn moved(from: &Store<Client>, to: &Store<Client>) -> Document {
    let mut state = from.load().await.unwrap().unwrap();
    assert!(matches!(to.load().await, Ok(None) | Err(StateError::Moved { .. })));
    state.serial = state.serial.max(to.highest_serial()) + 1;
    to.replace(&state).await.unwrap();
    assert_eq!(to.load().await.unwrap(), Some(state.clone()));
    from.mark_moved(&to.location()).await.unwrap();
    state
}

#[tokio::test(start_paused = true)]
async fn both_places_run_alike() {
    let places = places();
    for store in [&places.local, &places.remote] {
        assert_eq!(store.load().await.unwrap(), None);
        assert_eq!(store.highest_serial(), 0);
        let first = run(store, 0).await;
        let second = run(store, 1).await;
        assert_eq!(store.load().await.unwrap(), Some(second.clone()));
        assert_eq!(store.highest_serial(), second.serial);
        assert_eq!((second.resources.len(), &second.lineage), (2, &first.lineage));
        assert!(second.serial > first.serial);
        assert_eq!(store.holder().await.unwrap(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn both_places_have_one_holder() {
    let places = places();
    for store in [&places.local, &places.remote] {
        let guard = taken(store).await;
        let holder = store.holder().await.unwrap().expect("no lock").expect("no entry");
        assert_eq!(holder.command, "apply");
        let error = store.lock("destroy", &|_| ()).await.expect_err("two hold the lock");
        assert!(matches!(error, StateError::Locked { holder: Some(_), .. }), "{error}");
        guard.release().await.unwrap();
        drop(guard);
        taken(store).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_state_moves_there_and_back_and_forgets_nothing() {
    let places = places();
    let (mut from, mut to) = (&places.local, &places.remote);
    let mut last = run(from, 0).await;
    for number in 1..6 {
        let state = moved(from, to).await;
        assert!(state.serial > last.serial);
        assert_eq!(state, Document { serial: state.serial, ..last });
        let error = from.load().await.expect_err("it is in two places");
        assert!(matches!(&error, StateError::Moved { to: named, .. } if *named == to.location()), "{error}");
        last = run(to, number).await;
        assert_eq!(last.resources.len(), number + 1);
        (from, to) = (to, from);
    }
}

#[tokio::test(start_paused = true)]
async fn the_lock_of_another_place_allows_no_run() {
    let places = places();
    for (store, other) in [(&places.local, &places.remote), (&places.remote, &places.local)] {
        let guard = taken(other).await;
        let error = store.begin(document(), &guard).await.map(drop).expect_err("it began");
        assert!(matches!(error, StateError::Fenced { .. }), "{error}");
        assert_eq!(store.load().await.unwrap(), None);
        guard.release().await.unwrap();
    }
}
