//! Tests of the remote store, in virtual time: lost answers, fencing, and locks whose holders live, stop or die (RUN-2).

mod both;
mod bucket;
mod death;
mod documents;
mod holding;
mod takeover;
mod writing;

use super::*;
use crate::resource::{Address, Kind};
use crate::state::{Document, Entry, Record, RecordStatus, Recorder, StateError, format};
use bucket::{Call, Client, Fault};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const TIMINGS: LockTimings = LockTimings::DEFAULT;

fn seconds(count: f64) -> Duration {
    Duration::from_secs_f64(count)
}

fn store(client: &Client) -> RemoteStore<Client> {
    RemoteStore::new(client.clone(), "s3://bucket/demo", "demo", TIMINGS)
}

fn document() -> Document {
    Document::new("111122223333", "aws", "us-west-2", "demo")
}

fn role(number: usize) -> Address {
    Address::new(Kind::IamRole, &format!("r{number}"))
}

fn entry(number: usize) -> Entry {
    let record = Record {
        id: number.to_string(),
        status: RecordStatus::Ready,
        spec: serde_json::Value::Null,
        tags: BTreeMap::new(),
        attributes: BTreeMap::new(),
        dependencies: Vec::new(),
    };
    Entry::Recorded { address: role(number), record: Box::new(record) }
}

async fn lock(client: &Client, command: &str) -> Result<RemoteLock<Client>, StateError> {
    store(client).lock(command, &|_| ()).await
}

/// The state that is stored in the bucket.
fn standing(client: &Client) -> Document {
    format::decode(&client.standing("state.json").expect("no state"), "bucket").unwrap()
}

/// A run of this client: its lock, and its writer over what is stored there.
async fn begun(client: &Client) -> (Arc<RemoteLock<Client>>, RemoteWriter<Client>) {
    let lock = Arc::new(lock(client, "apply").await.unwrap());
    let store = store(client);
    let state = store.load().await.unwrap().unwrap_or_else(document);
    let writer = store.begin(state, lock.clone()).await.unwrap();
    (lock, writer)
}
