//! `destroy`: remove everything of ours, in reverse order. Data only on an explicit word (RUN-4).

use super::apply::{self, Run};
use super::args::DestroyArgs;
use super::confirm;
use super::exit::{CliError, Exit};
use super::place::Guard;
use super::printer::Printer;
use super::session::{Goal, Session, block_on, connect_store};
use super::settings::{Loaded, Settings};
use super::stop::Stop;
use crate::aws::{Aws, holds_objects};
use crate::config::model::Lifecycle;
use crate::engine::{Action, Twins, Verb};
use crate::report::plan_text;
use crate::resource::Kind;

pub(super) fn run(args: &DestroyArgs, settings: &Settings, printer: &Printer) -> Result<Exit, CliError> {
    let loaded = settings.load()?;
    if loaded.config.protect {
        return Err(CliError::new(Exit::Protected, format!("cluster `{}` is protected; nothing was changed", loaded.config.name))
            .hint("set `protect: false`, apply, and destroy then"));
    }
    if let Some(typed) = &args.confirm {
        confirm::check(typed, &loaded.config.name)?;
    }
    block_on(async {
        let stop = Stop::listen(printer);
        let (aws, store) = stop.unless(connect_store(&loaded, settings, printer)).await??;
        let run = Run { settings, loaded: &loaded, store: &store, stop: &stop, printer, progress: args.progress };
        stop.locked(&store, "destroy", printer, async |guard| destroy(args, aws, &run, guard).await).await
    })
}

async fn destroy(args: &DestroyArgs, aws: Aws, run: &Run<'_>, guard: Guard) -> Result<Exit, CliError> {
    let (loaded, printer) = (run.loaded, run.printer);
    let looked = async { Session::open(aws, loaded, run.store.load().await?, Goal::Destroy).await };
    let mut session = run.stop.unless(looked).await??;
    session.warn(printer);
    let unclear: Vec<String> = session.twins.unclear.iter().map(Twins::name).collect();
    if args.retain_data {
        retain_data(&mut session, printer);
    }
    printer.say(&format!("\n{}", plan_text(&session.plan).trim_end()));
    if !session.has_work() {
        printer.say("Nothing to destroy.");
        return Ok(Exit::Done);
    }
    refuse_protected(&session)?;
    if !args.delete_data && !args.retain_data {
        run.stop.unless(refuse_data(&session, loaded.config.lifecycle)).await??;
    }
    session.aws.may_delete_data = args.delete_data;
    run.stop.unless(ask(args, loaded, &session, printer)).await??;
    let outcome = apply::execute(session, run, &guard, None).await?;
    if outcome.failed.is_empty() && !outcome.cancelled && !unclear.is_empty() {
        return Err(CliError::new(Exit::Failed, format!("destroyed, save for {}", unclear.join(", ")))
            .hint("these carry our tags, but another object had their place: delete them in AWS"));
    }
    apply::end(&outcome, printer, "Destroyed.")
}

/// Only a name, typed or given, goes on; `--yes` is enough for test environments.
async fn ask(args: &DestroyArgs, loaded: &Loaded, session: &Session, printer: &Printer) -> Result<(), CliError> {
    let name = &loaded.config.name;
    let ephemeral = loaded.config.lifecycle == Lifecycle::Ephemeral;
    if args.confirm.is_some() || (args.yes && ephemeral) {
        return Ok(());
    }
    let connection = &session.aws.connection;
    let endpoint = connection.endpoint.as_deref().unwrap_or("AWS");
    let question = format!("\nDestroy all of this in account {}, region {}, at {endpoint}?", connection.account, connection.region);
    if args.yes {
        return Err(CliError::new(
            Exit::Protected,
            "`--yes` alone destroys only clusters with `lifecycle: ephemeral`; nothing was changed",
        )
        .hint(format!("add `--confirm {name}`")));
    }
    confirm::name(printer, &question, name).await
}

/// What stays with `--retain-data`: what holds data, and the access point, which is nothing without its file system.
fn is_kept(action: &Action) -> bool {
    action.kind.facts().holds_data || action.kind == Kind::EfsAccessPoint
}

fn retain_data(session: &mut Session, printer: &Printer) {
    let kept = session.plan.actions.iter_mut().filter(|action| action.verb == Verb::Delete && is_kept(action));
    for action in kept {
        action.verb = Verb::NoChange;
        printer.say(&format!("  kept: {} ({})", action.address, action.id.as_deref().unwrap_or_default()));
    }
}

/// Without a word on data, buckets and file systems go only when they are empty.
///
/// EFS meters its bytes hours late, so a file system counts as data always, save in a test environment.
async fn refuse_data(session: &Session, lifecycle: Lifecycle) -> Result<(), CliError> {
    let mut found = Vec::new();
    for action in session.plan.actions.iter().filter(|action| action.verb == Verb::Delete) {
        let id = action.id.as_deref().unwrap_or_default();
        let holds = match action.kind {
            Kind::S3Bucket => holds_objects(&session.aws, id).await?,
            Kind::EfsFileSystem => lifecycle == Lifecycle::Permanent,
            _ => false,
        };
        if holds {
            found.push(format!("{} ({id})", action.address));
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    Err(CliError::new(Exit::Protected, format!("these hold data, or may: {}; nothing was changed", found.join(", ")))
        .hint("`--delete-data` deletes it for good, `--retain-data` removes everything else"))
}

/// AWS would refuse the cluster only after its nodes are gone.
fn refuse_protected(session: &Session) -> Result<(), CliError> {
    let cluster = session.plan.actions.iter().find(|action| action.kind == Kind::EksCluster && action.verb == Verb::Delete);
    let spec = cluster.and_then(|action| action.existing.as_ref()).map(|existing| &existing.spec);
    if spec.and_then(|spec| spec.get("deletion_protection")?.as_bool()) == Some(true) {
        return Err(CliError::new(Exit::Protected, "EKS's deletion protection of the cluster is on; nothing was changed")
            .hint("set `protect: false`, apply, and destroy then"));
    }
    Ok(())
}
