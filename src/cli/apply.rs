//! `apply`: make AWS as the configuration says.

use super::args::ApplyArgs;
use super::exit::{CliError, Exit, hint_of};
use super::place::{Guard, Store, Writer};
use super::printer::Printer;
use super::progress;
use super::session::{Goal, Session, block_on, connect_store};
use super::settings::{Loaded, Settings};
use super::stop::Stop;
use super::{args::ProgressMode, confirm};
use crate::aws::Aws;
use crate::config::Config;
use crate::config::model::Lifecycle;
use crate::engine::{FailureKind, Outcome, Runner, Twins, delete_twins};
use crate::report::{notes, plan_text};
use crate::state::{self, Document, Entry, Marks, Recorder, StateError};
use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use tokio::sync::mpsc;

pub(super) fn run(args: &ApplyArgs, settings: &Settings, printer: &Printer) -> Result<Exit, CliError> {
    let loaded = settings.load()?;
    block_on(async {
        let stop = Stop::listen(printer);
        let (aws, store) = stop.unless(connect_store(&loaded, settings, printer)).await??;
        let run = Run { settings, loaded: &loaded, store: &store, stop: &stop, printer, progress: args.progress };
        stop.locked(&store, "apply", printer, async |guard| apply(args, aws, &run, guard).await).await
    })
}

/// What a run under a lock works with.
pub(super) struct Run<'a> {
    pub(super) settings: &'a Settings,
    pub(super) loaded: &'a Loaded,
    pub(super) store: &'a Store,
    pub(super) stop: &'a Stop,
    pub(super) printer: &'a Printer,
    pub(super) progress: ProgressMode,
}

async fn apply(args: &ApplyArgs, aws: Aws, run: &Run<'_>, guard: Guard) -> Result<Exit, CliError> {
    let (loaded, printer) = (run.loaded, run.printer);
    let looked = async { Session::open(aws, loaded, run.store.load().await?, Goal::Apply).await };
    let session = run.stop.unless(looked).await??;
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
    if !session.has_work() {
        return note_applied(session, run, &guard).await;
    }
    if !args.yes {
        let connection = &session.aws.connection;
        let endpoint = connection.endpoint.as_deref().unwrap_or("AWS");
        let question = format!("\nApply this to account {}, region {}, at {endpoint}?", connection.account, connection.region);
        run.stop.unless(confirm::yes(printer, &question)).await??;
    }
    let marks = marks(&loaded.config);
    let outcome = execute(session, run, &guard, Some(Applied { hash: &loaded.hash, marks })).await?;
    end(&outcome, printer, "Applied. `domino-eks outputs` prints what the Domino installation needs.")
}

/// What the configuration says about taking the cluster down.
pub(super) fn marks(config: &Config) -> Marks {
    Marks { protect: config.protect, ephemeral: config.lifecycle == Lifecycle::Ephemeral }
}

/// The configuration that a run brings into force.
pub(super) struct Applied<'a> {
    /// SHA-256 of its file.
    hash: &'a str,
    marks: Marks,
}

/// Nothing to do; what was looked up and which file is in force is still written down.
async fn note_applied(session: Session, run: &Run<'_>, guard: &Guard) -> Result<Exit, CliError> {
    let marks = marks(&run.loaded.config);
    let known = session.state.config_hash.as_deref() == Some(&run.loaded.hash) && session.state.marks == marks;
    if session.new_pins.is_empty() && known {
        return Ok(Exit::Done);
    }
    let writer = run.store.begin(session.state, guard).await?;
    record(&writer, Entry::Pinned { pins: session.new_pins }).await?;
    record(&writer, Entry::Marked { marks }).await?;
    record(&writer, Entry::Applied { config_hash: run.loaded.hash.clone() }).await?;
    writer.finish().await?;
    Ok(Exit::Done)
}

/// Runs a plan under the lock: journal, progress, signals, final state.
pub(super) async fn execute(session: Session, run: &Run<'_>, guard: &Guard, applied: Option<Applied<'_>>) -> Result<Outcome, CliError> {
    let pace = run.settings.pace;
    let writer = run.store.begin(session.state.clone(), guard).await?;
    run.printer.say(&format!("State: {}\n", run.store.place()));
    let holds = writer.clone();
    session.aws.send_only_while(move || holds.may_act());
    let (events, receiver) = mpsc::unbounded_channel();
    let shown = tokio::spawn(progress::show(receiver, run.progress, pace, run.printer.clone()));
    let provider = Arc::new(session.aws);
    let runner = Runner { provider: provider.clone(), recorder: Arc::new(writer.clone()), pace, events, stop: run.stop.asked() };
    let work = async {
        if !session.new_pins.is_empty() {
            record(&writer, Entry::Pinned { pins: session.new_pins }).await?;
        }
        if let Some(applied) = applied.as_ref().filter(|applied| applied.marks != session.state.marks) {
            record(&writer, Entry::Marked { marks: applied.marks }).await?;
        }
        let outcome = runner.run(session.plan, &writer.document(), &session.lookups).await?;
        if !outcome.cancelled {
            clear(&*provider, &session.twins, run.printer).await?;
        }
        let complete = outcome.failed.is_empty() && outcome.skipped.is_empty() && !outcome.cancelled;
        if let Some(applied) = applied.filter(|_| complete) {
            record(&writer, Entry::Applied { config_hash: applied.hash.to_owned() }).await?;
        }
        Ok(outcome)
    };
    let result = work.await;
    drop(runner);
    // The view ends when every sender is gone; steps that were abandoned on a stop may hold one a little longer.
    let _ = tokio::time::timeout(std::time::Duration::from_secs(1), shown).await;
    let finished = match writer.finish().await {
        Ok(_) => Ok(()),
        Err(error) => Err(rescue(&writer.document(), error, run)),
    };
    match (result, finished) {
        (Ok(outcome), Ok(())) => Ok(outcome),
        (Err(error), Ok(())) => Err(error),
        // What ended the run is most often what ends its last write, too.
        (_, Err(error)) => Err(error),
    }
}

/// Deletes the second objects that nothing uses.
async fn clear(aws: &Aws, twins: &Twins, printer: &Printer) -> Result<(), CliError> {
    let Err(failed) = delete_twins(aws, &twins.empty).await else {
        twins.empty.iter().for_each(|twin| printer.say(&format!("deleted {}, which nothing used", Twins::name(twin))));
        return Ok(());
    };
    let lines: Vec<String> = failed.iter().map(|(address, failure)| format!("{address}: {failure}")).collect();
    Err(CliError::new(Exit::Failed, format!("a second object could not be deleted: {}", lines.join("\n       ")))
        .hint("look at it, and delete it in AWS; everything else is done"))
}

/// The state could not be written at the end: it is saved beside the configuration, with the way to bring it home.
fn rescue(document: &Document, error: StateError, run: &Run<'_>) -> CliError {
    let path = run.settings.beside().join(format!("{}.errored-state.json", document.cluster));
    let saved = state::encode(document).map_err(std::io::Error::other).and_then(|bytes| {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600).open(&path)?.write_all(&bytes)
    });
    let fenced = matches!(error, StateError::Fenced { .. });
    let error = CliError::from(error);
    match saved {
        Ok(()) if fenced => error.hint(format!(
            "the state as this run knew it is in `{}`; what stands in its place is newer: push this one only if that one is lost",
            path.display()
        )),
        Ok(()) => {
            let path = path.display();
            error.hint(format!("the state as this run knew it is in `{path}`; bring it home with `domino-eks state push {path}`"))
        }
        Err(why) => error.hint(format!(
            "it could not be saved as `{}` either ({why}); `domino-eks state recover` finds what was made by its tags",
            path.display()
        )),
    }
}

async fn record(writer: &Writer, entry: Entry) -> Result<(), CliError> {
    writer.record(entry).await.map_err(|error| CliError::new(Exit::Failed, format!("the state cannot be written: {error}")))
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
