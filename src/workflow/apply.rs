//! `apply`: creates and changes resources until AWS matches the configuration.

use super::context::Context;
use super::error::{Refusal, WorkflowError};
use super::execution::{Applied, Execution, record};
use super::ports::{Consent, Notice, RunWriter, StateStore, Ui};
use super::session::Session;
use super::target::{Loaded, teardown_policy};
use crate::engine::{DeletionPolicy, Discovery, Outcome};
use crate::state::Entry;

/// How an apply ended.
#[derive(Debug)]
pub enum Applying {
    /// AWS already matched the configuration.
    Unchanged,
    /// The plan was carried out, in whole or in part.
    Ran(Outcome),
}

/// Plans, asks (unless `is_agreed`), and carries the plan out.
///
/// # Errors
/// When something is refused or the run had to be ended. Failed steps are part of the outcome.
pub async fn apply<P: Discovery, S: StateStore, U: Ui>(
    context: &Context<'_, P, S, U>,
    loaded: &Loaded,
    is_agreed: bool,
) -> Result<Applying, WorkflowError> {
    let opening = async { Session::open(&*context.provider, loaded, context.store.load().await?).await };
    let session = context.interrupt.unless(opening).await??;
    context.ui.say(&Notice::Duplicates(&session.duplicates));
    let is_blocked = session.plan.summary().blocked > 0;
    let needed = is_blocked || session.has_work() && !is_agreed;
    context.ui.say(&Notice::Plan { plan: &session.plan, needed });
    if is_blocked {
        return Err(Refusal::Blocked.into());
    }
    let applied = Applied { hash: &loaded.hash, policy: teardown_policy(&loaded.config) };
    if !session.has_work() {
        note_applied(context, session, applied).await?;
        return Ok(Applying::Unchanged);
    }
    if !is_agreed {
        let question = Consent::Apply { connection: context.provider.connection() };
        context.interrupt.unless(context.ui.ask(&question)).await??;
    }
    let Session { state, lookups, plan, duplicates, new_pins, .. } = session;
    let policy = DeletionPolicy::default();
    let execution = Execution { state, lookups, plan, duplicates, new_pins, policy, applied: Some(applied) };
    context.execute(execution).await.map(Applying::Ran)
}

/// Without changes, the answers of look-ups and the applied file are still recorded.
async fn note_applied<P: Discovery, S: StateStore, U: Ui>(
    context: &Context<'_, P, S, U>,
    session: Session,
    applied: Applied<'_>,
) -> Result<(), WorkflowError> {
    let is_known = session.state.config_hash.as_deref() == Some(applied.hash) && session.state.teardown_policy == applied.policy;
    if session.new_pins.is_empty() && is_known {
        return Ok(());
    }
    let writer = context.store.begin(session.state).await?;
    record(&writer, Entry::Pinned { pins: session.new_pins }).await?;
    record(&writer, Entry::TeardownPolicySet { policy: applied.policy }).await?;
    record(&writer, Entry::Applied { config_hash: applied.hash.to_owned() }).await?;
    writer.finish().await?;
    Ok(())
}
