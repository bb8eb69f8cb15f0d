"""Runs scripts of boto3 against a local AWS: one JSON line with `script` in, one with `result` or `error` out.

A script finds clients by their names (`ec2`, `s3`, …; each is made when it is first named), `full` for lists without pages,
and `json`. What it leaves in `result` is the answer.
"""

from __future__ import annotations

import json
import os
import traceback
from typing import Any, TextIO

import boto3
from botocore.config import Config

from .models import session

NAMES = ("ec2", "eks", "autoscaling", "efs", "iam", "s3", "kms", "logs", "sts")
_KEYS = {"aws_access_key_id": "other", "aws_secret_access_key": "other", "region_name": "us-west-2"}

_session = boto3.session.Session(botocore_session=session())


def _client(name: str, url: str) -> Any:
    return _session.client(name, endpoint_url=url, config=Config(retries={"total_max_attempts": 1}), **_KEYS)


def load() -> None:
    """Read the models of all clients, which the session keeps."""
    for name in NAMES:
        _client(name, "http://127.0.0.1:1")


def _full(client: Any, operation: str, **more: Any) -> Any:
    return client.get_paginator(operation).paginate(**more).build_full_result()


class _Scope(dict):
    """The names of a script; a client's name makes the client."""

    def __init__(self, clients: dict[str, Any], url: str) -> None:
        super().__init__(json=json, full=_full)
        self._clients, self._url = clients, url

    def __missing__(self, name: str) -> Any:
        if name not in NAMES:
            raise KeyError(name)
        if name not in self._clients:
            self._clients[name] = _client(name, self._url)
        return self._clients[name]


def serve(stream: TextIO, url: str) -> None:
    """Run each script that arrives, until the stream ends. Clients stay from one script to the next, variables do not."""
    # For clients that a script makes by itself, in another region: no request of a test may leave the machine.
    os.environ.update(AWS_ENDPOINT_URL=url, AWS_ACCESS_KEY_ID="other", AWS_SECRET_ACCESS_KEY="other", AWS_EC2_METADATA_DISABLED="true")
    clients: dict[str, Any] = {}
    for line in stream:
        scope = _Scope(clients, url)
        try:
            exec(json.loads(line)["script"], scope)  # noqa: S102 (the scripts are the tests' own)
            answer = {"result": scope.get("result")}
        except Exception:
            answer = {"error": traceback.format_exc()}
        stream.write(json.dumps(answer, default=str) + "\n")
        stream.flush()
