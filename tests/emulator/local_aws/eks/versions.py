"""Kubernetes versions that EKS offers."""

from __future__ import annotations

from datetime import datetime, timezone

from ..errors import AwsError
from ..rules import answer
from ..wire import Call

DEFAULT = "1.35"
#: version: patch, release, end of standard support, end of extended support.
VERSIONS = {
    "1.36": ("1.36.1", "2026-06-02", "2027-08-02", "2028-08-02"),
    "1.35": ("1.35.4", "2026-01-27", "2027-03-27", "2028-03-27"),
    "1.34": ("1.34.7", "2025-10-02", "2026-12-02", "2027-12-02"),
    "1.33": ("1.33.11", "2025-05-29", "2026-07-29", "2027-07-29"),
}
#: Out of standard support: described, and still accepted.
_EXTENDED = {"1.33"}


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def _information(version: str) -> dict:
    patch, released, standard, extended = VERSIONS[version]
    status = "EXTENDED_SUPPORT" if version in _EXTENDED else "STANDARD_SUPPORT"
    return {
        "clusterVersion": version,
        "clusterType": "eks",
        "defaultPlatformVersion": "eks.9",
        "defaultVersion": version == DEFAULT,
        "releaseDate": _day(released),
        "endOfStandardSupportDate": _day(standard),
        "endOfExtendedSupportDate": _day(extended),
        "status": status.lower().replace("_", "-"),
        "versionStatus": status,
        "kubernetesPatchVersion": patch,
    }


@answer("eks", "DescribeClusterVersions")
def describe_cluster_versions(call: Call) -> dict:
    wanted = call.get("clusterVersions", [])
    unknown = [version for version in wanted if version not in VERSIONS]
    if unknown:
        raise AwsError("InvalidParameterException", f"Invalid cluster versions: {', '.join(unknown)}")
    found = [_information(version) for version in VERSIONS]
    if wanted:
        found = [v for v in found if v["clusterVersion"] in wanted]
    if call["defaultOnly"]:
        found = [v for v in found if v["defaultVersion"]]
    for name in ("versionStatus", "status"):
        if call[name]:
            found = [v for v in found if v[name].upper().replace("-", "_") == call[name].upper().replace("-", "_")]
    return {"clusterVersions": found}
