"""Which instances are nodes of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator

#: Set by the Auto Scaling part: (region) -> (cluster tag keys of a group, moments when its instances came into service).
SOURCES: list[Callable[[str], Iterator[tuple[set[str], list[float]]]]] = []


def ready_since(region: str, cluster: str) -> float | None:
    """Since when (monotonic) the cluster has had a node: the oldest instance in service of its groups."""
    moments = [
        moment
        for give in SOURCES
        for keys, since in give(region)
        if f"kubernetes.io/cluster/{cluster}" in keys
        for moment in since
    ]
    return min(moments) if moments else None
