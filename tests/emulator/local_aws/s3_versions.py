"""S3: lists and deletes of object versions, as S3 does them and fast enough for a hundred thousand."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote_plus

import moto.s3.utils as moto_s3_utils
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeDeleteMarker, FakeKey

from . import pagination
from .errors import AwsError
from .moto_bridge import backend
from .rules import answer, on_reset
from .wire import Answer, Call

#: Versions of a key, newest first, each with whether it is the latest.
Versions = Iterator[tuple[Any, bool]]
_MOST = 1000
_OWNER = "<Owner><ID>75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a</ID><DisplayName>webfile</DisplayName></Owner>"
_LOCKED = ("AccessDenied", "Access Denied because object protected by object lock.")
_BROKEN = ("InternalError", "We encountered an internal error. Please try again.")
_SPECIAL = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
_TO_ESCAPE = re.compile("[&<>\"\x00-\x1f]")

#: Deletes that are each followed by a new object, and deletes that fail for one key each: calls left, by bucket.
FILLING: dict[str, int] = {}
PARTIAL: dict[str, int] = {}
#: When the version of a marker was made, by bucket, key and version: it may be deleted before the next page is asked for.
_MARKERS: dict[tuple[str, str, str], datetime] = {}
for _forgotten in (FILLING, PARTIAL, _MARKERS):
    on_reset(_forgotten.clear)


def _setlist(self: Any, key: str, versions: Any) -> None:
    """moto compares every old version with every new one: hours for a key with many."""
    versions = list(versions) if isinstance(versions, (list, tuple)) else [versions]
    kept = {id(version) for version in versions}
    for old in self.getlist(key, []):
        if id(old) not in kept and hasattr(old, "dispose"):
            old.dispose()
    dict.__setitem__(self, key, versions)


moto_s3_utils._VersionedKeyStore.setlist = _setlist


def bucket_of(call: Call) -> Any:
    found = backend("s3").buckets.get(call["Bucket"])
    if found is None:
        raise AwsError("NoSuchBucket", "The specified bucket does not exist", 404, BucketName=call["Bucket"])
    return found


def escape(text: str) -> str:
    """As S3 writes it: control characters become references, though XML has no such characters."""
    return _TO_ESCAPE.sub(lambda match: _SPECIAL.get(match[0]) or f"&#x{ord(match[0]):X};", text)


def element(name: str, value: Any) -> str:
    return "" if value is None else f"<{name}>{value}</{name}>"


class Writer:
    """Names in the encoding that was asked for."""

    def __init__(self, call: Call) -> None:
        self.kind = call["EncodingType"]
        if self.kind not in (None, "url"):
            raise AwsError("InvalidArgument", "Invalid Encoding Method specified in Request", 400, ArgumentName="encoding-type",
                           ArgumentValue=self.kind)

    def name(self, text: str | None) -> str | None:
        if text is None:
            return None
        return quote_plus(text, safe="/*-._") if self.kind == "url" else escape(text)


def document(root: str, body: str) -> Answer:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{body}</{root}>'
    return Answer(200, {"Content-Type": "application/xml"}, text.encode())


def page_limit(call: Call, name: str) -> tuple[int, int]:
    """What the client asked for, and what it gets."""
    asked = call[name]
    if asked is not None and int(asked) < 0:
        raise AwsError("InvalidArgument", f"Argument {name} must be an integer between 0 and 2147483647", 400)
    asked = _MOST if asked is None else int(asked)
    return asked, min(asked, _MOST, pagination.PAGE_SIZE or _MOST)


def _version_marker(call: Call) -> str | None:
    if not call["VersionIdMarker"]:
        if "version-id-marker=" in call.http.query and call["KeyMarker"]:
            raise AwsError("InvalidArgument", "A version-id marker cannot be empty.", 400, ArgumentName="version-id-marker", ArgumentValue="")
        return None
    if not call["KeyMarker"]:
        raise AwsError("InvalidArgument", "A version-id marker cannot be specified without a key marker.", 400,
                       ArgumentName="version-id-marker", ArgumentValue=call["VersionIdMarker"])
    return call["VersionIdMarker"]


def _rest_of_key(bucket: Any, key: str, marker: str) -> Versions:
    """The versions of a key that come after a marker, which perhaps is deleted by now."""
    versions = bucket.keys.getlist(key, [])
    latest = versions[-1] if versions else None
    if (bucket.name, key, marker) in _MARKERS:
        when = _MARKERS[bucket.name, key, marker]
        place = bisect_left(versions, when, key=lambda version: version.last_modified)
    else:
        place = next((n for n, version in enumerate(versions) if version.version_id == marker), None)
    if place is None:
        raise AwsError("InvalidArgument", "Invalid version id specified", 400, ArgumentName="version-id-marker", ArgumentValue=marker)
    return ((versions[n], versions[n] is latest) for n in range(place - 1, -1, -1))


def _in_order(bucket: Any, call: Call) -> Iterator[tuple[str, Versions]]:
    """Keys after the marker with their versions, newest first, and whether each is the latest."""
    marker, prefix, version_marker = call.get("KeyMarker", ""), call.get("Prefix", ""), _version_marker(call)
    if version_marker:
        rest = _rest_of_key(bucket, marker, version_marker)
        if marker.startswith(prefix):
            yield marker, rest
    for key in sorted(k for k in dict.keys(bucket.keys) if k > marker and k.startswith(prefix)):
        yield key, ((version, place == 0) for place, version in enumerate(reversed(bucket.keys.getlist(key))))


def _entry(version: Any, latest: bool, writer: Writer) -> str:
    head = (f"<Key>{writer.name(version.name)}</Key><VersionId>{version.version_id}</VersionId><IsLatest>{str(latest).lower()}</IsLatest>"
            f"<LastModified>{version.last_modified_ISO8601}</LastModified>")
    if isinstance(version, FakeDeleteMarker):
        return f"<DeleteMarker>{head}{_OWNER}</DeleteMarker>"
    return (f"<Version>{head}<ETag>{escape(version.etag)}</ETag><Size>{version.size}</Size>{_OWNER}"
            f"<StorageClass>{version.storage_class}</StorageClass></Version>")


@answer("s3", "ListObjectVersions")
def list_versions(call: Call) -> Answer:
    bucket, writer = bucket_of(call), Writer(call)
    asked, limit = page_limit(call, "MaxKeys")
    entries, prefixes, last = [], [], ("", None)
    more = False
    for key, version, latest in _items(bucket, call, limit):
        if len(entries) + len(prefixes) >= limit:
            more = limit > 0
            break
        if version is None:
            prefixes.append(f"<CommonPrefixes><Prefix>{writer.name(key)}</Prefix></CommonPrefixes>")
        else:
            entries.append(_entry(version, latest, writer))
        last = (key, version)
    following = ""
    if more:
        following = element("NextKeyMarker", writer.name(last[0]))
        if last[1] is not None:
            _MARKERS[bucket.name, last[0], last[1].version_id] = last[1].last_modified
            following += element("NextVersionIdMarker", last[1].version_id)
    head = (element("Name", bucket.name) + element("Prefix", writer.name(call.get("Prefix", "")))
            + element("KeyMarker", writer.name(call.get("KeyMarker", ""))) + element("VersionIdMarker", call.get("VersionIdMarker", ""))
            + following + element("MaxKeys", asked) + element("Delimiter", writer.name(call["Delimiter"]))
            + element("EncodingType", writer.kind) + element("IsTruncated", str(more).lower()))
    return document("ListVersionsResult", head + "".join(entries) + "".join(prefixes))


def _items(bucket: Any, call: Call, limit: int) -> Iterator[tuple[str, Any, bool]]:
    """(key, version, latest); a common prefix has no version."""
    delimiter, prefix, marker = call["Delimiter"], call.get("Prefix", ""), call.get("KeyMarker", "")
    seen = marker if delimiter and marker.endswith(delimiter) else None
    for key, versions in _in_order(bucket, call):
        if delimiter and delimiter in key[len(prefix):]:
            common = prefix + key[len(prefix):].partition(delimiter)[0] + delimiter
            if common != seen:
                seen = common
                yield common, None, False
            continue
        for version, latest in versions:
            yield key, version, latest


def _id(version: Any) -> str:
    """The id without a property's detour: this is asked a hundred thousand times."""
    return version._version_id or "null"


def _add_marker(bucket: Any, key: str, identity: str | None = None) -> str:
    """A delete marker on top, also of a key that never was."""
    versions = bucket.keys.getlist(key, [])
    marker = FakeDeleteMarker(key=versions[-1] if versions else SimpleNamespace(name=key))
    if identity:
        marker._version_id = identity
    dict.__setitem__(bucket.keys, key, [*versions, marker])
    return marker.version_id


def _remove(bucket: Any, key: str, identities: set[str]) -> None:
    """Take versions of one key away, and the key with the last of them."""
    kept = []
    for version in bucket.keys.getlist(key, []):
        if _id(version) not in identities:
            kept.append(version)
        elif hasattr(version, "dispose"):
            version.dispose()
    if kept:
        dict.__setitem__(bucket.keys, key, kept)
    else:
        dict.pop(bucket.keys, key, None)


class _Batch:
    """One DeleteObjects: what is deleted, and what is not."""

    def __init__(self, call: Call) -> None:
        self.bucket, self.call = bucket_of(call), call
        self.bypass = call.http.header("x-amz-bypass-governance-retention").lower() == "true"
        self.doomed: dict[str, set[str]] = {}
        self.deleted: list[str] = []
        self.errors: list[str] = []
        self._wanted: dict[str, set[str]] = {}
        self._versions: dict[str, dict[str, Any]] = {}

    def known(self, key: str, identity: str) -> Any:
        """A version that the batch names. Each key's versions are gone through once."""
        if key not in self._versions:
            wanted = self._wanted.get(key) or {identity}
            self._versions[key] = {_id(version): version for version in self.bucket.keys.getlist(key, []) if _id(version) in wanted}
        return self._versions[key].get(identity)

    def run(self) -> None:
        objects = self.call.get("Delete", {}).get("Objects") or []
        for one in objects:
            self._wanted.setdefault(one["Key"], set()).add(one.get("VersionId") or "")
        for place, one in enumerate(objects):
            trouble = _BROKEN if place == 0 and _one_of(PARTIAL, self.bucket.name) else self.trouble(one)
            if trouble:
                self._refuse(one, *trouble)
            elif one.get("VersionId"):
                self._version(one["Key"], one["VersionId"])
            else:
                self.delete_key(one["Key"])
        for key, identities in self.doomed.items():
            _remove(self.bucket, key, identities)

    def trouble(self, one: dict[str, str]) -> tuple[str, str] | None:
        key, identity = one["Key"], one.get("VersionId")
        if self.bucket.policy is not None and self.bucket.get_permission(
                "s3:DeleteObject", f"arn:aws:s3:::{self.bucket.name}/{key}") == PermissionResult.DENIED:
            return "AccessDenied", "Access Denied"
        version = self.known(key, identity) if identity else None
        if isinstance(version, FakeKey) and version.is_locked(governance_bypass=self.bypass):
            return _LOCKED
        return None

    def _refuse(self, one: dict[str, str], code: str, message: str) -> None:
        identity = element("VersionId", one.get("VersionId"))
        self.errors.append(f"<Error><Key>{escape(one['Key'])}</Key>{identity}<Code>{code}</Code><Message>{message}</Message></Error>")

    def _version(self, key: str, identity: str) -> None:
        version = self.known(key, identity)
        if version is not None:
            self.doomed.setdefault(key, set()).add(identity)
        marker = isinstance(version, FakeDeleteMarker)
        more = f"<DeleteMarker>true</DeleteMarker><DeleteMarkerVersionId>{identity}</DeleteMarkerVersionId>" if marker else ""
        self.deleted.append(f"<Deleted><Key>{escape(key)}</Key><VersionId>{escape(identity)}</VersionId>{more}</Deleted>")

    def delete_key(self, key: str) -> None:
        status, more = self.bucket.versioning_status, ""
        if status is None:
            _remove(self.bucket, key, {version.version_id for version in self.bucket.keys.getlist(key, [])})
        else:
            if status != "Enabled":
                _remove(self.bucket, key, {"null"})
            identity = _add_marker(self.bucket, key, None if status == "Enabled" else "null")
            more = f"<DeleteMarker>true</DeleteMarker><DeleteMarkerVersionId>{identity}</DeleteMarkerVersionId>"
        self._versions.pop(key, None)
        self.deleted.append(f"<Deleted><Key>{escape(key)}</Key>{more}</Deleted>")


def _one_of(left: dict[str, int], bucket: str) -> bool:
    """Take one of the calls that are left."""
    if left.get(bucket, 0) <= 0:
        return False
    left[bucket] -= 1
    return True


@answer("s3", "DeleteObjects")
def delete_objects(call: Call) -> Answer:
    """A quiet delete names only what failed."""
    wanted = call.get("Delete", {})
    if not 1 <= len(wanted.get("Objects") or []) <= _MOST:
        raise AwsError("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema", 400)
    batch = _Batch(call)
    batch.run()
    if _one_of(FILLING, batch.bucket.name):
        number = FILLING[batch.bucket.name]
        backend("s3").put_object(batch.bucket.name, f"written-meanwhile-{number}", b"late")
    quiet = str(wanted.get("Quiet", False)).lower() == "true"
    return document("DeleteResult", ("" if quiet else "".join(batch.deleted)) + "".join(batch.errors))


def _check_etag(bucket: Any, key: str, wanted: str) -> None:
    version = bucket.keys.get(key)
    if not isinstance(version, FakeKey):
        raise AwsError("NoSuchKey", "The specified key does not exist.", 404, Key=key)
    if wanted.replace('"', "") != version.etag.replace('"', ""):
        raise AwsError("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412, Condition="If-Match")


@answer("s3", "DeleteObject")
def delete_object(call: Call) -> Answer:
    """One version, or a delete marker on top; in a bucket without versions the object."""
    batch, key, identity = _Batch(call), call["Key"], call["VersionId"]
    if call.http.header("if-match"):
        _check_etag(batch.bucket, key, call.http.header("if-match"))
    one = {"Key": key} | ({"VersionId": identity} if identity else {})
    trouble = batch.trouble(one)
    if trouble:
        raise AwsError(*trouble, 403)
    if identity:
        marker = isinstance(batch.known(key, identity), FakeDeleteMarker)
        _remove(batch.bucket, key, {identity})
        return Answer(204, {"x-amz-version-id": identity} | ({"x-amz-delete-marker": "true"} if marker else {}), b"")
    batch.delete_key(key)
    if batch.bucket.versioning_status is None:
        return Answer(204, {}, b"")
    return Answer(204, {"x-amz-version-id": batch.bucket.keys[key].version_id, "x-amz-delete-marker": "true"}, b"")
