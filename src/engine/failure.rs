//! A failed call, and what it means for the engine.

use std::fmt;

/// What a failure means for the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// It exists under its natural key.
    AlreadyExists,
    /// It does not exist.
    NotFound,
    /// Something it needs is not visible yet (eventual consistency): ask again for two minutes.
    NotYet,
    /// Something still uses it: ask again for ten minutes.
    InUse,
    /// The request may or may not have taken effect.
    LostAnswer,
    /// Too many requests, or a passing fault of the service.
    Busy,
    /// Credentials are missing, wrong or expired.
    Credentials,
    /// The caller may not do this.
    Permission,
    /// It exists but is not ours.
    Foreign,
    /// Anything else: repeating is useless.
    Other,
}

/// A failed call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What it means.
    pub kind: FailureKind,
    /// AWS operation, such as `CreateVpc`.
    pub operation: String,
    /// AWS error code, when there was an answer.
    pub code: Option<String>,
    /// AWS message, or what went wrong on the way.
    pub message: String,
    /// AWS request id, for the support.
    pub request_id: Option<String>,
}

impl Failure {
    /// A failure without an answer of AWS that has a code or a request id.
    pub fn new(kind: FailureKind, operation: &str, message: impl Into<String>) -> Self {
        Self { kind, operation: operation.to_owned(), code: None, message: message.into(), request_id: None }
    }

    /// A failure that repeating does not heal.
    pub fn other(operation: &str, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Other, operation, message)
    }

    /// The same with the error code of AWS; an empty one counts as none.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into()).filter(|code| !code.is_empty());
        self
    }

    /// The same, meaning something else.
    #[must_use]
    pub fn meaning(self, kind: FailureKind) -> Self {
        Self { kind, ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.operation)?;
        match &self.code {
            Some(code) => write!(f, ": {code}: {}", self.message)?,
            None => write!(f, ": {}", self.message)?,
        }
        match &self.request_id {
            Some(id) => write!(f, " (request id {id})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}
