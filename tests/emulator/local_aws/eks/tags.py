"""Tags of everything EKS, by ARN; and EKS in the inventory."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from ..errors import AwsError
from ..inventory import Entry, entry, source
from ..rules import answer
from ..wire import Call
from .store import CLUSTERS, Json, check_tags


def _holders() -> Iterator[tuple[str, Json]]:
    """(ARN, the dictionary with its tags)."""
    for clusters in CLUSTERS.values():
        for cluster in clusters.values():
            yield cluster.body["arn"], cluster.body
            for addon in cluster.addons.values():
                yield addon["body"]["addonArn"], addon["body"]
            for one in cluster.entries.values():
                yield one["accessEntryArn"], one
            for one in cluster.associations.values():
                yield one["associationArn"], one


def _find(call: Call) -> Json:
    wanted = unquote(call["resourceArn"])
    for arn, holder in _holders():
        if arn == wanted:
            return holder
    raise AwsError("NotFoundException", f"No resource found for ARN: {wanted}", 404)


@answer("eks", "TagResource")
def tag_resource(call: Call) -> Json:
    holder = _find(call)
    check_tags(call["tags"])
    merged = holder["tags"] | call["tags"]
    if len(merged) > 50:
        raise AwsError("BadRequestException", "The number of tags exceeds the limit of 50", 400)
    holder["tags"] = merged
    return {}


@answer("eks", "UntagResource")
def untag_resource(call: Call) -> Json:
    holder = _find(call)
    holder["tags"] = {k: v for k, v in holder["tags"].items() if k not in call.get("tagKeys", [])}
    return {}


@answer("eks", "ListTagsForResource")
def list_tags(call: Call) -> Json:
    return {"tags": _find(call)["tags"]}


@source
def _eks() -> Iterator[Entry]:
    for clusters in list(CLUSTERS.values()):
        for cluster in clusters.values():
            name = cluster.name
            yield entry("eks", "cluster", cluster.body["arn"], cluster.body["tags"], name=name, status=cluster.status)
            for addon in cluster.addons.values():
                yield entry("eks", "addon", f"{name}/{addon['body']['addonName']}", addon["body"]["tags"])
            for principal, one in cluster.entries.items():
                yield entry("eks", "access-entry", f"{name}/{principal}", one["tags"])
            for one in cluster.associations.values():
                yield entry("eks", "pod-identity-association", one["associationArn"], one["tags"])
