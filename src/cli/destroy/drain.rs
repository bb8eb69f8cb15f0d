//! `--drain-kubernetes`: what a controller made, it takes away itself when its object is deleted. Only a courtesy: the AWS
//! side is cleared in any case.

use crate::cli::apply::Run;
use crate::cli::exit::CliError;
use crate::cli::session::Session;

pub(super) async fn drain(_session: &Session, _run: &Run<'_>) -> Result<(), CliError> {
    Ok(())
}
