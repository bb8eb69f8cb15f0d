//! Where a state is stored, and what is in it.

use super::emulator::{Emulator, Request};
use super::workspace::{Workspace, example};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The bucket of [`StateLocation::Bucket`].
pub(crate) const BUCKET: &str = "team-states";
/// Key of the state document of the cluster of one zone in that bucket.
pub(crate) const STATE_KEY: &str = "tests/domino-test-single-az/state.json";
/// Key of its lock.
pub(crate) const LOCK_KEY: &str = "tests/domino-test-single-az/lock.json";

/// Where a state is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StateLocation {
    Folder,
    Bucket,
}

/// Makes a bucket that can hold states.
pub(crate) fn make_bucket(emulator: &Emulator, name: &str) {
    emulator.aws(&format!(
        "s3.create_bucket(Bucket='{name}', CreateBucketConfiguration={{'LocationConstraint': 'us-west-2'}})\n\
         s3.put_bucket_versioning(Bucket='{name}', VersioningConfiguration={{'Status': 'Enabled'}})"
    ));
}

impl StateLocation {
    pub(crate) const BOTH: [Self; 2] = [Self::Folder, Self::Bucket];

    /// An empty account, and an empty folder with the configuration of one zone.
    pub(crate) fn fresh(self, emulator: &Emulator) -> Workspace {
        self.fresh_with(emulator, &example("domino-test-cluster-single-az.yaml"))
    }

    /// An empty account, and an empty folder with this configuration.
    pub(crate) fn fresh_with(self, emulator: &Emulator, configuration: &str) -> Workspace {
        emulator.reset();
        match self {
            Self::Folder => Workspace::new(emulator, configuration),
            Self::Bucket => {
                make_bucket(emulator, BUCKET);
                Workspace::new(emulator, &format!("{configuration}\nstate: s3://{BUCKET}/tests\n"))
            }
        }
    }
}

/// Whether a request is about the state, its lock, or the object that remembers its serial.
pub(crate) fn is_state(request: &Request) -> bool {
    let key = request.params["Key"].as_str().unwrap_or_default();
    request.service == "s3" && ["/state.json", "/lock.json", "/serial.json"].iter().any(|name| key.ends_with(name))
}

/// What was changed in AWS since then, save for the state and what lies beside it.
pub(crate) fn changes(emulator: &Emulator, since: usize) -> Vec<Request> {
    emulator.mutating(since).into_iter().filter(|request| !is_state(request)).collect()
}

/// Files and their bytes without the lock file, which every run rewrites.
pub(crate) fn files(workspace: &Workspace) -> BTreeMap<PathBuf, Vec<u8>> {
    workspace.files().into_iter().filter(|(path, _)| !path.ends_with("lock")).collect()
}

/// What lies in the bucket under a key.
pub(crate) fn object(emulator: &Emulator, key: &str) -> Value {
    emulator.aws(&format!("result = json.loads(s3.get_object(Bucket='{BUCKET}', Key='{key}')['Body'].read())"))
}

/// A state as it stands in a file, with a checksum that fits.
pub(crate) fn sealed(state: &Value) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(canonical(state));
    let checksum = format!("{digest:x}");
    json!({ "checksum": checksum, "state": state }).to_string()
}

/// Keys sorted, no white space.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<_, _> = map.iter().collect();
            let entries: Vec<String> = sorted.iter().map(|(key, inner)| format!("{}:{}", json!(key), canonical(inner))).collect();
            format!("{{{}}}", entries.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}
