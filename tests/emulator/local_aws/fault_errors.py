"""The errors that a test orders, as each service words them."""

from __future__ import annotations

from .errors import AwsError
from .wire import ACCOUNT, OWN_OPERATIONS, SIGNING_NAMES, Call, service_model

_IDENTITY = f"arn:aws:iam::{ACCOUNT}:user/local"
_Texts = dict[str, tuple[str, str, int]]

# By service, else by protocol: code, message, HTTP status.
_THROTTLE: _Texts = {
    "ec2": ("RequestLimitExceeded", "Request limit exceeded.", 503),
    "rest-xml": ("SlowDown", "Please reduce your request rate.", 503),
    "query": ("Throttling", "Rate exceeded", 400),
    "json": ("ThrottlingException", "Rate exceeded", 400),
    "rest-json": ("ThrottlingException", "Rate exceeded", 429),
    "service-quotas": ("TooManyRequestsException", "Rate exceeded", 400),
    "kubernetes": ("TooManyRequests", "the server has received too many requests and has asked us to try again later", 429),
}
_DENIED: _Texts = {
    "ec2": ("UnauthorizedOperation", "You are not authorized to perform this operation.", 403),
    "rest-xml": ("AccessDenied", "Access Denied", 403),
    "query": ("AccessDenied", "User: {who} is not authorized to perform: {action}", 403),
    "json": ("AccessDeniedException", "User: {who} is not authorized to perform: {action}", 400),
    "rest-json": ("AccessDeniedException", "User: {who} is not authorized to perform: {action}", 403),
    "kubernetes": ("Forbidden", 'forbidden: User "{who}" cannot do this', 403),
}
_EXPIRED: _Texts = {
    "ec2": ("RequestExpired", "Request has expired.", 400),
    "rest-xml": ("ExpiredToken", "The provided token has expired.", 400),
    "query": ("ExpiredToken", "The security token included in the request is expired", 403),
    "json": ("ExpiredTokenException", "The security token included in the request is expired", 400),
    "rest-json": ("ExpiredTokenException", "The security token included in the request is expired", 403),
    "kubernetes": ("Unauthorized", "Unauthorized", 401),
}
_CONFLICT: _Texts = {
    "rest-xml": ("ConditionalRequestConflict", "The conditional request cannot succeed due to a conflicting operation against this "
                 "resource.", 409),
}
_UNKNOWN_FAILURE = "The request processing has failed because of an unknown error, exception or failure."
_BROKEN: _Texts = {
    "ec2": ("InternalError", "An internal error has occurred", 500),
    "rest-xml": ("InternalError", "We encountered an internal error. Please try again.", 500),
    "iam": ("ServiceFailure", _UNKNOWN_FAILURE, 500),
    "query": ("InternalFailure", _UNKNOWN_FAILURE, 500),
    "json": ("InternalFailure", _UNKNOWN_FAILURE, 500),
    "rest-json": ("InternalFailure", _UNKNOWN_FAILURE, 500),
    "eks": ("ServerException", "An internal error occurred.", 500),
    "efs": ("InternalServerError", "An internal error occurred.", 500),
    "kms": ("KMSInternalException", "The request was rejected because an internal exception occurred.", 500),
    "ssm": ("InternalServerError", "An error occurred on the server side.", 500),
    "service-quotas": ("ServiceException", "Something went wrong.", 500),
    "kubernetes": ("InternalError", "Internal error occurred: etcdserver: request timed out", 500),
}
_BUSY = "The request has failed due to a temporary failure of the server."
_UNAVAILABLE: _Texts = {
    "ec2": ("ServiceUnavailable", _BUSY, 503),
    "rest-xml": ("ServiceUnavailable", "Service is unable to handle request.", 503),
    "query": ("ServiceUnavailable", _BUSY, 503),
    "json": ("ServiceUnavailable", _BUSY, 503),
    "rest-json": ("ServiceUnavailable", _BUSY, 503),
    "eks": ("ServiceUnavailableException", "Service is unavailable.", 503),
    "logs": ("ServiceUnavailableException", "The service cannot complete the request.", 503),
    "kubernetes": ("ServiceUnavailable", "the server is currently unable to handle the request", 503),
}
_BY_MODE = {"throttle": _THROTTLE, "access-denied": _DENIED, "expired-token": _EXPIRED, "conflict": _CONFLICT}


def refusal(mode: str, status: int, call: Call) -> AwsError:
    texts = _BY_MODE.get(mode) or (_BROKEN if status == 500 else _UNAVAILABLE)
    protocol = "" if call.service in OWN_OPERATIONS else str(service_model(call.service).protocol)
    code, message, http_status = texts.get(call.service) or texts.get(protocol) or texts["json"]
    prefix = next((signing for signing, name in SIGNING_NAMES.items() if name == call.service), call.service)
    return AwsError(code, message.format(who=_IDENTITY, action=f"{prefix}:{call.operation}"), http_status)
