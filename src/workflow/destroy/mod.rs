//! `destroy`: deletes everything of ours and what Kubernetes left, in reverse order, and verifies that nothing is left. Data is
//! deleted only with `--delete-data` (RUN-4).

mod consent;
mod drain;
pub(super) mod inspection;
pub(super) mod record;
mod remaining;
mod request;
mod rounds;
mod verification;

pub use inspection::{Basis, Inspection, inspect};
pub use record::TeardownRecord;
pub use remaining::{Remaining, RemainingReason, SEARCHED_BY, Verification};
pub use request::{DataChoice, TeardownRequest};

use super::context::Context;
use super::error::WorkflowError;
use super::ports::{Notice, StateStore, Ui};
use super::target::TeardownTarget;
use crate::engine::{Discovery, Outcome, Readiness};
use crate::state::Document;

/// How a destroy ended.
#[derive(Debug)]
pub enum Teardown {
    /// The user stopped it: what is left was not determined.
    Cancelled(Outcome),
    /// It ran as far as it could, and what is left is known.
    Verified {
        /// What happened, over all rounds.
        outcome: Outcome,
        /// What is left.
        verification: Verification,
        /// What was found, done and left.
        record: Box<TeardownRecord>,
    },
}

/// Inspects, asks, runs in rounds, and verifies.
///
/// # Errors
/// When something is refused, when the run had to be ended, and when what is left could not be determined.
pub async fn destroy<P: Discovery, S: StateStore, U: Ui>(
    context: &Context<'_, P, S, U>,
    request: &TeardownRequest,
) -> Result<Teardown, WorkflowError> {
    // The plan is shown even with `--quiet` when the user is asked about it.
    let needed = !request.is_confirmed && !request.yes;
    let first = Basis::First { lineage: request.lineage.clone() };
    let opening = async {
        let found = context.store.load().await?;
        first_inspection(
            &*context.provider,
            context.ui,
            &request.target,
            found,
            &Notice::NoState { location: context.store.location(), needed },
            first.clone(),
            request.keeps_data(),
        )
        .await
    };
    let mut inspection = context.interrupt.unless(opening).await??;
    if !inspection.has_work() && rounds::await_begun(context, &inspection.state).await? {
        let again = async {
            let found = context.store.load().await?;
            inspect(&*context.provider, &request.target, found, first, request.keeps_data()).await
        };
        inspection = context.interrupt.unless(again).await??;
    }
    context.ui.say(&Notice::Teardown { inspection: &inspection, needed });
    let mut record = TeardownRecord::of(&inspection, context.provider.connection());
    context.ui.note(&record);
    let outcome = if inspection.has_work() {
        consent::ask(context, request, &inspection).await?;
        rounds::run(context, request, inspection, &mut record).await?
    } else {
        context.ui.say(&Notice::NothingToDestroy);
        Outcome::default()
    };
    if outcome.cancelled {
        return Ok(Teardown::Cancelled(outcome));
    }
    let verification = verification::verify(context, request, &record).await.map_err(WorkflowError::unverified)?;
    record.close(&verification, outcome.seconds);
    Ok(Teardown::Verified { outcome, verification, record: Box::new(record) })
}

/// The inspection before any decision; shows what the user must know of it beyond the plan. Changes nothing.
///
/// # Errors
/// As [`inspect`].
pub async fn first_inspection<P: Discovery, U: Ui>(
    provider: &P,
    ui: &U,
    target: &TeardownTarget,
    found: Option<Document>,
    no_state: &Notice<'_>,
    basis: Basis,
    keep_data: bool,
) -> Result<Inspection, WorkflowError> {
    if found.is_none() {
        ui.say(no_state);
    }
    let inspection = inspect(provider, target, found, basis, keep_data).await?;
    ui.say(&Notice::Duplicates(&inspection.duplicates));
    let count = inspection.others.iter().filter(|seen| seen.readiness != Readiness::Deleting).count();
    if count > 0 {
        ui.say(&Notice::OtherLineage { count });
    }
    Ok(inspection)
}

/// Refuses what the flags and the configuration alone rule out, before AWS is asked.
///
/// # Errors
/// Why it is refused.
pub fn check_request(request: &TeardownRequest) -> Result<(), super::error::Refusal> {
    consent::check_request(request)
}
