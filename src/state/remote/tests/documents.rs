//! Documents that are read: whole, missing, damaged, newer, moved.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_bucket_without_a_state_has_none() {
    let client = Client::new();
    assert_eq!(store(&client).load().await.unwrap(), None);
    assert_eq!(store(&client).highest_serial(), 0);
    assert_eq!(store(&client).holder().await.unwrap(), None);
    assert_eq!(client.sent(Call::Put, "") + client.sent(Call::Delete, ""), 0, "reading writes nothing");
}

#[tokio::test(start_paused = true)]
async fn damaged_newer_and_moved_documents_are_refused_with_their_place() {
    let client = Client::new();
    let whole = format::encode(&Document { serial: 4, ..document() }).unwrap();
    let cases: [(Vec<u8>, &str); 5] = [
        (Vec::new(), "the state `s3://bucket/demo/state.json` is damaged: it is empty"),
        (whole[..whole.len() / 2].to_vec(), "the state `s3://bucket/demo/state.json` is damaged: "),
        (String::from_utf8(whole.clone()).unwrap().replace("us-west-2", "us-east-1").into_bytes(), "was it edited by hand?"),
        (
            String::from_utf8(whole.clone())
                .unwrap()
                .replace(&format!("_version\": {}", crate::state::FORMAT_VERSION), "_version\": 9")
                .into_bytes(),
            "has format 9, which is newer",
        ),
        (format::encode_moved("./here").unwrap(), "the state was moved from `s3://bucket/demo/state.json` to `./here`"),
    ];
    for (bytes, said) in cases {
        client.put_object("state.json", &bytes);
        let error = store(&client).load().await.expect_err("it was accepted").to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_serial_of_a_document_edited_by_hand_is_known() {
    let client = Client::new();
    let whole = String::from_utf8(format::encode(&Document { serial: 4, ..document() }).unwrap()).unwrap();
    let store = store(&client);
    for (bytes, serial) in [(whole.replace("us-west-2", "us-east-1").as_bytes(), 4), (b"{", 0)] {
        client.put_object("state.json", bytes);
        store.load().await.expect_err("it was accepted");
        assert_eq!(store.highest_serial(), serial);
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_no_missing_state() {
    for fault in [ObjectFault::Denied, ObjectFault::Credentials, ObjectFault::Lost, ObjectFault::Other] {
        let client = Client::new();
        client.cut(Fault::Refused(fault));
        let errors = [store(&client).load().await.map(drop).unwrap_err(), store(&client).holder().await.map(drop).unwrap_err()];
        for error in errors {
            assert!(
                matches!(&error, StateError::Remote { location, source } if location == "s3://bucket/demo" && source.fault == fault),
                "{error}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_document_is_replaced_only_over_what_was_read() {
    let ours = Client::new();
    let theirs = ours.other();
    let (our_store, their_store) = (store(&ours), store(&theirs));
    assert_eq!(our_store.load().await.unwrap(), None);
    their_store.write(&Document { serial: 1, ..document() }).await.unwrap();
    let error = our_store.write(&document()).await.expect_err("it was written over another's");
    assert!(matches!(error, StateError::Fenced { .. }), "{error}");
    let error = our_store.mark_moved("./here").await.expect_err("it was written over another's");
    assert!(matches!(error, StateError::Fenced { .. }), "{error}");
    // After reading, we know what we write over.
    our_store.load().await.unwrap();
    our_store.mark_moved("./here").await.unwrap();
    assert!(matches!(their_store.load().await, Err(StateError::Moved { .. })));
    let back = Document { serial: 9, ..document() };
    their_store.write(&back).await.unwrap();
    assert_eq!(our_store.load().await.unwrap(), Some(back));
}

#[tokio::test(start_paused = true)]
async fn a_damaged_document_can_be_replaced() {
    let client = Client::new();
    client.put_object("state.json", b"half of it");
    let store = store(&client);
    store.load().await.expect_err("it was accepted");
    let rebuilt = Document { serial: store.highest_serial() + 1, ..document() };
    store.write(&rebuilt).await.unwrap();
    assert_eq!(store.load().await.unwrap(), Some(rebuilt));
}

#[tokio::test(start_paused = true)]
async fn an_older_document_put_back_is_refused_with_both_serials() {
    let client = Client::new();
    let first = format::encode(&Document { serial: 3, ..document() }).unwrap();
    client.put_object("state.json", &first);
    let store = store(&client);
    let old = store.load().await.unwrap().unwrap();
    store.write(&Document { serial: 7, ..old }).await.unwrap();
    client.put_object("state.json", &first);
    let error = store.load().await.expect_err("it was accepted");
    assert!(matches!(error, StateError::Backwards { found: 3, newest: 7, .. }), "{error}");
    assert_eq!(store.highest_serial(), 7, "what replaces it gets a higher one");
    // The serial floor of another lineage does not count.
    client.put_object("state.json", &format::encode(&Document { serial: 1, ..document() }).unwrap());
    assert_eq!(store.load().await.unwrap().unwrap().serial, 1);
}
