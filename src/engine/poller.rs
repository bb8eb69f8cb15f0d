//! Waiting: one loop per kind asks for all waiting resources of that kind at once.

use super::events::Event;
use super::failure::{Failure, FailureKind};
use super::item::{Item, Observed, Readiness};
use super::provider::{Provider, Query};
use super::time_scale::TimeScale;
use crate::resource::Kind;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// Seconds for which a resource that was just created may be invisible (docs/aws.md, "Eventual consistency").
const INVISIBLE_SECONDS: f64 = 60.0;
/// Seconds for which AWS may still show an earlier failure of what it has begun to delete.
const FAILED_SECONDS: f64 = 30.0;
/// Kinds that usually take longer than this many seconds are polled every [`LONG_INTERVAL`] seconds.
const LONG_WAIT: u32 = 30;
const LONG_INTERVAL: f64 = 5.0;
const SHORT_INTERVAL: f64 = 1.5;

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    Ready,
    Gone,
}

struct Waiter {
    item: Item,
    want: Want,
    since: Instant,
    said: String,
    /// Number of consecutive polls that did not show it.
    absent: u32,
    answer: oneshot::Sender<Result<Option<Observed>, Failure>>,
}

/// The polling loops of all kinds; they end when this is dropped.
pub(crate) struct Poller<P> {
    provider: Arc<P>,
    time_scale: TimeScale,
    events: mpsc::UnboundedSender<Event>,
    loops: Mutex<HashMap<Kind, mpsc::UnboundedSender<Waiter>>>,
}

impl<P: Provider> Poller<P> {
    pub(crate) fn new(provider: Arc<P>, time_scale: TimeScale, events: mpsc::UnboundedSender<Event>) -> Self {
        Self { provider, time_scale, events, loops: Mutex::default() }
    }

    /// Waits until the item is ready (and returns it as observed) or gone (and returns nothing).
    pub(crate) async fn wait(&self, item: Item, want: Want) -> Result<Option<Observed>, Failure> {
        let (answer, receiver) = oneshot::channel();
        let kind = item.address.kind();
        let waiter = Waiter { item, want, since: Instant::now(), said: String::new(), absent: 0, answer };
        {
            let mut loops = self.loops.lock().unwrap_or_else(PoisonError::into_inner);
            let sender = loops.entry(kind).or_insert_with(|| self.start(kind));
            if sender.send(waiter).is_err() {
                return Err(ended());
            }
        }
        receiver.await.unwrap_or_else(|_| Err(ended()))
    }

    fn start(&self, kind: Kind) -> mpsc::UnboundedSender<Waiter> {
        let (sender, receiver) = mpsc::unbounded_channel();
        tokio::spawn(poll(kind, self.provider.clone(), self.time_scale, self.events.clone(), receiver));
        sender
    }
}

fn ended() -> Failure {
    failure("waiting was ended")
}

async fn poll<P: Provider>(
    kind: Kind,
    provider: Arc<P>,
    time_scale: TimeScale,
    events: mpsc::UnboundedSender<Event>,
    mut arrivals: mpsc::UnboundedReceiver<Waiter>,
) {
    let interval =
        if kind.facts().create_seconds >= LONG_WAIT || kind.facts().delete_seconds >= LONG_WAIT { LONG_INTERVAL } else { SHORT_INTERVAL };
    let mut waiters: Vec<Waiter> = Vec::new();
    let mut errors_since: Option<Instant> = None;
    loop {
        if waiters.is_empty() {
            match arrivals.recv().await {
                Some(waiter) => waiters.push(waiter),
                None => return,
            }
        }
        tokio::time::sleep(time_scale.jittered(interval)).await;
        while let Ok(waiter) = arrivals.try_recv() {
            waiters.push(waiter);
        }
        waiters.retain(|waiter| !waiter.answer.is_closed());
        if waiters.is_empty() {
            continue;
        }
        let items = waiters.iter().map(|waiter| waiter.item.clone()).collect();
        match provider.observe(kind, Query::These(items)).await {
            Ok(seen) => {
                errors_since = None;
                waiters = waiters.into_iter().filter_map(|waiter| answer_or_keep(waiter, &seen, time_scale, &events)).collect();
            }
            // A temporary fault of the service must not end a wait of minutes; other failures would only come again.
            Err(failure) => {
                let since = *errors_since.get_or_insert_with(Instant::now);
                let passing = matches!(failure.kind, FailureKind::Busy | FailureKind::LostAnswer | FailureKind::NotYet);
                if !passing || since.elapsed() > time_scale.seconds(120.0) {
                    waiters.drain(..).for_each(|waiter| drop(waiter.answer.send(Err(failure.clone()))));
                }
            }
        }
    }
}

/// Answers a waiter, or gives it back to wait on.
fn answer_or_keep(mut waiter: Waiter, seen: &[Observed], time_scale: TimeScale, events: &mpsc::UnboundedSender<Event>) -> Option<Waiter> {
    let found = seen.iter().find(|observed| observed.address == waiter.item.address);
    let facts = waiter.item.address.kind().facts();
    let waited = waiter.since.elapsed();
    let why = match (waiter.want, found) {
        (Want::Ready, Some(Observed { readiness: Readiness::Ready, .. })) => return answer(waiter, Ok(found.cloned())),
        (Want::Gone, None) => {
            waiter.absent += 1;
            if waiter.absent >= facts.looks_until_gone {
                return answer(waiter, Ok(None));
            }
            "being deleted".to_owned()
        }
        (Want::Ready, Some(Observed { readiness: Readiness::Failed(why), .. })) => {
            let failure = failure(&format!("AWS reports that it failed: {why}"));
            return answer(waiter, Err(failure));
        }
        (Want::Ready, None) if waited > time_scale.seconds(INVISIBLE_SECONDS) => {
            return answer(waiter, Err(failure("it disappeared while it was being created")));
        }
        (Want::Ready, None) => "becoming visible".to_owned(),
        (Want::Ready, Some(Observed { readiness: Readiness::Deleting, .. })) => {
            return answer(waiter, Err(failure("another user or process is deleting it")));
        }
        (Want::Ready, Some(Observed { readiness: Readiness::NotYet(why), .. })) => why.clone(),
        // A resource of ours may still show the failure of its creation while it is deleted. For a leftover, which we did not
        // create, the failure is that of its deletion.
        (Want::Gone, Some(Observed { readiness: Readiness::Failed(why), .. }))
            if facts.leftover && waited > time_scale.seconds(FAILED_SECONDS) =>
        {
            let failure = failure(why);
            return answer(waiter, Err(failure));
        }
        (Want::Gone, Some(_)) => {
            waiter.absent = 0;
            "being deleted".to_owned()
        }
    };
    if waited > time_scale.seconds(f64::from(facts.timeout_seconds)) {
        let minutes = facts.timeout_seconds / 60;
        let failure = failure(&format!("still waiting after {minutes} minutes ({why})"));
        return answer(waiter, Err(failure));
    }
    if waiter.said != why {
        drop(events.send(Event::StepWaiting { address: waiter.item.address.clone(), why: why.clone() }));
        waiter.said = why;
    }
    Some(waiter)
}

fn answer(waiter: Waiter, result: Result<Option<Observed>, Failure>) -> Option<Waiter> {
    drop(waiter.answer.send(result));
    None
}

fn failure(message: &str) -> Failure {
    Failure::other("wait", message)
}
