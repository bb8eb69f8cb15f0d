//! Runs a plan: every step whose dependencies are done starts, the one with the longest remaining path first.

use super::events::{Event, LeftBehind};
use super::failure::{Failure, FailureKind};
use super::plan::{Action, Plan, Verb};
use super::policy::DeletionPolicy;
use super::poller::Poller;
use super::provider::Provider;
use super::slots::Slots;
use super::step::{Step, StepContext, StepError};
use super::steps::{Node, Steps};
use super::time_scale::TimeScale;
use crate::resource::{Address, Attributes};
use crate::state::{Document, Intent, Recorder, StateError};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Real seconds that calls in flight may take after the user asked to stop (docs/design-rules.md, rule 6).
const STOP_BUDGET: Duration = Duration::from_secs(5);

/// A step that failed.
#[derive(Debug, Clone)]
pub struct Failed {
    /// What it was about.
    pub address: Address,
    /// What went wrong.
    pub failure: Failure,
    /// What it leaves behind.
    pub left: LeftBehind,
}

/// How a run ended.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Steps done.
    pub done: usize,
    /// Steps that failed.
    pub failed: Vec<Failed>,
    /// Steps that were not tried, with what failed before them.
    pub skipped: Vec<Address>,
    /// Leftovers of Kubernetes that blocked a deletion and were deleted: address and id.
    pub cleared: Vec<(Address, String)>,
    /// Whether the user stopped it.
    pub cancelled: bool,
    /// Seconds since the start.
    pub seconds: f64,
}

/// Why a run had to be ended.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The state could not be written.
    #[error("the state cannot be written: {0}")]
    Recorder(#[source] StateError),
    /// A step panicked or was aborted.
    #[error("a step ended unexpectedly: {0}")]
    StepEnded(#[source] tokio::task::JoinError),
    /// The lock of the state was lost.
    #[error("{0}")]
    Fenced(String),
    /// Steps wait for each other.
    #[error("steps depend on each other in a cycle: {0}")]
    Cycle(String),
}

/// Runs plans.
pub struct Runner<P, R> {
    /// AWS.
    pub provider: Arc<P>,
    /// Writes the state.
    pub recorder: Arc<R>,
    /// What may be deleted.
    pub policy: Arc<DeletionPolicy>,
    /// Length of a second of waiting.
    pub time_scale: TimeScale,
    /// Where events go.
    pub events: mpsc::UnboundedSender<Event>,
    /// Becomes true when the user asks to stop.
    pub stop: watch::Receiver<bool>,
}

impl<P: Provider, R: Recorder> Runner<P, R> {
    /// Runs the plan until everything is done, failed or skipped, or the user asks to stop.
    ///
    /// # Errors
    /// When the state cannot be written; nothing is started after that.
    pub async fn run(&self, plan: Plan, state: &Document, lookups: &Attributes) -> Result<Outcome, RunError> {
        let steps = Steps::of(&plan);
        let order = steps.graph.order().map_err(|cycle| {
            let names: Vec<String> = cycle.iter().map(|node| plan.actions[steps.nodes[*node].action].address.to_string()).collect();
            RunError::Cycle(names.join(" → "))
        })?;
        let weights: Vec<u64> = steps.nodes.iter().map(|node| node.seconds).collect();
        let remaining = steps.graph.remaining(&weights, &steps.created);
        let expected_seconds = remaining.iter().copied().max().unwrap_or(0);
        drop(self.events.send(Event::RunStarted { steps: order.len(), expected_seconds }));
        let mut run = Run::new(self, plan, steps, remaining, state, lookups);
        let mut outcome = run.drive(self.stop.clone()).await?;
        outcome.seconds = run.began.elapsed().as_secs_f64();
        outcome.cleared = run.context.cleared.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let skipped = run.state.iter().filter(|state| matches!(state, NodeState::Waiting | NodeState::Skipped)).count();
        drop(self.events.send(Event::RunFinished {
            done: outcome.done,
            failed: outcome.failed.len(),
            skipped,
            seconds: outcome.seconds,
            expected_seconds,
            cancelled: outcome.cancelled,
        }));
        Ok(outcome)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NodeState {
    Waiting,
    Running,
    Done,
    Failed,
    Skipped,
}

/// Result of a task: node, result of the step, seconds.
type Joined = Result<(usize, Result<(), StepError>, f64), tokio::task::JoinError>;

/// A run in progress.
struct Run<P, R> {
    context: Arc<StepContext<P, R>>,
    plan: Arc<Plan>,
    steps: Arc<Steps>,
    remaining: Vec<u64>,
    state: Vec<NodeState>,
    has_id: Vec<bool>,
    tasks: JoinSet<(usize, Result<(), StepError>, f64)>,
    created: (mpsc::UnboundedSender<usize>, mpsc::UnboundedReceiver<usize>),
    began: Instant,
}

impl<P: Provider, R: Recorder> Run<P, R> {
    fn new(runner: &Runner<P, R>, plan: Plan, steps: Steps, remaining: Vec<u64>, state: &Document, lookups: &Attributes) -> Self {
        let mut known = state.attributes();
        for action in &plan.actions {
            if let (Some(existing), Verb::NoChange) = (&action.existing, action.verb) {
                known.entry(action.address.to_string()).or_default().extend(existing.attributes.clone());
            }
        }
        known.extend(lookups.iter().map(|(key, values)| (key.clone(), values.clone())));
        let context = StepContext {
            provider: runner.provider.clone(),
            recorder: runner.recorder.clone(),
            policy: runner.policy.clone(),
            poller: Poller::new(runner.provider.clone(), runner.time_scale, runner.events.clone()),
            time_scale: runner.time_scale,
            events: runner.events.clone(),
            stop: runner.stop.clone(),
            slots: Slots::default(),
            known: Mutex::new(known),
            cleared: Mutex::default(),
            lineage: state.lineage.clone(),
            intents: live_intents(&plan, state),
            recorded: state.resources.iter().map(|(address, record)| (address.clone(), (record.status, record.id.clone()))).collect(),
        };
        let count = steps.nodes.len();
        Self {
            context: Arc::new(context),
            plan: Arc::new(plan),
            steps: Arc::new(steps),
            remaining,
            state: vec![NodeState::Waiting; count],
            has_id: vec![false; count],
            tasks: JoinSet::new(),
            created: mpsc::unbounded_channel(),
            began: Instant::now(),
        }
    }

    async fn drive(&mut self, mut stop: watch::Receiver<bool>) -> Result<Outcome, RunError> {
        let mut outcome = Outcome::default();
        let mut halted = false;
        loop {
            if !halted {
                self.start_ready();
            }
            if self.tasks.is_empty() {
                break;
            }
            let ended = tokio::select! {
                biased;
                Some(node) = self.created.1.recv() => {
                    self.has_id[node] = true;
                    Ok(false)
                }
                Some(joined) = self.tasks.join_next() => self.joined(joined, &mut outcome),
                _ = stop.wait_for(|stop| *stop) => {
                    outcome.cancelled = true;
                    drop(self.context.events.send(Event::Stopping));
                    self.finish_in_flight(&mut outcome).await?;
                    break;
                }
            };
            match ended {
                Ok(halt) => halted |= halt,
                // Nothing may be created that cannot be recorded, so the run ends now instead of after the waits in progress.
                Err(error) => {
                    drop(self.finish_in_flight(&mut outcome).await);
                    return Err(error);
                }
            }
        }
        outcome.skipped = self.unfinished();
        Ok(outcome)
    }

    /// Handles a task that ended.
    fn joined(&mut self, joined: Joined, outcome: &mut Outcome) -> Result<bool, RunError> {
        match joined {
            Ok((node, result, seconds)) => self.ended(node, result, seconds, outcome),
            Err(error) => Err(RunError::StepEnded(error)),
        }
    }

    /// Waits for calls in flight, for a few seconds at most.
    ///
    /// # Errors
    /// The first error that ends the run.
    async fn finish_in_flight(&mut self, outcome: &mut Outcome) -> Result<(), RunError> {
        let deadline = Instant::now() + STOP_BUDGET;
        let mut first = Ok(());
        while let Ok(Some(joined)) = tokio::time::timeout_at(deadline, self.tasks.join_next()).await {
            let ended = self.joined(joined, outcome).map(drop);
            first = first.and(ended);
        }
        self.tasks.abort_all();
        first
    }

    /// Starts every step whose dependencies are done, the one with the longest remaining path first.
    fn start_ready(&mut self) {
        let mut ready: Vec<usize> = (0..self.state.len()).filter(|node| self.is_ready(*node)).collect();
        ready.sort_by_key(|node| std::cmp::Reverse(self.remaining[*node]));
        for node in ready {
            self.state[node] = NodeState::Running;
            let (context, plan, steps) = (self.context.clone(), self.plan.clone(), self.steps.clone());
            let (created, priority) = (self.created.0.clone(), self.remaining[node]);
            self.tasks.spawn(async move {
                let Node { action, removes, dies_with_parent, watch_seconds, seconds } = &steps.nodes[node];
                let action = &plan.actions[*action];
                if *context.stop.borrow() {
                    return (node, Err(StepError::Cancelled), 0.0);
                }
                let began = Instant::now();
                let started = Event::StepStarted {
                    address: action.address.clone(),
                    action: shown(action.verb, *removes),
                    expected_seconds: *seconds,
                    path_seconds: priority,
                };
                drop(context.events.send(started));
                let gone_already = dies_with_parent.is_some();
                let step = Step { index: node, action, removes: *removes, gone_already, watch_seconds: *watch_seconds, priority, created };
                let result = context.run(&step).await;
                (node, result, began.elapsed().as_secs_f64())
            });
        }
    }

    fn is_ready(&self, node: usize) -> bool {
        let enough =
            |first: &usize| self.state[*first] == NodeState::Done || self.has_id[*first] && self.steps.created.contains(&(*first, node));
        self.state[node] == NodeState::Waiting && self.steps.graph.before(node).iter().all(enough)
    }

    /// Handles the end of a step. Returns whether nothing more may be started.
    fn ended(&mut self, node: usize, result: Result<(), StepError>, seconds: f64, outcome: &mut Outcome) -> Result<bool, RunError> {
        let Node { action, removes, .. } = &self.steps.nodes[node];
        let (address, verb) = (self.plan.actions[*action].address.clone(), shown(self.plan.actions[*action].verb, *removes));
        match result {
            Ok(()) => {
                self.state[node] = NodeState::Done;
                outcome.done += 1;
                drop(self.context.events.send(Event::StepDone { address, action: verb, seconds }));
                Ok(false)
            }
            Err(StepError::Cancelled) => {
                self.state[node] = NodeState::Waiting;
                Ok(false)
            }
            Err(StepError::Recorder(error)) => {
                self.state[node] = NodeState::Failed;
                Err(RunError::Recorder(error))
            }
            Err(StepError::Fenced(message)) => {
                self.state[node] = NodeState::Failed;
                Err(RunError::Fenced(message))
            }
            Err(StepError::Failed { failure, left }) => {
                self.state[node] = NodeState::Failed;
                let halt = failure.kind == FailureKind::Credentials;
                drop(self.context.events.send(Event::StepFailed {
                    address: address.clone(),
                    action: verb,
                    error: failure.to_string(),
                    left,
                }));
                outcome.failed.push(Failed { address: address.clone(), failure, left });
                self.skip_dependents(node, &address);
                Ok(halt)
            }
        }
    }

    fn skip_dependents(&mut self, node: usize, because: &Address) {
        let mut open = self.steps.graph.after(node).to_vec();
        while let Some(next) = open.pop() {
            let started_early = self.has_id[node] && self.steps.created.contains(&(node, next));
            if self.state[next] == NodeState::Waiting && !started_early {
                self.state[next] = NodeState::Skipped;
                let address = self.plan.actions[self.steps.nodes[next].action].address.clone();
                drop(self.context.events.send(Event::StepSkipped { address, because: because.clone() }));
                open.extend(self.steps.graph.after(next));
            }
        }
    }

    fn unfinished(&self) -> Vec<Address> {
        let open = (0..self.state.len()).filter(|node| matches!(self.state[*node], NodeState::Waiting | NodeState::Skipped));
        let mut addresses: Vec<Address> = open.map(|node| self.plan.actions[self.steps.nodes[node].action].address.clone()).collect();
        addresses.sort();
        addresses.dedup();
        addresses
    }
}

/// The two steps of a replacement are shown as a deletion and a creation.
fn shown(verb: Verb, removes: bool) -> Verb {
    match (verb, removes) {
        (Verb::Replace, true) => Verb::Delete,
        (Verb::Replace, false) => Verb::Create,
        (verb, _) => verb,
    }
}

/// Intents of creates that this run repeats. A replaced resource needs a new client token: its old one returns the deleted resource.
fn live_intents(plan: &Plan, state: &Document) -> BTreeMap<Address, Intent> {
    // A child of a parent that is created or replaced in this run needs a new client token, too: its old one belongs to the
    // deleted parent.
    let is_new = |action: &Action| action.verb == Verb::Replace || action.verb == Verb::Create && action.existing.is_none();
    let is_orphan = |action: &Action| {
        action.kind.facts().dies_with.is_some_and(|parent| plan.actions.iter().any(|other| other.kind == parent && is_new(other)))
    };
    let repeated = plan.actions.iter().filter(|action| action.verb == Verb::Create && !is_orphan(action));
    let live = |action: &Action| {
        let intent = state.intents.get(&action.address)?;
        let recorded = state.resources.contains_key(&action.address);
        (!recorded || intent.age_seconds() < Intent::LIVE_SECONDS).then(|| (action.address.clone(), intent.clone()))
    };
    repeated.filter_map(live).collect()
}
