"""From an HTTP request to (service, operation, parameters), and from a result to bytes."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes, urlencode

from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import PRESERVED_HEADER_NAMES_ENVIRON_KEY, Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.serialize import XFormedAttributePicker, get_serializer_class
from moto.core.utils import get_service_model as service_model

ACCOUNT = "123456789012"

#: Name in the signature's scope -> botocore's name, where they differ.
SIGNING_NAMES = {
    "elasticfilesystem": "efs",
    "elasticloadbalancing": "elbv2",
    "servicequotas": "service-quotas",
    "tagging": "resourcegroupstaggingapi",
    "monitoring": "cloudwatch",
    "api.ecr": "ecr",
}
#: Operations of the services that are not of AWS, so not in botocore's models.
OWN_OPERATIONS: dict[str, tuple[str, ...]] = {}
_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/aws4_request")
_READ_PREFIXES = ("Describe", "List", "Get", "Head", "Search", "Lookup", "Simulate", "Select")


@dataclass
class Http:
    """One HTTP request, body read whole."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    def header(self, name: str, default: str = "") -> str:
        return self.headers.get(name.lower(), default)

    def request(self) -> Request:
        """The same request as the object that moto works on."""
        raw = self.path + (f"?{self.query}" if self.query else "")
        host, _, port = self.header("host", "127.0.0.1").partition(":")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(self.path).decode("latin-1"),
            "QUERY_STRING": self.query,
            "SERVER_NAME": host,
            "SERVER_PORT": port or "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "RAW_URI": raw,
            "REQUEST_URI": raw,
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(self.body),
            "CONTENT_LENGTH": str(len(self.body)),
        }
        preserved = {}
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            if key in ("CONTENT_LENGTH", "TRANSFER_ENCODING"):
                continue
            if key == "CONTENT_TYPE":
                environ[key] = value
                continue
            environ[f"HTTP_{key}"] = value
            if "_" in name and name.startswith("x-amz-meta-"):
                preserved[f"HTTP_{key}"] = name
        environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = preserved
        request = Request(environ)
        request.from_wsgi_server = True
        return request


@dataclass
class Answer:
    """One HTTP answer. Status 0 is none at all: the connection is closed, or reset."""

    status: int
    headers: dict[str, str]
    body: bytes
    code: str | None = None
    reset: bool = False


@dataclass
class Call:
    """One AWS request, understood."""

    service: str
    operation: str
    region: str
    http: Http
    params: dict[str, Any]
    flat: dict[str, str] = field(default_factory=dict)
    result_hook: Any = None
    account: str = ACCOUNT
    #: The mode of the fault that struck the call, and whether the call had an effect all the same.
    fault: str | None = None
    effect: bool = True
    #: A call of a seed: no fault touches it.
    inside: bool = False

    @property
    def key(self) -> tuple[str, str]:
        return self.service, self.operation

    @property
    def mutating(self) -> bool:
        return not self.operation.startswith(_READ_PREFIXES)

    def get(self, name: str, default: Any = None) -> Any:
        value = self.params.get(name)
        return default if value is None else value

    def __getitem__(self, name: str) -> Any:
        return self.params.get(name)


def scope_of(http: Http) -> tuple[str, str]:
    """(service, region) of the signature; unsigned requests count as S3."""
    text = http.header("authorization")
    if not text:
        text = dict(parse_qsl(http.query)).get("X-Amz-Credential", "")
        text = f"Credential={text}" if text else ""
    match = _SCOPE.search(text)
    if not match:
        return ("sts", "us-east-1") if b"AssumeRoleWithWebIdentity" in http.body[:4000] else ("s3", "us-east-1")
    region, name = match.groups()
    service = SIGNING_NAMES.get(name, name)
    if service == "elbv2" and b"Version=2012-06-01" in http.body:
        service = "elb"
    return service, region


def path_style(http: Http) -> None:
    """Turn bucket.localhost / bucket.127.0.0.1 into a path-style S3 request."""
    host, _, port = http.header("host").partition(":")
    for suffix in (".localhost", ".127.0.0.1"):
        if host.endswith(suffix):
            http.path = f"/{host[: -len(suffix)]}{http.path}"
            http.headers["host"] = f"127.0.0.1:{port}" if port else "127.0.0.1"


def understand(http: Http) -> Call:
    """Find the operation and its parameters. Raises LookupError when the request fits no operation."""
    service, region = scope_of(http)
    if service == "s3":
        path_style(http)
    request = http.request()
    model = service_model(service)
    protocol = determine_request_protocol(model, request.content_type)
    flat: dict[str, str] = {}
    url_params: dict[str, Any] = {}
    if protocol in ("ec2", "query"):
        flat = dict(parse_qsl(http.body.decode("utf-8", "replace") or http.query, keep_blank_values=True))
        operation = flat.get("Action", "")
    elif protocol == "json":
        operation = http.header("x-amz-target").rpartition(".")[2]
    else:
        try:
            matched, url_params = get_service_router(service).match(request)
        except Exception as error:
            raise LookupError(f"{http.method} {http.path} fits no operation of {service}") from error
        operation = matched.name
    if operation not in model.operation_names:
        raise LookupError(f"{service} has no operation {operation!r}")
    parser = PROTOCOL_PARSERS[protocol](model.operation_model(operation), map_type=dict)
    parsed = parser.parse(
        {
            "method": http.method,
            "values": request.values,
            "headers": request.headers,
            "body": http.body,
            "url_path": request.path,
            "url_params": url_params,
        }
    )
    return Call(service, operation, region, http, dict(parsed), flat)


def without(http: Http, names: tuple[str, ...]) -> Http:
    """The same request without some top-level parameters."""
    body, query = http.body, http.query
    if http.header("content-type").startswith("application/x-www-form-urlencoded"):
        body = urlencode([(k, v) for k, v in parse_qsl(body.decode(), keep_blank_values=True) if k not in names]).encode()
    elif body.startswith(b"{"):
        body = json.dumps({k: v for k, v in json.loads(body).items() if k not in names}).encode()
    if query:
        query = urlencode([(k, v) for k, v in parse_qsl(query, keep_blank_values=True) if k not in names])
    return Http(http.method, http.path, query, http.headers, body)


@cache
def _serializer(service: str, operation: str):
    model = service_model(service)
    # boto3 would speak CBOR with some services; the AWS SDK for Rust speaks JSON with them.
    protocol = str(model.protocol)
    cls = get_serializer_class(service, "json" if protocol.endswith("cbor") else protocol)
    return lambda: cls(operation_model=model.operation_model(operation), value_picker=XFormedAttributePicker())


def serialize(service: str, operation: str, result: Any) -> Answer:
    """A result (plain dictionaries in the shape of the model) as an HTTP answer."""
    done = _serializer(service, operation)().serialize(result)
    body = done["body"]
    headers = {str(k): str(v) for k, v in done["headers"].items()}
    return Answer(int(done["status_code"]), headers, body.encode() if isinstance(body, str) else body)
