"""A boto3-like client that never leaves the process: its calls keep all rules, and are in no log and under no fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSResponse
from botocore.config import Config

from ..models import session
from ..wire import Answer, Call, Http, understand

_answer: list[Callable[[Call], Answer]] = []


def answer_with(function: Callable[[Call], Answer]) -> None:
    """Name the function that answers a call; the caller of a client holds its lock."""
    _answer[:] = [function]


class _Body:
    """The answer's body, as botocore reads it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.read()

    def read(self, *_: Any, **__: Any) -> bytes:
        body, self._body = self._body, b""
        return body


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _send(request: Any, **_: Any) -> AWSResponse:
    place = urlsplit(request.url)
    body = request.body or b""
    body = body.read() if hasattr(body, "read") else body
    headers = {name.lower(): _text(value) for name, value in request.headers.items()} | {"host": place.netloc}
    http = Http(request.method, place.path or "/", place.query, headers, body.encode() if isinstance(body, str) else bytes(body))
    call = understand(http)
    call.inside = True
    answer = _answer[0](call)
    return AWSResponse(request.url, answer.status, answer.headers, _Body(answer.body))


@cache
def client(service: str, region: str) -> Any:
    """A client of a service; IAM has one region only."""
    made = session().create_client(
        service, "us-east-1" if service == "iam" else region, endpoint_url="http://127.0.0.1",
        aws_access_key_id="seed", aws_secret_access_key="seed",
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}))
    made.meta.events.register("before-send", _send)
    return made
