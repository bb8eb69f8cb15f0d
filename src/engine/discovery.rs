//! What a command asks about a whole cluster before it decides: the account, look-ups, everything that exists, and what
//! blocks a teardown. The `aws` module implements it with AWS, tests with a world in memory.

use super::blocker::Foreign;
use super::failure::Failure;
use super::item::{Item, Observed};
use super::plan::Plan;
use super::policy::Scope;
use super::provider::Provider;
use super::teardown::{DataLine, Protection};
use super::time_scale::TimeScale;
use crate::blueprint::Lookup;
use crate::resource::{Address, Attributes};
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

/// The AWS identity of the caller, and the region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Twelve-digit account id.
    pub account: String,
    /// ARN of the caller.
    pub caller: String,
    /// Partition of the caller's ARN.
    pub partition: String,
    /// Region.
    pub region: String,
    /// Endpoint set by the environment; `None` means the endpoints of AWS.
    pub endpoint: Option<String>,
}

impl Connection {
    /// Whether the endpoint is a loopback address of this machine, as that of an emulator.
    pub fn is_local(&self) -> bool {
        let host = self.endpoint.as_deref().and_then(|endpoint| endpoint.split_once("://")).map_or("", |(_, rest)| rest);
        let host = host.split(['/', '?']).next().unwrap_or_default();
        let host = host
            .strip_prefix('[')
            .map_or_else(|| host.split(':').next().unwrap_or_default(), |v6| v6.split(']').next().unwrap_or_default());
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

/// A look-up without a usable answer.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// AWS refused.
    #[error("{0}")]
    Failed(#[from] Failure),
    /// AWS answered, but there is no such thing, or it does not meet the requirements.
    #[error("{message}")]
    Unsuitable {
        /// What is wrong.
        message: String,
        /// What to change.
        help: String,
    },
}

/// A cluster of our name that was not made under this state.
#[derive(Debug, Clone)]
pub struct Namesake {
    /// Its ARN.
    pub arn: String,
    /// Id of its VPC.
    pub vpc: String,
}

/// The Services and Ingresses of a drained cluster: which were deleted and which remain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Drained {
    /// Deleted Services: namespace and name.
    pub services: Vec<String>,
    /// Deleted Ingresses: namespace and name.
    pub ingresses: Vec<String>,
    /// Still present at the deadline, or refused: kind, namespace and name, finalizers, and the refusal.
    pub left: Vec<String>,
}

/// Whether the lock is still held; the error says why not.
pub type CheckLock = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;
/// Receives the progress of a long call on a resource.
pub type ProgressSink = Arc<dyn Fn(&Address, String) + Send + Sync>;

/// What a provider is given for a run that changes something.
#[derive(Clone)]
pub struct RunHooks {
    /// Asked before every attempt of a request, also those that the SDK makes by itself.
    pub check_lock: CheckLock,
    /// Receives the progress of long calls.
    pub progress: ProgressSink,
}

impl fmt::Debug for RunHooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunHooks").finish_non_exhaustive()
    }
}

/// A Kubernetes API server as AWS shows it now: the caller's token is sent to this address only.
#[derive(Debug, Clone, Copy)]
pub struct ApiServer<'a> {
    /// Its URL.
    pub endpoint: &'a str,
    /// Its certificate authority, PEM in base64.
    pub certificate_authority: &'a str,
}

/// Questions about a whole cluster. None of them changes anything, save for [`Discovery::drain`].
pub trait Discovery: Provider + Sized {
    /// The AWS identity of the caller, and the region.
    fn connection(&self) -> &Connection;

    /// Name of the cluster, the value of its ownership tag.
    fn cluster(&self) -> &str;

    /// Answers all look-ups that no pin answers.
    fn lookups(
        &self,
        questions: &[Lookup],
        pins: &BTreeMap<String, BTreeMap<String, String>>,
    ) -> impl Future<Output = Result<Attributes, LookupError>> + Send;

    /// Everything of the cluster, all kinds at once: by tag, and by the natural keys of the items.
    fn observe_all(&self, items: Vec<Item>) -> impl Future<Output = Result<Vec<Observed>, Failure>> + Send;

    /// The same by every means of discovery, so that resources that neither state nor configuration names are found, too.
    fn observe_everything(&self, items: Vec<Item>) -> impl Future<Output = Result<Vec<Observed>, Failure>> + Send;

    /// What Kubernetes left in the scope; `recorded` are leftovers that an earlier teardown found, looked up by their ids.
    fn leftovers(&self, scope: &Scope, recorded: Vec<Item>) -> impl Future<Output = Result<Vec<Observed>, Failure>> + Send;

    /// Volumes and snapshots that a cluster of this name left, under any state.
    fn volumes_and_snapshots(&self, scope: &Scope) -> impl Future<Output = Result<Vec<Observed>, Failure>> + Send;

    /// Resources that do not belong to the cluster and block its teardown.
    fn foreign(&self, scope: &Scope) -> impl Future<Output = Result<Vec<Foreign>, Failure>> + Send;

    /// The EKS cluster of our name that was not made under this lineage and does not have the recorded endpoint.
    fn another_cluster(&self, lineage: &str, endpoint: Option<&str>) -> impl Future<Output = Result<Option<Namesake>, Failure>> + Send;

    /// The contents of the data resources that the plan deletes or keeps. With `may_be_late`, a file system counts as empty
    /// when EFS meters no bytes, although the metering lags by hours.
    fn data(&self, plan: &Plan, may_be_late: bool) -> impl Future<Output = Result<Vec<DataLine>, Failure>> + Send;

    /// What AWS refuses to delete because its deletion protection is on.
    fn protections(&self, plan: &Plan) -> impl Future<Output = Result<Vec<Protection>, Failure>> + Send;

    /// The recorded items that exist without our tags.
    fn disowned(&self, items: Vec<Item>) -> impl Future<Output = Result<Vec<Item>, Failure>> + Send;

    /// Deletes Services of type LoadBalancer and Ingresses, and waits for their controllers, three minutes at most. `tell` receives
    /// progress lines.
    fn drain(
        &self,
        server: ApiServer<'_>,
        time_scale: TimeScale,
        check_lock: &(dyn Fn() -> Result<(), String> + Sync),
        tell: &(dyn Fn(String) + Sync),
    ) -> impl Future<Output = Result<Drained, Failure>> + Send;

    /// The same provider for a run: nothing is sent when the lock is lost.
    fn for_run(&self, hooks: RunHooks) -> Self;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_are_local() {
        let local = |endpoint: Option<&str>| {
            let [account, caller, partition, region] = ["1", "arn", "aws", "us-west-2"].map(str::to_owned);
            Connection { account, caller, partition, region, endpoint: endpoint.map(str::to_owned) }.is_local()
        };
        for yes in ["http://127.0.0.1:4566", "http://localhost:1/x", "http://[::1]:8080", "http://127.1.2.3"] {
            assert!(local(Some(yes)), "{yes}");
        }
        for no in ["https://ec2.us-west-2.amazonaws.com", "http://localhost.example.com:1", "http://10.0.0.1:4566", "127.0.0.1", ""] {
            assert!(!local(Some(no)), "{no}");
        }
        assert!(!local(None));
    }
}
