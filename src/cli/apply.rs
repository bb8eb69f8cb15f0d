//! `apply`: make AWS as the configuration says.

use super::args::ApplyArgs;
use super::exit::{CliError, Exit, hint_of};
use super::printer::Printer;
use super::progress;
use super::session::{Goal, Session, connect, runtime};
use super::settings::{Loaded, Settings};
use super::{args::ProgressMode, confirm};
use crate::engine::{FailureKind, Outcome, Pace, Runner};
use crate::report::{notes, plan_text};
use crate::state::{Entry, LocalStore, Lock, Recorder, Writer};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

pub(super) fn run(args: &ApplyArgs, settings: &Settings, printer: &Printer) -> Result<Exit, CliError> {
    let loaded = settings.load()?;
    let store = settings.store(&loaded.config)?;
    runtime()?.block_on(apply(args, settings, &loaded, &store, printer))
}

async fn apply(args: &ApplyArgs, settings: &Settings, loaded: &Loaded, store: &LocalStore, printer: &Printer) -> Result<Exit, CliError> {
    let aws = connect(&loaded.config, printer).await?;
    let lock = store.lock("apply")?;
    let session = Session::open(aws, loaded, store.load()?, Goal::Apply).await?;
    session.warn(printer);
    if session.plan.has_changes() {
        notes(&loaded.config).iter().for_each(|note| printer.say(&format!("  {note}")));
    }
    printer.say(&format!("\n{}", plan_text(&session.plan).trim_end()));
    if session.plan.summary().blocked > 0 {
        return Err(
            CliError::new(Exit::Protected, "a change is refused; nothing was changed").hint("the plan above says why and what to do")
        );
    }
    if !session.plan.has_changes() {
        return note_applied(session, store, lock, &loaded.hash).await;
    }
    if !args.yes {
        let connection = &session.aws.connection;
        let endpoint = connection.endpoint.as_deref().unwrap_or("AWS");
        let question = format!("\nApply this to account {}, region {}, at {endpoint}?", connection.account, connection.region);
        confirm::yes(printer, &question)?;
    }
    let outcome = execute(session, store, lock, Some(&loaded.hash), settings.pace, args.progress, printer).await?;
    end(&outcome, printer, "Applied. `domino-eks outputs` prints what the Domino installation needs.")
}

/// Nothing to do; what was looked up and which file is in force is still written down.
async fn note_applied(session: Session, store: &LocalStore, lock: Lock, hash: &str) -> Result<Exit, CliError> {
    if session.new_pins.is_empty() && session.state.config_hash.as_deref() == Some(hash) {
        return Ok(Exit::Done);
    }
    let writer = store.begin(session.state, lock)?;
    record(&writer, Entry::Pinned { pins: session.new_pins }).await?;
    record(&writer, Entry::Applied { config_hash: hash.to_owned() }).await?;
    writer.finish()?;
    Ok(Exit::Done)
}

/// Runs a plan under the lock: journal, progress, signals, final state.
pub(super) async fn execute(
    session: Session,
    store: &LocalStore,
    lock: Lock,
    hash: Option<&str>,
    pace: Pace,
    mode: ProgressMode,
    printer: &Printer,
) -> Result<Outcome, CliError> {
    let writer = store.begin(session.state.clone(), lock)?;
    printer.say(&format!("State: {}\n", store.path().display()));
    if !session.new_pins.is_empty() {
        record(&writer, Entry::Pinned { pins: session.new_pins }).await?;
    }
    let (events, receiver) = mpsc::unbounded_channel();
    let shown = tokio::spawn(progress::show(receiver, mode, pace, printer.clone()));
    let runner = Runner { provider: Arc::new(session.aws), recorder: Arc::new(writer.clone()), pace, events, stop: stop_signal(printer) };
    let result = runner.run(session.plan, &writer.document(), &session.lookups).await;
    drop(runner);
    // The view ends when every sender is gone; steps that were abandoned on a stop may hold one a little longer.
    let _ = tokio::time::timeout(std::time::Duration::from_secs(1), shown).await;
    if let (Ok(outcome), Some(hash)) = (&result, hash)
        && outcome.failed.is_empty()
        && outcome.skipped.is_empty()
        && !outcome.cancelled
    {
        record(&writer, Entry::Applied { config_hash: hash.to_owned() }).await?;
    }
    writer.finish()?;
    Ok(result?)
}

async fn record(writer: &Writer, entry: Entry) -> Result<(), CliError> {
    writer.record(entry).await.map_err(|error| CliError::new(Exit::Failed, format!("the state cannot be written: {error}")))
}

/// Becomes true at the first Ctrl-C or SIGTERM; the second one leaves at once (everything is in the journal).
fn stop_signal(printer: &Printer) -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    let printer = printer.clone();
    tokio::spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()), signal(SignalKind::hangup()));
        let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = signals else { return };
        let mut count = 0;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            count += 1;
            if sender.send(true).is_err() {
                return;
            }
            if count > 1 {
                printer.always("left at once; run the same command again to go on");
                leave();
            }
        }
    });
    receiver
}

#[expect(clippy::exit, reason = "the second interrupt leaves within a second, whatever still runs")]
fn leave() -> ! {
    std::process::exit(i32::from(Exit::Interrupted as u8))
}

/// Says how a run ended and what to do next.
pub(super) fn end(outcome: &Outcome, printer: &Printer, success: &str) -> Result<Exit, CliError> {
    if outcome.cancelled {
        return Err(CliError::new(Exit::Interrupted, "interrupted; the state is saved").hint("run the same command again to go on"));
    }
    if outcome.failed.is_empty() {
        printer.say(success);
        return Ok(Exit::Done);
    }
    let hints: BTreeSet<String> = outcome.failed.iter().filter_map(|failed| hint_of(&failed.failure)).collect();
    let credentials = outcome.failed.iter().all(|failed| matches!(failed.failure.kind, FailureKind::Credentials | FailureKind::Permission));
    let exit = if credentials { Exit::Credentials } else { Exit::Failed };
    let mut lines: Vec<String> = outcome.failed.iter().map(|failed| format!("{}: {}", failed.address, failed.failure)).collect();
    if !outcome.skipped.is_empty() {
        lines.push(format!("{} not started because of that", outcome.skipped.len()));
    }
    let error = CliError::new(exit, lines.join("\n       "));
    let error = hints.into_iter().fold(error, CliError::hint);
    Err(error.hint("what was done is recorded: once the cause is mended, run the same command again and it goes on"))
}
