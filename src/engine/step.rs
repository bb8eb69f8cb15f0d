//! One step of a run: create and wait, update, or delete and wait, with retries.

use super::diff::same;
use super::events::{Event, LeftBehind};
use super::failure::{Failure, FailureKind};
use super::item::{INTENT_ATTRIBUTE, Item, Observed, Readiness};
use super::plan::{Action, Verb};
use super::policy::DeletionPolicy;
use super::poller::{Poller, Want};
use super::provider::{Created, Provider, Query, Update};
use super::slots::Slots;
use super::time_scale::TimeScale;
use crate::resource::{Address, Attributes, Desired, Idempotency, Kind, ownership, resolve};
use crate::state::{Entry, Intent, Record, RecordStatus, Recorder, StateError};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// Age in seconds of an intent from which on a resource that is not found counts as not created (docs/design-rules.md, rule 2).
pub const GRACE_SECONDS: f64 = 90.0;
/// Seconds after which an intent is recorded again before its request is sent, so that its age is that of the request.
const FRESH_SECONDS: f64 = 5.0;
/// Seconds for which a resource that "already exists" is looked for by our tags before it counts as that of others.
const FOREIGN_SECONDS: f64 = 20.0;
/// Checks of an update that AWS reports as done without its effect, before it counts as failed.
const EFFECT_LOOKS: usize = 4;

/// Why a step did not get done.
#[derive(Debug)]
pub(crate) enum StepError {
    /// AWS refused, or the wait timed out.
    Failed { failure: Failure, left: LeftBehind },
    /// The user asked to stop.
    Cancelled,
    /// The state could not be written: the run ends.
    Recorder(StateError),
    /// The lock of the state is lost: the run ends.
    Fenced(String),
}

/// What all steps of a run share.
pub(crate) struct StepContext<P, R> {
    pub(crate) provider: Arc<P>,
    pub(crate) recorder: Arc<R>,
    pub(crate) policy: Arc<DeletionPolicy>,
    pub(crate) poller: Poller<P>,
    pub(crate) time_scale: TimeScale,
    pub(crate) events: mpsc::UnboundedSender<Event>,
    pub(crate) stop: watch::Receiver<bool>,
    pub(crate) slots: Slots,
    pub(crate) known: Mutex<Attributes>,
    /// Leftovers of Kubernetes that blocked a deletion and were deleted.
    pub(crate) cleared: Mutex<Vec<(Address, String)>>,
    pub(crate) lineage: String,
    pub(crate) intents: BTreeMap<Address, Intent>,
    /// Status and id of every record at the start of the run.
    pub(crate) recorded: BTreeMap<Address, (RecordStatus, String)>,
}

/// How long a failed call is retried: seconds in all, longest pause. "In use" is retried for the time-out of the kind, because AWS
/// also answers it while an earlier change of the same resource is in progress.
pub(super) fn patience(failure: FailureKind, kind: Kind) -> Option<(f64, f64)> {
    match failure {
        FailureKind::NotYet => Some((120.0, 10.0)),
        FailureKind::InUse => Some((f64::from(kind.facts().timeout_seconds.max(600)), 15.0)),
        FailureKind::Busy | FailureKind::LostAnswer => Some((120.0, 20.0)),
        _ => None,
    }
}

impl<P: Provider, R: Recorder> StepContext<P, R> {
    pub(super) fn say(&self, event: Event) {
        drop(self.events.send(event));
    }

    pub(super) async fn record(&self, entry: Entry) -> Result<(), StepError> {
        self.recorder.record(entry).await.map_err(StepError::Recorder)
    }

    fn stopped(&self) -> Result<(), StepError> {
        if *self.stop.borrow() { Err(StepError::Cancelled) } else { Ok(()) }
    }

    /// Runs `work` unless the user asks to stop first. Only waits are given to this, never calls in flight.
    pub(super) async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, StepError> {
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => Err(StepError::Cancelled),
            result = work => Ok(result),
        }
    }

    fn learn(&self, address: &Address, attributes: &BTreeMap<String, String>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(address.to_string()).or_default().extend(attributes.clone());
    }

    fn attributes(&self, address: &Address) -> BTreeMap<String, String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&address.to_string()).cloned().unwrap_or_default()
    }

    /// The desired resource, with every reference resolved.
    fn item(&self, desired: &Desired, id: &str) -> Result<Item, StepError> {
        let resolved = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            resolve(&desired.spec, &known)
        };
        let spec = resolved.map_err(|unknown| {
            failed(Failure::other("resolve", format!("{unknown}, although what it depends on is done")), LeftBehind::Nothing)
        })?;
        let mut tags = desired.tags.clone();
        tags.insert(ownership::LINEAGE.to_owned(), self.lineage.clone());
        Ok(Item { address: desired.address.clone(), spec, tags, id: id.to_owned(), attributes: self.attributes(&desired.address) })
    }

    /// One call under its service's limit, retried as [`patience`] says.
    pub(super) async fn call<T, F>(&self, step: &Step<'_>, left: LeftBehind, mut send: impl FnMut() -> F) -> Result<T, StepError>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let started = Instant::now();
        let mut pause = 1.0;
        loop {
            self.stopped()?;
            let slot = self.unless_stopped(self.slots.take(step.address().kind().facts().service, step.priority)).await?;
            self.recorder.check_lock().map_err(StepError::Fenced)?;
            let result = send().await;
            drop(slot);
            let failure = match result {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            // With the lock lost, the request was perhaps never sent, and the failure says nothing about AWS.
            self.recorder.check_lock().map_err(StepError::Fenced)?;
            let Some((seconds, longest)) = patience(failure.kind, step.address().kind()) else { return Err(failed(failure, left)) };
            if started.elapsed() > self.time_scale.seconds(seconds) {
                return Err(failed(failure, left));
            }
            self.say(Event::StepWaiting { address: step.address().clone(), why: format!("trying again: {failure}") });
            self.unless_stopped(tokio::time::sleep(self.time_scale.jittered(pause))).await?;
            pause = f64::min(pause * 1.7, longest);
        }
    }

    /// Runs the step to its end.
    pub(crate) async fn run(&self, step: &Step<'_>) -> Result<(), StepError> {
        match (step.removes, &step.action.desired) {
            (false, _) if step.action.verb == Verb::Retain => self.retain(step).await,
            (true, _) | (false, None) => self.remove(step).await,
            (false, Some(desired)) => match &step.action.existing {
                Some(existing) if step.action.verb != Verb::Replace => self.change(step, desired, existing).await,
                _ => self.create(step, desired).await,
            },
        }
    }

    async fn create(&self, step: &Step<'_>, desired: &Desired) -> Result<(), StepError> {
        let item = self.item(desired, "")?;
        let (intent, resumed) = match self.intents.get(&desired.address) {
            Some(intent) => (intent.clone(), true),
            None => (new_intent(desired, &item.spec), false),
        };
        if !resumed {
            self.record(Entry::Intent { address: desired.address.clone(), intent: intent.clone() }).await?;
        }
        let sends = Sends::default();
        // AWS also refuses a client token that is sent again with other parameters. Then what an earlier run created with it
        // exists, so the intent is kept.
        let bound =
            |intent: &Intent| resumed && desired.kind().facts().idempotency == Idempotency::Token && intent.age_seconds() < GRACE_SECONDS;
        let created = match self.create_once(step, &item, &intent, resumed, &sends).await {
            Err(StepError::Failed { failure, left: LeftBehind::Nothing }) if sends.is_conclusive(&failure, resumed) && !bound(&intent) => {
                self.record(Entry::IntentDropped { address: desired.address.clone() }).await?;
                return Err(failed(failure, LeftBehind::Nothing));
            }
            Err(StepError::Failed { failure, .. }) => return Err(failed(failure, LeftBehind::Unknown)),
            Err(StepError::Cancelled) if !resumed && !sends.any.load(Ordering::Relaxed) => {
                self.record(Entry::IntentDropped { address: desired.address.clone() }).await?;
                return Err(StepError::Cancelled);
            }
            other => other?,
        };
        let created = if resumed && self.is_dead(step, &item, &created).await? {
            // AWS returns the deleted resource as long as the old client token is sent.
            let intent = new_intent(desired, &item.spec);
            self.record(Entry::Intent { address: desired.address.clone(), intent: intent.clone() }).await?;
            self.create_once(step, &item, &intent, false, &Sends::default()).await?
        } else {
            created
        };
        let item = Item { id: created.id.clone(), attributes: created.attributes, ..item };
        self.recorded(desired, &item, RecordStatus::Creating).await?;
        self.say(Event::StepCreated { address: desired.address.clone(), id: item.id.clone() });
        let _ = step.created.send(step.index);
        self.finish(step, desired, item).await
    }

    /// Whether AWS answered a repeated client token with a recorded resource that has been deleted since. A resource that AWS does
    /// not show may also be too new to be visible, so it is looked for until [`GRACE_SECONDS`] have passed.
    async fn is_dead(&self, step: &Step<'_>, item: &Item, created: &Created) -> Result<bool, StepError> {
        let is_recorded = self.recorded.get(&item.address).is_some_and(|(_, id)| *id == created.id);
        if !is_recorded || item.address.kind().facts().idempotency != Idempotency::Token {
            return Ok(false);
        }
        let item = Item { id: created.id.clone(), attributes: created.attributes.clone(), ..item.clone() };
        let began = Instant::now();
        loop {
            let ask = || self.provider.observe(item.address.kind(), Query::These(vec![item.clone()]));
            let seen = self.call(step, LeftBehind::Recorded, ask).await?;
            match seen.iter().find(|seen| seen.id == item.id) {
                Some(seen) => return Ok(seen.readiness == Readiness::Deleting),
                None if began.elapsed() >= self.time_scale.seconds(GRACE_SECONDS) => return Ok(true),
                None => {}
            }
            let why = "checking whether it still exists".to_owned();
            self.say(Event::StepWaiting { address: step.address().clone(), why });
            self.unless_stopped(tokio::time::sleep(self.time_scale.jittered(5.0))).await?;
        }
    }

    /// Sends the create call, and repeats it until its result is known.
    async fn create_once(&self, step: &Step<'_>, item: &Item, intent: &Intent, resumed: bool, sends: &Sends) -> Result<Created, StepError> {
        let tag_only = item.address.kind().facts().idempotency == Idempotency::TagOnly;
        // A recorded deletion was perhaps never sent, and its resource exists but is not visible yet.
        let deletion_unconfirmed =
            step.action.existing.is_none() && self.recorded.get(&item.address).is_some_and(|(status, _)| *status == RecordStatus::Deleting);
        let mut unsure = resumed && tag_only || deletion_unconfirmed && item.address.kind().facts().idempotency != Idempotency::NaturalKey;
        let mut since = if resumed { intent.age_seconds() } else { 0.0 };
        let began = Instant::now();
        // Recording the intent may itself have taken long.
        let stamped = Mutex::new((intent.age_seconds() < FRESH_SECONDS).then_some(began));
        loop {
            if unsure && let Some(found) = self.look_for(step, item, since).await? {
                return Ok(Created { id: found.id, attributes: found.attributes });
            }
            if unsure {
                // The grace period counts from the last request that may have taken effect.
                *stamped.lock().unwrap_or_else(PoisonError::into_inner) = None;
            }
            let sent = self
                .call(step, LeftBehind::Nothing, || async {
                    if tag_only || deletion_unconfirmed {
                        self.stamp(item, intent, &stamped).await?;
                    }
                    sends.any.store(true, Ordering::Relaxed);
                    let answer = self.provider.create(item.clone(), intent.client_token.clone()).await;
                    sends.note(&answer);
                    match answer {
                        // Repeating a create that has neither token nor natural key could make a duplicate.
                        Err(failure) if failure.kind == FailureKind::LostAnswer && tag_only => Ok(Err(failure)),
                        Err(failure) if failure.kind == FailureKind::AlreadyExists => Ok(Err(failure)),
                        other => other.map(Ok),
                    }
                })
                .await;
            let failure = match sent {
                Ok(Ok(created)) => return Ok(created),
                Ok(Err(failure)) => failure,
                Err(StepError::Failed { failure, .. }) if failure.kind == FailureKind::LostAnswer => {
                    return Err(failed(failure, LeftBehind::Unknown));
                }
                Err(other) => return Err(other),
            };
            if failure.kind == FailureKind::AlreadyExists {
                return self.adopt_existing(step, item, failure).await;
            }
            if began.elapsed() > self.time_scale.seconds(4.0 * GRACE_SECONDS) {
                return Err(failed(failure, LeftBehind::Unknown));
            }
            (unsure, since) = (true, 0.0);
        }
    }

    /// Records the intent again when it is older than the request that follows: the grace period counts from the last request that
    /// may have taken effect.
    async fn stamp(&self, item: &Item, intent: &Intent, stamped: &Mutex<Option<Instant>>) -> Result<(), Failure> {
        let last = *stamped.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| last.elapsed() < self.time_scale.seconds(FRESH_SECONDS)) {
            return Ok(());
        }
        let again = Intent { since: Timestamp::now(), ..intent.clone() };
        let recorded = self.recorder.record(Entry::Intent { address: item.address.clone(), intent: again }).await;
        *stamped.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        // This failure only prevents the request. The next entry fails as well, and ends the run.
        recorded.map_err(|error| Failure::other("record", error.to_string()).caused_by(error))
    }

    /// Looks for the resource by its tags until its intent is so old that it counts as not created.
    async fn look_for(&self, step: &Step<'_>, item: &Item, already: f64) -> Result<Option<Observed>, StepError> {
        let began = Instant::now();
        loop {
            if let Some(found) = self.find(step, item).await? {
                return Ok(Some(found));
            }
            if self.time_scale.seconds(already) + began.elapsed() >= self.time_scale.seconds(GRACE_SECONDS) {
                return Ok(None);
            }
            let why = "looking for what an unanswered request may have created".to_owned();
            self.say(Event::StepWaiting { address: step.address().clone(), why });
            self.unless_stopped(tokio::time::sleep(self.time_scale.jittered(5.0))).await?;
        }
    }

    async fn find(&self, step: &Step<'_>, item: &Item) -> Result<Option<Observed>, StepError> {
        let mut item = item.clone();
        item.attributes.insert(INTENT_ATTRIBUTE.to_owned(), String::new());
        let ask = || self.provider.observe(item.address.kind(), Query::Ours(vec![item.clone()]));
        let seen = self.call(step, LeftBehind::Unknown, ask).await?;
        let ours = |observed: &&Observed| observed.address == item.address && self.is_ours(observed);
        Ok(seen.iter().find(ours).cloned())
    }

    /// Whether its tags carry this state's lineage.
    fn is_ours(&self, observed: &Observed) -> bool {
        let lineage = observed.tags.as_ref().and_then(|tags| tags.get(ownership::LINEAGE));
        lineage.is_some_and(|lineage| *lineage == self.lineage)
    }

    /// "Already exists" is success when it carries our tags, and a refusal when it does not.
    async fn adopt_existing(&self, step: &Step<'_>, item: &Item, failure: Failure) -> Result<Created, StepError> {
        let began = Instant::now();
        loop {
            if let Some(found) = self.find(step, item).await? {
                return Ok(Created { id: found.id, attributes: found.attributes });
            }
            // Lists lag behind creates: a single call does not prove that it belongs to others.
            if began.elapsed() >= self.time_scale.seconds(FOREIGN_SECONDS) {
                let message = format!("{}; it does not carry this cluster's tags, so it is left alone", failure.message);
                return Err(failed(failure.meaning(FailureKind::Foreign).worded(message), LeftBehind::Nothing));
            }
            self.unless_stopped(tokio::time::sleep(self.time_scale.jittered(3.0))).await?;
        }
    }

    /// Settings, readiness, and the final record of something that was created.
    async fn finish(&self, step: &Step<'_>, desired: &Desired, mut item: Item) -> Result<(), StepError> {
        item.attributes.extend(self.configure(step, &item).await?);
        self.recorded(desired, &item, RecordStatus::Ready).await
    }

    /// Settings and readiness; returns what is known once it is ready.
    async fn configure(&self, step: &Step<'_>, item: &Item) -> Result<BTreeMap<String, String>, StepError> {
        self.call(step, LeftBehind::Recorded, || self.provider.configure(item.clone())).await?;
        if item.address.kind().facts().create_seconds <= 1 {
            return Ok(BTreeMap::new());
        }
        let waited = self.unless_stopped(self.poller.wait(item.clone(), Want::Ready)).await?;
        let observed = waited.map_err(|failure| failed(failure, LeftBehind::Recorded))?;
        Ok(observed.map(|observed| observed.attributes).unwrap_or_default())
    }

    /// Records the resource and makes its attributes known to its dependents.
    async fn recorded(&self, desired: &Desired, item: &Item, status: RecordStatus) -> Result<(), StepError> {
        let record = Record {
            id: item.id.clone(),
            status,
            spec: item.spec.clone(),
            tags: desired.tags.clone(),
            attributes: item.attributes.clone(),
            dependencies: desired.dependencies(),
        };
        self.record(Entry::Recorded { address: desired.address.clone(), record: Box::new(record) }).await?;
        self.learn(&desired.address, &item.attributes);
        Ok(())
    }

    /// Finishes, adopts or updates something that exists.
    async fn change(&self, step: &Step<'_>, desired: &Desired, existing: &Record) -> Result<(), StepError> {
        self.learn(&desired.address, &existing.attributes);
        let mut item = self.item(desired, &existing.id)?;
        if existing.status != RecordStatus::Ready {
            // Adopted, but with the settings that were found, which are updated next.
            let found = Item { spec: existing.spec.clone(), ..item.clone() };
            self.recorded(desired, &found, RecordStatus::Creating).await?;
            let _ = step.created.send(step.index);
            item.attributes.extend(self.configure(step, &item).await?);
        }
        let update = update_of(&step.action.fields, &item, existing);
        if !update.fields.is_empty() || !update.set_tags.is_empty() || !update.remove_tags.is_empty() {
            let changed = self.call(step, LeftBehind::Recorded, || self.provider.update(update.clone())).await?;
            item.attributes.extend(changed);
            if desired.kind().facts().create_seconds > 1 {
                let attributes = self.wait_for_effect(&item, &update.fields).await?;
                item.attributes.extend(attributes);
            }
        }
        self.recorded(desired, &item, RecordStatus::Ready).await
    }

    /// Waits until AWS shows the new values of an update. Its status is not enough: AWS reports "ready" before it begins an
    /// update, and again after one that failed.
    async fn wait_for_effect(&self, item: &Item, fields: &[String]) -> Result<BTreeMap<String, String>, StepError> {
        let mut missing = Vec::new();
        for _ in 0..EFFECT_LOOKS {
            let waited = self.unless_stopped(self.poller.wait(item.clone(), Want::Ready)).await?;
            let Some(observed) = waited.map_err(|failure| failed(failure, LeftBehind::Recorded))? else { return Ok(BTreeMap::new()) };
            let differs = |field: &&String| match (observed.spec.get(*field), item.spec.get(*field)) {
                (Some(now), wanted) => !same(now, wanted.unwrap_or(&Value::Null)),
                (None, _) => false,
            };
            missing = fields.iter().filter(differs).cloned().collect();
            if missing.is_empty() {
                return Ok(observed.attributes);
            }
            self.unless_stopped(tokio::time::sleep(self.time_scale.jittered(10.0))).await?;
        }
        let message = format!("AWS reports that it is done, but {} did not change", missing.join(", "));
        Err(failed(Failure::other("wait", message), LeftBehind::Recorded))
    }
}

/// Whether requests of one creation were sent, and whether an answer was lost.
#[derive(Default)]
struct Sends {
    any: AtomicBool,
    lost: AtomicBool,
}

impl Sends {
    fn note(&self, answer: &Result<Created, Failure>) {
        if matches!(answer, Err(failure) if failure.kind == FailureKind::LostAnswer) {
            self.lost.store(true, Ordering::Relaxed);
        }
    }

    /// Whether a refusal proves that nothing exists. After a lost answer it does not. After a request that an earlier run may have
    /// sent, missing permissions or credentials do not prove it either.
    fn is_conclusive(&self, failure: &Failure, resumed: bool) -> bool {
        let about_caller = matches!(failure.kind, FailureKind::Credentials | FailureKind::Permission);
        let doubtful = self.lost.load(Ordering::Relaxed) || resumed && about_caller;
        !doubtful
    }
}

/// One step, as the scheduler starts it.
pub(crate) struct Step<'a> {
    pub(crate) index: usize,
    pub(crate) action: &'a Action,
    /// Whether it deletes: a deletion, or the first step of a replacement.
    pub(crate) removes: bool,
    /// It was deleted together with its parent: only the record is deleted.
    pub(crate) gone_already: bool,
    /// Seconds for which it is checked after its deletion whether AWS creates it again.
    pub(crate) watch_seconds: u32,
    /// Expected seconds to the end of the run.
    pub(crate) priority: u64,
    /// Signals that the resource has an id, for steps that wait for nothing else of it.
    pub(crate) created: mpsc::UnboundedSender<usize>,
}

impl Step<'_> {
    pub(crate) fn address(&self) -> &Address {
        &self.action.address
    }
}

fn new_intent(desired: &Desired, spec: &Value) -> Intent {
    // 64 hexadecimal characters satisfy every service's rule on tokens (EKS wants 33 at least, EFS takes 64 at most).
    let client_token = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
    Intent { client_token, since: Timestamp::now(), dependencies: desired.dependencies(), spec: spec.clone() }
}

fn update_of(changes: &[super::FieldChange], item: &Item, existing: &Record) -> Update {
    let (tags, fields): (Vec<_>, Vec<_>) = changes.iter().partition(|change| change.path.starts_with("tags."));
    let key = |path: &str| path.trim_start_matches("tags.").to_owned();
    Update {
        item: item.clone(),
        before: existing.spec.clone(),
        fields: fields.into_iter().map(|change| change.path.clone()).collect(),
        set_tags: tags.iter().filter_map(|change| Some((key(&change.path), change.after.as_str()?.to_owned()))).collect(),
        remove_tags: tags.iter().filter(|change| change.after == Value::Null).map(|change| key(&change.path)).collect(),
    }
}

pub(super) fn failed(failure: Failure, left: LeftBehind) -> StepError {
    StepError::Failed { failure, left }
}
