"""Buckets full of objects: many, odd, locked, growing, failing."""

from __future__ import annotations

import gc
import hashlib
import itertools
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from moto.core.utils import utcnow
from moto.s3.models import FakeDeleteMarker, FakeKey, FakeMultipart
from moto.utilities.utils import LowercaseDict

from .. import s3_versions
from ..moto_bridge import backend
from ..odd_keys import ODD
from ..wire import ACCOUNT
from .control import BadSeed, seed

Json = dict[str, Any]
_NUMBERS = ("keys", "versions_per_key", "delete_markers", "uploads", "size", "locked", "filling", "partial")
_STEP = timedelta(microseconds=1)
_SEEDS = itertools.count(1)

@cache
def _etag(size: int) -> str:
    return hashlib.md5(b"x" * size, usedforsecurity=False).hexdigest()


class SeededKey(FakeKey):
    """An object whose content is nothing but its size; what all of them share stands in the class."""

    account_id, region_name, partition, acl, website_redirect_location = ACCOUNT, "us-east-1", "aws", None, None
    checksum_algorithm = checksum_value = checksum_type = checksum_parts = None
    encryption = kms_key_id = bucket_key_enabled = multipart = None
    _tick = 0
    lock_mode = lock_legal_status = lock_until = _expiry = None
    _storage_class, disposed = "STANDARD", True
    _metadata = LowercaseDict()

    def __init__(self, bucket: Any, name: str, size: int, when: datetime) -> None:
        self.name, self.bucket_name, self.contentsize, self.last_modified = name, bucket.name, size, when
        self._is_versioned = bucket.is_versioned
        self._version_id = str(uuid.uuid4()) if bucket.is_versioned else "null"

    @property
    def value(self) -> bytes:
        return b"x" * self.contentsize

    @property
    def etag(self) -> str:
        return f'"{_etag(self.contentsize)}"'

    def dispose(self, garbage: bool = False) -> None:
        """There is nothing to close."""


SeededKey._metadata["Content-Type"] = "binary/octet-stream"


def _number(order: Json, name: str) -> int:
    value = order.get(name, {"versions_per_key": 1, "size": 10}.get(name, 0))
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BadSeed(f"{name} is a number")
    return value


def _bucket(order: Json, numbers: dict[str, int]) -> Any:
    bucket = backend("s3").buckets.get(order.get("bucket"))
    if bucket is None:
        raise BadSeed(f"no bucket {order.get('bucket')!r}")
    if not bucket.is_versioned and (numbers["versions_per_key"] > 1 or numbers["delete_markers"] or numbers["locked"]):
        raise BadSeed(f"{bucket.name} keeps no versions: no more than one for a key, no delete markers, no locks")
    return bucket


@seed("objects", "bucket", "odd_keys", *_NUMBERS)
def objects(order: Json) -> Iterator[str]:
    numbers = {name: _number(order, name) for name in _NUMBERS}
    bucket = _bucket(order, numbers)
    number, when = next(_SEEDS), utcnow()
    names = [f"seed-{number}/{n:07d}" for n in range(numbers["keys"])] + (list(ODD) if order.get("odd_keys") else [])
    locked = [f"locked-{number}/{n:07d}" for n in range(numbers["locked"])]
    for round_number in range(numbers["versions_per_key"]):
        _write(bucket, names if round_number else names + locked, numbers["size"], when + round_number * _STEP)
    for name in locked:
        version = bucket.keys[name]
        version.lock_mode, version.lock_until = "COMPLIANCE", f"{when.year + 10}-01-01T00:00:00Z"
    _mark(bucket, names or locked, numbers["delete_markers"], when + numbers["versions_per_key"] * _STEP)
    for n in range(numbers["uploads"]):
        upload = FakeMultipart(f"upload-{number}/{n:07d}", {}, ACCOUNT, bucket.region_name)  # type: ignore[arg-type]
        bucket.multiparts[upload.id] = upload
    s3_versions.FILLING[bucket.name] = numbers["filling"]
    s3_versions.PARTIAL[bucket.name] = numbers["partial"]
    gc.freeze()  # or the collector goes through all of them again and again
    yield "objects"


def _write(bucket: Any, names: list[str], size: int, when: datetime) -> None:
    """One more version of each key."""
    for name in names:
        made = SeededKey(bucket, name, size, when)
        versions = dict.get(bucket.keys, name)
        if versions is None or not bucket.is_versioned:
            dict.__setitem__(bucket.keys, name, [made])
        else:
            versions.append(made)


def _mark(bucket: Any, names: list[str], count: int, when: datetime) -> None:
    """Delete markers on top, one key after the other, and round again."""
    if count and not names:
        raise BadSeed("delete markers need keys")
    for n in range(count):
        name = names[n % len(names)]
        marker = FakeDeleteMarker(bucket.keys[name])
        marker.last_modified = when + (n // len(names)) * _STEP
        dict.__getitem__(bucket.keys, name).append(marker)
