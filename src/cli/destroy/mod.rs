//! `destroy`: remove everything of ours and what Kubernetes left, in reverse order, and prove that nothing is left. Data
//! only on an explicit word (RUN-4).

mod consent;
mod drain;
mod look;
mod proof;
mod report;
mod subject;

use super::apply::{self, Run};
use super::args::DestroyArgs;
use super::confirm;
use super::exit::{CliError, Exit};
use super::printer::Printer;
use super::session::{block_on, connect_store};
use super::settings::Settings;
use super::state_location::{Guard, Store};
use super::stop::Stop;
use crate::aws::Aws;
use crate::engine::{DataLine, FailureKind, GRACE_SECONDS, Outcome, Plan, Readiness, Verb, hold_back};
use crate::report::{DataWord, clock, teardown_text};
use crate::resource::Address;
use crate::state::Document;
pub(super) use look::{Looked, Means, look};
use proof::Proof;
use report::{Report, ReportFile};
use std::collections::BTreeSet;
pub(super) use subject::{Subject, refuse_region_alone};

/// Runs in a row: a later one takes what appeared while the one before it ran.
const ROUNDS: usize = 3;

pub(super) fn run(args: &DestroyArgs, settings: &Settings, printer: &Printer) -> Result<Exit, CliError> {
    // First of all: whatever this run comes to, what an earlier one wrote there is not its result.
    let report = args.report.as_deref().map(ReportFile::open).transpose()?;
    let subject = Subject::of(&args.which, settings)?;
    consent::refuse_marked(&subject, args)?;
    if let Some(typed) = &args.confirm {
        confirm::check(typed, &subject.name)?;
    }
    block_on(async {
        let stop = Stop::listen(printer);
        let (aws, store) = stop.unless(connect_store(&subject.target(), settings, printer)).await??;
        let bare = subject.loaded.is_none().then(|| settings.place_as_given(&subject.name));
        let run = Run { settings, store: &store, stop: &stop, printer, progress: args.progress, bare };
        let destruction = Destruction { args, subject: &subject, run: &run, report };
        stop.locked(&store, "destroy", printer, async |guard| destruction.run(aws, guard).await).await
    })
}

struct Destruction<'a> {
    args: &'a DestroyArgs,
    subject: &'a Subject,
    run: &'a Run<'a>,
    report: Option<ReportFile>,
}

impl Destruction<'_> {
    async fn run(&self, aws: Aws, guard: Guard) -> Result<Exit, CliError> {
        let (run, printer) = (self.run, self.run.printer);
        // What a question is about is shown in any case.
        let shown = printer.heard(self.args.confirm.is_none() && !self.args.yes);
        let lineage = self.args.which.lineage.as_deref();
        let keep_data = self.args.retain_data;
        let first = async { first_look(aws.clone(), self.subject, run.store, lineage, keep_data, &shown).await };
        let mut looked = run.stop.unless(first).await??;
        if !looked.has_work() && self.await_begun(&looked.session.state).await? {
            let means = Means { keep_data, lineage: lineage.map(str::to_owned), before: None };
            looked = run.stop.unless(look(aws.clone(), self.subject, run.store.load().await?, means)).await??;
        }
        shown.say(&format!("\n{}", teardown_text(&looked.session.plan, &looked.survey, DataWord::Given).trim_end()));
        let mut report = Report::of(&looked);
        self.note(&report);
        let outcome = if looked.has_work() {
            consent::ask(self, &looked).await?;
            Some(self.rounds(looked, &guard, &mut report).await?)
        } else {
            printer.say("Nothing to destroy.");
            None
        };
        let outcome = outcome.unwrap_or_default();
        if outcome.cancelled {
            return apply::end(&outcome, printer, "");
        }
        let proving = proof::prove(aws, self.subject, run, &report);
        let proof = run.stop.unless(proving).await.map_err(unproven)?.map_err(unproven)?;
        report.close(&proof, &outcome);
        let written = self.report.as_ref().map_or(Ok(()), |file| file.write(&report));
        self.end(&proof, &outcome, written)
    }

    /// Writes the report as far as it is: no reason to break off what is under way.
    fn note(&self, report: &Report) {
        if let Some(Err(error)) = self.report.as_ref().map(|file| file.write(report)) {
            self.run.printer.always(&format!("warning: {}", error.message()));
        }
    }

    /// Runs the plan, and again while a further look finds something for which that is worth it.
    async fn rounds(&self, looked: Looked, guard: &Guard, report: &mut Report) -> Result<Outcome, CliError> {
        let run = self.run;
        let mut looked = looked;
        let mut all = Outcome::default();
        for round in 1..=ROUNDS {
            let mut session = looked.session;
            session.aws.may_delete_data = self.args.delete_data;
            session.aws.spares_data = self.args.retain_data;
            session.aws.may_lift_protection = self.args.lift_protection;
            let aws = session.aws.clone();
            if self.args.drain_kubernetes && round == 1 {
                drain::drain(&session, run, guard).await?;
            }
            let plan = session.plan.clone();
            forget_failures(&plan, &mut all, report);
            let outcome = apply::execute(session, run, guard, None).await?;
            report.ran(&plan, &outcome);
            self.note(report);
            add(&mut all, outcome);
            if all.cancelled || round == ROUNDS {
                break;
            }
            let found = run.store.load().await?;
            if let Some(state) = &found {
                self.await_begun(state).await.map_err(unproven)?;
            }
            let means = Means { keep_data: self.args.retain_data, lineage: None, before: Some(report.before.clone()) };
            let looking = look(aws, self.subject, found, means);
            let mut again = run.stop.unless(looking).await.map_err(unproven)?.map_err(unproven)?;
            let hopeless = self.hopeless(&again, &all);
            hold_back(&mut again.session.plan, &hopeless);
            let goes =
                |line: &DataLine| again.session.plan.actions.iter().any(|one| one.address == line.address && one.verb != Verb::NoChange);
            again.survey.data.retain(goes);
            // Without a word on data, nothing that holds some goes that was not asked about.
            if !again.has_work() || consent::refuse_data(self.args, &again).is_err() {
                break;
            }
            run.printer.say(&format!(
                "\nFound meanwhile, or worth another try:\n{}",
                teardown_text(&again.session.plan, &again.survey, DataWord::Given).trim_end()
            ));
            looked = again;
        }
        Ok(all)
    }

    /// Waits until AWS shows whatever a killed run may have begun: its last request may have taken effect after it. Tells
    /// whether that took time.
    async fn await_begun(&self, state: &Document) -> Result<bool, CliError> {
        let open = state.intents.iter().filter(|(address, _)| !state.resources.contains_key(address));
        let young: Vec<(&Address, f64)> =
            open.map(|(address, intent)| (address, GRACE_SECONDS - intent.age_seconds())).filter(|(_, left)| *left > 0.0).collect();
        let Some(longest) = young.iter().map(|(_, left)| *left).max_by(f64::total_cmp) else { return Ok(false) };
        let names: Vec<String> = young.iter().map(|(address, _)| address.to_string()).collect();
        let run = self.run;
        run.printer.say(&format!(
            "Waiting {} before looking again: a run that was cut off was about to make {}, which AWS may show late.",
            clock(longest),
            names.join(", ")
        ));
        run.stop.unless(tokio::time::sleep(run.settings.pace.seconds(longest))).await?;
        Ok(true)
    }

    /// What a further try at once would only refuse again: only what passes by itself is worth one.
    fn hopeless(&self, again: &Looked, all: &Outcome) -> BTreeSet<Address> {
        use FailureKind::{Busy, LostAnswer, NotYet};
        let failed = all.failed.iter().filter(|failed| !matches!(failed.failure.kind, NotYet | Busy | LostAnswer));
        let protected = again.survey.protected.iter().filter(|_| !self.args.lift_protection);
        failed.map(|failed| failed.address.clone()).chain(protected.map(|one| one.address.clone())).collect()
    }

    /// Nothing left but what was asked to be kept is success, whatever happened on the way.
    fn end(&self, proof: &Proof, outcome: &Outcome, written: Result<(), CliError>) -> Result<Exit, CliError> {
        let printer = self.run.printer.heard(!proof.left.is_empty());
        proof.lines(self.subject).iter().for_each(|line| printer.say(line));
        if proof.left.is_empty() {
            return written.map(|()| Exit::Done).map_err(|error| {
                error.hint("the destroy itself ended as is said above; run the same command again with a report that can be written")
            });
        }
        if let Err(error) = written {
            printer.always(&format!("warning: {}", error.message()));
        }
        if outcome.failed.is_empty() {
            let count = proof.left.len();
            return Err(CliError::new(Exit::Failed, format!("{count} left; the list above says why"))
                .hint("once the cause is mended, run the same command again: it goes on where it stopped"));
        }
        apply::end(outcome, &printer, "")
    }
}

/// The look before anything is decided, and what must be known of it beyond the plan. Writes nothing.
pub(super) async fn first_look(
    aws: Aws,
    subject: &Subject,
    store: &Store,
    lineage: Option<&str>,
    keep_data: bool,
    printer: &Printer,
) -> Result<Looked, CliError> {
    let found = store.load().await.map_err(|error| subject.without_that_state(error))?;
    if found.is_none() {
        printer.say(&format!(
            "There is no state at {}: what AWS shows by its tags is taken. If it lies elsewhere, give `--state`.",
            store.location()
        ));
    }
    let looked = look(aws, subject, found, Means { keep_data, lineage: lineage.map(str::to_owned), before: None }).await?;
    looked.session.warn(printer);
    let count = looked.strangers.iter().filter(|seen| seen.readiness != Readiness::Deleting).count();
    if count > 0 {
        printer.always(&format!("warning: {count} with this cluster's tags were made under another state: they are left alone"));
    }
    Ok(looked)
}

/// What is tried again has not failed yet.
fn forget_failures(plan: &Plan, all: &mut Outcome, report: &mut Report) {
    let again: BTreeSet<&Address> =
        plan.actions.iter().filter(|action| action.verb != Verb::NoChange).map(|action| &action.address).collect();
    all.failed.retain(|failed| !again.contains(&failed.address));
    all.skipped.retain(|address| !again.contains(address));
    report.failures.retain(|address, _| !again.contains(address));
}

/// A last look that failed says nothing about what was done.
fn unproven(error: CliError) -> CliError {
    let why = error.message().trim_end_matches("; nothing was changed");
    let said = format!("what is done is done and recorded, but what is left could not be looked up: {why}");
    let same = CliError::new(error.exit(), said);
    let hints = error.hints().iter().filter(|hint| !hint.contains("nothing was changed"));
    hints.fold(same, |error, hint| error.hint(hint.clone())).hint("run the same command again: it looks, and takes what is left")
}

/// Adds a later run to what happened before it.
fn add(all: &mut Outcome, later: Outcome) {
    all.done += later.done;
    all.failed.extend(later.failed);
    all.skipped.extend(later.skipped);
    all.cleared.extend(later.cleared);
    all.cancelled |= later.cancelled;
    all.seconds += later.seconds;
}
