//! A teardown runs in rounds: a later one deletes what appeared during the one before it.

use super::consent::refuse_data;
use super::drain::drain;
use super::inspection::{Basis, Inspection, inspect};
use super::record::TeardownRecord;
use super::request::TeardownRequest;
use crate::engine::{DataLine, Discovery, FailureKind, GRACE_SECONDS, Outcome, Plan, Verb, hold_back};
use crate::resource::{Address, Attributes};
use crate::state::Document;
use crate::workflow::context::Context;
use crate::workflow::error::WorkflowError;
use crate::workflow::execution::Execution;
use crate::workflow::ports::{Notice, StateStore, Ui};
use std::collections::{BTreeMap, BTreeSet};

/// Largest number of rounds.
const ROUNDS: usize = 3;

/// Runs the plan, and again while a further inspection finds something that another round can delete.
pub(super) async fn run<P: Discovery, S: StateStore, U: Ui>(
    context: &Context<'_, P, S, U>,
    request: &TeardownRequest,
    first: Inspection,
    record: &mut TeardownRecord,
) -> Result<Outcome, WorkflowError> {
    let mut inspection = first;
    let mut all = Outcome::default();
    for round in 1..=ROUNDS {
        if request.drain && round == 1 {
            drain(context, &inspection).await?;
        }
        let plan = inspection.plan.clone();
        forget_failures(&plan, &mut all, record);
        let outcome = context.execute(execution(request, inspection)).await?;
        record.ran(&plan, &outcome);
        context.ui.note(record);
        add(&mut all, outcome);
        if all.cancelled || round == ROUNDS {
            break;
        }
        let Some(next) = next(context, request, record, &all).await.map_err(WorkflowError::unverified)? else { break };
        context.ui.say(&Notice::NextRound { inspection: &next });
        inspection = next;
    }
    Ok(all)
}

fn execution(request: &TeardownRequest, inspection: Inspection) -> Execution<'static> {
    let policy = request.policy(&inspection);
    let Inspection { state, plan, duplicates, .. } = inspection;
    Execution { state, lookups: Attributes::new(), plan, duplicates, new_pins: BTreeMap::new(), policy, applied: None }
}

/// The inspection for a further round; nothing when such a round could not delete anything.
async fn next<P: Discovery, S: StateStore, U: Ui>(
    context: &Context<'_, P, S, U>,
    request: &TeardownRequest,
    record: &TeardownRecord,
    all: &Outcome,
) -> Result<Option<Inspection>, WorkflowError> {
    let found = context.store.load().await?;
    if let Some(state) = &found {
        await_begun(context, state).await?;
    }
    let basis = Basis::Later(record.known.clone());
    let inspecting = inspect(&*context.provider, &request.target, found, basis, request.keeps_data());
    let mut next = context.interrupt.unless(inspecting).await??;
    context.store.check_lock().map_err(WorkflowError::LockLost)?;
    let permanently_refused = permanently_refused(request, &next, all);
    hold_back(&mut next.plan, &permanently_refused);
    let plan = &next.plan;
    let is_deleted = |line: &DataLine| plan.actions.iter().any(|one| one.address == line.address && one.verb != Verb::NoChange);
    next.survey.data.retain(is_deleted);
    // Without `--delete-data` or `--retain-data`, data that appeared meanwhile ends the rounds instead of being deleted.
    let is_worth_it = next.has_work() && refuse_data(request.data, &next).is_ok();
    Ok(is_worth_it.then_some(next))
}

/// Waits until AWS shows whatever a killed run may have created: its last request may have taken effect after its end. Returns
/// whether it waited.
pub(super) async fn await_begun<P: Discovery, S: StateStore, U: Ui>(
    context: &Context<'_, P, S, U>,
    state: &Document,
) -> Result<bool, WorkflowError> {
    let open = state.intents.iter().filter(|(address, _)| !state.resources.contains_key(address));
    let young: Vec<(&Address, f64)> =
        open.map(|(address, intent)| (address, GRACE_SECONDS - intent.age_seconds())).filter(|(_, left)| *left > 0.0).collect();
    let Some(longest) = young.iter().map(|(_, left)| *left).max_by(f64::total_cmp) else { return Ok(false) };
    let addresses = young.iter().map(|(address, _)| *address).collect();
    context.ui.say(&Notice::WaitingForCreations { seconds: longest, addresses });
    context.interrupt.unless(tokio::time::sleep(context.time_scale.seconds(longest))).await?;
    Ok(true)
}

/// Resources whose deletion would only be refused again: only temporary failures are retried in a further round.
fn permanently_refused(request: &TeardownRequest, next: &Inspection, all: &Outcome) -> BTreeSet<Address> {
    use FailureKind::{Busy, LostAnswer, NotYet};
    let failed = all.failed.iter().filter(|failed| !matches!(failed.failure.kind, NotYet | Busy | LostAnswer));
    let protected = next.survey.protected.iter().filter(|_| !request.lift_protection);
    failed.map(|failed| failed.address.clone()).chain(protected.map(|one| one.address.clone())).collect()
}

/// Drops the failures of what the next round tries again.
fn forget_failures(plan: &Plan, all: &mut Outcome, record: &mut TeardownRecord) {
    let again: BTreeSet<&Address> =
        plan.actions.iter().filter(|action| action.verb != Verb::NoChange).map(|action| &action.address).collect();
    all.failed.retain(|failed| !again.contains(&failed.address));
    all.skipped.retain(|address| !again.contains(address));
    record.failures.retain(|address, _| !again.contains(address));
}

/// Adds the outcome of a later round.
fn add(all: &mut Outcome, later: Outcome) {
    all.done += later.done;
    all.failed.extend(later.failed);
    all.skipped.extend(later.skipped);
    all.cleared.extend(later.cleared);
    all.cancelled |= later.cancelled;
    all.seconds += later.seconds;
}
