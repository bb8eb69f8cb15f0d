//! `state recover`: a lost or damaged state, built anew from what AWS shows. Nothing in AWS is changed.

use super::session::{self, Target, block_on, connect_store};
use super::settings::Loaded;
use super::stop::Stop;
use super::{CliError, Exit, Guard, Printer, Settings, Store, confirm};
use crate::aws::{Aws, lookups, observe_all};
use crate::blueprint::{Blueprint, blueprint};
use crate::cli::apply::teardown_policy;
use crate::cli::args::RecoverArgs;
use crate::engine::{INTENT_ATTRIBUTE, Inputs, Observed, Readiness, Twins, plan, recover, twins};
use crate::report::plan_text;
use crate::resource::Attributes;
use crate::state::{Document, StateError};
use std::collections::{BTreeMap, BTreeSet};

/// Looks at AWS: what is found under the ids of one look is named in the next.
const LOOKS: usize = 4;

pub(super) fn run(args: &RecoverArgs, settings: &Settings, printer: &Printer) -> Result<Exit, CliError> {
    let loaded = settings.load()?;
    block_on(async {
        let stop = Stop::listen(printer);
        let (aws, store) = stop.unless(connect_store(&Target::of(&loaded.config), settings, printer)).await??;
        stop.locked(&store, "state recover", printer, async |_: Guard| {
            let Some(why) = stop.unless(why_lost(&store, printer)).await?? else { return Ok(Exit::Done) };
            let blank = Document { serial: store.highest_serial(), ..session::state_for(&aws, None)? };
            let found = stop.unless(search(&aws, &loaded, blank, args)).await??;
            show(&found, &why, &printer.heard(!args.yes));
            let Some(state) = found.state else {
                return nothing_found(&store, &why, args, &stop, printer, found.blank).await;
            };
            if !args.yes {
                stop.unless(confirm::yes(printer, "\nWrite this as the state? Nothing in AWS is changed.")).await??;
            }
            write(&store, state, printer).await
        })
        .await
    })
}

/// Why the state needs to be rebuilt; `None` when it does not.
async fn why_lost(store: &Store, printer: &Printer) -> Result<Option<String>, CliError> {
    match store.load().await {
        Ok(Some(state)) if !state.is_empty() => {
            printer.say(&format!(
                "{} is whole: {} resources, nothing to recover. `domino-eks apply` adopts what carries our tags and is not in it.",
                store.location(),
                state.resources.len()
            ));
            Ok(None)
        }
        Ok(_) => Ok(Some(format!("There is no state in {}.", store.location()))),
        Err(error @ (StateError::Damaged { .. } | StateError::Backwards { .. })) => Ok(Some(format!("Lost: {error}."))),
        Err(error) => Err(error.into()),
    }
}

/// What AWS shows of the cluster.
struct Found {
    /// The rebuilt state; `None` when nothing was found.
    state: Option<Document>,
    blank: Document,
    twins: Twins,
    /// The plan's last line with this state.
    outlook: String,
}

async fn search(aws: &Aws, loaded: &Loaded, blank: Document, args: &RecoverArgs) -> Result<Found, CliError> {
    let wanted = blueprint(&loaded.config);
    let pinned: BTreeSet<String> =
        wanted.lookups.iter().filter(|lookup| lookup.question.is_pinned()).map(|lookup| lookup.key.clone()).collect();
    let answers = lookups(aws, &wanted.lookups, &BTreeMap::new()).await?;
    let mut state = blank.clone();
    let mut observed = look(aws, &state, &wanted, &answers).await?;
    let Some(lineage) = session::the_lineage(&observed, args.lineage.as_deref())? else {
        return Ok(Found { state: None, blank, twins: Twins::default(), outlook: String::new() });
    };
    state.lineage = lineage;
    state.teardown_policy = teardown_policy(&loaded.config);
    for _ in 0..LOOKS {
        let inputs = Inputs { desired: &wanted.resources, state: &state, observed: Some(&observed), lookups: &answers };
        let next = recover(&inputs, &pinned)?;
        let grew = next.resources.len() > state.resources.len();
        state = next;
        if !grew {
            break;
        }
        // What carries no tags of its own is found through its parents' ids.
        observed = merged(observed, look(aws, &state, &wanted, &answers).await?);
    }
    let mut known: Attributes = answers;
    known.extend(state.pins.iter().map(|(key, values)| (key.clone(), values.clone())));
    let inputs = Inputs { desired: &wanted.resources, state: &state, observed: Some(&observed), lookups: &known };
    let outlook = plan_text(&plan(&inputs)?).trim_end().lines().last().unwrap_or_default().to_owned();
    let twins = twins(&inputs);
    Ok(Found { state: Some(state), blank, twins, outlook })
}

async fn look(aws: &Aws, state: &Document, wanted: &Blueprint, answers: &Attributes) -> Result<Vec<Observed>, CliError> {
    let mut items = session::items(state, &wanted.resources, answers);
    // What is not known may have been begun: a key, for one, has no alias then.
    for item in items.iter_mut().filter(|item| item.id.is_empty()) {
        item.attributes.insert(INTENT_ATTRIBUTE.to_owned(), String::new());
    }
    Ok(observe_all(aws, items).await?)
}

/// The later look, with what only the first one read: of what is recorded, tags and some attributes are not asked for again.
fn merged(first: Vec<Observed>, later: Vec<Observed>) -> Vec<Observed> {
    let mut before: BTreeMap<_, _> = first.into_iter().map(|seen| ((seen.address.clone(), seen.id.clone()), seen)).collect();
    let with_before = |mut seen: Observed| {
        if let Some(before) = before.remove(&(seen.address.clone(), seen.id.clone())) {
            seen.tags = seen.tags.or(before.tags);
            seen.attributes = before.attributes.into_iter().chain(seen.attributes).collect();
            // By its id it looks whole: that something was never finished shows only without.
            if seen.readiness == Readiness::Ready && matches!(before.readiness, Readiness::NotYet(_)) {
                seen.readiness = before.readiness;
            }
        }
        seen
    };
    later.into_iter().map(with_before).collect()
}

fn show(found: &Found, why: &str, printer: &Printer) {
    printer.say(&format!("\n{why}"));
    let Some(state) = &found.state else { return };
    printer.say(&format!("AWS shows {} resources of it (lineage {}):\n", state.resources.len(), state.lineage));
    let width = state.resources.keys().map(|address| address.to_string().len()).max().unwrap_or_default();
    for (address, record) in &state.resources {
        printer.say(&format!("  {address:<width$}  {}", record.id, address = address.to_string()));
    }
    session::warn_of(&found.twins, printer);
    printer.say("\nIf a run has died within the last two minutes, wait and look again: what it made last may not be listed yet.");
    printer.say(&format!("With this state, `domino-eks plan` would say: {}", found.outlook));
}

/// Nothing carries our tags: what is damaged makes room for a new beginning.
async fn nothing_found(
    store: &Store,
    why: &str,
    args: &RecoverArgs,
    stop: &Stop,
    printer: &Printer,
    blank: Document,
) -> Result<Exit, CliError> {
    printer.heard(!args.yes).say("AWS shows nothing that carries this cluster's tags.");
    if why.starts_with("There is no state") {
        return Ok(Exit::Done);
    }
    if !args.yes {
        stop.unless(confirm::yes(printer, "\nReplace the damaged state by an empty one?")).await??;
    }
    write(store, blank, printer).await
}

async fn write(store: &Store, mut state: Document, printer: &Printer) -> Result<Exit, CliError> {
    state.serial += 1;
    store.replace(&state).await?;
    printer.say(&format!(
        "{} holds {} resources now. `domino-eks plan` shows what is left to do.",
        store.location(),
        state.resources.len()
    ));
    Ok(Exit::Done)
}
