"""What Kubernetes leaves behind in a cluster's VPC and around it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

from .. import backup, network
from ..efs import SYSTEMS
from . import balancers
from .control import BadSeed, seed
from .world import World, letters, tagged, world_of

Json = dict[str, Any]
_SIZE = 50


def interfaces(world: World, count: int = 2) -> None:
    """Interfaces that the CNI detached and never deleted."""
    for number in range(count):
        stranded_interface(world, world.private[number % len(world.private)])


def stranded_interface(world: World, subnet: str, instance: str | None = None) -> None:
    instance = instance or f"i-{letters(17)}"
    tags = {"cluster.k8s.amazonaws.com/name": world.name, "node.k8s.amazonaws.com/instance_id": instance,
            "eks:eni:owner": "amazon-vpc-cni"}
    world.client("ec2").create_network_interface(
        SubnetId=subnet, Groups=[world.some_group], Description=f"aws-K8S-{instance}",
        TagSpecifications=tagged("network-interface", tags))


def extra_tags(world: World) -> dict[str, str]:
    """The tags that the cluster's EBS driver was told to give."""
    addon = world.cluster.addons.get("aws-ebs-csi-driver") if world.cluster else None
    settings = json.loads(addon["body"].get("configurationValues") or "{}") if addon else {}
    return dict(settings.get("controller", {}).get("extraVolumeTags", {}))


def claim_tags(claim: str, namespace: str) -> dict[str, str]:
    """The tags of the EBS driver on the volume of a claim."""
    name = f"pvc-{uuid.uuid4()}"
    return {"ebs.csi.aws.com/cluster": "true", "CSIVolumeName": name, "kubernetes.io/created-for/pvc/name": claim,
            "kubernetes.io/created-for/pvc/namespace": namespace, "kubernetes.io/created-for/pv/name": name}


def volume(world: World, zone: str, tags: dict[str, str]) -> str:
    return world.client("ec2").create_volume(
        AvailabilityZone=zone, Size=_SIZE, VolumeType="gp3", Encrypted=True, TagSpecifications=tagged("volume", tags))["VolumeId"]


def snapshot(world: World, volume_id: str, tags: dict[str, str]) -> None:
    tags = {"ebs.csi.aws.com/cluster": "true", "CSIVolumeSnapshotName": f"snapshot-{uuid.uuid4()}"} | tags
    world.client("ec2").create_snapshot(VolumeId=volume_id, Description="Created by AWS EBS CSI driver for volume",
                                        TagSpecifications=tagged("snapshot", tags))


def volumes(world: World) -> None:
    """One claim in use by a node, and one that is not in use."""
    node, extra = world.node, extra_tags(world)
    zone = network.find_subnet(world.region, world.private[0]).availability_zone
    used = volume(world, node.availability_zone if node else zone, claim_tags("data-postgresql-0", "domino-platform") | extra)
    if node:
        world.client("ec2").attach_volume(VolumeId=used, InstanceId=node.id, Device="/dev/xvdaa")
    volume(world, zone, claim_tags("workspace-1", "domino-compute") | extra)


def snapshots(world: World) -> None:
    """Two snapshots of the first claim's volume; of any claim's of this cluster if that is not there."""
    extra, store = extra_tags(world), network.ec2(world.region)
    mine = [v for v in store.volumes.values() if "CSIVolumeName" in store.tags.get(v.id, {})
            and extra.items() <= store.tags[v.id].items()]
    mine.sort(key=lambda found: store.tags[found.id]["kubernetes.io/created-for/pvc/name"])
    if not mine:
        raise BadSeed("snapshots need the volumes: seed them first, or together")
    for _ in range(2):
        snapshot(world, mine[0].id, extra)


def log_group(world: World, name: str) -> None:
    """A group as an agent makes it: no tags, no retention, and something in it."""
    logs = world.client("logs")
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="node")
    now = int(time.time() * 1000)
    logs.put_log_events(logGroupName=name, logStreamName="node",
                        logEvents=[{"timestamp": now + n, "message": f"line {n} of {name}"} for n in range(20)])


def log_groups(world: World) -> None:
    for kind in ("application", "performance"):
        log_group(world, f"/aws/containerinsights/{world.name}/{kind}")


def recovery_points(world: World, vault: str) -> None:
    """A backup of each of the cluster's file systems."""
    for system in SYSTEMS[world.region].values():
        if {"Key": "domino-eks:cluster", "Value": world.name} in system.body["Tags"]:
            backup.make_point(world.region, system.body["FileSystemArn"], vault)


#: The parts, in their order: snapshots need volumes.
_PARTS = {"lbc": balancers.of_controller, "ccm": balancers.of_cloud_provider, "interfaces": interfaces, "volumes": volumes,
          "snapshots": snapshots, "logs": log_groups}


@seed("leftovers", "cluster", "only", "vault")
def leftovers(order: Json) -> Iterator[str]:
    every = [*_PARTS, "recovery-points"]
    wanted = order.get("only", every)
    if not isinstance(wanted, list) or set(wanted) - set(every):
        raise BadSeed(f"only is a list of some of {', '.join(every)}")
    vault = order.get("vault", backup.AUTOMATIC)
    world = world_of(order)
    for part, make in _PARTS.items():
        if part in wanted:
            make(world)
            yield part
    if "recovery-points" in wanted:
        recovery_points(world, vault)
        yield "recovery-points"
