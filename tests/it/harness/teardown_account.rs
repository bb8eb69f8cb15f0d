//! Accounts for the tests of `destroy`: what is put into the account behind the tool's back, and what must be left of it.

use super::clusters::{APPLY_QUIETLY, SINGLE_ZONE};
use super::emulator::{Emulator, Request};
use super::messages::says;
use super::workspace::{Run, Workspace, example};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Leftovers of Kubernetes, without backups in a vault that refuses deletions.
const LEFT: [&str; 6] = ["lbc", "ccm", "interfaces", "volumes", "snapshots", "logs"];

/// Service, type and id of an entry of the inventory.
type Key = (String, String, String);

/// The account of a test.
pub(crate) struct TeardownAccount {
    pub(crate) emulator: Emulator,
}

/// What others own: it stays as it is, whatever happens to our cluster.
pub(crate) struct ForeignObjects {
    entries: Vec<Value>,
    /// Ids, and names of what is called by its name.
    words: BTreeSet<String>,
}

fn key(entry: &Value) -> Key {
    let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    (text("service"), text("type"), text("id"))
}

impl Emulator {
    /// Puts something into the account (README of the emulator); what is new.
    #[track_caller]
    pub(crate) fn seed(&self, order: &Value) -> Vec<Value> {
        let sent = ureq::post(&format!("{}/_emulator/seed", self.url)).send_json(order);
        let mut answer = sent.unwrap_or_else(|error| panic!("{order}: {error}"));
        answer.body_mut().read_json::<Value>().unwrap()["seeded"].as_array().unwrap().clone()
    }

    /// Objects and switches of the cluster's Kubernetes API.
    #[track_caller]
    pub(crate) fn kubernetes(&self, order: &Value) {
        let sent = ureq::post(&format!("{}/_emulator/kubernetes", self.url)).send_json(order);
        sent.unwrap_or_else(|error| panic!("{order}: {error}"));
    }
}

impl TeardownAccount {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// AWS is quicker than our patience: no wait ends early on a busy machine.
    pub(crate) fn with(options: &[&str]) -> Self {
        Self { emulator: Emulator::start_with(options) }
    }

    /// An empty account, and a folder with the configuration of one zone.
    pub(crate) fn fresh(&self) -> Workspace {
        self.emulator.reset();
        self.folder("")
    }

    /// Another folder with that configuration, and these lines more.
    pub(crate) fn folder(&self, more: &str) -> Workspace {
        Workspace::new(&self.emulator, &(example("domino-test-cluster-single-az.yaml") + more))
    }

    /// An empty account, and a folder in which the cluster was made.
    pub(crate) fn made(&self) -> Workspace {
        let workspace = self.fresh();
        workspace.run_soon(&APPLY_QUIETLY).expect(0);
        workspace
    }

    /// What a used cluster leaves, now and later.
    pub(crate) fn used(&self, cluster: &str) {
        self.emulator.seed(&json!({ "what": "leftovers", "cluster": cluster, "only": LEFT }));
        let leak = json!({ "what": "leak", "cluster": cluster, "interfaces": 2, "cluster_security_group": true, "log_group": true });
        self.emulator.seed(&leak);
    }

    /// Team b beside our cluster.
    pub(crate) fn neighbours(&self, cluster: &str) -> ForeignObjects {
        let seeded = self.emulator.seed(&json!({ "what": "neighbours", "cluster": cluster }));
        assert!(seeded.len() > 40, "{} neighbours", seeded.len());
        ForeignObjects::of(&self.emulator, &seeded)
    }

    /// Everything that exists and does not belong to others, without keys that wait for their deletion.
    pub(crate) fn ours(&self, theirs: &ForeignObjects) -> Vec<String> {
        let others: BTreeSet<Key> = theirs.entries.iter().map(key).collect();
        let ours = self.emulator.living().into_iter().filter(|entry| !others.contains(&key(entry)));
        ours.map(|entry| format!("{} {} {}", entry["service"], entry["type"], entry["id"])).collect()
    }

    /// Nothing of ours exists but a key on its way, and what others own is as it was.
    #[track_caller]
    pub(crate) fn nothing_left(&self, theirs: &ForeignObjects) {
        assert_eq!(self.ours(theirs), Vec::<String>::new());
        theirs.unharmed(self);
    }

    /// A destroy that leaves nothing, and says so.
    #[track_caller]
    pub(crate) fn destroyed(&self, workspace: &Workspace, arguments: &[&str], theirs: &ForeignObjects) -> Run {
        let since = self.emulator.count();
        let run = says(workspace.run_soon(arguments).expect(0), &["Nothing left: searched by "]);
        self.nothing_left(theirs);
        theirs.unnamed(self, since);
        run
    }

    /// Objects for a bucket of ours.
    pub(crate) fn objects(&self, bucket: &str, order: &Value) -> String {
        let bucket = format!("{SINGLE_ZONE}-123456789012-us-west-2-{bucket}");
        let mut order = order.clone();
        order["what"] = json!("objects");
        order["bucket"] = json!(bucket);
        self.emulator.seed(&order);
        bucket
    }

    /// Ids of everything of one type.
    pub(crate) fn ids(&self, kind: &str) -> Vec<String> {
        self.emulator.of_type(kind).iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
    }
}

impl ForeignObjects {
    pub(crate) fn nobody() -> Self {
        Self { entries: Vec::new(), words: BTreeSet::new() }
    }

    /// What these seeds put there, as it is now.
    pub(crate) fn of(emulator: &Emulator, seeded: &[Value]) -> Self {
        let keys: BTreeSet<Key> = seeded.iter().map(key).collect();
        let entries: Vec<Value> = emulator.inventory().into_iter().filter(|entry| keys.contains(&key(entry))).collect();
        assert_eq!(entries.len(), keys.len(), "some of what was seeded is gone already");
        let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        // Groups are called by their id; by name, two of them may be called the same.
        let named = entries.iter().filter(|entry| entry["type"] != "security-group").map(|entry| text(entry, "name"));
        let words = entries.iter().map(|entry| text(entry, "id")).chain(named).filter(|word| !word.is_empty()).collect();
        Self { entries, words }
    }

    /// Adds what others own besides.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.entries.extend(other.entries);
        self.words.extend(other.words);
        self
    }

    /// Byte for byte as before.
    #[track_caller]
    pub(crate) fn unharmed(&self, site: &TeardownAccount) {
        let keys: BTreeSet<Key> = self.entries.iter().map(key).collect();
        let now: Vec<Value> = site.emulator.inventory().into_iter().filter(|entry| keys.contains(&key(entry))).collect();
        let mut before = self.entries.clone();
        before.sort_by_key(key);
        for (was, is) in before.iter().zip(&now) {
            assert_eq!(was, is);
        }
        assert_eq!(before.len(), now.len());
    }

    /// No call since then that changes something names any of it.
    #[track_caller]
    pub(crate) fn unnamed(&self, site: &TeardownAccount, since: usize) {
        let names = |request: &Request| {
            let mut texts = BTreeSet::new();
            leaves(&request.params, &mut texts);
            texts.intersection(&self.words).next().is_some()
        };
        let named: Vec<String> = site.emulator.mutating(since).iter().filter(|request| names(request)).map(Request::brief).collect();
        assert_eq!(named, Vec::<String>::new());
    }
}

/// All texts of a value.
fn leaves(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => drop(found.insert(text.clone())),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, found)),
        Value::Object(map) => map.values().for_each(|item| leaves(item, found)),
        _ => {}
    }
}
