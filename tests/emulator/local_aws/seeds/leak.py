"""Things that are left behind later, when nodes and the cluster go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .. import ec2_deletes
from ..clock import CLOCK
from ..eks import clusters
from ..eks.store import Cluster
from ..instance_launch import GONE
from ..kms_logs import IN_CHANGE
from ..moto_bridge import backend
from ..network import ec2
from ..rules import on_reset
from .control import BadSeed, seed
from .leftovers import stranded_interface
from .world import World, cluster_name, world_of

Json = dict[str, Any]

#: Interfaces still to be left, by region and cluster.
_INTERFACES: dict[tuple[str, str], int] = {}
#: Clusters whose log group comes back.
_LOG_GROUPS: set[tuple[str, str]] = set()
on_reset(_INTERFACES.clear)
on_reset(_LOG_GROUPS.clear)


@seed("leak", "cluster", "interfaces", "cluster_security_group", "log_group")
def leak(order: Json) -> Iterator[str]:
    """Arms what is to come; makes nothing now."""
    key, count = (order["region"], cluster_name(order)), order.get("interfaces", 0)
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise BadSeed("interfaces is a number")
    _INTERFACES[key] = count
    for name, armed in (("cluster_security_group", clusters.KEPT_GROUPS), ("log_group", _LOG_GROUPS)):
        if not isinstance(order.get(name, False), bool):
            raise BadSeed(f"{name} is true or false")
        (armed.add if order.get(name) else armed.discard)(key)
    yield "leak"


@seed("slow-volumes", "seconds")
def slow_volumes(order: Json) -> Iterator[str]:
    """Arms what is to come: volumes are `deleting` for so many real seconds."""
    seconds = order.get("seconds")
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or seconds < 0:
        raise BadSeed("seconds is a number")
    ec2_deletes.SLOW[order["region"]] = float(seconds)
    yield "slow-volumes"


@seed("failing-cluster", "cluster")
def failing_cluster(order: Json) -> Iterator[str]:
    """Arms what is to come: the cluster's creation ends in FAILED."""
    clusters.FAILING.add((order["region"], cluster_name(order)))
    yield "failing-cluster"


def _cluster_of(region: str, instance: Any) -> str | None:
    """The cluster whose armed leak this node is part of."""
    tags = ec2(region).tags.get(instance.id, {})
    names = [name for place, name in _INTERFACES if place == region]
    return next((name for name in names if tags.get("domino-eks:cluster") == name or tags.get(f"kubernetes.io/cluster/{name}")), None)


@GONE.append
def _node_is_gone(region: str, instance: Any) -> None:
    """An interface that the CNI had attached stays, one for each node until there are enough; the last ones on the last node."""
    name = _cluster_of(region, instance)
    if name is None or not _INTERFACES[region, name]:
        return
    world = _world(region, name)
    if world is None:
        return
    count = 1 if _others(region, name, instance) else _INTERFACES[region, name]
    _INTERFACES[region, name] -= count
    for _ in range(count):
        with CLOCK.standing():
            stranded_interface(world, instance.subnet_id, instance.id)


def _others(region: str, name: str, instance: Any) -> bool:
    """Whether the cluster has more nodes that still can leave something."""
    instances = (i for reservation in ec2(region).reservations.values() for i in reservation.instances)
    return any(i is not instance and i.state != "terminated" and _cluster_of(region, i) == name for i in instances)


def _world(region: str, name: str) -> World | None:
    try:
        return world_of({"region": region, "cluster": name})
    except BadSeed:
        return None


@clusters.VANISHED.append
def _cluster_is_gone(cluster: Cluster) -> None:
    """The control plane's last lines come late, and bring their group back."""
    key = cluster.region, cluster.name
    if key in _LOG_GROUPS:
        _LOG_GROUPS.discard(key)
        CLOCK.after("log_group_again", lambda: _log_group_again(*key))


def _log_group_again(region: str, name: str) -> None:
    group = f"/aws/eks/{name}/cluster"
    if group not in backend("logs", region).groups:
        backend("logs", region).create_log_group(group, {})
        # EKS still writes to it: the first deletion meets that.
        IN_CHANGE.add((region, group))
