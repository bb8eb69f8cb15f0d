"""Eventual consistency on order (fault mode `stale`): what was just made is not seen for a while."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from botocore import xform_name

from .errors import AwsError
from .faults import FAULTS, Rule
from .rules import on_reset
from .wire import Answer, Call


class Kind(NamedTuple):
    """A kind of resource: what makes it, what lists it, the member that identifies it, and how its absence is put."""

    service: str
    creator: str
    lister: str
    member: str
    code: str
    message: str


_KINDS = [Kind("ec2", *row) for row in (
    ("CreateVpc", "DescribeVpcs", "VpcId", "InvalidVpcID.NotFound", "The vpc ID '{}' does not exist"),
    ("CreateSubnet", "DescribeSubnets", "SubnetId", "InvalidSubnetID.NotFound", "The subnet ID '{}' does not exist"),
    ("CreateInternetGateway", "DescribeInternetGateways", "InternetGatewayId", "InvalidInternetGatewayID.NotFound",
     "The internetGateway ID '{}' does not exist"),
    ("AllocateAddress", "DescribeAddresses", "AllocationId", "InvalidAllocationID.NotFound", "The allocation ID '{}' does not exist"),
    ("CreateNatGateway", "DescribeNatGateways", "NatGatewayId", "NatGatewayNotFound", "NatGateway {} was not found"),
    ("CreateRouteTable", "DescribeRouteTables", "RouteTableId", "InvalidRouteTableID.NotFound", "The routeTable ID '{}' does not exist"),
    ("CreateSecurityGroup", "DescribeSecurityGroups", "GroupId", "InvalidGroup.NotFound", "The security group '{}' does not exist"),
    ("CreateNetworkAcl", "DescribeNetworkAcls", "NetworkAclId", "InvalidNetworkAclID.NotFound", "The networkAcl ID '{}' does not exist"),
    ("CreateNetworkInterface", "DescribeNetworkInterfaces", "NetworkInterfaceId", "InvalidNetworkInterfaceID.NotFound",
     "The networkInterface ID '{}' does not exist"),
    ("CreateVpcEndpoint", "DescribeVpcEndpoints", "VpcEndpointId", "InvalidVpcEndpointId.NotFound",
     "The Vpc Endpoint Id '{}' does not exist"),
    ("CreateVolume", "DescribeVolumes", "VolumeId", "InvalidVolume.NotFound", "The volume '{}' does not exist."),
    ("CreateSnapshot", "DescribeSnapshots", "SnapshotId", "InvalidSnapshot.NotFound", "The snapshot '{}' does not exist."),
    ("RunInstances", "DescribeInstances", "InstanceId", "InvalidInstanceID.NotFound", "The instance ID '{}' does not exist"),
    ("CreateLaunchTemplate", "DescribeLaunchTemplates", "LaunchTemplateId", "InvalidLaunchTemplateId.NotFound",
     "The specified launch template, with template ID {}, does not exist."),
    ("CreateLaunchTemplate", "DescribeLaunchTemplates", "LaunchTemplateName", "InvalidLaunchTemplateName.NotFoundException",
     "The specified launch template, with template name {}, does not exist."),
)] + [
    Kind("iam", "CreateRole", "ListRoles", "RoleName", "NoSuchEntity", "The role with name {} cannot be found."),
    Kind("iam", "CreateInstanceProfile", "ListInstanceProfiles", "InstanceProfileName", "NoSuchEntity",
         "Instance Profile {} cannot be found."),
]
#: Use of a NAT gateway is refused in other words than its Describe.
_IN_USE = {"NatGatewayNotFound": ("InvalidNatGatewayID.NotFound", "The natGateway ID '{}' does not exist")}


@dataclass
class _Hidden:
    kind: Kind
    identity: str
    until: float
    rule: Rule


_hidden: dict[tuple[str, str], _Hidden] = {}


@on_reset
def clear() -> None:
    _hidden.clear()


def note(call: Call, answer: Answer) -> None:
    """After a call that may have made something: remember it, if a rule hides it."""
    kinds = [kind for kind in _KINDS if (kind.service, kind.creator) == call.key]
    rule = FAULTS.stale(call) if kinds and answer.status < 300 and not call.inside else None
    if rule is None:
        return
    until = time.monotonic() + rule.seconds
    for kind in kinds:
        for identity in re.findall(rf"(?i)<{kind.member}>([^<]+)<".encode(), answer.body):
            _hidden[kind.member, identity.decode()] = _Hidden(kind, identity.decode(), until, rule)


def _in_force(call: Call, by: str) -> list[_Hidden]:
    now = time.monotonic()
    if call.inside:
        return []
    return [h for h in list(_hidden.values()) if h.kind.service == call.service and h.until > now and h.rule.by in (by, "any")
            and FAULTS.in_force(h.rule)]


def _strike(call: Call, hidden: _Hidden) -> None:
    call.fault = call.fault or "stale"
    FAULTS.strike(hidden.rule, call)


def check(call: Call) -> None:
    """Refuse a call that names what is hidden."""
    for hidden in _in_force(call, "id"):
        kind = hidden.kind
        if call.operation != kind.creator and _names(call, hidden):
            _strike(call, hidden)
            call.effect = False
            code, message = kind.code, kind.message
            if code in _IN_USE and call.operation != kind.lister:
                code, message = _IN_USE[code]
            raise AwsError(code, message.format(hidden.identity), 404 if call.service == "iam" else 400)


def _names(call: Call, hidden: _Hidden) -> bool:
    """Whether the call names the resource, other than in a filter. Ids are unique; a name counts only where such names stand."""
    params = {name: value for name, value in call.params.items() if name not in ("Filters", "Filter")}
    by_name = hidden.kind.member.endswith("Name")
    return any(text == hidden.identity and (not by_name or key.removesuffix("s") == hidden.kind.member) for key, text in _leaves("", params))


def _leaves(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(name, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(key, inner)
    elif isinstance(value, str):
        yield key, value


def hide(call: Call, result: Any) -> None:
    """Take what is hidden out of a list; what the call names itself stays."""
    if not isinstance(result, dict):
        return
    for hidden in _in_force(call, "tag"):
        kind = hidden.kind
        if call.operation not in (kind.lister, "DescribeTags") or _names(call, hidden):
            continue
        member = kind.member if call.operation == kind.lister else "ResourceId"
        for key, entries in result.items():
            if isinstance(entries, list):
                result[key] = [entry for entry in entries if hidden.identity not in _identities(entry, member)]
                if len(result[key]) < len(entries):
                    _strike(call, hidden)


def _identities(entry: Any, member: str) -> list[Any]:
    """What an entry of a list (a dictionary, or an object of moto) is known by. A reservation is its instances."""
    instances = entry.get("Instances") if isinstance(entry, dict) else getattr(entry, "instances", None)
    if member == "InstanceId" and instances is not None:
        return [identity for instance in instances for identity in _identities(instance, member)]
    if isinstance(entry, dict):
        return [entry.get(member)]
    return [getattr(entry, name, None) for name in (xform_name(member), "id", "name")]
