//! `--drain-kubernetes`: what a controller made, it takes away itself when its object is deleted. Only a courtesy: the AWS
//! side is cleared in any case, so a cluster that does not answer is no reason to stop.

use crate::aws::{Drained, drain as drain_cluster};
use crate::cli::apply::Run;
use crate::cli::exit::{CliError, Exit};
use crate::cli::printer::Printer;
use crate::cli::session::Session;
use crate::cli::state_location::Guard;
use crate::engine::{Failure, Readiness};
use crate::resource::Kind;

/// Deletes LoadBalancer Services and Ingresses while the controllers still run; three minutes at most.
pub(super) async fn drain(session: &Session, run: &Run<'_>, guard: &Guard) -> Result<(), CliError> {
    let printer = run.printer;
    let cluster = session.observed.iter().find(|seen| seen.address.kind() == Kind::EksCluster && seen.readiness == Readiness::Ready);
    let attribute = |name: &str| cluster.and_then(|cluster| cluster.attributes.get(name)).map(String::as_str);
    // Only what AWS shows now: the token goes to that address.
    let (Some(endpoint), Some(authority)) = (attribute("endpoint"), attribute("certificate_authority")) else {
        printer
            .say("The cluster is not active, so its Services and Ingresses cannot be asked for; their load balancers are deleted in AWS.");
        return Ok(());
    };
    printer.say("\nDeleting LoadBalancer Services and Ingresses first.");
    let tell = |line: String| printer.say(&format!("        {line}"));
    let check_lock = || guard.check_lock();
    let mut asked = run.stop.asked();
    tokio::select! {
        drained = drain_cluster(&session.aws, endpoint, authority, run.settings.pace, &check_lock, &tell) => {
            guard.check_lock().map_err(|why| CliError::new(Exit::Locked, why).hint("run the same command again"))?;
            say(drained, printer);
            Ok(())
        }
        _ = asked.wait_for(|asked| *asked) => Err(CliError::new(
            Exit::Interrupted,
            "interrupted; some Services and Ingresses may be deleted already, nothing else was changed",
        )),
    }
}

fn say(drained: Result<Drained, Failure>, printer: &Printer) {
    match drained {
        Ok(drained) => {
            printer.say(&format!("{} Services and {} Ingresses are gone.", drained.services.len(), drained.ingresses.len()));
            for left in drained.left {
                printer.always(&format!("warning: {left} is still there; what it holds is deleted in AWS"));
            }
        }
        Err(failure) => {
            printer.always(&format!("warning: the cluster was not drained: {failure}; load balancers are deleted in AWS instead"))
        }
    }
}
