"""The bearer token of EKS: a presigned GetCallerIdentity of STS. Checked as EKS's authenticator does, but for the signature."""

from __future__ import annotations

import base64
import re
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

_PREFIX = "k8s-aws-v1."
_STS_HOST = re.compile(r"sts(-fips)?(\.[a-z0-9-]+)?\.amazonaws\.com(\.cn)?")
_CREDENTIAL = re.compile(r"[^/]+/\d{8}/[^/]+/sts/aws4_request")
#: Anything else in the URL is refused.
_PARAMETERS = {"action", "version", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-security-token",
               "x-amz-signature", "x-amz-signedheaders", "x-amz-user-agent"}
_LIFE, _AHEAD = timedelta(minutes=15), timedelta(minutes=5)


def trouble(authorization: str) -> str | None:
    """Why a request is not let in. Clients are never told; the request log is."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        return "no bearer token"
    if not token.startswith(_PREFIX):
        return f"token without the prefix {_PREFIX}"
    text = token.removeprefix(_PREFIX)
    if not re.fullmatch(r"[A-Za-z0-9_-]+", text) or len(text) % 4 == 1:
        return "token is not base64url without padding"
    try:
        url = urlsplit(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode())
        return _trouble_of_host(url.scheme, url.hostname or "", url.path) or _trouble_of_query(url.query)
    except ValueError as error:
        return f"token is not a URL: {error}"


def _trouble_of_host(scheme: str, host: str, path: str) -> str | None:
    """STS over https; or this emulator, for clients whose STS it is."""
    if path not in ("", "/"):
        return f"unexpected path {path}"
    if host in ("127.0.0.1", "localhost", "::1"):
        return None if scheme in ("http", "https") else f"unexpected scheme {scheme}"
    if scheme != "https":
        return f"unexpected scheme {scheme}"
    return None if _STS_HOST.fullmatch(host) else f"unexpected host {host}"


def _trouble_of_query(query: str) -> str | None:
    """The signature is not checked, here as everywhere in the emulator: it knows no secret keys. So the cluster's name, which only
    the signature covers (the header x-k8s-aws-id is not in the token), is not checked either."""
    found: dict[str, list[str]] = {}
    for name, values in parse_qs(query, keep_blank_values=True).items():
        found.setdefault(name.lower(), []).extend(values)
    unknown = sorted(set(found) - _PARAMETERS)
    if unknown or any(len(values) > 1 for values in found.values()):
        return f"unexpected or repeated parameters {unknown or sorted(found)}"
    given = {name: values[0] for name, values in found.items()}
    if given.get("action") != "GetCallerIdentity":
        return f"unexpected action {given.get('action')}"
    missing = {"host", "x-k8s-aws-id"} - set(given.get("x-amz-signedheaders", "").lower().split(";"))
    if missing:
        return f"headers not signed: {sorted(missing)}"
    if not _CREDENTIAL.fullmatch(given.get("x-amz-credential", "")) or not given.get("x-amz-signature"):
        return "X-Amz-Credential or X-Amz-Signature missing or malformed"
    if not re.fullmatch(r"\d{1,3}", given.get("x-amz-expires", "")) or int(given["x-amz-expires"]) > 900:
        return "X-Amz-Expires missing or not from 0 to 900"
    return _trouble_of_date(given.get("x-amz-date", ""))


def _trouble_of_date(date: str) -> str | None:
    """15 minutes, whatever X-Amz-Expires says."""
    try:
        age = datetime.now(timezone.utc) - datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return f"malformed X-Amz-Date {date}"
    return f"X-Amz-Date {date} is too old, or in the future" if age > _LIFE or age < -_AHEAD else None
