//! `plan`: shows what apply or destroy would do. Writes nothing, neither to AWS nor to a file.

use super::args::{Format, PlanArgs};
use super::connect::{block_on, connect_store, warn_of_region};
use super::destroy::{refuse_region_alone, target};
use super::exit::{CliError, Exit};
use super::printer::Printer;
use super::settings::Settings;
use super::terminal::Terminal;
use crate::blueprint::blueprint;
use crate::engine::{Discovery, Inputs, Plan, plan};
use crate::report::{Choice, duplicate_warnings, notes, plan_json, plan_text, teardown_text};
use crate::resource::Attributes;
use crate::state::Document;
use crate::workflow::destroy::{Basis, first_inspection};
use crate::workflow::{Loaded, Notice, Session, Target};

pub(super) fn run(args: &PlanArgs, settings: &Settings, printer: &Printer) -> Result<Exit, CliError> {
    if args.destroy {
        return destruction(args, settings, printer);
    }
    if args.selector.cluster.is_some() {
        return Err(CliError::new(Exit::Changes, "`--cluster` requires `--destroy`: only that needs no configuration file")
            .hint("add `--destroy`, or leave `--cluster` out"));
    }
    if args.selector.lineage.is_some() {
        return Err(CliError::new(Exit::Changes, "`--lineage` requires `--destroy`")
            .hint("add `--destroy`, or leave `--lineage` out; `state recover` knows it, too"));
    }
    refuse_region_alone(&args.selector)?;
    let loaded = settings.load()?;
    let (plan, account, has_work) = if args.offline {
        warn_of_region(&loaded.config.region, printer);
        printer.say(&format!(
            "Cluster {} · region {} · offline: AWS is not asked, everything is new",
            loaded.config.name, loaded.config.region
        ));
        (offline(&loaded)?, None, true)
    } else {
        let (session, account) = block_on(open(&loaded, settings, printer))?;
        let has_work = session.has_work();
        (session.plan, Some(account), has_work)
    };
    show(&plan, account.as_deref(), &loaded, args, printer);
    Ok(if args.detailed_exitcode && has_work { Exit::Changes } else { Exit::Done })
}

/// The session of a command that only reads, and the account.
pub(super) async fn open(loaded: &Loaded, settings: &Settings, printer: &Printer) -> Result<(Session, String), CliError> {
    let (aws, store) = connect_store(&Target::of(&loaded.config), settings, printer).await?;
    let found = store.load().await?;
    let session = Session::open(&aws, loaded, found).await?;
    duplicate_warnings(&session.duplicates).iter().for_each(|warning| printer.always(warning));
    Ok((session, aws.connection().account.clone()))
}

/// The plan of a destroy, with data and leftovers.
fn destruction(args: &PlanArgs, settings: &Settings, printer: &Printer) -> Result<Exit, CliError> {
    let target = target(&args.selector, settings)?;
    let (inspection, account) = block_on(async {
        let (aws, store) = connect_store(&target.target(), settings, printer).await?;
        let inspecting = async {
            let found = store.load().await?;
            let no_state = Notice::NoState { location: store.location(), needed: false };
            let basis = Basis::First { lineage: args.selector.lineage.clone() };
            first_inspection(&aws, &Terminal::silent(printer, settings.time_scale), &target, found, &no_state, basis, false).await
        };
        let inspection = inspecting.await.map_err(|error| CliError::of_teardown(error, &target, None))?;
        Ok((inspection, aws.connection().account.clone()))
    })?;
    let survey = &inspection.survey;
    match args.format {
        Format::Json => {
            let mut json = plan_json(&inspection.plan, &target.name, Some(&account), &target.region, &[]);
            json["data"] = serde_json::json!(survey.data);
            json["foreign"] = serde_json::json!(survey.foreign);
            json["without_tags"] = serde_json::json!(survey.disowned);
            json["protected"] = serde_json::json!(survey.protected);
            printer.data(&format!("{json:#}\n"));
        }
        Format::Text => printer.data(&format!("\n{}", teardown_text(&inspection.plan, survey, Choice::Open))),
    }
    Ok(if args.detailed_exitcode && inspection.has_work() { Exit::Changes } else { Exit::Done })
}

fn offline(loaded: &Loaded) -> Result<Plan, CliError> {
    let config = &loaded.config;
    let state = Document::new("", &config.partition, &config.region, &config.name);
    let resources = blueprint(config).resources;
    Ok(plan(&Inputs { desired: &resources, state: &state, observed: None, lookups: &Attributes::new() })?)
}

fn show(plan: &Plan, account: Option<&str>, loaded: &Loaded, args: &PlanArgs, printer: &Printer) {
    let config = &loaded.config;
    let notes = if !plan.has_changes() { Vec::new() } else { notes(config) };
    match args.format {
        Format::Json => {
            let json = plan_json(plan, &config.name, account, &config.region, &notes);
            printer.data(&format!("{json:#}\n"));
        }
        Format::Text => {
            let notes: String = notes.iter().map(|note| format!("  {note}\n")).collect();
            let notes = if notes.is_empty() { notes } else { format!("{notes}\n") };
            printer.data(&format!("\n{notes}{}", plan_text(plan)));
        }
    }
}
