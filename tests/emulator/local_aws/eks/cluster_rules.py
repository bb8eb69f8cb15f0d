"""Why CreateCluster is refused."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from .. import network
from ..errors import AwsError
from ..iam_visibility import has_policy, trusts, visible_role
from ..wire import Call
from .versions import VERSIONS

_NAME = re.compile(r"[0-9A-Za-z][A-Za-z0-9\-_]{0,99}")
#: Zones (by id) without EKS control planes.
_NO_CONTROL_PLANE = {"use1-az3", "usw1-az2", "cac1-az3"}
_NEVER_PUBLIC = [ipaddress.ip_network(n) for n in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16",
                                                   "127.0.0.0/8", "224.0.0.0/4")]
_PRIVATE = [ipaddress.ip_network(n) for n in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]


def invalid(message: str, **extra: Any) -> AwsError:
    return AwsError("InvalidParameterException", message, **extra)


def check_name(call: Call) -> None:
    if not _NAME.fullmatch(call.get("name", "")):
        raise invalid("The cluster name is invalid: 1 to 100 letters, digits, hyphens and underscores, beginning with a "
                      "letter or a digit (^[0-9A-Za-z][A-Za-z0-9\\-_]*$)", clusterName=call["name"])


def check_token(call: Call) -> None:
    token = call["clientRequestToken"]
    if token is not None and not 33 <= len(token) <= 126:
        raise invalid("The client request token is invalid: it must have between 33 and 126 characters")


def check_version(call: Call) -> None:
    if call["version"] is not None and call["version"] not in VERSIONS:
        raise invalid(f"unsupported Kubernetes version {call['version']}", clusterName=call["name"])


def check_role(arn: str) -> None:
    role = visible_role(arn)
    if role is None:
        raise invalid(f"Role with arn: {arn}, could not be assumed because it does not exist or the trusted entity is not correct")
    if not trusts(role, "eks.amazonaws.com"):
        raise invalid("Role could not be assumed because the trusted entity is not correct")
    if not has_policy(role, "AmazonEKSClusterPolicy"):
        raise invalid("The provided role doesn't have the Amazon EKS Managed Policies associated with it. Please ensure the "
                      "following policies [arn:aws:iam::aws:policy/AmazonEKSClusterPolicy] are attached")


def check_subnets(region: str, subnet_ids: list[str]) -> str:
    """Refuse bad subnets; the VPC's id otherwise."""
    if not subnet_ids:
        raise invalid("Subnets are not specified")
    found = {subnet_id: network.find_subnet(region, subnet_id) for subnet_id in subnet_ids}
    for subnet_id, subnet in found.items():
        if subnet is None:
            raise invalid(f"The subnet ID '{subnet_id}' does not exist (Service: AmazonEC2; Status Code: 400; Error Code: "
                          "InvalidSubnetID.NotFound)")
    vpcs = {subnet.vpc_id for subnet in found.values()}
    if len(vpcs) > 1:
        raise invalid("Subnets specified must all be in the same VPC")
    bad = sorted({s.availability_zone for s in found.values() if s.availability_zone_id in _NO_CONTROL_PLANE})
    if bad:
        zones = network.ec2(region).describe_availability_zones()
        raise AwsError(
            "UnsupportedAvailabilityZoneException",
            f"Cannot create cluster because {bad[0]}, the targeted availability zone, does not currently have sufficient "
            "capacity to support the cluster. Retry and choose from the valid zones",
            validZones=[zone.name for zone in zones if zone.zone_id not in _NO_CONTROL_PLANE],
        )
    if len({subnet.availability_zone for subnet in found.values()}) < 2:
        raise invalid("Subnets specified must be in at least two different AZs")
    if any(subnet.cidr.num_addresses < 16 for subnet in found.values()):
        raise invalid("Subnets specified must have at least 6 free addresses")
    return vpcs.pop()


def check_groups(region: str, group_ids: list[str], vpc_id: str) -> None:
    for group_id in group_ids:
        group = network.find_group(region, group_id)
        if group is None:
            raise invalid(f"The security group '{group_id}' does not exist (Service: AmazonEC2; Status Code: 400; Error Code: "
                          "InvalidGroup.NotFound)")
        if group.vpc_id != vpc_id:
            raise invalid(f"Security group {group_id} and the subnets belong to different networks")


def check_endpoints(config: dict[str, Any]) -> None:
    if config.get("endpointPublicAccess") is False and config.get("endpointPrivateAccess") is not True:
        raise invalid("Private and public endpoint access cannot be false")
    for cidr in config.get("publicAccessCidrs") or []:
        try:
            network_of = ipaddress.ip_network(cidr)
        except ValueError as error:
            raise invalid(f"The following CIDRs are invalid in publicAccessCidrs: [{cidr}]") from error
        if any(network_of.subnet_of(block) for block in _NEVER_PUBLIC):
            raise invalid(f"The following CIDRs are not allowed in publicAccessCidrs: [{cidr}]")


def _vpc_networks(vpc: Any) -> list[Any]:
    return [ipaddress.ip_network(block["cidr_block"]) for block in vpc.get_cidr_block_association_set()]


def service_cidr(region: str, vpc_id: str, asked: str | None) -> str:
    """The service range: the one asked for, if it may be; else the one EKS takes."""
    blocks = _vpc_networks(network.ec2(region).vpcs[vpc_id])
    if not asked:
        ten = any(block.overlaps(ipaddress.ip_network("10.0.0.0/8")) for block in blocks)
        return "172.20.0.0/16" if ten else "10.100.0.0/16"
    try:
        wanted = ipaddress.ip_network(asked)
    except ValueError as error:
        raise invalid(f"The serviceIpv4Cidr {asked} is not a valid CIDR") from error
    if not 12 <= wanted.prefixlen <= 24 or not any(wanted.subnet_of(block) for block in _PRIVATE):
        raise invalid("The serviceIpv4Cidr must be between /24 and /12 and within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16")
    for block in blocks:
        if wanted.overlaps(block):
            raise invalid(f"The serviceIpv4Cidr {asked} overlaps with the VPC's CIDR block {block}")
    return asked


def check_dns(region: str, vpc_id: str) -> None:
    vpc = network.ec2(region).vpcs[vpc_id]
    on = [str(value).lower() == "true" for value in (vpc.enable_dns_support, vpc.enable_dns_hostnames)]
    if not all(on):
        raise invalid(f"The VPC {vpc_id} must have DNS hostname and DNS resolution support enabled, otherwise nodes cannot "
                      "register with the cluster")
