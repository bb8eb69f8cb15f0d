//! `--drain-kubernetes`: when a Service or Ingress is deleted, its controller deletes the load balancer. This is optional: destroy
//! deletes load balancers in AWS in any case, so a cluster that does not answer does not stop it.

use super::inspection::Inspection;
use crate::engine::{ApiServer, Discovery, Readiness};
use crate::resource::Kind;
use crate::workflow::context::Context;
use crate::workflow::error::WorkflowError;
use crate::workflow::ports::{Notice, StateStore, Ui};

/// Deletes LoadBalancer Services and Ingresses while the controllers still run; three minutes at most.
pub(super) async fn drain<P: Discovery, S: StateStore, U: Ui>(
    context: &Context<'_, P, S, U>,
    inspection: &Inspection,
) -> Result<(), WorkflowError> {
    let ui = context.ui;
    let cluster = inspection.observed.iter().find(|seen| seen.address.kind() == Kind::EksCluster && seen.readiness == Readiness::Ready);
    let attribute = |name: &str| cluster.and_then(|cluster| cluster.attributes.get(name)).map(String::as_str);
    // Only the endpoint that AWS shows now, not the recorded one, because the caller's token is sent to it.
    let (Some(endpoint), Some(certificate_authority)) = (attribute("endpoint"), attribute("certificate_authority")) else {
        ui.say(&Notice::NotDrainable);
        return Ok(());
    };
    ui.say(&Notice::Draining);
    let server = ApiServer { endpoint, certificate_authority };
    let tell = |line: String| ui.say(&Notice::DrainProgress { line });
    let check_lock = || context.store.check_lock();
    let draining = context.provider.drain(server, context.time_scale, &check_lock, &tell);
    let drained = context.interrupt.unless(draining).await.map_err(|_| WorkflowError::InterruptedDrain)?;
    context.store.check_lock().map_err(WorkflowError::LockLost)?;
    match &drained {
        Ok(drained) => ui.say(&Notice::Drained { drained }),
        Err(failure) => ui.say(&Notice::DrainFailed { failure }),
    }
    Ok(())
}
