//! Every end of the program: exit codes, and the errors that lead to them with their hints.

use crate::aws::{ConnectError, LookupError};
use crate::config::Diagnostics;
use crate::engine::{Failure, FailureKind, PlanError, RecoverError, RunError};
use crate::state::{ObjectFault, StateError};
use std::process::ExitCode;

/// Documented exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Exit {
    Done = 0,
    Failed = 1,
    /// Changes with `--detailed-exitcode`, or bad usage.
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

/// An error for people: what is wrong and what to do.
#[derive(Debug)]
pub(super) struct CliError {
    exit: Exit,
    message: String,
    hints: Vec<String>,
}

impl CliError {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hints: Vec::new() }
    }

    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    pub(super) fn exit(&self) -> Exit {
        self.exit
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
            "what is named there is not this cluster's, and is never touched: let its owner remove it, then run the same command again"
        }
        FailureKind::Foreign => {
            "rename or delete what is in the way, or choose another cluster name; domino-eks never touches what it did not create"
        }
        FailureKind::InUse => "something still uses it; look at what the message names, then run the same command again",
        FailureKind::LostAnswer | FailureKind::Busy => {
            "AWS did not answer in time; run the same command again, it goes on where it stopped"
        }
        FailureKind::NotYet => {
            "AWS still did not see what this needs after two minutes; run the same command again, it goes on where it stopped"
        }
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
        "AWS does not take a value of the configuration; correct what the message names"
    } else {
        return None;
    };
    Some(text.to_owned())
}

impl From<Diagnostics> for CliError {
    fn from(found: Diagnostics) -> Self {
        let count = found.len();
        let problems = if count == 1 { "1 problem".to_owned() } else { format!("{count} problems") };
        CliError::new(Exit::Configuration, format!("{}\n\n{problems} in the configuration", found.to_string().trim_end()))
    }
}

impl From<Failure> for CliError {
    fn from(failure: Failure) -> Self {
        let exit = match failure.kind {
            FailureKind::Credentials | FailureKind::Permission => Exit::Credentials,
            _ => Exit::Failed,
        };
        let error = CliError::new(exit, failure.to_string());
        match hint_of(&failure) {
            Some(hint) => error.hint(hint),
            None => error,
        }
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
            StateError::Locked { remote: false, .. } => {
                CliError::new(Exit::Locked, message).hint("wait until it is done; the lock frees itself when its process ends")
            }
            StateError::Locked { remote: true, .. } => CliError::new(Exit::Locked, message)
                .hint("wait until it is done; when its process died, the next command takes the lock over after a minute"),
            StateError::Fenced { .. } => CliError::new(Exit::Locked, message)
                .hint("this run stopped writing; run the same command again, it looks at what is there and goes on"),
            StateError::Damaged { .. } => failed("`domino-eks state recover` builds it anew from what AWS shows; nothing was changed"),
            StateError::Backwards { .. } => failed(
                "put the newest backup in its place, or let `domino-eks state recover` build it anew from what AWS shows; nothing was changed",
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
        CliError::new(Exit::Failed, error.to_string())
            .hint("nothing more was started; once the cause is mended, run the same command again: it looks at what is there and goes on")
    }
}
