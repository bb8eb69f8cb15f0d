//! Exit codes, and the errors that lead to them with their hints.

use super::rescue::push_command;
use crate::aws::ConnectError;
use crate::config::Diagnostics;
use crate::engine::{Failed, Failure, FailureKind, LeftBehind, LookupError, Outcome, PlanError, RecoverError, RunError};
use crate::report::left_behind_text;
use crate::state::{ObjectFault, StateError};
use crate::workflow::{Refusal, SavedAside, TeardownTarget, WorkflowError};
use std::collections::BTreeSet;
use std::process::ExitCode;

/// What to do after most failures.
const RESUME: &str = "fix the cause and run the same command again; it resumes";

/// Documented exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Exit {
    Done = 0,
    Failed = 1,
    /// Changes with `--detailed-exitcode`, or wrong usage.
    Changes = 2,
    Configuration = 3,
    Preflight = 4,
    Locked = 5,
    Credentials = 6,
    Protected = 7,
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// An error as the user sees it: what is wrong and what to do.
#[derive(Debug)]
pub(super) struct CliError {
    exit: Exit,
    message: String,
    hints: Vec<String>,
    /// Whether the message has its own heading, as problems in a configuration have.
    has_heading: bool,
}

impl CliError {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hints: Vec::new(), has_heading: false }
    }

    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    pub(super) fn has_heading(&self) -> bool {
        self.has_heading
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn hints(&self) -> &[String] {
        &self.hints
    }
}

/// What to do about a failed call.
pub(super) fn hint_of(failure: &Failure) -> Option<String> {
    let text = match failure.kind {
        FailureKind::Credentials => {
            "refresh your AWS credentials (`aws sts get-caller-identity` shows whether they work), then run the same command again"
        }
        FailureKind::Permission => "let your IAM administrator allow this operation, then run the same command again",
        FailureKind::Foreign if failure.operation.starts_with("Delete") => {
            "the named resources do not belong to this cluster and are never touched: let their owner remove them, then run the same command again"
        }
        FailureKind::Foreign => {
            "rename or delete what is in the way, or choose another cluster name; domino-eks never touches what it did not create"
        }
        FailureKind::InUse => "something still uses it; check what the message names, then run the same command again",
        FailureKind::LostAnswer | FailureKind::Busy => "AWS did not answer in time; run the same command again; it resumes",
        FailureKind::NotYet => "AWS still did not see what this needs after two minutes; run the same command again; it resumes",
        FailureKind::AlreadyExists | FailureKind::NotFound | FailureKind::Other => return by_code(failure),
    };
    Some(text.to_owned())
}

fn by_code(failure: &Failure) -> Option<String> {
    let code = failure.code.as_deref()?;
    let text = if code.contains("LimitExceeded") || code.contains("QuotaExceeded") {
        "a service quota is used up; ask AWS for more under Service Quotas, or delete what you do not need"
    } else if code.contains("UnsupportedAvailabilityZone") {
        "EKS cannot run in this zone; choose other `zones` or `kubernetes.controlPlaneZones` from those that the message names"
    } else if code == "InvalidParameterException" || code == "InvalidParameterValue" || code == "ValidationError" {
        "AWS rejects a value of the configuration; correct what the message names"
    } else {
        return None;
    };
    Some(text.to_owned())
}

impl From<Diagnostics> for CliError {
    fn from(found: Diagnostics) -> Self {
        let count = found.len();
        let problems = if count == 1 { "1 problem".to_owned() } else { format!("{count} problems") };
        let message = format!("{}\n\n{problems} in the configuration", found.to_string().trim_end());
        CliError { has_heading: true, ..CliError::new(Exit::Configuration, message) }
    }
}

impl Exit {
    /// The exit code after these failures: that for permissions and credentials only when nothing else failed.
    fn of_failures<'a>(failures: impl IntoIterator<Item = &'a Failure>) -> Self {
        let is_of_caller = |failure: &Failure| matches!(failure.kind, FailureKind::Credentials | FailureKind::Permission);
        if failures.into_iter().all(is_of_caller) { Exit::Credentials } else { Exit::Failed }
    }
}

impl From<Failure> for CliError {
    fn from(failure: Failure) -> Self {
        let error = CliError::new(Exit::of_failures([&failure]), failure.to_string());
        match hint_of(&failure) {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

impl CliError {
    /// The error of a run that was interrupted or had failed steps.
    pub(super) fn of_outcome(outcome: &Outcome) -> Result<(), Self> {
        if outcome.cancelled {
            return Err(CliError::new(Exit::Interrupted, "interrupted; the state is saved").hint("run the same command again; it resumes"));
        }
        if outcome.failed.is_empty() {
            return Ok(());
        }
        let hints: BTreeSet<String> = outcome.failed.iter().filter_map(|failed| hint_of(&failed.failure)).collect();
        let mut lines: Vec<String> = outcome.failed.iter().map(failed_line).collect();
        if !outcome.skipped.is_empty() {
            lines.push(format!("{} not started because of that", outcome.skipped.len()));
        }
        let exit = Exit::of_failures(outcome.failed.iter().map(|failed| &failed.failure));
        let error = hints.into_iter().fold(CliError::new(exit, lines.join("\n       ")), CliError::hint);
        Err(error.hint(format!("what was done is recorded: {RESUME}")))
    }

    /// The error of a teardown that did not complete. `bare` is where the state is, when there is no configuration file.
    pub(super) fn of_teardown(error: WorkflowError, target: &TeardownTarget, bare: Option<&str>) -> Self {
        match error {
            // `state recover` needs a configuration; without one, destroy finds everything by its tags.
            WorkflowError::State(error @ (StateError::Damaged { .. } | StateError::Backwards { .. })) if target.loaded.is_none() => {
                CliError::new(Exit::Failed, error.to_string())
                    .hint("name an empty folder with `--state`: everything of the cluster is then found by its tags; nothing was changed")
            }
            other => CliError::of(other, bare),
        }
    }

    /// The error of a workflow that did not complete.
    fn of(error: WorkflowError, bare: Option<&str>) -> Self {
        let message = error.to_string();
        match error {
            WorkflowError::Provider(failure) => failure.into(),
            WorkflowError::Lookup(error) => error.into(),
            WorkflowError::State(error) => error.into(),
            WorkflowError::Plan(error) => error.into(),
            WorkflowError::Recover(error) => error.into(),
            WorkflowError::Run(error) => error.into(),
            WorkflowError::Refused(refusal) => (*refusal).into(),
            WorkflowError::Interrupted | WorkflowError::InterruptedDrain => CliError::new(Exit::Interrupted, message),
            WorkflowError::LockLost(_) => CliError::new(Exit::Locked, message).hint("run the same command again"),
            WorkflowError::NotRecorded(_) => CliError::new(Exit::Failed, message).hint(format!("nothing more was started; {RESUME}")),
            WorkflowError::NoAnswer { .. } => CliError::new(Exit::Failed, message),
            WorkflowError::NotSaved { source, saved } => CliError::of(*source, bare).hint(saved_hint(&saved, bare)),
            WorkflowError::Unverified(source) => {
                let inner = CliError::of(*source, bare);
                // Something may have been changed by now, but what to do is right all the same.
                let hints = inner.hints.into_iter().map(|hint| hint.trim_end_matches("; nothing was changed").to_owned());
                hints
                    .fold(CliError::new(inner.exit, message), CliError::hint)
                    .hint("run the same command again: it inspects AWS, and deletes what is left")
            }
        }
    }
}

/// A failed step, with what it leaves behind where that is not simply what the state says (docs/design-rules.md, rule 7).
fn failed_line(failed: &Failed) -> String {
    let line = format!("{}: {}", failed.address, failed.failure);
    match failed.left {
        LeftBehind::Recorded => line,
        LeftBehind::Nothing | LeftBehind::Unknown => format!("{line}; {}", left_behind_text(failed.left)),
    }
}

fn saved_hint(saved: &SavedAside, bare: Option<&str>) -> String {
    match saved {
        SavedAside::File { path, superseded: true } => {
            format!("the state as this run knew it is in `{}`, for reference only: the stored state is newer", path.display())
        }
        SavedAside::File { path, superseded: false } => {
            format!("the state as this run knew it is in `{}`; restore it with {}", path.display(), push_command(path, bare))
        }
        SavedAside::Failed(why) => {
            format!("the state could not be saved beside the configuration either ({why}); the next run finds what was created by its tags")
        }
    }
}

impl From<WorkflowError> for CliError {
    fn from(error: WorkflowError) -> Self {
        CliError::of(error, None)
    }
}

impl From<Refusal> for CliError {
    fn from(refusal: Refusal) -> Self {
        let message = format!("{refusal}; nothing was changed");
        let hints = hints_of(&refusal);
        let exit = match refusal {
            Refusal::OtherOwner(_)
            | Refusal::OtherLineage { .. }
            | Refusal::SeveralLineages(_)
            | Refusal::LineageAbsent { .. }
            | Refusal::LineageDiffers { .. }
            | Refusal::NotConfirmed => Exit::Failed,
            Refusal::NoTerminal(_) => Exit::Changes,
            Refusal::Blocked
            | Refusal::ProtectedCluster(_)
            | Refusal::ProtectedInAws(_)
            | Refusal::LiftNeedsName(_)
            | Refusal::UntaggedNodes(_)
            | Refusal::Data(_)
            | Refusal::NotEphemeral { .. }
            | Refusal::WrongName { .. } => Exit::Protected,
        };
        hints.into_iter().fold(CliError::new(exit, message), CliError::hint)
    }
}

/// What to do about a refusal.
fn hints_of(refusal: &Refusal) -> Vec<String> {
    let one = |hint: &str| vec![hint.to_owned()];
    match refusal {
        Refusal::OtherOwner(_) => one("use the credentials, region and configuration that the state was made with"),
        Refusal::OtherLineage { state_is_empty: true, .. } => vec![
            "the state was lost or is stored elsewhere: name it with `--state`, or rebuild it with `domino-eks state recover`".to_owned(),
            "or choose another cluster name".to_owned(),
        ],
        // A state with records is not lost, so `state recover` is no help.
        Refusal::OtherLineage { cluster, region, lineages, .. } => {
            let destroy = lineages.iter().map(|lineage| {
                format!(
                    "to destroy that one: `domino-eks destroy --cluster {cluster} --region {region} --lineage {lineage} --state EMPTY-FOLDER`"
                )
            });
            std::iter::once("another cluster or state uses this name: if that one is meant, name its state with `--state`".to_owned())
                .chain(destroy)
                .chain(one("or choose another cluster name"))
                .collect()
        }
        Refusal::SeveralLineages(_) => one("choose one with `--lineage`"),
        Refusal::LineageAbsent { present, .. } if present.is_empty() => one("leave `--lineage` out, or check the account and the region"),
        Refusal::LineageAbsent { present, .. } => vec![format!("there is {present}")],
        Refusal::LineageDiffers { .. } => one("`--state EMPTY-FOLDER` beside `--lineage` destroys what AWS shows of another state"),
        Refusal::Blocked => one("the plan above says why and what to do"),
        Refusal::ProtectedCluster(name) => {
            vec![format!("set `protect: false`, apply, and destroy then; or add `--lift-protection --confirm {name}`")]
        }
        Refusal::ProtectedInAws(_) => one("switch that off (`protect: false` and `apply` do it for EKS), or add `--lift-protection`"),
        Refusal::LiftNeedsName(name) | Refusal::NotEphemeral { name, .. } => vec![format!("add `--confirm {name}`")],
        Refusal::UntaggedNodes(_) => one(
            "put the tags `domino-eks:cluster`, `domino-eks:lineage` and `domino-eks:address` back on the group, or delete the group yourself, and run the same command again",
        ),
        Refusal::Data(_) => one("`--delete-data` deletes it for good, `--retain-data` removes everything else"),
        Refusal::NoTerminal(flag) => vec![format!("add `{flag}` to go ahead without being asked")],
        Refusal::NotConfirmed | Refusal::WrongName { .. } => Vec::new(),
    }
}

impl From<ConnectError> for CliError {
    fn from(error: ConnectError) -> Self {
        let ConnectError::Identity(failure) = &error;
        let reached = failure.kind != FailureKind::LostAnswer;
        let hint = if reached {
            "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in with `aws sso login`; `plan --offline` needs no credentials"
        } else {
            "check the network, the region and AWS_ENDPOINT_URL; `plan --offline` needs no connection"
        };
        CliError::new(Exit::Credentials, error.to_string()).hint(hint)
    }
}

impl From<LookupError> for CliError {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Failed(failure) => failure.into(),
            LookupError::Unsuitable { message, help } => CliError::new(Exit::Preflight, message).hint(help),
        }
    }
}

impl From<StateError> for CliError {
    fn from(error: StateError) -> Self {
        let message = error.to_string();
        let failed = |hint: &str| CliError::new(Exit::Failed, message.clone()).hint(hint);
        match error {
            StateError::Locked { remote: false, .. } => CliError::new(Exit::Locked, message)
                .hint("wait until it is done; the operating system frees the lock when its process ends"),
            StateError::Locked { remote: true, .. } => CliError::new(Exit::Locked, message)
                .hint("wait until it is done; when its process died, the next command takes the lock over after a minute"),
            StateError::Fenced { .. } => {
                CliError::new(Exit::Locked, message).hint("this run stopped writing; run the same command again; it resumes")
            }
            StateError::Damaged { .. } => failed("`domino-eks state recover` rebuilds it from what AWS shows; nothing was changed"),
            StateError::Backwards { .. } => failed(
                "put the newest backup in its place, or let `domino-eks state recover` rebuild it from what AWS shows; nothing was changed",
            ),
            StateError::Link { .. } => failed("put the file itself there, or name its real folder with `--state`; nothing was changed"),
            StateError::Moved { to, .. } => failed(&format!("set `state: {to}` in the configuration, or give `--state {to}`")),
            StateError::Newer { .. } => failed("use the newer domino-eks that wrote it; nothing was changed"),
            StateError::Io { .. } => failed("check that the folder exists, that you may read and write it, and that the disk is not full"),
            StateError::Remote { source, .. } => {
                let exit = match source.fault {
                    ObjectFault::Denied | ObjectFault::Credentials => Exit::Credentials,
                    _ => Exit::Failed,
                };
                let error = CliError::new(exit, message);
                match source.help {
                    Some(help) => error.hint(help),
                    None => error,
                }
            }
        }
    }
}

impl From<PlanError> for CliError {
    fn from(error: PlanError) -> Self {
        CliError::new(Exit::Failed, error.to_string()).hint("this is a bug of domino-eks; nothing was changed")
    }
}

impl From<RecoverError> for CliError {
    fn from(error: RecoverError) -> Self {
        CliError::new(Exit::Failed, error.to_string()).hint("delete the one that is not part of the cluster in AWS; nothing was changed")
    }
}

impl From<RunError> for CliError {
    fn from(error: RunError) -> Self {
        if let RunError::Fenced(why) = error {
            return StateError::Fenced { why }.into();
        }
        CliError::new(Exit::Failed, error.to_string()).hint(format!("nothing more was started; {RESUME}"))
    }
}
