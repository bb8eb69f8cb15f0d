//! The verification: after the last round, everything of ours is looked for again by every means of discovery.

use super::inspection::{Basis, Inspection, inspect};
use super::record::TeardownRecord;
use super::remaining::{Remaining, RemainingReason, Verification};
use super::request::TeardownRequest;
use crate::engine::{Action, Discovery, Observed, Readiness, Reason, Verb};
use crate::resource::Address;
use crate::workflow::context::Context;
use crate::workflow::error::WorkflowError;
use crate::workflow::lineage::lineage_of;
use crate::workflow::ports::{StateStore, Ui};
use std::collections::{BTreeMap, BTreeSet};

/// Inspects once more.
pub(super) async fn verify<P: Discovery, S: StateStore, U: Ui>(
    context: &Context<'_, P, S, U>,
    request: &TeardownRequest,
    record: &TeardownRecord,
) -> Result<Verification, WorkflowError> {
    let verifying = async {
        let found = context.store.load().await?;
        inspect(&*context.provider, &request.target, found, Basis::Later(record.known.clone()), false).await
    };
    let inspection = context.interrupt.unless(verifying).await??;
    // Another run may have taken the state over, and what it does would be taken for the result of this one.
    context.store.check_lock().map_err(WorkflowError::LockLost)?;
    Ok(verification(&inspection, &record.failures))
}

fn verification(inspection: &Inspection, failures: &BTreeMap<Address, String>) -> Verification {
    let mut result = Verification::default();
    let mut told = BTreeSet::new();
    let held: BTreeMap<&Address, &Reason> = inspection.plan.actions.iter().filter_map(held_back).collect();
    let known_reason = |address: &Address| {
        let failed = failures.get(address).map(|why| RemainingReason::Failed(why.clone()));
        failed.or_else(|| held.get(address).map(|reason| RemainingReason::HeldBack((*reason).clone())))
    };
    for seen in inspection.observed.iter().chain(&inspection.leftovers) {
        if !told.insert((&seen.address, &seen.id)) {
            continue;
        }
        if inspection.is_retained(seen) {
            result.kept.push(remaining(seen, RemainingReason::Kept));
        } else if seen.is_scheduled() {
            result.scheduled.push(remaining(seen, RemainingReason::Scheduled));
        } else {
            let is_going = seen.readiness == Readiness::Deleting;
            let otherwise = if is_going { RemainingReason::BeingDeleted } else { RemainingReason::NotDeleted };
            result.left.push(remaining(seen, known_reason(&seen.address).unwrap_or(otherwise)));
        }
    }
    // A resource without our tags is not shown by an inspection, so its absence does not prove that it is gone.
    for action in &inspection.plan.actions {
        let Some(id) = action.id.as_ref().filter(|id| action.existing.is_some() && told.insert((&action.address, id))) else { continue };
        let reason = known_reason(&action.address).unwrap_or(RemainingReason::Unconfirmed);
        result.left.push(Remaining { address: action.address.clone(), id: id.clone(), reason });
    }
    let untagged =
        |address: &Address, id: &String| Remaining { address: address.clone(), id: id.clone(), reason: RemainingReason::Untagged };
    result.left.extend(inspection.survey.disowned.iter().map(|one| untagged(&one.address, &one.id)));
    for other in &inspection.others {
        if other.is_scheduled() {
            result.scheduled.push(remaining(other, RemainingReason::Scheduled));
        } else {
            result.others.push(remaining(other, RemainingReason::OtherLineage(lineage_of(other).map(str::to_owned))));
        }
    }
    if !result.left.is_empty() {
        result.foreign = inspection.survey.foreign.clone();
    }
    result
}

fn remaining(seen: &Observed, reason: RemainingReason) -> Remaining {
    Remaining { address: seen.address.clone(), id: seen.id.clone(), reason }
}

/// Why a further run does not delete it either.
fn held_back(action: &Action) -> Option<(&Address, &Reason)> {
    (action.verb == Verb::NoChange && action.reason != Reason::None).then_some((&action.address, &action.reason))
}
