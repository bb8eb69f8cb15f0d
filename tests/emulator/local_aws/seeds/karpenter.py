"""A node that Karpenter started: of no Auto Scaling Group, so nothing ends it with the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .. import instance_launch as machines
from .control import seed
from .foreign import image_of
from .world import letters, tagged, world_of

Json = dict[str, Any]


@seed("karpenter", "cluster")
def karpenter(order: Json) -> Iterator[str]:
    """One running node in a private subnet, with the group of the cluster, and the tags that Karpenter gives."""
    world = world_of(order)
    tags = {f"kubernetes.io/cluster/{world.name}": "owned", "karpenter.sh/nodepool": "default", "eks:eks-cluster-name": world.name,
            "karpenter.k8s.aws/ec2nodeclass": "default", "Name": "default/node"}
    made = world.client("ec2").run_instances(
        ImageId=image_of(world), InstanceType="m5.large", MinCount=1, MaxCount=1, SubnetId=world.private[0],
        SecurityGroupIds=[world.some_group], TagSpecifications=tagged("instance", tags), ClientToken=letters(32))
    machines.come_up(machines.find_instance(world.region, made["Instances"][0]["InstanceId"]))
    yield "karpenter"
