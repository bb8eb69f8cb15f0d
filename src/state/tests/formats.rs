//! Older, newer and rearranged documents.

use super::*;

#[tokio::test]
async fn a_newer_document_is_refused_as_such() {
    let place = Place::new();
    begun(&place, document()).finish().unwrap();
    place.edit(|envelope| {
        envelope["state"]["format_version"] = json!(FORMAT_VERSION + 1);
        envelope["state"]["something_new"] = json!(true);
    });
    let error = refusal(&place);
    assert!(matches!(error, StateError::Newer { found: 3, .. }), "{error}");
    assert!(error.to_string().contains("has format 3, which is newer than this version of domino-eks knows (2)"), "{error}");
}

#[tokio::test]
async fn another_order_of_keys_is_the_same_document() {
    let place = Place::new();
    let ended = begun(&place, after(document(), 8)).finish().unwrap();
    place.edit(|envelope| {
        let state = envelope["state"].as_object().unwrap().clone();
        envelope["state"] = Value::Object(state.into_iter().rev().collect());
    });
    assert_eq!(place.store.load().unwrap(), Some(ended));
}
