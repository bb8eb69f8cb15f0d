//! Deletes Services of type LoadBalancer and Ingresses, and waits for a while until their controllers have deleted the load balancers. It
//! touches nothing else; what it leaves is deleted through the APIs of AWS anyway.

use super::api::Api;
use super::client::Client;
use super::objects::{Object, ObjectKind};
use crate::aws::Aws;
use crate::engine::{ApiServer, Drained, Failure, FailureKind, TimeScale};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Seconds that the controllers have, counted from the first list.
const PATIENCE: f64 = 180.0;
/// Seconds between two lists.
const INTERVAL: f64 = 5.0;
/// Attempts of the first list while the cluster does not answer, and seconds between them.
const ATTEMPTS: u32 = 3;
const ATTEMPT_INTERVAL: f64 = 2.0;
/// Time-out for all pages of all lists, including the repeated first ones. Real seconds: the time scale does not make a server faster.
const LIST_TIMEOUT: Duration = Duration::from_secs(60);

/// Whether a call may be sent now; otherwise why not.
type CheckLock<'a> = &'a (dyn Fn() -> Result<(), String> + Sync);
/// Reports a line of progress.
type Tell<'a> = &'a (dyn Fn(String) + Sync);

/// Deletes all Services of type LoadBalancer and all Ingresses of the cluster at `server`, and waits until they are gone, three minutes
/// at most. `check_lock` is asked before every deletion, `tell` reports progress.
///
/// # Errors
/// When the API server cannot be reached or refuses access at first, when credentials expire, and when `check_lock` refuses.
pub(in crate::aws) async fn drain(
    aws: &Aws,
    server: ApiServer<'_>,
    time_scale: TimeScale,
    check_lock: &(dyn Fn() -> Result<(), String> + Sync),
    tell: &(dyn Fn(String) + Sync),
) -> Result<Drained, Failure> {
    let api = Client::new(aws, server.endpoint, server.certificate_authority)?;
    run(&api, time_scale, check_lock, tell).await
}

async fn run<A: Api>(api: &A, time_scale: TimeScale, check_lock: CheckLock<'_>, tell: Tell<'_>) -> Result<Drained, Failure> {
    let mut here = first_list(api, time_scale).await?;
    tell(announcement(&here));
    let round = Round { api, check_lock, deadline: Instant::now() + time_scale.seconds(PATIENCE), refusals: Mutex::default() };
    let mut seen = BTreeSet::new();
    loop {
        seen.extend(here.iter().map(|object| (object.kind, object.place())));
        round.delete(&here).await?;
        let waiting = here.iter().filter(|object| !round.is_refused(object)).count();
        let rest = round.deadline.saturating_duration_since(Instant::now());
        if waiting == 0 || rest.is_zero() {
            return Ok(summary(seen, &here, &round.refusals()));
        }
        tokio::time::sleep(rest.min(time_scale.seconds(INTERVAL))).await;
        match list_all(api).await {
            Ok(now) => {
                if now.len() != here.len() && !now.is_empty() {
                    tell(format!("Kubernetes: waiting for {}", count(&now)));
                }
                here = now;
            }
            Err(failure) if is_passing(failure.kind) => tell(format!("{failure}; trying again")),
            Err(failure) => return Err(failure),
        }
    }
}

/// Whether the same call may succeed soon.
fn is_passing(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::Busy | FailureKind::LostAnswer)
}

/// A transient fault at the start is no reason to skip the drain.
async fn first_list<A: Api>(api: &A, time_scale: TimeScale) -> Result<Vec<Object>, Failure> {
    let mut attempt = 1;
    loop {
        match list_all(api).await {
            Err(failure) if is_passing(failure.kind) && attempt < ATTEMPTS => attempt += 1,
            result => return result,
        }
        tokio::time::sleep(time_scale.seconds(ATTEMPT_INTERVAL)).await;
    }
}

/// All objects that have load balancers.
async fn list_all<A: Api>(api: &A) -> Result<Vec<Object>, Failure> {
    let all = async {
        let mut found = Vec::new();
        for kind in ObjectKind::ALL {
            let mut next = None;
            loop {
                let page = api.page(kind, next.as_deref()).await?;
                found.extend(page.objects);
                next = page.next;
                if next.is_none() {
                    break;
                }
            }
        }
        Ok(found)
    };
    let late = |_| Err(Failure::new(FailureKind::LostAnswer, "Kubernetes List", "listing took longer than a minute"));
    tokio::time::timeout(LIST_TIMEOUT, all).await.unwrap_or_else(late)
}

/// What all deletions of a drain share.
struct Round<'a, A> {
    api: &'a A,
    check_lock: CheckLock<'a>,
    deadline: Instant,
    /// The last refusal of an object, by its uid.
    refusals: Mutex<BTreeMap<String, Failure>>,
}

impl<A: Api> Round<'_, A> {
    /// Sends all deletions that were not sent yet, four concurrently, until the deadline.
    async fn delete(&self, here: &[Object]) -> Result<(), Failure> {
        let open: Vec<&Object> = here.iter().filter(|object| !object.deleting && !self.is_refused(object)).collect();
        let queue = Mutex::new(open.into_iter());
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
        let worker = || async {
            while let Some(object) = next() {
                if Instant::now() < self.deadline {
                    self.delete_one(object).await?;
                }
            }
            Ok(())
        };
        tokio::try_join!(worker(), worker(), worker(), worker()).map(drop)
    }

    async fn delete_one(&self, object: &Object) -> Result<(), Failure> {
        (self.check_lock)().map_err(|why| Failure::new(FailureKind::Other, object.kind.delete_operation(), &why))?;
        match self.api.delete(object).await {
            Err(failure) if failure.kind == FailureKind::Credentials => return Err(failure),
            Err(failure) => drop(self.refusals().insert(object.uid.clone(), failure)),
            Ok(()) => drop(self.refusals().remove(&object.uid)),
        }
        Ok(())
    }

    /// Refused permanently: it is neither deleted again nor waited for.
    fn is_refused(&self, object: &Object) -> bool {
        !object.deleting && self.refusals().get(&object.uid).is_some_and(|failure| !is_passing(failure.kind))
    }

    fn refusals(&self) -> MutexGuard<'_, BTreeMap<String, Failure>> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(objects: &[Object]) -> String {
    let services = objects.iter().filter(|object| object.kind == ObjectKind::Service).count();
    let ingresses = objects.len() - services;
    let number = |count: usize, one: &str, more: &str| format!("{count} {}", if count == 1 { one } else { more });
    let parts = [
        (services, number(services, "Service of type LoadBalancer", "Services of type LoadBalancer")),
        (ingresses, number(ingresses, "Ingress", "Ingresses")),
    ];
    parts.into_iter().filter(|(count, _)| *count > 0).map(|(_, part)| part).collect::<Vec<_>>().join(" and ")
}

fn announcement(here: &[Object]) -> String {
    if here.is_empty() {
        "Kubernetes: no Service of type LoadBalancer and no Ingress".to_owned()
    } else {
        format!("Kubernetes: deleting {}, so that their controllers take the load balancers away", count(here))
    }
}

fn summary(seen: BTreeSet<(ObjectKind, String)>, here: &[Object], refusals: &BTreeMap<String, Failure>) -> Drained {
    let mut drained = Drained { left: here.iter().map(|object| stuck(object, refusals.get(&object.uid))).collect(), ..Drained::default() };
    for (kind, place) in seen {
        if here.iter().any(|object| object.kind == kind && object.place() == place) {
            continue;
        }
        match kind {
            ObjectKind::Service => drained.services.push(place),
            ObjectKind::Ingress => drained.ingresses.push(place),
        }
    }
    drained
}

fn stuck(object: &Object, refusal: Option<&Failure>) -> String {
    let finalizers = if object.finalizers.is_empty() { "no finalizers".to_owned() } else { object.finalizers.join(", ") };
    match refusal {
        Some(failure) if !object.deleting => format!("{object} ({finalizers}; {failure})"),
        _ => format!("{object} ({finalizers})"),
    }
}

#[cfg(test)]
mod tests;
