"""Where a cluster lives: its VPC, subnets and security groups, as a seed needs them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from .. import network
from ..autoscaling_groups import GROUPS, Group
from ..eks.store import CLUSTERS, Cluster
from .control import BadSeed
from .inside import client

Json = dict[str, Any]


def letters(length: int) -> str:
    """So many hexadecimal digits."""
    return secrets.token_hex(length)[:length]


def tag_list(tags: dict[str, str]) -> list[Json]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tagged(kind: str, tags: dict[str, str]) -> list[Json]:
    """Tags in the form of EC2's create calls."""
    return [{"ResourceType": kind, "Tags": tag_list(tags)}]


@dataclass
class World:
    """The network of one cluster."""

    name: str
    region: str
    vpc: str

    def client(self, service: str) -> Any:
        return client(service, self.region)

    @property
    def cluster(self) -> Cluster | None:
        return CLUSTERS[self.region].get(self.name)

    def _tags(self, identity: str) -> dict[str, str]:
        return network.ec2(self.region).tags.get(identity, {})

    @property
    def _subnets(self) -> list[Any]:
        subnets = [s for zone in network.ec2(self.region).subnets.values() for s in zone.values() if s.vpc_id == self.vpc]
        return sorted(subnets, key=lambda subnet: (subnet.availability_zone, subnet.cidr_block))

    def _reaches_internet(self, subnet: Any) -> bool:
        tables = network.ec2(self.region).route_tables.values()
        return any(route.gateway is not None and str(getattr(route.gateway, "id", "")).startswith("igw-")
                   for table in tables if subnet.id in table._associations.values() for route in table.routes)

    @property
    def public(self) -> list[str]:
        """Public subnets; all of them if none is public."""
        found = [s for s in self._subnets if "kubernetes.io/role/elb" in self._tags(s.id) or self._reaches_internet(s)]
        return [subnet.id for subnet in found or self._subnets]

    @property
    def private(self) -> list[str]:
        """Private subnets, those for nodes first; all of them if none is private."""
        public = set(self.public)
        found = [s for s in self._subnets if "kubernetes.io/role/internal-elb" in self._tags(s.id)]
        found = found or [s for s in self._subnets if s.id not in public]
        return [subnet.id for subnet in found or self._subnets]

    @property
    def cluster_group(self) -> str | None:
        """The security group that EKS made, if it is there."""
        groups = network.ec2(self.region).groups.get(self.vpc, {})
        own = self.cluster.body["resourcesVpcConfig"].get("clusterSecurityGroupId") if self.cluster else None
        if own in groups:
            return own
        return next((g.id for g in groups.values() if g.name.startswith(f"eks-cluster-sg-{self.name}-")), None)

    @property
    def node_group(self) -> str | None:
        """One of our own security groups, that of the nodes if there is one."""
        groups = network.ec2(self.region).groups.get(self.vpc, {}).values()
        own = [g for g in groups if self._tags(g.id).get("domino-eks:address", "").startswith("security-group/")]
        own.sort(key=lambda group: ("node" not in group.name, group.name))
        return own[0].id if own else None

    @property
    def some_group(self) -> str:
        """A group for an interface: the cluster's, or the nodes', or the default one."""
        groups = network.ec2(self.region).groups.get(self.vpc, {}).values()
        return self.cluster_group or self.node_group or next(g.id for g in groups if g.name == "default")

    @property
    def scaling_groups(self) -> list[Group]:
        keys = {("domino-eks:cluster", self.name), (f"kubernetes.io/cluster/{self.name}", "owned")}
        return [group for group in GROUPS[self.region].values()
                if keys & {(key, tag["Value"]) for key, tag in group.tags.items()}]

    @property
    def node(self) -> Any:
        """A running instance of one of the cluster's Auto Scaling groups."""
        members = [m.instance for group in self.scaling_groups for m in group.members]
        return next((instance for instance in members if instance.state == "running"), None)


def cluster_name(order: Json) -> str:
    name = order.get("cluster")
    if not isinstance(name, str) or not name:
        raise BadSeed("the name of a cluster is missing")
    return name


def world_of(order: Json) -> World:
    """The cluster's VPC: the one with our tag, or that of the EKS cluster."""
    name, region = cluster_name(order), order["region"]
    store = network.ec2(region)
    own = next((v for v in store.vpcs if store.tags.get(v, {}).get("domino-eks:cluster") == name), None)
    if own is None and name in CLUSTERS[region]:
        own = CLUSTERS[region][name].body["resourcesVpcConfig"]["vpcId"]
    if own is None:
        raise BadSeed(f"no VPC of a cluster {name} in {region}")
    world = World(name, region, own)
    if not world.private:
        raise BadSeed(f"the VPC {own} has no subnets")
    return world
