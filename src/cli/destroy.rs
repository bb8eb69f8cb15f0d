//! `destroy`: deletes everything of ours and what Kubernetes left, and verifies that nothing is left (RUN-4).

use super::args::{ClusterSelector, DestroyArgs};
use super::confirm;
use super::connect::{block_on, connect_store};
use super::exit::{CliError, Exit};
use super::locked_store::LockedStore;
use super::printer::Printer;
use super::report_file::ReportFile;
use super::settings::Settings;
use super::stop::Stop;
use super::terminal::Terminal;
use crate::config;
use crate::report::verification_lines;
use crate::workflow::destroy::{DataChoice, Teardown, TeardownRequest, check_request, destroy};
use crate::workflow::{Context, TeardownTarget};
use std::sync::Arc;

pub(super) fn run(args: &DestroyArgs, settings: &Settings, printer: &Printer) -> Result<Exit, CliError> {
    // Before anything can fail, so that the file never shows the result of an earlier run as that of this one.
    let report = args.report.as_deref().map(ReportFile::open).transpose()?;
    let request = request(args, target(&args.selector, settings)?);
    check_request(&request)?;
    if let Some(typed) = &args.confirm {
        confirm::check(typed, &request.target.name)?;
    }
    let bare = request.target.loaded.is_none().then(|| settings.place_as_given(&request.target.name));
    block_on(async {
        let stop = Stop::listen(printer);
        let (aws, store) = stop.unless(connect_store(&request.target.target(), settings, printer)).await??;
        let ui = Terminal { printer, progress: args.progress, time_scale: settings.time_scale, notes: Vec::new(), report };
        stop.locked(&store, "destroy", printer, async |guard| {
            let store = LockedStore::new(&store, guard, settings, bare.clone(), &stop, printer);
            let context =
                Context { provider: Arc::new(aws), store: &store, ui: &ui, interrupt: stop.interrupt(), time_scale: settings.time_scale };
            let teardown =
                destroy(&context, &request).await.map_err(|error| CliError::of_teardown(error, &request.target, bare.as_deref()))?;
            end(&teardown, &request.target, &ui)
        })
        .await
    })
}

fn request(args: &DestroyArgs, target: TeardownTarget) -> TeardownRequest {
    let data = match (args.delete_data, args.retain_data) {
        (true, _) => DataChoice::Delete,
        (_, true) => DataChoice::Retain,
        _ => DataChoice::Unsaid,
    };
    TeardownRequest {
        target,
        lineage: args.selector.lineage.clone(),
        data,
        lift_protection: args.lift_protection,
        drain: args.drain_kubernetes,
        is_confirmed: args.confirm.is_some(),
        yes: args.yes,
    }
}

/// Success is decided by the verification alone: nothing is left but what was asked to be kept, even if single steps failed.
fn end(teardown: &Teardown, target: &TeardownTarget, ui: &Terminal<'_>) -> Result<Exit, CliError> {
    let (outcome, verification, record) = match teardown {
        Teardown::Cancelled(outcome) => return CliError::of_outcome(outcome).map(|()| Exit::Done),
        Teardown::Verified { outcome, verification, record } => (outcome, verification, record),
    };
    let written = ui.report.as_ref().map_or(Ok(()), |file| file.write(record));
    let printer = ui.printer.always_if(!verification.left.is_empty());
    verification_lines(verification, target).iter().for_each(|line| printer.say(line));
    if verification.left.is_empty() {
        return written.map(|()| Exit::Done).map_err(|error| {
            error.hint("the destroy itself ended as shown above; run the same command again with a report file that can be written")
        });
    }
    if let Err(error) = written {
        printer.always(&format!("warning: {}", error.message()));
    }
    CliError::of_outcome(outcome)?;
    let message = format!("{} left; the list above says why", verification.left.len());
    Err(CliError::new(Exit::Failed, message).hint("fix the cause and run the same command again; it resumes"))
}

/// The cluster that the flags name, else that of the configuration file.
pub(super) fn target(selector: &ClusterSelector, settings: &Settings) -> Result<TeardownTarget, CliError> {
    let Some(name) = &selector.cluster else {
        refuse_region_alone(selector)?;
        let loaded = settings.load().map_err(|error| {
            error.hint("without a configuration, name the cluster: `domino-eks destroy --cluster NAME --region REGION`")
        })?;
        return Ok(TeardownTarget::of(loaded));
    };
    if settings.file_given {
        return Err(CliError::new(Exit::Changes, "`--cluster` and `--file` exclude each other; nothing was changed")
            .hint("`--cluster NAME --region REGION` is for a cluster without its configuration; with the file, leave it out"));
    }
    let region = selector.region.clone().or_else(region_of_environment).ok_or_else(|| {
        CliError::new(Exit::Changes, "without a configuration, the region must be named").hint("add `--region REGION`, or set AWS_REGION")
    })?;
    let checks = [("cluster name", name, config::check_cluster_name(name)), ("region", &region, config::check_region(&region))];
    if let Some((what, given, fault)) = checks.into_iter().find_map(|(what, given, check)| Some((what, given, check.err()?))) {
        return Err(CliError::new(Exit::Changes, format!("`{given}` is not a {what}: {fault}")).hint("nothing was changed"));
    }
    Ok(TeardownTarget { name: name.clone(), region, loaded: None })
}

/// Refuses `--region` without `--cluster`: it would have no effect, because the file names its own region.
pub(super) fn refuse_region_alone(selector: &ClusterSelector) -> Result<(), CliError> {
    if selector.region.is_none() {
        return Ok(());
    }
    Err(CliError::new(
        Exit::Changes,
        "`--region` requires `--cluster NAME`: a configuration file names its own region; nothing was changed",
    )
    .hint("leave `--region` out, or name the cluster with `--cluster`"))
}

fn region_of_environment() -> Option<String> {
    std::env::var("AWS_REGION").ok().filter(|region| !region.is_empty())
}
