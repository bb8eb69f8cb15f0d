//! `plan`: what apply or destroy would do. Writes nothing, neither to AWS nor to a file.

use super::args::{Format, PlanArgs};
use super::exit::{CliError, Exit};
use super::printer::Printer;
use super::session::{Goal, Session, block_on, connect_store};
use super::settings::{Loaded, Settings};
use crate::blueprint::blueprint;
use crate::engine::{Inputs, Plan, plan};
use crate::report::{notes, plan_json, plan_text};
use crate::resource::Attributes;
use crate::state::Document;

pub(super) fn run(args: &PlanArgs, settings: &Settings, printer: &Printer) -> Result<Exit, CliError> {
    let loaded = settings.load()?;
    let (plan, account, has_work) = if args.offline {
        printer.say(&format!(
            "Cluster {} · region {} · offline: AWS is not asked, everything is new",
            loaded.config.name, loaded.config.region
        ));
        (offline(&loaded)?, None, true)
    } else {
        let goal = if args.destroy { Goal::Destroy } else { Goal::Apply };
        let session = block_on(open(&loaded, settings, printer, goal))?;
        session.warn(printer);
        let has_work = session.has_work();
        (session.plan, Some(session.aws.connection.account), has_work)
    };
    show(&plan, account.as_deref(), &loaded, args, printer);
    Ok(if args.detailed_exitcode && has_work { Exit::Changes } else { Exit::Done })
}

async fn open(loaded: &Loaded, settings: &Settings, printer: &Printer, goal: Goal) -> Result<Session, CliError> {
    let (aws, store) = connect_store(loaded, settings, printer).await?;
    let found = store.load().await?;
    Session::open(aws, loaded, found, goal).await
}

fn offline(loaded: &Loaded) -> Result<Plan, CliError> {
    let config = &loaded.config;
    let state = Document::new("", &config.partition, &config.region, &config.name);
    let resources = blueprint(config).resources;
    Ok(plan(&Inputs { desired: &resources, state: &state, observed: None, lookups: &Attributes::new() })?)
}

fn show(plan: &Plan, account: Option<&str>, loaded: &Loaded, args: &PlanArgs, printer: &Printer) {
    let config = &loaded.config;
    let notes = if args.destroy || !plan.has_changes() { Vec::new() } else { notes(config) };
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
