"""What GuardDuty Runtime Monitoring puts into a VPC for its agent, and never takes away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .. import network
from .control import seed
from .world import tagged, world_of

Json = dict[str, Any]
_TAGS = {"GuardDutyManaged": "true"}


@seed("guardduty", "cluster")
def guardduty(order: Json) -> Iterator[str]:
    """The agent's endpoint in the private subnets, and the security group that is named after the VPC."""
    world = world_of(order)
    ec2 = world.client("ec2")
    group = ec2.create_security_group(GroupName=f"GuardDutyManagedSecurityGroup-{world.vpc}", VpcId=world.vpc,
                                      Description="Managed by GuardDuty", TagSpecifications=tagged("security-group", _TAGS))["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": network.ec2(world.region).vpcs[world.vpc].cidr_block}]}])
    zones: dict[str, str] = {}
    for subnet in world.private:
        zones.setdefault(network.find_subnet(world.region, subnet).availability_zone, subnet)
    made = ec2.create_vpc_endpoint(VpcId=world.vpc, VpcEndpointType="Interface", SubnetIds=list(zones.values()), SecurityGroupIds=[group],
                                   ServiceName=f"com.amazonaws.{world.region}.guardduty-data", PrivateDnsEnabled=True,
                                   TagSpecifications=tagged("vpc-endpoint", _TAGS))
    # It has been there since the first node came.
    network.ec2(world.region).vpc_end_points[made["VpcEndpoint"]["VpcEndpointId"]].state = "available"
    yield "guardduty"
