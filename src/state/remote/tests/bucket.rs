//! A bucket in memory with the conditions of S3, and clients of it whose network can fail.

use crate::state::{Condition, Object, ObjectError, ObjectFault, Objects};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// The kind of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Get,
    Put,
    Delete,
}

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It never arrives.
    LostBefore,
    /// It has its effect, but its answer is lost.
    LostAfter,
    /// The same, and the SDK sends it once more by itself: its condition fails because of what the first one wrote.
    Repeated,
    /// It is refused.
    Refused(ObjectFault),
}

#[derive(Debug)]
struct Rule {
    call: Call,
    name: &'static str,
    range: Range<usize>,
    fault: Fault,
    seen: usize,
}

/// One client of the bucket.
#[derive(Debug, Clone)]
pub(super) struct Client {
    objects: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    network: Arc<Network>,
}

#[derive(Debug)]
struct Network {
    latency: Mutex<Duration>,
    rules: Mutex<Vec<Rule>>,
    /// What this client requested, and whether it had its effect.
    log: Mutex<Vec<(Call, String, bool)>>,
    stopped: watch::Sender<bool>,
    /// The call at which its process stops for ever, and whether that call still arrives.
    death: Mutex<Option<(usize, bool)>>,
}

fn refusal(fault: ObjectFault) -> ObjectError {
    ObjectError { fault, message: format!("{fault:?}"), help: None, source: None }
}

/// As with S3: the same bytes have the same ETag.
fn etag(bytes: &[u8]) -> String {
    let digest: String = Sha256::digest(bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digest}\"")
}

impl Client {
    /// A client of an empty bucket.
    pub(super) fn new() -> Self {
        Self { objects: Arc::default(), network: Arc::new(Network::new()) }
    }

    /// Another client of the same bucket.
    pub(super) fn other(&self) -> Self {
        Self { objects: self.objects.clone(), network: Arc::new(Network::new()) }
    }

    /// Half of it before a request arrives, half before its answer does.
    pub(super) fn latency(&self, latency: Duration) {
        *self.network.latency.lock().unwrap() = latency;
    }

    /// Of the calls that come from now on to objects of this name, these fail.
    pub(super) fn fail(&self, call: Call, name: &'static str, range: Range<usize>, fault: Fault) {
        self.network.rules.lock().unwrap().push(Rule { call, name, range, fault, seen: 0 });
    }

    /// Every call fails from now on.
    pub(super) fn cut(&self, fault: Fault) {
        for call in [Call::Get, Call::Put, Call::Delete] {
            for name in ["state.json", "lock.json"] {
                self.fail(call, name, 0..usize::MAX, fault);
            }
        }
    }

    /// The network works again.
    pub(super) fn heal(&self) {
        self.network.rules.lock().unwrap().clear();
    }

    /// Its process is stopped: it sends nothing and receives no answer. What it sent before arrives.
    pub(super) fn stop(&self) {
        self.network.stopped.send_replace(true);
    }

    /// Its process stops at this one of the calls that come from now on, before it is sent or after.
    pub(super) fn stop_at(&self, call: usize, arrives: bool) {
        *self.network.death.lock().unwrap() = Some((call, arrives));
    }

    pub(super) fn is_stopped(&self) -> bool {
        *self.network.stopped.borrow()
    }

    pub(super) fn go_on(&self) {
        self.network.stopped.send_replace(false);
    }

    /// How many of this client's calls had their effect.
    pub(super) fn done(&self, call: Call, name: &str) -> usize {
        self.network.log.lock().unwrap().iter().filter(|(what, key, done)| *done && *what == call && key.ends_with(name)).count()
    }

    /// How many calls this client sent.
    pub(super) fn sent(&self, call: Call, name: &str) -> usize {
        self.network.log.lock().unwrap().iter().filter(|(what, key, _)| *what == call && key.ends_with(name)).count()
    }

    /// What is stored there, bypassing the network.
    pub(super) fn standing(&self, name: &str) -> Option<Vec<u8>> {
        self.objects.lock().unwrap().get(&format!("demo/{name}")).cloned()
    }

    /// Stores something there, bypassing network and conditions.
    pub(super) fn put_object(&self, name: &str, bytes: &[u8]) {
        self.objects.lock().unwrap().insert(format!("demo/{name}"), bytes.to_vec());
    }

    pub(super) fn remove(&self, name: &str) {
        self.objects.lock().unwrap().remove(&format!("demo/{name}"));
    }

    async fn runs(&self) {
        self.network.stopped.subscribe().wait_for(|stopped| !stopped).await.unwrap();
    }

    /// Whether its process stops now; every call asks twice, before and after it arrives.
    fn dies(&self, arrived: bool) -> bool {
        let mut death = self.network.death.lock().unwrap();
        let dies = *death == Some((0, arrived));
        if dies {
            self.stop();
        }
        if let Some((calls, _)) = death.as_mut().filter(|_| arrived) {
            *calls = calls.saturating_sub(1);
        }
        dies
    }

    fn fault(&self, call: Call, key: &str) -> Option<Fault> {
        let mut found = None;
        for rule in self.network.rules.lock().unwrap().iter_mut().filter(|rule| rule.call == call && key.ends_with(rule.name)) {
            if rule.range.contains(&rule.seen) {
                found = found.or(Some(rule.fault));
            }
            rule.seen += 1;
        }
        found
    }

    async fn call<T: Send + 'static>(
        &self,
        call: Call,
        key: &str,
        effect: impl Fn(&mut BTreeMap<String, Vec<u8>>) -> Result<T, ObjectError> + Send + Sync + 'static,
    ) -> Result<T, ObjectError> {
        self.runs().await;
        if self.dies(false) {
            self.runs().await;
        }
        let (client, key, fault) = (self.clone(), key.to_owned(), self.fault(call, key));
        let way = *self.network.latency.lock().unwrap() / 2;
        let log = move |done| client.network.log.lock().unwrap().push((call, key.clone(), done));
        let objects = self.objects.clone();
        // A request that was sent arrives even when its sender no longer waits for the answer.
        let request = tokio::spawn(async move {
            sleep(way).await;
            let arrive = || {
                let result = effect(&mut objects.lock().unwrap());
                log(result.is_ok());
                result
            };
            let result = match fault {
                None => arrive(),
                Some(Fault::LostAfter) => {
                    drop(arrive());
                    Err(refusal(ObjectFault::Lost))
                }
                Some(Fault::Repeated) => {
                    drop(arrive());
                    arrive()
                }
                Some(Fault::LostBefore) => {
                    log(false);
                    Err(refusal(ObjectFault::Lost))
                }
                Some(Fault::Refused(fault)) => {
                    log(false);
                    Err(refusal(fault))
                }
            };
            sleep(way).await;
            result
        });
        let answer = request.await.unwrap();
        self.dies(true);
        self.runs().await;
        answer
    }
}

impl Network {
    fn new() -> Self {
        Self {
            latency: Mutex::default(),
            rules: Mutex::default(),
            log: Mutex::default(),
            stopped: watch::Sender::new(false),
            death: Mutex::default(),
        }
    }
}

impl Objects for Client {
    async fn check(&self) -> Result<(), ObjectError> {
        if self.fault(Call::Get, "check").is_some() { Err(refusal(ObjectFault::Unfit)) } else { Ok(()) }
    }

    async fn get(&self, key: &str) -> Result<Option<Object>, ObjectError> {
        let wanted = key.to_owned();
        let found = move |objects: &mut BTreeMap<String, Vec<u8>>| {
            Ok(objects.get(&wanted).map(|bytes| Object { bytes: bytes.clone(), etag: etag(bytes) }))
        };
        self.call(Call::Get, key, found).await
    }

    async fn put(&self, key: &str, bytes: Vec<u8>, condition: Condition<'_>) -> Result<String, ObjectError> {
        let (wanted, expected) = (
            key.to_owned(),
            match condition {
                Condition::Absent => None,
                Condition::Unchanged(etag) => Some(etag.to_owned()),
            },
        );
        let write = move |objects: &mut BTreeMap<String, Vec<u8>>| {
            match (&expected, objects.get(&wanted)) {
                (None, None) => {}
                (Some(expected), Some(standing)) if *expected == etag(standing) => {}
                (Some(_), None) => return Err(refusal(ObjectFault::Gone)),
                _ => return Err(refusal(ObjectFault::Precondition)),
            }
            objects.insert(wanted.clone(), bytes.clone());
            Ok(etag(&bytes))
        };
        self.call(Call::Put, key, write).await
    }

    async fn delete(&self, key: &str, expected: &str) -> Result<(), ObjectError> {
        let (wanted, expected) = (key.to_owned(), expected.to_owned());
        let remove = move |objects: &mut BTreeMap<String, Vec<u8>>| match objects.get(&wanted).map(|standing| etag(standing)) {
            None => Err(refusal(ObjectFault::Gone)),
            Some(standing) if standing != expected => Err(refusal(ObjectFault::Precondition)),
            Some(_) => {
                objects.remove(&wanted);
                Ok(())
            }
        };
        self.call(Call::Delete, key, remove).await
    }
}
