//! What an AWS error means: one table of wire codes and messages (docs/aws.md, "Error codes").
//!
//! EC2 models no errors at all, so the wire code is the only way to tell them apart; the codes of IAM lack the suffix "Exception".

use super::fence::NotSent;
use crate::engine::{Failure, FailureKind};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// One row: the code (a leading `*` stands for any beginning), what the message contains, and what they mean. The first match counts.
struct Rule(&'static str, &'static str, FailureKind);

use FailureKind::{AlreadyExists, Busy, Credentials, InUse, LostAnswer, NotFound, NotYet, Permission};

const RULES: &[Rule] = &[
    // A new role, instance profile or principal is not visible everywhere yet.
    Rule("InvalidParameterException", "does not exist", NotYet),
    Rule("InvalidParameterException", "Error in role params", NotYet),
    Rule("InvalidParameterException", "could not be assumed", NotYet),
    Rule("InvalidParameterException", "Managed Policies associated", NotYet),
    Rule("InvalidParameterException", "policy must include", NotYet),
    Rule("InvalidParameterException", "invalid principal", NotYet),
    Rule("InvalidParameterException", "not authorized to perform", NotYet),
    Rule("InvalidRequestException", "is not in ACTIVE", NotYet),
    Rule("ResourcePropagationDelayException", "", NotYet),
    Rule("ValidationError", "Invalid IAM Instance Profile", NotYet),
    Rule("ServiceLinkedRoleFailure", "", NotYet),
    Rule("MalformedPolicyDocument", "nvalid principal", NotYet),
    Rule("MalformedPolicyDocumentException", "nvalid principal", NotYet),
    Rule("MalformedPolicy", "nvalid principal", NotYet),
    Rule("ConcurrentModification", "", NotYet),
    Rule("EntityTemporarilyUnmodifiable", "", NotYet),
    Rule("ValidationError", "does not exist", NotYet),
    Rule("IncorrectFileSystemLifeCycleState", "", NotYet),
    Rule("SubnetNotFound", "", NotYet),
    Rule("SecurityGroupNotFound", "", NotYet),
    Rule("OperationAborted", "", NotYet),
    // The same of CloudWatch Logs, which spells it in full: another change of the log group is in progress.
    Rule("OperationAbortedException", "", NotYet),
    Rule("IncorrectState", "", NotYet),
    Rule("InvalidStateTransition", "", NotYet),
    // Another resource still uses it.
    Rule("DependencyViolation", "", InUse),
    Rule("InvalidGroup.InUse", "", InUse),
    Rule("InvalidIPAddress.InUse", "", InUse),
    Rule("AuthFailure", "do not have permission to access the specified resource", InUse),
    Rule("InvalidNetworkInterface.InUse", "", InUse),
    Rule("ScalingActivityInProgress", "", InUse),
    Rule("ResourceContention", "", InUse),
    Rule("ResourceInUse", "", InUse),
    Rule("DeleteConflict", "", InUse),
    Rule("InvalidParameterValue", "currently in use", InUse),
    Rule("VolumeInUse", "", InUse),
    Rule("InvalidSnapshot.InUse", "", InUse),
    Rule("FileSystemInUse", "", InUse),
    Rule("DependencyTimeout", "", InUse),
    Rule("ResourceInUseException", "in progress", InUse),
    Rule("ResourceInUseException", "currently", InUse),
    Rule("ResourceInUseException", "attached", InUse),
    // It exists already.
    Rule("ResourceInUseException", "", AlreadyExists),
    Rule("ResourceAlreadyExistsException", "", AlreadyExists),
    Rule("AlreadyExistsException", "", AlreadyExists),
    Rule("AlreadyExists", "", AlreadyExists),
    Rule("EntityAlreadyExists", "", AlreadyExists),
    Rule("EntityAlreadyExistsException", "", AlreadyExists),
    Rule("FileSystemAlreadyExists", "", AlreadyExists),
    Rule("AccessPointAlreadyExists", "", AlreadyExists),
    Rule("AccessPointAlreadyExistsException", "", AlreadyExists),
    Rule("MountTargetConflict", "", AlreadyExists),
    Rule("BucketAlreadyOwnedByYou", "", AlreadyExists),
    Rule("BucketAlreadyExists", "", AlreadyExists),
    Rule("InvalidSubnet.Conflict", "", AlreadyExists),
    Rule("InvalidGroup.Duplicate", "", AlreadyExists),
    Rule("InvalidLaunchTemplateName.AlreadyExistsException", "", AlreadyExists),
    Rule("InvalidPermission.Duplicate", "", AlreadyExists),
    Rule("RouteAlreadyExists", "", AlreadyExists),
    Rule("Resource.AlreadyAssociated", "", AlreadyExists),
    // It does not exist.
    // A cluster without access entries; it may belong to others.
    Rule("InvalidRequestException", "authentication mode must be set", NotFound),
    Rule("ValidationError", "not found", NotFound),
    Rule("ClientException", "No cluster found", NotFound),
    Rule("*NotFound", "", NotFound),
    Rule("*NotFoundException", "", NotFound),
    Rule("NoSuchEntity", "", NotFound),
    Rule("NoSuchBucket", "", NotFound),
    Rule("NoSuchTagSet", "", NotFound),
    Rule("NoSuchBucketPolicy", "", NotFound),
    Rule("NoSuchPublicAccessBlockConfiguration", "", NotFound),
    Rule("NoSuchLifecycleConfiguration", "", NotFound),
    Rule("ServerSideEncryptionConfigurationNotFoundError", "", NotFound),
    Rule("Gateway.NotAttached", "", NotFound),
    // The credentials are missing, wrong or expired.
    Rule("ExpiredToken", "", Credentials),
    Rule("ExpiredTokenException", "", Credentials),
    Rule("InvalidToken", "", Credentials),
    Rule("RequestTimeTooSkewed", "", Credentials),
    Rule("RequestExpired", "", Credentials),
    Rule("InvalidClientTokenId", "", Credentials),
    Rule("UnrecognizedClientException", "", Credentials),
    Rule("SignatureDoesNotMatch", "", Credentials),
    Rule("InvalidAccessKeyId", "", Credentials),
    Rule("AuthFailure", "not able to validate the provided access credentials", Credentials),
    Rule("AccessDenied", "", Permission),
    Rule("AccessDeniedException", "", Permission),
    Rule("UnauthorizedOperation", "", Permission),
    Rule("AuthFailure", "", Permission),
    // Too many requests: refused before it took effect.
    Rule("Throttling", "", Busy),
    Rule("ThrottlingException", "", Busy),
    Rule("ThrottledException", "", Busy),
    Rule("TooManyRequestsException", "", Busy),
    Rule("RequestLimitExceeded", "", Busy),
    Rule("SlowDown", "", Busy),
    // A fault of the service that outlasted the attempts of the SDK: the call may have taken effect.
    Rule("ServiceUnavailable", "", LostAnswer),
    Rule("ServiceUnavailableException", "", LostAnswer),
    Rule("ServerException", "", LostAnswer),
    Rule("InternalError", "", LostAnswer),
    Rule("InternalFailure", "", LostAnswer),
    Rule("InternalServerError", "", LostAnswer),
    Rule("ServiceFailure", "", LostAnswer),
    Rule("Unavailable", "", LostAnswer),
];

/// Codes that have this meaning for one operation only: for others, the same state never ends by itself.
const OF_OPERATION: &[(&str, &str, FailureKind)] = &[("DeleteRecoveryPoint", "InvalidResourceStateException", InUse)];

/// What the answer to an operation means.
fn meaning_of(operation: &str, code: &str, message: &str) -> FailureKind {
    let special = OF_OPERATION.iter().find(|row| row.0 == operation && row.1 == code);
    special.map_or_else(|| meaning(code, message), |row| row.2)
}

/// What a code and a message mean.
pub(super) fn meaning(code: &str, message: &str) -> FailureKind {
    let fits = |rule: &&Rule| {
        let code_fits = rule.0.strip_prefix('*').map_or(code == rule.0, |end| code.ends_with(end));
        code_fits && message.contains(rule.1)
    };
    RULES.iter().find(fits).map_or(FailureKind::Other, |rule| rule.2)
}

/// Converts the result of an SDK call, naming the operation.
///
/// # Errors
/// The call's failure, classified.
pub(super) fn classify<T, E>(operation: &str, result: Result<T, SdkError<E, HttpResponse>>) -> Result<T, Failure>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    result.map_err(|error| failure(operation, &error).caused_by(error))
}

fn failure<E>(operation: &str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    let meta = error.as_service_error().map(ProvideErrorMetadata::meta);
    let code = meta.and_then(|meta| meta.code()).map(str::to_owned).or_else(|| status.and_then(code_of_status));
    let message = meta.and_then(|meta| meta.message()).map_or_else(|| on_the_way(error), str::to_owned);
    let kind = match (error, &code) {
        (SdkError::ServiceError(_), Some(code)) => match meaning_of(operation, code, &message) {
            FailureKind::Other if status.is_some_and(|status| status >= 500) => LostAnswer,
            kind => kind,
        },
        // A page of a proxy, or no body at all: only a status of the 400s proves that the call had no effect.
        (SdkError::ServiceError(_), None) if status.is_some_and(|status| (400..500).contains(&status)) => FailureKind::Other,
        (SdkError::ConstructionFailure(_), _) => construction(&message),
        // Sent, but the outcome is unknown.
        _ if message.contains("credential") => FailureKind::Credentials,
        _ => LostAnswer,
    };
    let request_id = meta.and_then(|meta| meta.extra("aws_request_id")).map(str::to_owned);
    Failure::new(kind, operation, message).with_code(code.unwrap_or_default()).with_request_id(request_id)
}

fn construction(message: &str) -> FailureKind {
    if message.contains("credential") { FailureKind::Credentials } else { FailureKind::Other }
}

/// Answers to HEAD have no body, only a status.
fn code_of_status(status: u16) -> Option<String> {
    match status {
        301 => Some("PermanentRedirect".to_owned()),
        403 => Some("AccessDenied".to_owned()),
        404 => Some("NotFound".to_owned()),
        503 => Some("ServiceUnavailable".to_owned()),
        _ => None,
    }
}

/// The chain of causes of a failure without an answer of AWS, without Debug output.
pub(super) fn on_the_way(error: &dyn std::error::Error) -> String {
    let mut parts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if inner.is::<NotSent>() {
            return text;
        }
        if parts.last() != Some(&text) {
            parts.push(text);
        }
        cause = inner.source();
    }
    parts.join(": ")
}

/// An answer that AWS's own API description rules out, or another fault that should not occur.
pub(super) fn unexpected(operation: &str, message: &str) -> Failure {
    Failure::other(operation, message)
}

/// "Already exists" counts as success.
///
/// # Errors
/// Any other failure.
pub(super) fn or_exists<T>(result: Result<T, Failure>) -> Result<(), Failure> {
    match result {
        Err(failure) if failure.kind == AlreadyExists => Ok(()),
        other => other.map(drop),
    }
}

/// A cluster that is not active answers no question about what is in it: then there is nothing to observe.
///
/// # Errors
/// Any other failure.
pub(super) fn or_inactive<T>(result: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match result {
        Err(failure) if failure.kind == NotYet && failure.code.as_deref() == Some("InvalidRequestException") => Ok(None),
        other => or_absent(other),
    }
}

/// "Not found" counts as success.
///
/// # Errors
/// Any other failure.
pub(super) fn or_absent<T>(result: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match result {
        Err(failure) if failure.kind == NotFound => Ok(None),
        other => other.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_mean_what_the_facts_say() {
        for (code, message, kind) in [
            ("InvalidVpcID.NotFound", "The vpc ID 'vpc-1' does not exist", NotFound),
            ("InvalidLaunchTemplateName.NotFoundException", "", NotFound),
            ("DependencyViolation", "resource sg-1 has a dependent object", InUse),
            ("ResourceInUseException", "Cluster already exists with name: x", AlreadyExists),
            ("ResourceInUseException", "Cluster has nodegroups attached", InUse),
            ("InvalidParameterException", "Role with arn x, could not be assumed because it does not exist", NotYet),
            ("InvalidParameterException", "unsupported Kubernetes version", FailureKind::Other),
            ("ValidationError", "Value (x) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name", NotYet),
            ("ValidationError", "AutoScalingGroup name not found - null", NotFound),
            ("ExpiredToken", "", Credentials),
            ("UnauthorizedOperation", "", Permission),
            ("NoSuchEntity", "", NotFound),
            ("InternalError", "", LostAnswer),
            ("RequestLimitExceeded", "", Busy),
            ("ResourceNotFoundException", "No cluster found for name: x.", NotFound),
            ("MountTargetNotFound", "", NotFound),
            ("SubnetNotFound", "", NotYet),
            ("InvalidPermission.Duplicate", "", AlreadyExists),
            ("OperationAborted", "A conflicting conditional operation is currently in progress", NotYet),
            ("OperationAbortedException", "A conflicting operation is currently in progress against this resource.", NotYet),
        ] {
            assert_eq!(meaning(code, message), kind, "{code}: {message}");
        }
    }

    #[test]
    fn a_code_may_mean_something_of_its_own_for_one_operation() {
        let code = "InvalidResourceStateException";
        assert_eq!(meaning_of("DeleteRecoveryPoint", code, ""), InUse);
        assert_eq!(meaning_of("StartRestoreJob", code, ""), FailureKind::Other);
        assert_eq!(meaning_of("DeleteRecoveryPoint", "AccessDeniedException", ""), Permission);
    }

    #[test]
    fn an_answer_without_a_code_proves_nothing() {
        use aws_smithy_runtime_api::http::{Response, StatusCode};
        use aws_smithy_types::body::SdkBody;
        let kind = |status: u16| {
            let response = Response::new(StatusCode::try_from(status).unwrap(), SdkBody::from("<html>Bad Gateway</html>"));
            let nothing = aws_sdk_ec2::error::ErrorMetadata::builder().build();
            let error = aws_sdk_ec2::operation::create_vpc::CreateVpcError::generic(nothing);
            failure("CreateVpc", &SdkError::service_error(error, response)).kind
        };
        assert_eq!([kind(502), kind(500), kind(200)], [LostAnswer; 3]);
        assert_eq!(kind(418), FailureKind::Other);
    }
}
