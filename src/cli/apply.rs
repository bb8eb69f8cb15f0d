//! `apply`: make AWS as the configuration says.

use super::again::quoted;
use super::args::ApplyArgs;
use super::exit::{CliError, Exit, hint_of};
use super::printer::Printer;
use super::progress;
use super::session::{Session, Target, block_on, connect_store};
use super::settings::{Loaded, Settings};
use super::state_location::{Guard, Store, Writer};
use super::stop::Stop;
use super::{args::ProgressMode, confirm};
use crate::aws::Aws;
use crate::config::Config;
use crate::config::model::Lifecycle;
use crate::engine::{Event, FailureKind, Outcome, Runner, Twins, delete_twin};
use crate::report::{notes, plan_text};
use crate::state::{self, Document, Entry, Recorder, StateError, TeardownPolicy};
use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

pub(super) fn run(args: &ApplyArgs, settings: &Settings, printer: &Printer) -> Result<Exit, CliError> {
    let loaded = settings.load()?;
    block_on(async {
        let stop = Stop::listen(printer);
        let (aws, store) = stop.unless(connect_store(&Target::of(&loaded.config), settings, printer)).await??;
        let run = Run { settings, store: &store, stop: &stop, printer, progress: args.progress, bare: None };
        stop.locked(&store, "apply", printer, async |guard| apply(args, &loaded, aws, &run, guard).await).await
    })
}

/// What a run under a lock works with.
pub(super) struct Run<'a> {
    pub(super) settings: &'a Settings,
    pub(super) store: &'a Store,
    pub(super) stop: &'a Stop,
    pub(super) printer: &'a Printer,
    pub(super) progress: ProgressMode,
    /// Where the state lies, as a flag names it, when the run has no configuration file.
    pub(super) bare: Option<String>,
}

/// The command that makes a saved state the state again; without a configuration, what it needs besides.
fn push_command(saved: &Path, bare: Option<&str>) -> String {
    let saved = quoted(&saved.display().to_string());
    match bare {
        None => format!("`domino-eks state push {saved}`"),
        Some(place) => format!(
            "`domino-eks state push {saved} -f FILE --state {}`; FILE is a configuration with the cluster's name and region, as `domino-eks init` writes one",
            quoted(place)
        ),
    }
}

async fn apply(args: &ApplyArgs, loaded: &Loaded, aws: Aws, run: &Run<'_>, guard: Guard) -> Result<Exit, CliError> {
    let printer = run.printer;
    let looked = async { Session::open(aws, loaded, run.store.load().await?).await };
    let session = run.stop.unless(looked).await??;
    session.warn(printer);
    let blocked = session.plan.summary().blocked > 0;
    let shown = printer.heard(blocked || session.has_work() && !args.yes);
    if session.plan.has_changes() {
        notes(&loaded.config).iter().for_each(|note| shown.say(&format!("  {note}")));
    }
    shown.say(&format!("\n{}", plan_text(&session.plan).trim_end()));
    if blocked {
        return Err(
            CliError::new(Exit::Protected, "a change is refused; nothing was changed").hint("the plan above says why and what to do")
        );
    }
    if !session.has_work() {
        return note_applied(session, loaded, run, &guard).await;
    }
    if !args.yes {
        let connection = &session.aws.connection;
        let endpoint = connection.endpoint.as_deref().unwrap_or("AWS");
        let question = format!("\nApply this to account {}, region {}, at {endpoint}?", connection.account, connection.region);
        run.stop.unless(confirm::yes(printer, &question)).await??;
    }
    let policy = teardown_policy(&loaded.config);
    let outcome = execute(session, run, &guard, Some(Applied { hash: &loaded.hash, policy })).await?;
    end(&outcome, printer, "Applied. `domino-eks outputs` prints what the Domino installation needs.")
}

/// What the configuration says about taking the cluster down.
pub(super) fn teardown_policy(config: &Config) -> TeardownPolicy {
    TeardownPolicy { protect: config.protect, ephemeral: config.lifecycle == Lifecycle::Ephemeral }
}

/// The configuration that a run brings into force.
pub(super) struct Applied<'a> {
    /// SHA-256 of its file.
    hash: &'a str,
    policy: TeardownPolicy,
}

/// Nothing to do; what was looked up and which file is in force is still written down.
async fn note_applied(session: Session, loaded: &Loaded, run: &Run<'_>, guard: &Guard) -> Result<Exit, CliError> {
    let policy = teardown_policy(&loaded.config);
    let known = session.state.config_hash.as_deref() == Some(&loaded.hash) && session.state.teardown_policy == policy;
    if session.new_pins.is_empty() && known {
        return Ok(Exit::Done);
    }
    let writer = run.store.begin(session.state, guard).await?;
    record(&writer, Entry::Pinned { pins: session.new_pins }).await?;
    record(&writer, Entry::TeardownPolicySet { policy }).await?;
    record(&writer, Entry::Applied { config_hash: loaded.hash.clone() }).await?;
    writer.finish().await?;
    Ok(Exit::Done)
}

/// Runs a plan under the lock: journal, progress, signals, final state.
pub(super) async fn execute(mut session: Session, run: &Run<'_>, guard: &Guard, applied: Option<Applied<'_>>) -> Result<Outcome, CliError> {
    let pace = run.settings.pace;
    let writer = run.store.begin(session.state.clone(), guard).await?;
    run.printer.say(&format!("State: {}\n", run.store.location()));
    let (last_words, beside, printer) = (writer.clone(), run.settings.beside().to_owned(), run.printer.clone());
    let bare = run.bare.clone();
    run.stop.rescue_with(move || {
        if !last_words.is_saved()
            && let Ok(path) = rescue(&last_words.document(), &beside)
        {
            printer.always(&format!("not everything is written; bring it home with {}", push_command(&path, bare.as_deref())));
        }
    });
    let holds = writer.clone();
    session.aws.send_only_while(move || holds.check_lock());
    let (events, receiver) = mpsc::unbounded_channel();
    let shown = tokio::spawn(progress::show(receiver, run.progress, pace, run.printer.clone()));
    let said = events.clone();
    session.aws.tell_through(move |address, why| drop(said.send(Event::StepWaiting { address: address.clone(), why })));
    let provider = Arc::new(session.aws);
    let runner = Runner { provider: provider.clone(), recorder: Arc::new(writer.clone()), pace, events, stop: run.stop.asked() };
    let work = async {
        if !session.new_pins.is_empty() {
            record(&writer, Entry::Pinned { pins: session.new_pins }).await?;
        }
        if let Some(applied) = applied.as_ref().filter(|applied| applied.policy != session.state.teardown_policy) {
            record(&writer, Entry::TeardownPolicySet { policy: applied.policy }).await?;
        }
        let outcome = runner.run(session.plan, &writer.document(), &session.lookups).await?;
        let complete = outcome.failed.is_empty() && outcome.skipped.is_empty() && !outcome.cancelled;
        if complete && !*run.stop.asked().borrow() {
            clear(&provider, &session.twins, run.printer).await?;
        }
        if let Some(applied) = applied.filter(|_| complete) {
            record(&writer, Entry::Applied { config_hash: applied.hash.to_owned() }).await?;
        }
        Ok(outcome)
    };
    let result = work.await;
    drop((runner, provider));
    // The view ends when every sender is gone; steps that were abandoned on a stop may hold one a little longer.
    let _ = tokio::time::timeout(Duration::from_secs(1), shown).await;
    let finished = finish(&writer, run).await;
    match (result, finished) {
        (Ok(outcome), Ok(())) => Ok(outcome),
        (Err(error), Ok(())) => Err(error),
        // What ended the run is most often what ends its last write, too.
        (_, Err(error)) => Err(error),
    }
}

/// Deletes the second objects that nothing of ours uses.
async fn clear(aws: &Aws, twins: &Twins, printer: &Printer) -> Result<(), CliError> {
    for twin in &twins.empty {
        let name = Twins::name(twin);
        match delete_twin(aws, twin).await {
            Ok(()) => printer.say(&format!("deleted {name}, which nothing used")),
            Err(failure) if failure.kind == FailureKind::InUse => {
                printer.always(&format!("warning: {name} is left alone: something that is not ours uses it ({failure})"));
            }
            Err(failure) => return Err(failure.into()),
        }
    }
    Ok(())
}

/// Seconds for which the last write may take; after a stop somebody waits.
const FINISH: [Duration; 2] = [Duration::from_secs(90), Duration::from_secs(4)];

/// Writes the state for the last time; when that fails, it is saved beside the configuration.
async fn finish(writer: &Writer, run: &Run<'_>) -> Result<(), CliError> {
    let limit = FINISH[usize::from(*run.stop.asked().borrow())];
    let (error, fenced) = match tokio::time::timeout(limit, writer.finish()).await {
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(error)) => {
            let fenced = matches!(error, StateError::Fenced { .. });
            (CliError::from(error), fenced)
        }
        Err(_) => (CliError::new(Exit::Failed, format!("{} did not answer: the state could not be written", run.store.location())), false),
    };
    Err(error.hint(match rescue(&writer.document(), run.settings.beside()) {
        Ok(path) if fenced => format!(
            "the state as this run knew it is in `{}`, only for looking things up: what stands in its place is newer",
            path.display()
        ),
        Ok(path) => {
            let command = push_command(&path, run.bare.as_deref());
            format!("the state as this run knew it is in `{}`; bring it home with {command}", path.display())
        }
        Err(why) => format!("the state could not be saved beside the configuration either ({why}); tags find again what was made"),
    }))
}

/// Saves a document beside the configuration; never over an earlier one.
fn rescue(document: &Document, beside: &Path) -> std::io::Result<PathBuf> {
    let bytes = state::encode(document).map_err(std::io::Error::other)?;
    let names =
        [format!("{}.errored-state.json", document.cluster), format!("{}.errored-state.{}.json", document.cluster, document.serial)];
    let mut last = Err(std::io::Error::other("no name is free"));
    for path in names.map(|name| beside.join(name)) {
        let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).and_then(|mut file| {
            file.write_all(&bytes)?;
            file.sync_all()
        });
        last = written.map(|()| path);
        if !matches!(&last, Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists) {
            break;
        }
    }
    last
}

async fn record(writer: &Writer, entry: Entry) -> Result<(), CliError> {
    writer.record(entry).await.map_err(|error| {
        CliError::new(Exit::Failed, format!("the state cannot be written: {error}"))
            .hint("nothing more was started; once the cause is mended, run the same command again: it looks at what is there and goes on")
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_state_comes_home_with_or_without_a_configuration() {
        let saved = Path::new("c.errored-state.json");
        assert_eq!(push_command(saved, None), "`domino-eks state push c.errored-state.json`");
        let bare = push_command(saved, Some(".domino-eks/c"));
        assert!(bare.starts_with("`domino-eks state push c.errored-state.json -f FILE --state .domino-eks/c`; FILE is "), "{bare}");
    }
}
