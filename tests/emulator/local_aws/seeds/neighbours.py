"""Resources of another team in the same account and region, with names and tags that are easily taken for the cluster's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .. import autoscaling_groups as asg
from .. import network
from ..eks import clusters
from ..eks.store import CLUSTERS
from ..wire import ACCOUNT, Call
from . import balancers, leftovers
from .control import BadSeed, seed
from .foreign import image_of
from .neighbour_stores import buckets, file_system, key
from .world import World, cluster_name, tag_list, tagged, world_of

Json = dict[str, Any]
_TEAM = {"team": "b"}


@seed("neighbours", "cluster")
def neighbours(order: Json) -> Iterator[str]:
    name, region = cluster_name(order), order["region"]
    other = f"{name}-2"
    if other in CLUSTERS[region]:
        raise BadSeed(f"{other} is there already")
    world = _network(name, other, region, _cidr(order))
    yield "network"
    _cluster(world)
    yield "cluster"
    _nodes(world)
    leftovers.interfaces(world, 1)
    yield "nodes"
    leftovers.log_group(world, f"/aws/eks/{other}/cluster")
    leftovers.log_group(world, f"/aws/containerinsights/{other}/application")
    yield "logs"
    buckets(name, region)
    yield "buckets"
    _identities(world, name)
    yield "identities"
    _disks(world, name)
    yield "disks"
    file_system(world, name)
    yield "file-system"
    _balancers(world, name)
    yield "balancers"
    key(world, name)
    world.client("ec2").allocate_address(Domain="vpc")
    yield "rest"


def _cidr(order: Json) -> str:
    """Our VPC's range, so that ranges tell nothing."""
    try:
        world = world_of(order)
    except BadSeed:
        return "10.0.0.0/16"
    return network.ec2(world.region).vpcs[world.vpc].cidr_block


def _network(name: str, other: str, region: str, cidr: str) -> World:
    """Their VPC: two subnets, a way out, and a group named like ours."""
    world = World(other, region, "")
    ec2 = world.client("ec2")
    world.vpc = ec2.create_vpc(CidrBlock=cidr, TagSpecifications=tagged("vpc", _TEAM | {"Name": other}))["Vpc"]["VpcId"]
    for attribute in ("EnableDnsSupport", "EnableDnsHostnames"):
        ec2.modify_vpc_attribute(VpcId=world.vpc, **{attribute: {"Value": True}})
    gateway = ec2.create_internet_gateway(TagSpecifications=tagged("internet-gateway", _TEAM))["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=world.vpc)
    table = ec2.create_route_table(VpcId=world.vpc, TagSpecifications=tagged("route-table", _TEAM | {"Name": f"{name}-public"}),
                                   ClientToken=f"team-b-{world.vpc}")["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    base = cidr.rsplit(".", 2)[0]
    for number, (zone, kind) in enumerate((("a", "public"), ("b", "private"))):
        subnet = ec2.create_subnet(VpcId=world.vpc, CidrBlock=f"{base}.{number}.0/24", AvailabilityZone=f"{region}{zone}",
                                   TagSpecifications=tagged("subnet", _TEAM | {"Name": f"{name}-{kind}-{region}{zone}"}))
        if kind == "public":
            ec2.associate_route_table(RouteTableId=table, SubnetId=subnet["Subnet"]["SubnetId"])
    nodes = balancers.group(world, f"{name}-nodes", "nodes of team b", _TEAM | {"Name": f"{name}-nodes"})
    efs = balancers.group(world, f"{name}-efs", "file system of team b", _TEAM)
    balancers.let_in(world, efs, nodes)
    return world


def _cluster(world: World) -> None:
    """An EKS cluster that is up at once."""
    role = f"arn:aws:iam::{ACCOUNT}:role/{world.name}-cluster"
    subnets = sorted({*world.public, *world.private})
    call = Call("eks", "CreateCluster", world.region, None, {  # type: ignore[arg-type]
        "name": world.name, "roleArn": role, "resourcesVpcConfig": {"subnetIds": subnets}, "tags": {"domino-eks:cluster": world.name}})
    cluster = clusters.new_cluster(call, world.vpc, "172.20.0.0/16")
    clusters.make_network(cluster)
    clusters.come_up(cluster)


def _nodes(world: World) -> None:
    """An Auto Scaling group with one instance, which runs at once."""
    name, tags = f"{world.name}-workers", {"domino-eks:cluster": world.name, f"kubernetes.io/cluster/{world.name}": "owned"}
    data = {"ImageId": image_of(world), "InstanceType": "m5.large", "SecurityGroupIds": [world.cluster_group],
            "TagSpecifications": [{"ResourceType": kind, "Tags": tag_list(tags)} for kind in ("instance", "volume", "network-interface")]}
    template = world.client("ec2").create_launch_template(
        LaunchTemplateName=name, LaunchTemplateData=data, TagSpecifications=tagged("launch-template", tags))["LaunchTemplate"]
    world.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=name, MinSize=1, MaxSize=1, VPCZoneIdentifier=world.private[0],
        LaunchTemplate={"LaunchTemplateId": template["LaunchTemplateId"], "Version": "1"},
        Tags=[tag | {"PropagateAtLaunch": True} for tag in tag_list(tags)])
    asg.settle(asg.GROUPS[world.region][name])


def _document(service: str) -> str:
    return ('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"%s.amazonaws.com"},'
            '"Action":"sts:AssumeRole"}]}' % service)


_POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}]}'


def _identities(world: World, name: str) -> None:
    """Names that begin like ours outside of our path, and a path that begins like ours."""
    iam = world.client("iam")
    outside = iam.create_policy(PolicyName=f"{name}-{world.region}-s3-team-b", PolicyDocument=_POLICY, Tags=tag_list(_TEAM))["Policy"]["Arn"]
    for role, path, tags in ((f"{name}-{world.region}-compute-node-team-b", "/", _TEAM),
                             (f"{world.name}-{world.region}-cluster", f"/domino-eks/{world.name}/", {"domino-eks:cluster": world.name})):
        iam.create_role(RoleName=role, Path=path, AssumeRolePolicyDocument=_document("ec2"), Tags=tag_list(tags))
        iam.attach_role_policy(RoleName=role, PolicyArn=outside)
        iam.put_role_policy(RoleName=role, PolicyName="inline", PolicyDocument=_POLICY)
    iam.create_policy(PolicyName=f"{world.name}-{world.region}-s3", Path=f"/domino-eks/{world.name}/", PolicyDocument=_POLICY,
                      Tags=tag_list({"domino-eks:cluster": world.name}))
    profile = f"{name}-{world.region}-compute-node-team-b"
    iam.create_instance_profile(InstanceProfileName=profile, Tags=tag_list(_TEAM))
    iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=profile)


def _disks(world: World, name: str) -> None:
    """Claims of their cluster, and one volume that says it is of a cluster with our name."""
    theirs, zone = {"domino-eks:cluster": world.name}, f"{world.region}a"
    volume = leftovers.volume(world, zone, leftovers.claim_tags("data", "team-b") | theirs)
    leftovers.snapshot(world, volume, theirs)
    leftovers.volume(world, zone, leftovers.claim_tags("data", "old") | {"KubernetesCluster": name})


def _balancers(world: World, name: str) -> None:
    """Load balancers of an earlier cluster with our name, in their VPC."""
    tags = {"elbv2.k8s.aws/cluster": name, "service.k8s.aws/stack": "old/gateway"}
    arn = balancers.balancer(world, "k8s-old-gateway-0123456789", "network", [], tags | {"service.k8s.aws/resource": "LoadBalancer"})
    balancers.serve(world, arn, "k8s-old-gateway-9876543210", "TCP", 443, tags | {"service.k8s.aws/resource": "old/gateway:443"})
    balancers.classic(world, {f"kubernetes.io/cluster/{name}": "owned", "kubernetes.io/service-name": "old/legacy"})
    balancers.group(world, f"k8s-traffic-{name}-0123456789", "[k8s] Shared Backend SecurityGroup for LoadBalancer",
                    {"elbv2.k8s.aws/cluster": name, "elbv2.k8s.aws/resource": "backend-sg"})
