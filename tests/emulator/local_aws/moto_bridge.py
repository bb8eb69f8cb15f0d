"""Calls moto's own handlers directly, and prepares moto: speed, no default VPC, our AMIs."""

from __future__ import annotations

import functools
import importlib
import os
import random
import threading
from typing import Any

from . import image_catalogue

os.environ.setdefault("MOTO_AMIS_PATH", image_catalogue.write_file())
os.environ.setdefault("AWS_ACCESS_KEY_ID", "local")
os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "local")

from moto.backends import get_backend  # noqa: E402
from moto.core import responses as core_responses  # noqa: E402
from moto.ec2.models import EC2Backend, elastic_ip_addresses  # noqa: E402

from .wire import ACCOUNT, Answer, Call, Http, without  # noqa: E402

#: Services that fall through to moto: module and class of its handlers.
HANDLERS = {
    "acm": ("moto.acm.responses", "AWSCertificateManagerResponse"),
    "ec2": ("moto.ec2.responses", "EC2Response"),
    "ecr": ("moto.ecr.responses", "ECRResponse"),
    "elb": ("moto.elb.responses", "ELBResponse"),
    "elbv2": ("moto.elbv2.responses", "ELBV2Response"),
    "iam": ("moto.iam.responses", "IamResponse"),
    "kms": ("moto.kms.responses", "KmsResponse"),
    "logs": ("moto.logs.responses", "LogsResponse"),
    "resourcegroupstaggingapi": ("moto.resourcegroupstaggingapi.responses", "ResourceGroupsTaggingAPIResponse"),
    "s3": ("moto.s3.responses", "S3Response"),
    "ssm": ("moto.ssm.responses", "SimpleSystemManagerResponse"),
    "sts": ("moto.sts.responses", "TokenResponse"),
}
#: moto's name of a backend where it differs from botocore's service name.
BACKENDS: dict[str, str] = {}
_GLOBAL = {"iam", "s3", "sts"}

_current = threading.local()


class NotImplementedByMoto(Exception):
    """moto lacks the operation, or breaks on this use of it."""


def backend(service: str, region: str = "us-west-2") -> Any:
    """moto's store of a service in a region."""
    return get_backend(BACKENDS.get(service, service))[ACCOUNT]["aws" if service in _GLOBAL else region]


def existing_backends(service: str) -> dict[str, Any]:
    """The stores that were used so far, by region."""
    by_region = get_backend(BACKENDS.get(service, service)).get(ACCOUNT)
    return dict(dict.items(by_region)) if by_region is not None else {}


@functools.cache
def handler(service: str) -> Any:
    """moto's class for the requests of a service."""
    module, name = HANDLERS[service]
    return getattr(importlib.import_module(module), name)


def _entry(service: str, path: str) -> Any:
    found = handler(service)
    if service != "s3":
        return found.dispatch
    bucket, _, key = path.lstrip("/").partition("/")
    if not bucket:
        return found.bucket_dispatch
    return found.key_dispatch if key else found.ambiguous_dispatch


def forward(call: Call, drop: tuple[str, ...] = (), http: Http | None = None) -> Answer:
    """Let moto do the call, without the parameters named in `drop`."""
    if call.service not in HANDLERS:
        raise NotImplementedByMoto(f"{call.service}:{call.operation}")
    http = http or call.http
    if drop:
        http = without(http, drop)
        if call.service == "iam":  # moto cuts at 100 by itself
            http.body += b"&MaxItems=100000"
        if call.service in ("elb", "elbv2"):  # and at 50
            http.body += b"&PageSize=100000"
    _current.call = call
    try:
        request = http.request()
        status, headers, body = _entry(call.service, http.path)(request, request.raw_url, dict(request.headers))
    except NotImplementedError as error:
        raise NotImplementedByMoto(f"{call.service}:{call.operation}: {error}") from error
    finally:
        _current.call = None
    if isinstance(body, str):
        body = body.encode()
    elif not isinstance(body, (bytes, bytearray)):
        body = b"".join(part if isinstance(part, bytes) else str(part).encode() for part in body)
    headers = {str(k): str(v) for k, v in headers.items() if str(k).lower() not in ("status", "server")}
    return Answer(int(status), headers, bytes(body))


def _serialized_with_hook(original):
    """Gives the call's hook a look at moto's result before it becomes bytes."""

    @functools.wraps(original)
    def serialized(self, action_result):
        call = getattr(_current, "call", None)
        if call is not None and call.result_hook and not isinstance(action_result.result, Exception):
            call.result_hook(action_result.result)
        return original(self, action_result)

    return serialized


def _without_default_vpc(original):
    """A region starts empty: what moto makes by itself is taken out again."""

    @functools.wraps(original)
    def init(self, *args, **kwargs):
        original(self, *args, **kwargs)
        for store in (self.vpcs, self.subnets, self.groups, self.network_acls, self.route_tables, self.enis,
                      self.internet_gateways, self.volumes):
            store.clear()
        # The account's default key is Amazon's own; moto would make one of the customer's for the first encrypted volume.
        self.default_kms_key_id = f"arn:aws:kms:{self.region_name}:{ACCOUNT}:alias/aws/ebs"

    return init


def _public_address() -> str:
    """Addresses of the region's public range; moto's own are loopback addresses."""
    return f"44.{random.randint(224, 255)}.{random.randint(0, 255)}.{random.randint(1, 254)}"


def prepare() -> None:
    """Patch moto once, at start."""
    elastic_ip_addresses.random_ip = _public_address
    core_responses.method_names_from_class = functools.cache(core_responses.method_names_from_class)
    core_responses.BaseResponse.serialized = _serialized_with_hook(core_responses.BaseResponse.serialized)
    EC2Backend.__init__ = _without_default_vpc(EC2Backend.__init__)


def reset() -> None:
    """Forget everything in moto."""
    from moto.core.base_backend import BackendDict

    BackendDict.reset()
