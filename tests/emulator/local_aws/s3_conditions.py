"""S3: conditional writes and deletes, where S3 is stricter than moto. moto compares; the one lock makes check and write one step."""

from __future__ import annotations

from .errors import AwsError
from .moto_bridge import backend
from .rules import before
from .wire import Call


@before("s3", "PutObject", "CopyObject", "CompleteMultipartUpload")
def forms(call: Call) -> None:
    """If-None-Match takes only a star, If-Match takes all but a star, and only one of them is taken."""
    match, none_match = call["IfMatch"], call["IfNoneMatch"]
    if call["Bucket"] not in backend("s3").buckets:
        return
    if match and none_match:
        raise _not_implemented("If-Match,If-None-Match", "Multiple conditional request headers present in the request")
    for header, value, taken in (("If-Match", match, match != "*"), ("If-None-Match", none_match, none_match == "*")):
        if value and not taken:
            raise _not_implemented(header, f"We don't accept the provided value of {header} header for this API")


def _not_implemented(header: str, more: str) -> AwsError:
    return AwsError("NotImplemented", "A header you provided implies functionality that is not implemented", 501, Header=header,
                    additionalMessage=more)


@before("s3", "DeleteObject")
def any_object(call: Call) -> None:
    """A delete under `If-Match: *` wants any object; moto takes the star for an ETag."""
    if call["IfMatch"] != "*" or call["Bucket"] not in backend("s3").buckets:
        return
    if backend("s3").get_object(call["Bucket"], call["Key"]) is None:
        raise AwsError("NoSuchKey", "The specified key does not exist.", 404, Key=call["Key"])
    call.http.headers.pop("if-match")
