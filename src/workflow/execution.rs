//! Carries out a plan under the lock: journal, progress, interruption, and the last write of the state.

use super::context::Context;
use super::error::{SavedAside, WorkflowError};
use super::ports::{Notice, RunWriter, StateStore, Ui};
use crate::engine::{DeletionPolicy, Discovery, Duplicates, Event, FailureKind, Outcome, Plan, RunHooks, Runner, delete_duplicate};
use crate::resource::Attributes;
use crate::state::{Document, Entry, Recorder, StateError, TeardownPolicy};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Time that the last write of the state may take: usually, and after an interruption, when the user waits for the end.
const FINISH: [Duration; 2] = [Duration::from_secs(90), Duration::from_secs(4)];
/// How long the progress view is waited for after the run.
const VIEW_TIMEOUT: Duration = Duration::from_secs(1);

/// What a run executes.
pub(super) struct Execution<'a> {
    pub(super) state: Document,
    pub(super) lookups: Attributes,
    pub(super) plan: Plan,
    pub(super) duplicates: Duplicates,
    pub(super) new_pins: BTreeMap<String, BTreeMap<String, String>>,
    pub(super) policy: DeletionPolicy,
    pub(super) applied: Option<Applied<'a>>,
}

/// The configuration that a run applies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Applied<'a> {
    /// SHA-256 of its file.
    pub(super) hash: &'a str,
    /// What it says about taking the cluster down.
    pub(super) policy: TeardownPolicy,
}

impl<P: Discovery, S: StateStore, U: Ui> Context<'_, P, S, U> {
    /// Runs a plan until everything is done, failed or skipped, or the user asks to stop; the state is written in any case.
    pub(super) async fn execute(&self, execution: Execution<'_>) -> Result<Outcome, WorkflowError> {
        let writer = self.store.begin(execution.state.clone()).await?;
        self.ui.say(&Notice::Recording { location: self.store.location() });
        let (events, receiver) = mpsc::unbounded_channel();
        let shown = self.ui.show(receiver);
        let result = self.run(execution, &writer, events).await;
        // The view ends when every sender is dropped; steps that were abandoned on an interruption may keep one a little longer.
        let _ = tokio::time::timeout(VIEW_TIMEOUT, shown).await;
        let finished = self.finish(&writer).await;
        match (result, finished) {
            (Ok(outcome), Ok(())) => Ok(outcome),
            (Err(error), Ok(())) => Err(error),
            // A failed last write is reported instead of what ended the run: most often both have the same cause.
            (_, Err(error)) => Err(error),
        }
    }

    async fn run(
        &self,
        execution: Execution<'_>,
        writer: &S::Writer,
        events: mpsc::UnboundedSender<Event>,
    ) -> Result<Outcome, WorkflowError> {
        let (lock, sink) = (writer.clone(), events.clone());
        let hooks = RunHooks {
            check_lock: Arc::new(move || lock.check_lock()),
            progress: Arc::new(move |address, why| drop(sink.send(Event::StepWaiting { address: address.clone(), why }))),
        };
        let provider = Arc::new(self.provider.for_run(hooks));
        let policy = Arc::new(execution.policy);
        let runner = Runner {
            provider: provider.clone(),
            recorder: Arc::new(writer.clone()),
            policy: policy.clone(),
            time_scale: self.time_scale,
            events,
            stop: self.interrupt.receiver(),
        };
        if !execution.new_pins.is_empty() {
            record(writer, Entry::Pinned { pins: execution.new_pins }).await?;
        }
        if let Some(applied) = execution.applied.filter(|applied| applied.policy != execution.state.teardown_policy) {
            record(writer, Entry::TeardownPolicySet { policy: applied.policy }).await?;
        }
        let outcome = runner.run(execution.plan, &writer.document(), &execution.lookups).await?;
        let complete = outcome.failed.is_empty() && outcome.skipped.is_empty() && !outcome.cancelled;
        if complete && !self.interrupt.is_set() {
            self.clear(&*provider, &policy, &execution.duplicates).await?;
        }
        if let Some(applied) = execution.applied.filter(|_| complete) {
            record(writer, Entry::Applied { config_hash: applied.hash.to_owned() }).await?;
        }
        Ok(outcome)
    }

    /// Deletes the duplicates that nothing uses.
    async fn clear(&self, provider: &P, policy: &Arc<DeletionPolicy>, duplicates: &Duplicates) -> Result<(), WorkflowError> {
        for duplicate in &duplicates.empty {
            let name = Duplicates::name(duplicate);
            match delete_duplicate(provider, duplicate, policy).await {
                Ok(()) => self.ui.say(&Notice::DuplicateDeleted { name }),
                Err(failure) if failure.kind == FailureKind::InUse => {
                    self.ui.say(&Notice::DuplicateInUse { name, failure: &failure });
                }
                Err(failure) => return Err(failure.into()),
            }
        }
        Ok(())
    }

    /// Writes the state for the last time; when that fails, saves it to a file beside the configuration.
    async fn finish(&self, writer: &S::Writer) -> Result<(), WorkflowError> {
        let limit = FINISH[usize::from(self.interrupt.is_set())];
        let (error, superseded) = match tokio::time::timeout(limit, writer.finish()).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => {
                let superseded = matches!(error, StateError::Fenced { .. });
                (WorkflowError::State(error), superseded)
            }
            Err(_) => (WorkflowError::NoAnswer { location: self.store.location() }, false),
        };
        let saved = SavedAside::save(self.store, &writer.document(), superseded);
        Err(WorkflowError::NotSaved { source: Box::new(error), saved })
    }
}

pub(super) async fn record(writer: &impl Recorder, entry: Entry) -> Result<(), WorkflowError> {
    writer.record(entry).await.map_err(WorkflowError::NotRecorded)
}
