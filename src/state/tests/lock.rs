//! The local lock.

use super::*;

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
