"""Somebody else's machine in the middle of our VPC."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .. import instance_launch as machines
from .. import network
from ..rules import on_reset
from .balancers import group, open_port
from .control import BadSeed, seed
from .world import World, letters, tagged, world_of

Json = dict[str, Any]
_GROUP = "team-b-bastion"
_DESCRIPTION = "bastion of team b"
#: What was put there: kind, region and id.
_MADE: list[tuple[str, str, str]] = []
on_reset(_MADE.clear)


@seed("foreign", "cluster", "attached")
def foreign(order: Json) -> Iterator[str]:
    """An interface of another team in a private subnet of ours, with a group of theirs in our VPC."""
    attached = order.get("attached", True)
    if not isinstance(attached, bool):
        raise BadSeed("attached is true or false")
    world = world_of(order)
    owned = network.ec2(world.region).groups.get(world.vpc, {}).values()
    found = next((g.id for g in owned if g.name == _GROUP), None) or group(world, _GROUP, "team b's bastion", {"team": "b"})
    _MADE.append(("group", world.region, found))
    if attached:
        _machine(world, found)
    else:
        eni = world.client("ec2").create_network_interface(
            SubnetId=world.private[0], Groups=[found], Description=_DESCRIPTION,
            TagSpecifications=tagged("network-interface", {"team": "b", "Name": "bastion"}))
        _MADE.append(("interface", world.region, eni["NetworkInterface"]["NetworkInterfaceId"]))
    yield "foreign"


def image_of(world: World) -> str:
    name = "/aws/service/eks/optimized-ami/1.35/amazon-linux-2023/x86_64/standard/recommended/image_id"
    return world.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]


def _machine(world: World, group_id: str) -> None:
    """A running instance, whose interface holds the subnet."""
    made = world.client("ec2").run_instances(
        ImageId=image_of(world), InstanceType="t3.micro", MinCount=1, MaxCount=1, SubnetId=world.private[0], SecurityGroupIds=[group_id],
        TagSpecifications=tagged("instance", {"team": "b", "Name": "bastion"}), ClientToken=letters(32))
    instance = machines.find_instance(world.region, made["Instances"][0]["InstanceId"])
    machines.come_up(instance)
    for eni in instance.nics.values():
        eni.description = _DESCRIPTION
        eni.add_tags({"team": "b", "Name": "bastion"})
    _MADE.append(("instance", world.region, instance.id))


@seed("remove-foreign", "cluster")
def remove_foreign(_order: Json) -> Iterator[str]:
    """Team b leaves: machines and interfaces first, then their group."""
    for kind, region, identity in sorted(_MADE, reverse=True):
        if kind == "instance":
            _end(region, identity)
        elif kind == "interface":
            network.drop_interface(region, identity)
        else:
            network.drop_group(region, identity)
    _MADE.clear()
    yield "remove-foreign"


def _end(region: str, identity: str) -> None:
    instance = machines.find_instance(region, identity)
    if instance is not None:
        machines.gone(region, instance)
