//! A failed call, and how the engine reacts to it.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// What a failure means for the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// It exists under its natural key.
    AlreadyExists,
    /// It does not exist.
    NotFound,
    /// Something it needs is not visible yet (eventual consistency): retried for two minutes.
    NotYet,
    /// Something still uses it: retried for ten minutes.
    InUse,
    /// The request may or may not have taken effect.
    LostAnswer,
    /// Throttled, or a temporary fault of the service.
    Busy,
    /// Credentials are missing, wrong or expired.
    Credentials,
    /// The caller lacks the permission.
    Permission,
    /// It exists but is not ours.
    Foreign,
    /// Anything else: not retried.
    Other,
}

/// A failed call. It is built by [`Failure::new`] and the methods after it, nowhere else.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What it means.
    pub kind: FailureKind,
    /// AWS operation, such as `CreateVpc`.
    pub operation: String,
    /// AWS error code, when there was an answer.
    pub code: Option<String>,
    /// AWS message, or what went wrong on the way.
    pub message: String,
    /// AWS request id, for AWS Support.
    pub request_id: Option<String>,
    /// The underlying error.
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Failure {
    /// A failure without error code and request id of AWS.
    pub fn new(kind: FailureKind, operation: &str, message: impl Into<String>) -> Self {
        Self { kind, operation: operation.to_owned(), code: None, message: message.into(), request_id: None, source: None }
    }

    /// A failure that is not retried.
    pub fn other(operation: &str, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Other, operation, message)
    }

    /// The same with the error code of AWS; an empty one counts as none.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into()).filter(|code| !code.is_empty());
        self
    }

    /// The same with the request id of AWS.
    #[must_use]
    pub fn with_request_id(mut self, id: Option<String>) -> Self {
        self.request_id = id;
        self
    }

    /// The same with its underlying error.
    #[must_use]
    pub fn caused_by(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// The same with another message.
    #[must_use]
    pub fn worded(self, message: impl Into<String>) -> Self {
        Self { message: message.into(), ..self }
    }

    /// The same with another kind.
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

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

/// Compares everything but the underlying error, which has no equality.
impl PartialEq for Failure {
    fn eq(&self, other: &Self) -> bool {
        let said = (self.kind, &self.operation, &self.code, &self.message, &self.request_id);
        said == (other.kind, &other.operation, &other.code, &other.message, &other.request_id)
    }
}

impl Eq for Failure {}
