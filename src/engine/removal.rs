//! The deleting part of a step: blockers are named, those that Kubernetes left are deleted, and a resource that AWS creates
//! again is deleted again.

use super::blocker::{Blocker, Whose, listed};
use super::events::{Event, LeftBehind};
use super::failure::{Failure, FailureKind};
use super::item::{Item, Observed};
use super::poller::Want;
use super::provider::{Provider, Query};
use super::step::{Step, StepContext, StepError, failed, patience};
use crate::resource::Address;
use crate::state::{Entry, Record, RecordStatus, Recorder};
use std::sync::PoisonError;
use std::time::Duration;
use tokio::time::Instant;

/// Consecutive refusals after which the blockers are looked up: most blockers are gone within seconds.
const PATIENT_TRIES: usize = 2;
/// Seconds after which waiting is given up when only resources of others block the deletion: they will not be removed by waiting.
const FOREIGN_SECONDS: f64 = 30.0;
/// Longest pause between two attempts, seconds.
const LONGEST_PAUSE: f64 = 15.0;
/// Seconds between two checks of a resource that AWS may create again.
const WATCH_SECONDS: f64 = 5.0;

impl<P: Provider, R: Recorder> StepContext<P, R> {
    /// Deletes the resource of the step, and waits until it is gone.
    pub(super) async fn remove(&self, step: &Step<'_>) -> Result<(), StepError> {
        let address = step.address().clone();
        let Some(existing) = step.action.existing.as_ref().filter(|_| !step.gone_already) else {
            return self.forget(&address).await;
        };
        let item = Item::recorded(&address, existing);
        self.note_deletion(step, existing).await?;
        self.delete(step, &item).await?;
        if address.kind().facts().delete_seconds > 1 {
            let waited = self.unless_stopped(self.poller.wait(item.clone(), Want::Gone)).await?;
            waited.map_err(|failure| failed(failure, LeftBehind::Recorded))?;
        }
        if step.watch_seconds > 0 {
            self.watch(step, &item).await?;
        }
        self.forget(&address).await?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(&address.to_string());
        Ok(())
    }

    /// Records that the resource stays although the cluster is deleted.
    pub(super) async fn retain(&self, step: &Step<'_>) -> Result<(), StepError> {
        let Some(existing) = &step.action.existing else { return Ok(()) };
        // A resource without a record also needs its dependencies recorded, so that a later destroy deletes it in order.
        let known = self.recorded.contains_key(step.address());
        let dependencies = if known { existing.dependencies.clone() } else { step.action.depends_on.clone() };
        let record = Record { status: RecordStatus::Retained, dependencies, ..existing.clone() };
        self.record(Entry::Recorded { address: step.address().clone(), record: Box::new(record) }).await
    }

    /// Records the deletion, also of leftovers: the resources that prove whose a leftover is may be gone before it is.
    async fn note_deletion(&self, step: &Step<'_>, existing: &Record) -> Result<(), StepError> {
        let address = step.address().clone();
        let is_recorded = self.recorded.contains_key(&address);
        if !is_recorded {
            // Without a record, the entry below would not drop the intent, whose client token would later return the deleted resource.
            let record = Record { dependencies: step.action.depends_on.clone(), ..existing.clone() };
            self.record(Entry::Recorded { address: address.clone(), record: Box::new(record) }).await?;
        }
        self.record(Entry::Deleting { address }).await
    }

    async fn forget(&self, address: &Address) -> Result<(), StepError> {
        self.record(Entry::Gone { address: address.clone() }).await
    }

    /// Sends the delete, and repeats it while something uses the resource.
    async fn delete(&self, step: &Step<'_>, item: &Item) -> Result<(), StepError> {
        let began = Instant::now();
        let (mut tries, mut pause) = (0, 1.0);
        let mut hindered: Option<Instant> = None;
        loop {
            let Some(failure) = self.try_to_delete(step, item).await? else { return Ok(()) };
            tries += 1;
            let blockers = if tries >= PATIENT_TRIES { self.blockers(step, item).await? } else { Vec::new() };
            let cleared = self.clear(step, &blockers).await?;
            let only_foreign = !blockers.is_empty() && blockers.iter().all(|blocker| blocker.whose == Whose::Foreign);
            hindered = hindered.or(only_foreign.then(Instant::now)).filter(|_| only_foreign);
            let in_vain = hindered.is_some_and(|since| since.elapsed() >= self.time_scale.seconds(FOREIGN_SECONDS));
            let (longest, _) = patience(FailureKind::InUse, item.address.kind()).unwrap_or_default();
            if in_vain || began.elapsed() > self.time_scale.seconds(longest) {
                return Err(failed(held(failure, &blockers), LeftBehind::Recorded));
            }
            let why = if blockers.is_empty() { format!("trying again: {failure}") } else { format!("held by {}", listed(&blockers)) };
            self.say(Event::StepWaiting { address: item.address.clone(), why });
            // A blocker that was just deleted is gone within seconds.
            pause = if cleared { 1.0 } else { f64::min(pause * 1.7, LONGEST_PAUSE) };
            self.unless_stopped(tokio::time::sleep(self.time_scale.jittered(pause))).await?;
        }
    }

    /// Sends one delete; returns the refusal when something uses the resource.
    async fn try_to_delete(&self, step: &Step<'_>, item: &Item) -> Result<Option<Failure>, StepError> {
        self.call(step, LeftBehind::Recorded, || async {
            match self.provider.delete(item.clone(), self.policy.clone()).await {
                Ok(()) => Ok(None),
                Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
                Err(failure) if failure.kind == FailureKind::InUse => Ok(Some(failure)),
                Err(failure) => Err(failure),
            }
        })
        .await
    }

    /// The blockers of the deletion; none when the caller may not list them, so that the refusal is shown as AWS gave it.
    async fn blockers(&self, step: &Step<'_>, item: &Item) -> Result<Vec<Blocker>, StepError> {
        let asked = self.call(step, LeftBehind::Recorded, || self.provider.blockers(item.clone(), self.policy.clone())).await;
        match asked {
            Err(StepError::Failed { failure, .. }) if failure.kind != FailureKind::Credentials => {
                tracing::debug!(address = %item.address, %failure, "cannot tell what holds it");
                Ok(Vec::new())
            }
            other => other,
        }
    }

    /// Deletes blockers that Kubernetes left. Resources that hold data are never deleted here.
    async fn clear(&self, step: &Step<'_>, blockers: &[Blocker]) -> Result<bool, StepError> {
        let mut cleared = false;
        for blocker in blockers {
            let Whose::Leftover(found) = &blocker.whose else { continue };
            if found.address.kind().facts().holds_data {
                continue;
            }
            // A refused deletion needs no handling: the next look-up of blockers shows it again.
            if self.try_to_delete(step, &Item::seen(found)).await?.is_none() {
                cleared = true;
                self.note_cleared(step, found);
            }
        }
        Ok(cleared)
    }

    /// Reports a deleted blocker once, also when it blocked several resources.
    fn note_cleared(&self, step: &Step<'_>, found: &Observed) {
        let one = (found.address.clone(), found.id.clone());
        let mut all = self.cleared.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains(&one) {
            self.say(Event::Cleared { address: one.0.clone(), id: one.1.clone(), held: step.address().clone() });
            all.push(one);
        }
    }

    /// Checks for a while whether AWS creates it again, and deletes it then.
    async fn watch(&self, step: &Step<'_>, item: &Item) -> Result<(), StepError> {
        let until = Instant::now() + self.time_scale.seconds(f64::from(step.watch_seconds));
        let why = "watching whether AWS creates it again".to_owned();
        self.say(Event::StepWaiting { address: item.address.clone(), why });
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let pause = left.min(self.time_scale.jittered(WATCH_SECONDS));
            self.unless_stopped(tokio::time::sleep(pause)).await?;
            let ask = || self.provider.observe(item.address.kind(), Query::These(vec![item.clone()]));
            if !self.call(step, LeftBehind::Recorded, ask).await?.is_empty() {
                self.delete(step, item).await?;
            }
            if left == Duration::ZERO {
                return Ok(());
            }
        }
    }
}

/// The refusal, with the blockers in its message.
fn held(failure: Failure, blockers: &[Blocker]) -> Failure {
    if blockers.is_empty() {
        return failure;
    }
    let foreign = blockers.iter().any(|blocker| blocker.whose == Whose::Foreign);
    let kind = if foreign { FailureKind::Foreign } else { failure.kind };
    let message = format!("{} (held by {})", failure.message.trim_end_matches('.'), listed(blockers));
    failure.meaning(kind).worded(message)
}
