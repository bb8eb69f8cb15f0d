//! The connection to AWS and the store of the state, which most commands begin with.

use super::exit::{CliError, Exit};
use super::printer::Printer;
use super::settings::Settings;
use super::state_location::Store;
use crate::aws::Aws;
use crate::config::unknown_region_hint;
use crate::engine::{Connection, Discovery, TimeScale};
use crate::workflow::Target;

/// Runs a command that calls AWS on a tokio runtime, which the other commands do not start.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| CliError::new(Exit::Failed, format!("cannot start threads: {error}")))?;
    let result = runtime.block_on(work);
    // Not waited for: a thread may still be reading an answer from the terminal.
    runtime.shutdown_background();
    result
}

/// Connects and shows cluster, account, region and endpoint.
pub(super) async fn connect(target: &Target<'_>, settings: &Settings, printer: &Printer) -> Result<Aws, CliError> {
    warn_of_region(target.region, printer);
    let aws = Aws::connect(target.name, target.region).await?;
    let connection = aws.connection();
    if settings.time_scale != TimeScale::REAL && !connection.is_local() {
        return Err(CliError::new(Exit::Changes, "the waits are scaled, which is only for tests against a local AWS; nothing was changed")
            .hint("unset DOMINO_EKS_TIME_SCALE"));
    }
    printer.say(&described(target.name, connection));
    if let Some(partition) = target.partition.filter(|partition| *partition != connection.partition) {
        let message =
            format!("the credentials belong to partition `{}`, but region {} is in `{partition}`", connection.partition, target.region);
        return Err(CliError::new(Exit::Credentials, message).hint("use credentials of the right partition, or correct `region`"));
    }
    Ok(aws)
}

/// Warns of an unknown region. It is not refused, because it may be newer than this version.
pub(super) fn warn_of_region(region: &str, printer: &Printer) {
    if let Some(doubt) = unknown_region_hint(region) {
        printer.always(&format!("warning: `{region}` is unknown to this version; {doubt}"));
    }
}

/// Connects, and opens the store of the state.
pub(super) async fn connect_store(target: &Target<'_>, settings: &Settings, printer: &Printer) -> Result<(Aws, Store), CliError> {
    let place = settings.state_location(target)?;
    let aws = connect(target, settings, printer).await?;
    let store = place.open(&aws, settings.time_scale);
    Ok((aws, store))
}

/// Cluster, account, region, endpoint and caller, shown before anything is changed.
fn described(cluster: &str, connection: &Connection) -> String {
    format!(
        "Cluster {cluster} · account {} · region {} · endpoint {}\nAs {}",
        connection.account,
        connection.region,
        connection.endpoint.as_deref().unwrap_or("AWS"),
        connection.caller
    )
}
