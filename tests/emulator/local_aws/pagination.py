"""Pages for every operation that botocore knows as paginated, with tokens that cannot be forged."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from functools import cache
from typing import Any

import botocore.exceptions

from .errors import AwsError
from .models import CLIENT_LOADER
from .rules import on_reset
from .wire import Call, service_model

_KEY = b"local-aws"

#: Tokens that moto gave out: (service, operation, token) -> what was asked.
_issued: dict[tuple[str, str, str], str] = {}
on_reset(_issued.clear)

#: --page-size: no page is longer than this (None: the real limits below).
PAGE_SIZE: int | None = None
#: Items per page when the client names no limit, and the most it may ask for.
DEFAULT_LIMITS = {"iam": 100, "autoscaling": 50, "kms": 100, "eks": 100, "efs": 100, "elbv2": 400, "elb": 400, "service-quotas": 100,
                  "backup": 1000, "resourcegroupstaggingapi": 50}
MAXIMA = {"iam": 1000, "autoscaling": 100, "kms": 1000, "eks": 100, "efs": 100, "elbv2": 400, "elb": 400, "service-quotas": 100,
          "backup": 1000, "resourcegroupstaggingapi": 100}
#: Services whose own paging in moto is right: they only get a smaller limit.
OWN_PAGING = {"s3", "logs", "ssm", "ecr"}
_NOT_OWN = {"ListBuckets"}
_OWN_DEFAULTS = {"logs": 50, "ssm": 10, "s3": 1000, "ecr": 100}
#: Lists of ids that say whose things are meant, and not which: MaxResults may stand beside them.
_NOT_WHICH = {"OwnerIds", "RestorableByUserIds"}
#: The least and the most that MaxResults may be, where botocore does not know it.
_EC2_LIMITS = (5, 1000)
_EC2_OWN_LIMITS = {"DescribeLaunchTemplateVersions": (1, 200)}
#: The refusal of a bad token, by service.
_REFUSALS = {
    "ec2": ("InvalidNextToken", "The token '{token}' is invalid"),
    "iam": ("ValidationError", "Invalid Marker."),
    "autoscaling": ("InvalidNextToken", "The token '{token}' is invalid."),
    "kms": ("InvalidMarkerException", "Could not deserialize marker: {token}"),
    "eks": ("InvalidParameterException", "Invalid nextToken: {token}"),
    "logs": ("InvalidParameterException", "The specified nextToken is invalid."),
    "ssm": ("InvalidNextToken", "The token is not valid."),
    "ecr": ("InvalidParameterException", "Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'"),
    "s3": ("InvalidArgument", "The continuation token provided is incorrect"),
    "efs": ("BadRequest", "Invalid pagination token: {token}"),
    "backup": ("InvalidParameterValueException", "Invalid pagination token: {token}"),
    "resourcegroupstaggingapi": ("PaginationTokenExpiredException", "Invalid pagination token"),
}


@cache
def specs(service: str) -> dict[str, Any]:
    """How the operations of a service page, as botocore has it."""
    try:
        return CLIENT_LOADER.load_service_model(service, "paginators-1")["pagination"]
    except botocore.exceptions.UnknownServiceError:
        return {}


def spec(call: Call) -> dict[str, Any] | None:
    """How the operation pages, if it does."""
    found = specs(call.service).get(call.operation)
    own = call.service in OWN_PAGING and call.operation not in _NOT_OWN
    if not found or own or not isinstance(found["input_token"], str):
        return None
    key = found["result_key"]
    return found | {"result_key": key[0] if isinstance(key, list) else key}


def dropped(call: Call) -> tuple[str, ...]:
    """Paging parameters that moto must not see: it would page in its own way."""
    found = spec(call)
    return (found["input_token"], found.get("limit_key", "")) if found else ()


def _digest(call: Call, found: dict[str, Any]) -> str:
    ignored = (found["input_token"], found.get("limit_key"))
    asked = {k: v for k, v in call.params.items() if k not in ignored}
    text = json.dumps([call.service, call.operation, call.region, asked], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _encode(offset: int, digest: str) -> str:
    body = f"{offset}:{digest}"
    seal = hmac.new(_KEY, body.encode(), "sha256").hexdigest()[:16]
    return base64.urlsafe_b64encode(f"{body}:{seal}".encode()).decode()


def _decode(call: Call, token: str, digest: str) -> int:
    try:
        offset, bound, _ = base64.urlsafe_b64decode(token.encode()).decode().split(":")
        if bound == digest and hmac.compare_digest(_encode(int(offset), bound), token):
            return int(offset)
    except ValueError:
        pass
    code, message = _REFUSALS.get(call.service, ("ValidationError", "Invalid token: {token}"))
    raise AwsError(code, message.format(token=token), 400)


def _own_spec(call: Call) -> dict[str, Any] | None:
    """The paging of an operation whose tokens are moto's."""
    found = specs(call.service).get(call.operation)
    mine = call.service not in OWN_PAGING or call.operation in _NOT_OWN
    return None if mine or not found or not isinstance(found["input_token"], str) else found


def note_issued(call: Call, body: bytes) -> None:
    """Remember a token of moto's, so that only such tokens are taken back."""
    found = _own_spec(call)
    if found:
        name = re.escape(found["output_token"].split()[0]).encode()
        match = re.search(rb'"%s": ?"([^"]+)"|<%s>([^<]+)</%s>' % (name, name, name), body)
        if match:
            _issued[call.service, call.operation, (match[1] or match[2]).decode()] = _digest(call, found)


def _check_issued(call: Call) -> None:
    found = _own_spec(call)
    token = call[found["input_token"]] if found else None
    if token and _issued.get((call.service, call.operation, str(token))) != _digest(call, found):
        code, message = _REFUSALS[call.service]
        raise AwsError(code, message.format(token=token), 400)


def check(call: Call) -> None:
    """Refuse bad paging parameters before anything is done."""
    _check_issued(call)
    found = spec(call)
    if not found:
        return
    token = call[found["input_token"]]
    if token:
        _decode(call, str(token), _digest(call, found))
    limit = call[found["limit_key"]] if "limit_key" in found else None
    if call.service != "ec2" or limit is None:
        return
    least, most = ec2_limits(call.operation)
    if not least <= int(limit) <= most:
        word = f"greater than {least}" if int(limit) < least else f"less than {most}"
        raise AwsError("InvalidParameterValue", f"Value ( {limit} ) for parameter maxResults is invalid. Expecting a value {word}.")
    ids = next((name for name in call.params if name.endswith("Ids") and name not in _NOT_WHICH and call[name]), None)
    if ids:
        raise AwsError("InvalidParameterCombination", f"The parameter {ids} cannot be used with the parameter maxResults")


@cache
def ec2_limits(operation: str) -> tuple[int, int]:
    """The least and the most that MaxResults may be."""
    bounds = service_model("ec2").operation_model(operation).input_shape.members["MaxResults"].metadata
    least, most = _EC2_OWN_LIMITS.get(operation, _EC2_LIMITS)
    return bounds.get("min", least), bounds.get("max", most)


def _most(call: Call) -> int | None:
    return ec2_limits(call.operation)[1] if call.service == "ec2" else MAXIMA.get(call.service)


def _size(call: Call, found: dict[str, Any]) -> int | None:
    limit = call[found["limit_key"]] if "limit_key" in found else None
    by_id = call.service == "ec2" and any(k.endswith("Ids") and v for k, v in call.params.items())
    sizes = [
        int(limit) if limit else DEFAULT_LIMITS.get(call.service),
        _most(call),
        None if by_id and not limit else PAGE_SIZE,
    ]
    known = [size for size in sizes if size]
    return min(known) if known and not (by_id and not limit) else None


def page(call: Call, result: Any) -> None:
    """Cut a result (a dictionary with the whole list) to the page that was asked for."""
    found = spec(call)
    if not found or not isinstance(result, dict) or found["result_key"] not in result:
        return
    items = list(result[found["result_key"]] or [])
    digest = _digest(call, found)
    token = call[found["input_token"]]
    start = _decode(call, str(token), digest) if token else 0
    size = _size(call, found)
    end = len(items) if size is None else min(len(items), start + size)
    result[found["result_key"]] = items[start:end]
    more = end < len(items)
    if more:
        result[found["output_token"]] = _encode(end, digest)
    else:
        result.pop(found["output_token"], None)
    if "more_results" in found:
        result[found["more_results"]] = more


def smaller_limit(call: Call) -> tuple[str, int] | None:
    """For services that page by themselves: the limit to send them instead of the client's."""
    found = specs(call.service).get(call.operation)
    if PAGE_SIZE is None or not found or call.service not in OWN_PAGING or "limit_key" not in found or call.operation in _NOT_OWN:
        return None
    asked = call[found["limit_key"]]
    return found["limit_key"], min(PAGE_SIZE, int(asked) if asked else _OWN_DEFAULTS[call.service])
