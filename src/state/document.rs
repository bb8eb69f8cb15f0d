//! The state document, the entries of its journal, and the one function that applies an entry.

use crate::resource::{Address, Attributes};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Version of the document's format; a newer one is refused.
pub const FORMAT_VERSION: u32 = 3;

/// Everything that we know about one cluster. It never contains a secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Format of this file ([`FORMAT_VERSION`]).
    pub format_version: u32,
    /// Random id of this state for all its life; everything created under it carries it as the tag `domino-eks:lineage`.
    pub lineage: String,
    /// Grows with every write.
    pub serial: u64,
    /// Version of the tool that wrote it.
    pub tool_version: String,
    /// AWS account id; empty only in the scratch document of an offline plan.
    pub account: String,
    /// AWS region.
    pub region: String,
    /// AWS partition.
    pub partition: String,
    /// Cluster name.
    pub cluster: String,
    /// SHA-256 of the configuration file that was applied last.
    pub config_hash: Option<String>,
    /// What the configuration said about taking it down.
    #[serde(rename = "marks")]
    pub teardown_policy: TeardownPolicy,
    /// What exists.
    pub resources: BTreeMap<Address, Record>,
    /// Create calls that were sent, or were about to be sent. Those of finished resources are dropped after a while.
    pub intents: BTreeMap<Address, Intent>,
    /// Choices made once and kept (pinned): AMI ids, add-on versions. Look-up key → attribute → value.
    pub pins: BTreeMap<String, BTreeMap<String, String>>,
}

/// What the configuration said about taking the cluster down. The state keeps it because destroy also runs without the
/// configuration file (RUN-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeardownPolicy {
    /// Destroy is refused.
    pub protect: bool,
    /// A test environment, whose data may be deleted with it.
    pub ephemeral: bool,
}

/// Status of a recorded resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordStatus {
    /// Created, but its settings or its readiness are not confirmed yet.
    Creating,
    /// It is as its spec says, and ready.
    Ready,
    /// A delete was sent.
    Deleting,
    /// Its cluster was destroyed; it was kept because of the data that it holds.
    Retained,
}

/// One existing resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// AWS id, or the name where the name is the id.
    pub id: String,
    /// Its status.
    pub status: RecordStatus,
    /// The spec as last applied, references resolved.
    pub spec: Value,
    /// The tags as last applied.
    pub tags: BTreeMap<String, String>,
    /// Known attributes: id, arn, endpoint, …
    pub attributes: BTreeMap<String, String>,
    /// What it depends on; destroy deletes in the opposite order, also without the configuration.
    pub dependencies: Vec<Address>,
}

/// A create that is about to be sent (docs/design-rules.md, rule 1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// Random client token of this create. A run after a crash sends the same one.
    #[serde(rename = "nonce")]
    pub client_token: String,
    /// When it was recorded.
    pub since: Timestamp,
    /// Its spec, so that it is looked for under its name even if the configuration changed meanwhile.
    pub spec: Value,
    /// What the resource depends on, so that destroy knows the order of deletion when the id was never recorded.
    pub dependencies: Vec<Address>,
}

impl Intent {
    /// Seconds for which a create that AWS does not show is repeated with its client token, because AWS may show it late. A
    /// resource that AWS does not show after that was deleted, and AWS would answer the same token with the deleted one.
    pub const LIVE_SECONDS: f64 = 600.0;

    /// Seconds since it was written; zero when the clock was set back since.
    pub fn age_seconds(&self) -> f64 {
        Timestamp::now().duration_since(self.since).as_secs_f64().max(0.0)
    }
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum Entry {
    /// A create call is about to be sent.
    Intent {
        /// What will be created.
        address: Address,
        /// Client token and time.
        intent: Intent,
    },
    /// AWS returned an id, or something of ours was adopted, or an update was finished.
    Recorded {
        /// What exists.
        address: Address,
        /// What is known of it.
        record: Box<Record>,
    },
    /// The create call failed permanently and created nothing.
    IntentDropped {
        /// What was not created.
        address: Address,
    },
    /// A delete is about to be sent.
    Deleting {
        /// What will be deleted.
        address: Address,
    },
    /// It is confirmed gone, or does not belong to this state.
    Gone {
        /// What is gone.
        address: Address,
    },
    /// Answers of look-ups were pinned.
    Pinned {
        /// Look-up key → attribute → value.
        pins: BTreeMap<String, BTreeMap<String, String>>,
    },
    /// The configuration that is about to be applied says this about taking the cluster down.
    #[serde(rename = "marked")]
    TeardownPolicySet {
        /// What it says.
        #[serde(rename = "marks")]
        policy: TeardownPolicy,
    },
    /// This configuration is now applied.
    Applied {
        /// SHA-256 of the configuration file.
        config_hash: String,
    },
}

impl Document {
    /// An empty state with a fresh lineage.
    pub fn new(account: &str, partition: &str, region: &str, cluster: &str) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            lineage: uuid::Uuid::new_v4().to_string(),
            serial: 0,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            account: account.to_owned(),
            region: region.to_owned(),
            partition: partition.to_owned(),
            cluster: cluster.to_owned(),
            config_hash: None,
            teardown_policy: TeardownPolicy::default(),
            resources: BTreeMap::new(),
            intents: BTreeMap::new(),
            pins: BTreeMap::new(),
        }
    }

    /// Applies a journal entry. Applying the same entry twice has the same effect as once.
    pub fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Intent { address, intent } => {
                self.intents.insert(address, intent);
            }
            Entry::IntentDropped { address } => {
                self.intents.remove(&address);
            }
            Entry::Recorded { address, record } => {
                // The intent stays for a while: AWS may not show the resource yet, and only the client token finds it again.
                self.resources.insert(address, *record);
            }
            Entry::Deleting { address } => {
                // From now on AWS would answer its client token with the deleted resource.
                if self.resources.contains_key(&address) {
                    self.intents.remove(&address);
                }
                if let Some(record) = self.resources.get_mut(&address) {
                    record.status = RecordStatus::Deleting;
                }
            }
            Entry::Gone { address } => {
                self.intents.remove(&address);
                self.resources.remove(&address);
            }
            Entry::Pinned { pins } => self.pins.extend(pins),
            Entry::TeardownPolicySet { policy } => self.teardown_policy = policy,
            Entry::Applied { config_hash } => self.config_hash = Some(config_hash),
        }
    }

    /// Drops intents of finished resources that are too old to be needed.
    pub fn forget_old_intents(&mut self) {
        let resources = &self.resources;
        let finished = |address: &Address| resources.get(address).is_some_and(|record| record.status == RecordStatus::Ready);
        self.intents.retain(|address, intent| !finished(address) || intent.age_seconds() < Intent::LIVE_SECONDS);
    }

    /// Whether anything is recorded or may exist.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.intents.is_empty()
    }

    /// Attributes of all records, pins and the account, for resolving references.
    pub fn attributes(&self) -> Attributes {
        let mut known: Attributes = self.pins.iter().map(|(key, values)| (key.clone(), values.clone())).collect();
        known.extend(self.resources.iter().map(|(address, record)| (address.to_string(), record.attributes.clone())));
        if !self.account.is_empty() {
            let pairs = [("account", &self.account), ("lineage", &self.lineage)];
            known.insert("aws".to_owned(), pairs.map(|(key, value)| (key.to_owned(), value.clone())).into());
        }
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Kind;

    fn address() -> Address {
        Address::new(Kind::Vpc, "main")
    }

    fn record() -> Box<Record> {
        Box::new(Record {
            id: "vpc-1".to_owned(),
            status: RecordStatus::Creating,
            spec: Value::Null,
            tags: BTreeMap::new(),
            attributes: BTreeMap::from([("id".to_owned(), "vpc-1".to_owned())]),
            dependencies: Vec::new(),
        })
    }

    #[test]
    fn an_intent_is_dropped_when_its_resource_is_ready_and_it_is_old() {
        let mut state = Document::new("1", "aws", "us-west-2", "c");
        let intent = Intent { client_token: "n".to_owned(), since: Timestamp::UNIX_EPOCH, spec: Value::Null, dependencies: Vec::new() };
        state.apply(Entry::Intent { address: address(), intent });
        assert!(!state.is_empty());
        state.apply(Entry::Recorded { address: address(), record: record() });
        let ready = Record { status: RecordStatus::Ready, ..*record() };
        state.apply(Entry::Recorded { address: address(), record: Box::new(ready) });
        state.forget_old_intents();
        assert!(state.intents.is_empty(), "an intent of 1970 is old");
        assert_eq!(state.attributes()["vpc/main"]["id"], "vpc-1");
        state.apply(Entry::Deleting { address: address() });
        assert_eq!(state.resources[&address()].status, RecordStatus::Deleting);
        state.apply(Entry::Gone { address: address() });
        assert!(state.is_empty());
    }

    #[test]
    fn entries_survive_the_journal() {
        let entry = Entry::Recorded { address: address(), record: record() };
        let line = serde_json::to_string(&entry).unwrap();
        assert!(line.starts_with(r#"{"op":"recorded","address":"vpc/main""#), "{line}");
        assert_eq!(serde_json::from_str::<Entry>(&line).unwrap(), entry);
    }
}
