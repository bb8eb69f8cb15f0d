//! What the user must state before anything is deleted: the cluster's name, whether data is deleted or kept, and whether
//! protections are lifted.

use super::inspection::Inspection;
use super::request::{DataChoice, TeardownRequest};
use crate::engine::{DataLine, Discovery};
use crate::workflow::context::Context;
use crate::workflow::error::{Refusal, WorkflowError};
use crate::workflow::ports::{Consent, StateStore, Ui};

/// A configuration that says `protect: true` is refused before AWS is asked.
pub(super) fn check_request(request: &TeardownRequest) -> Result<(), Refusal> {
    let name = &request.target.name;
    if request.lift_protection && !request.is_confirmed && request.yes {
        return Err(Refusal::LiftNeedsName(name.clone()));
    }
    let is_protected = request.target.loaded.as_ref().is_some_and(|loaded| loaded.config.protect);
    if is_protected && !request.lift_protection { Err(Refusal::ProtectedCluster(name.clone())) } else { Ok(()) }
}

/// All refusals and questions between the plan and its execution.
pub(super) async fn ask<P: Discovery, S: StateStore, U: Ui>(
    context: &Context<'_, P, S, U>,
    request: &TeardownRequest,
    inspection: &Inspection,
) -> Result<(), WorkflowError> {
    refuse_untagged_nodes(inspection)?;
    if !request.lift_protection {
        refuse_protected(request, inspection)?;
    }
    refuse_data(request.data, inspection)?;
    if request.is_confirmed || request.yes && inspection.policy.ephemeral && inspection.has_state {
        return Ok(());
    }
    let name = &request.target.name;
    if request.yes {
        let (written, has_state) = (request.target.lifecycle(), inspection.has_state);
        return Err(Refusal::NotEphemeral { name: name.clone(), written, has_state }.into());
    }
    let question = Consent::Destroy { connection: context.provider.connection(), name };
    Ok(context.interrupt.unless(context.ui.ask(&question)).await??)
}

/// AWS would refuse the deletion of a protected cluster only after its nodes are gone.
fn refuse_protected(request: &TeardownRequest, inspection: &Inspection) -> Result<(), Refusal> {
    if inspection.policy.protect {
        return Err(Refusal::ProtectedCluster(request.target.name.clone()));
    }
    let protected = &inspection.survey.protected;
    if protected.is_empty() {
        return Ok(());
    }
    Err(Refusal::ProtectedInAws(protected.iter().map(|one| format!("{} ({}) by {}", one.address, one.id, one.by)).collect()))
}

/// An Auto Scaling Group that is left alone keeps its nodes, which use almost everything else.
fn refuse_untagged_nodes(inspection: &Inspection) -> Result<(), Refusal> {
    let groups = inspection.survey.disowned.iter().filter(|one| one.address.kind().facts().runs_nodes);
    let named: Vec<String> = groups.map(|one| format!("{} ({})", one.address, one.id)).collect();
    if named.is_empty() { Ok(()) } else { Err(Refusal::UntaggedNodes(named)) }
}

/// Without `--delete-data` or `--retain-data`, only what is empty is deleted.
pub(super) fn refuse_data(choice: DataChoice, inspection: &Inspection) -> Result<(), Refusal> {
    let full: Vec<&DataLine> = inspection.survey.data.iter().filter(|line| !line.is_empty).collect();
    if choice != DataChoice::Unsaid || full.is_empty() {
        return Ok(());
    }
    Err(Refusal::Data(full.iter().map(|line| format!("{} ({})", line.address, line.id)).collect()))
}
