"""AWS-shaped error answers, one form per wire protocol."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from functools import cache
from xml.sax.saxutils import escape

from .wire import Answer, service_model


class AwsError(Exception):
    """An error that the client sees as AWS would have sent it."""

    def __init__(self, code: str, message: str, status: int | None = None, headers: dict[str, str] | None = None, **extra):
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status, self.headers, self.extra = code, message, status, headers or {}, extra


#: Services that are not of AWS word their errors themselves.
WORDED: dict[str, Callable[[AwsError], Answer]] = {}


@cache
def _statuses(service: str) -> dict[str, int]:
    """HTTP status of each error code that the service's model names."""
    found = {}
    for shape in service_model(service).error_shapes:
        error = shape.metadata.get("error", {})
        found[error.get("code", shape.name)] = error.get("httpStatusCode", 400)
    return found


def status_of(service: str, error: AwsError) -> int:
    return error.status or _statuses(service).get(error.code, 400)


def _ec2(error: AwsError, request_id: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error>'
        f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
        f"</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    )


def _query(error: AwsError, request_id: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ErrorResponse><Error>'
        f"<Type>{'Receiver' if (error.status or 400) >= 500 else 'Sender'}</Type>"
        f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
        f"</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )


def _rest_xml(error: AwsError, request_id: str) -> str:
    extra = "".join(f"<{k}>{escape(str(v))}</{k}>" for k, v in error.extra.items())
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>{extra}"
        f"<RequestId>{request_id}</RequestId></Error>"
    )


def _json(error: AwsError, request_id: str) -> str:
    # "message" and "Message": models spell the member either way.
    body = {"__type": error.code, "message": error.message, "Message": error.message}
    return json.dumps(body | error.extra)


_BODIES = {
    "ec2": (_ec2, "text/xml;charset=UTF-8"),
    "query": (_query, "text/xml"),
    "rest-xml": (_rest_xml, "application/xml"),
    "json": (_json, "application/x-amz-json-1.1"),
    "rest-json": (_json, "application/json"),
}


def error_answer(service: str, error: AwsError, method: str = "POST") -> Answer:
    """The HTTP answer for an error, in the protocol of the service."""
    if service in WORDED:
        return WORDED[service](error)
    request_id = str(uuid.uuid4())
    protocol = str(service_model(service).protocol)
    make, content_type = _BODIES.get(protocol, _BODIES["json"])
    headers = {"Content-Type": content_type, "x-amzn-RequestId": request_id} | error.headers
    if protocol.endswith("json"):
        headers["X-Amzn-ErrorType"] = error.code
    body = b"" if method == "HEAD" else make(error, request_id).encode()
    return Answer(status_of(service, error), headers, body, code=error.code)
