//! What must be said before anything is deleted: the name, the word on data, the lifting of protection.

use super::{Destruction, Looked, Subject};
use crate::cli::args::DestroyArgs;
use crate::cli::confirm;
use crate::cli::exit::{CliError, Exit};
use crate::config::model::Lifecycle;
use crate::engine::{DataLine, Disowned};
use crate::resource::Kind;

/// A configuration that says `protect: true` is refused before anybody is asked.
pub(super) fn refuse_marked(subject: &Subject, args: &DestroyArgs) -> Result<(), CliError> {
    if args.lift_protection && args.confirm.is_none() && args.yes {
        return Err(CliError::new(Exit::Protected, "`--lift-protection` wants the cluster's name; nothing was changed")
            .hint(format!("add `--confirm {}`", subject.name)));
    }
    let is_protected = subject.loaded.as_ref().is_some_and(|loaded| loaded.config.protect);
    if is_protected && !args.lift_protection { Err(protected(&subject.name)) } else { Ok(()) }
}

fn protected(name: &str) -> CliError {
    CliError::new(Exit::Protected, format!("cluster `{name}` is protected; nothing was changed"))
        .hint(format!("set `protect: false`, apply, and destroy then; or add `--lift-protection --confirm {name}`"))
}

/// Everything that stands between the plan and its execution.
pub(super) async fn ask(destruction: &Destruction<'_>, looked: &Looked) -> Result<(), CliError> {
    let (args, subject) = (destruction.args, destruction.subject);
    refuse_disowned(looked)?;
    if !args.lift_protection {
        refuse_protected(looked, subject)?;
    }
    refuse_data(args, looked)?;
    if args.confirm.is_some() || args.yes && looked.teardown_policy.ephemeral && looked.has_state {
        return Ok(());
    }
    let name = &subject.name;
    if args.yes {
        let written = subject.loaded.as_ref().map(|loaded| loaded.config.lifecycle);
        return Err(not_ephemeral(written, looked.has_state).hint(format!("add `--confirm {name}`")));
    }
    let connection = &looked.session.aws.connection;
    let endpoint = connection.endpoint.as_deref().unwrap_or("AWS");
    let question = format!("\nDestroy all of this in account {}, region {}, at {endpoint}?", connection.account, connection.region);
    let run = destruction.run;
    run.stop.unless(confirm::name(run.printer, &question, name)).await?
}

/// Why `--yes` is not enough: the file's word counts only together with that of a state.
fn not_ephemeral(written: Option<Lifecycle>, has_state: bool) -> CliError {
    let why = match (written, has_state) {
        (Some(Lifecycle::Ephemeral), true) => ": the file says so, but it was not applied since",
        (Some(Lifecycle::Ephemeral), false) => ": the file says so, but there is no state to say that it was applied",
        (None, false) => ": without a state nothing says that this is one",
        _ => "",
    };
    CliError::new(Exit::Protected, format!("`--yes` alone destroys only clusters with `lifecycle: ephemeral`{why}; nothing was changed"))
}

/// AWS would refuse the cluster only after its nodes are gone.
fn refuse_protected(looked: &Looked, subject: &Subject) -> Result<(), CliError> {
    if looked.teardown_policy.protect {
        return Err(protected(&subject.name));
    }
    let protected = &looked.survey.protected;
    if protected.is_empty() {
        return Ok(());
    }
    let named = protected.iter().map(|one| format!("{} ({}) by {}", one.address, one.id, one.by));
    Err(CliError::new(Exit::Protected, format!("protected against deletion: {}; nothing was changed", shortened(named)))
        .hint("switch that off (`protect: false` and `apply` do it for EKS), or add `--lift-protection`"))
}

/// A group that is left alone keeps its nodes, which use almost everything else.
fn refuse_disowned(looked: &Looked) -> Result<(), CliError> {
    let groups: Vec<&Disowned> = looked.survey.disowned.iter().filter(|one| one.address.kind() == Kind::AutoScalingGroup).collect();
    if groups.is_empty() {
        return Ok(());
    }
    let named = shortened(groups.iter().map(|one| format!("{} ({})", one.address, one.id)));
    Err(CliError::new(Exit::Protected, format!("recorded, but without our tags, so perhaps not ours any more: {named}; its nodes use what would be deleted; nothing was changed"))
        .hint("put the tags `domino-eks:cluster`, `domino-eks:lineage` and `domino-eks:address` back on the group, or delete the group yourself, and run the same command again"))
}

/// The first five, and how many more.
fn shortened(all: impl ExactSizeIterator<Item = String>) -> String {
    let more = all.len().saturating_sub(5);
    let shown = all.take(5).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// Without a word on data, only what is empty goes.
pub(super) fn refuse_data(args: &DestroyArgs, looked: &Looked) -> Result<(), CliError> {
    if args.delete_data || args.retain_data {
        return Ok(());
    }
    let full: Vec<&DataLine> = looked.survey.data.iter().filter(|line| !line.is_empty).collect();
    if full.is_empty() {
        return Ok(());
    }
    let names = shortened(full.iter().map(|line| format!("{} ({})", line.address, line.id)));
    Err(CliError::new(Exit::Protected, format!("these hold data, or may: {names}; nothing was changed"))
        .hint("`--delete-data` deletes it for good, `--retain-data` removes everything else"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_yes_is_not_enough() {
        let why = |written, has_state| not_ephemeral(written, has_state).message().to_owned();
        assert!(why(Some(Lifecycle::Ephemeral), true).contains("`lifecycle: ephemeral`: the file says so, but it was not applied since;"));
        assert!(why(Some(Lifecycle::Ephemeral), false).contains("the file says so, but there is no state"));
        assert!(why(None, false).contains("without a state"));
        for has_state in [true, false] {
            assert!(why(Some(Lifecycle::Permanent), has_state).contains("`lifecycle: ephemeral`; nothing was changed"));
        }
    }
}
