"""What EKS knows, by region and cluster name."""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ..errors import AwsError
from ..rules import on_reset
from ..wire import ACCOUNT

Json = dict[str, Any]


@dataclass
class Cluster:
    """A cluster's description as the API shows it, and what belongs to it."""

    region: str
    body: Json
    interfaces: list[str] = field(default_factory=list)
    addons: dict[str, Json] = field(default_factory=dict)
    entries: dict[str, Json] = field(default_factory=dict)
    policies: dict[str, dict[str, Json]] = field(default_factory=lambda: defaultdict(dict))
    associations: dict[str, Json] = field(default_factory=dict)
    updates: dict[str, Json] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.body["name"]

    @property
    def status(self) -> str:
        return self.body["status"]


CLUSTERS: dict[str, dict[str, Cluster]] = defaultdict(dict)
on_reset(CLUSTERS.clear)


def find(region: str, name: str | None) -> Cluster:
    cluster = CLUSTERS[region].get(name or "")
    if cluster is None:
        raise AwsError("ResourceNotFoundException", f"No cluster found for name: {name}.", clusterName=name)
    return cluster


def find_active(region: str, name: str | None, what: str) -> Cluster:
    """For everything inside a cluster: it must have come up."""
    cluster = find(region, name)
    if cluster.status not in ("ACTIVE", "UPDATING"):
        raise AwsError("InvalidRequestException", f"{what} cannot be changed as cluster {name} is not in ACTIVE state; "
                       f"cluster status is {cluster.status}", clusterName=name)
    return cluster


def arn(region: str, kind: str, *parts: str) -> str:
    return f"arn:aws:eks:{region}:{ACCOUNT}:{kind}/{'/'.join(parts)}"


def now() -> datetime:
    return datetime.now(timezone.utc)


def new_id() -> str:
    return str(uuid.uuid4())


def check_tags(tags: Json | None) -> None:
    if any(key.lower().startswith("aws:") for key in tags or {}):
        raise AwsError("InvalidParameterException", "Tag keys starting with aws: are reserved for system use")
    if len(tags or {}) > 50:
        raise AwsError("InvalidParameterException", "The number of tags exceeds the limit of 50")
