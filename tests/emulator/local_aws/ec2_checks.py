"""EC2: tags and filters that AWS refuses, and lists that moto filters poorly."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from moto.ec2.models.security_groups import SecurityGroupRule

from . import network
from .ec2_common import Json, check_tags, error, select, unknown_filter
from .rules import BEFORE, after_answer, answer, before
from .wire import Call, service_model

#: What may be tagged when it is created, by operation.
_TAGGED = {
    "CreateVpc": "vpc", "CreateSubnet": "subnet", "CreateInternetGateway": "internet-gateway", "AllocateAddress": "elastic-ip",
    "CreateRouteTable": "route-table", "CreateSecurityGroup": "security-group", "AuthorizeSecurityGroupIngress": "security-group-rule",
    "AuthorizeSecurityGroupEgress": "security-group-rule", "CreateVolume": "volume", "CreateNetworkInterface": "network-interface",
    "CreateSnapshot": "snapshot", "CreateKeyPair": "key-pair", "CreateVpcEndpoint": "vpc-endpoint",
}


@before("ec2", *_TAGGED)
def tags_on_create(call: Call) -> None:
    for specification in call.get("TagSpecifications", []):
        if specification.get("ResourceType") != _TAGGED[call.operation]:
            raise error("InvalidParameterValue", f"'{specification.get('ResourceType')}' is not a valid taggable resource type for this "
                        "operation.")
        check_tags(specification.get("Tags") or [])


@before("ec2", "CreateTags")
def create_tags(call: Call) -> None:
    store = network.ec2(call.region)
    for identity in call["Resources"]:
        own = {key for key in store.tags.get(identity, {}) if not key.startswith("aws:")}
        check_tags(call.get("Tags", []), own)
        if not _exists(call.region, identity):
            prefix = identity.split("-")[0]
            code = _ABSENT.get(prefix, "InvalidID")
            raise error(code, f"The ID '{identity}' does not exist")


def _description(rule: Any) -> str | None:
    """moto shows only that of a range of addresses."""
    return rule.ip_range.get("Description") or rule.source_group.get("Description")


SecurityGroupRule.description = property(_description)

_ABSENT = {"nat": "NatGatewayNotFound", "vpce": "InvalidVpcEndpointId.NotFound", "sgr": "InvalidSecurityGroupRuleId.NotFound",
           "eipalloc": "InvalidAllocationID.NotFound", "lt": "InvalidLaunchTemplateId.NotFound", "eni": "InvalidNetworkInterfaceID.NotFound",
           "igw": "InvalidInternetGatewayID.NotFound", "vol": "InvalidVolume.NotFound"}


def _exists(region: str, identity: str) -> bool:
    """Whether a resource exists, for the kinds that moto does not look up itself."""
    store = network.ec2(region)
    places: dict[str, Any] = {
        "nat": store.nat_gateways, "vpce": store.vpc_end_points, "lt": store.launch_templates, "eni": store.enis,
        "igw": store.internet_gateways, "vol": store.volumes, "eipalloc": {a.allocation_id for a in store.addresses},
    }
    prefix = identity.split("-")[0]
    if prefix == "sgr":
        return any(r.id == identity for groups in store.groups.values() for g in groups.values() for r in g.ingress_rules + g.egress_rules)
    return identity in places[prefix] if prefix in places else True


@answer("ec2", "DescribeTags")
def describe_tags(call: Call) -> Json:
    store = network.ec2(call.region)
    found = [{"ResourceId": identity, "ResourceType": _kind(identity), "Key": key, "Value": value}
             for identity, tags in store.tags.items() for key, value in tags.items()]
    fields = {"resource-id": lambda t: t["ResourceId"], "resource-type": lambda t: t["ResourceType"], "key": lambda t: t["Key"],
              "value": lambda t: t["Value"]}
    return {"Tags": select(found, call, fields, lambda t: {t["Key"]: t["Value"]})}


_KINDS = {"vpc": "vpc", "subnet": "subnet", "igw": "internet-gateway", "eipalloc": "elastic-ip", "nat": "natgateway", "rtb": "route-table",
          "sg": "security-group", "sgr": "security-group-rule", "i": "instance", "vol": "volume", "eni": "network-interface",
          "lt": "launch-template", "vpce": "vpc-endpoint", "snap": "snapshot", "ami": "image", "acl": "network-acl", "dopt": "dhcp-options"}


def _kind(identity: str) -> str:
    return _KINDS.get(identity.split("-")[0], "other")


#: Filters that work although the documents no longer name them.
_UNDOCUMENTED = {"DescribeAddresses": {"domain"}}


@cache
def known_filters(operation: str) -> frozenset[str]:
    """The filters that an operation documents (empty: it takes none, or names none)."""
    shape = service_model("ec2").operation_model(operation).input_shape
    text = "".join(shape.members[name].documentation for name in ("Filters", "Filter") if name in shape.members)
    return frozenset(re.findall(r"<code>([a-z][A-Za-z0-9.\-]*)(?::[^<]*)?</code>", text)) | _UNDOCUMENTED.get(operation, set())


#: Values that one filter takes.
_VALUES = 200


def filters(call: Call) -> None:
    known = known_filters(call.operation)
    for condition in call.get("Filters") or call.get("Filter") or []:
        name = condition.get("Name") or ""
        if len(condition.get("Values") or []) > _VALUES:
            raise error("FilterLimitExceeded", "The maximum number of filter values specified on a single call is 200")
        if known and name not in known and not (name.startswith("tag:") and "tag" in known):
            raise unknown_filter(name, call.operation)


for _operation in service_model("ec2").operation_names:
    if _operation.startswith("Describe"):
        BEFORE["ec2", _operation].append(filters)


#: Filters with which EC2 finds interfaces quickly, however many there are.
_QUICK = {"group-id", "mac-address", "private-dns-name", "private-ip-address", "subnet-id", "vpc-id"}


@before("ec2", "DescribeNetworkInterfaces")
def in_pages_or_quick(call: Call) -> None:
    """AWS refuses that only where there are very many; the documents do not say with which code, and this one is a guess."""
    filtered = any(condition.get("Name") in _QUICK for condition in call.get("Filters", []))
    if not (filtered or call["MaxResults"] or call["NextToken"] or call["NetworkInterfaceIds"]):
        raise error("OperationNotPermitted", "You have too many network interfaces to describe them all at once. Use pagination, or one of "
                    f"these filters: {', '.join(sorted(_QUICK))}.")


@answer("ec2", "DescribeNetworkInterfaces")
def describe_interfaces(call: Call) -> Json:
    store = network.ec2(call.region)
    wanted = call["NetworkInterfaceIds"] or []
    for identity in wanted:
        if identity not in store.enis:
            raise error("InvalidNetworkInterfaceID.NotFound", f"The networkInterface ID '{identity}' does not exist")
    found = [store.enis[identity] for identity in wanted] if wanted else list(store.enis.values())
    fields = {
        "network-interface-id": lambda e: e.id, "subnet-id": lambda e: e.subnet.id, "vpc-id": lambda e: e.subnet.vpc_id,
        "group-id": lambda e: [g.id for g in e.group_set], "group-name": lambda e: [g.name for g in e.group_set],
        "availability-zone": lambda e: e.subnet.availability_zone, "description": lambda e: e.description, "status": lambda e: e.status,
        "attachment.instance-id": lambda e: e.instance.id if e.instance else None, "interface-type": lambda e: e.interface_type,
        "attachment.attachment-id": lambda e: e.attachment_id, "requester-managed": lambda e: bool(e.requester_managed),
        "requester-id": lambda e: e.requester_id, "private-ip-address": lambda e: e.private_ip_address,
        "addresses.private-ip-address": lambda e: e.private_ip_address, "owner-id": lambda e: e.owner_id,
        "attachment.status": lambda e: "attached" if e.attachment_id else None, "mac-address": lambda e: e.mac_address,
        "association.public-ip": lambda e: e.public_ip, "addresses.association.public-ip": lambda e: e.public_ip,
        "association.allocation-id": lambda e: e.association.get("allocationId"),
    }
    return {"NetworkInterfaces": select(found, call, fields, lambda e: store.tags.get(e.id, {}))}


@before("ec2", "CreateNetworkInterface")
def interface_groups(call: Call) -> None:
    for group_id in call.get("Groups", []):
        if network.find_group(call.region, group_id) is None:
            raise error("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist")


@before("ec2", "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress")
def referenced_groups(call: Call) -> None:
    for permission in call.get("IpPermissions", []):
        for pair in permission.get("UserIdGroupPairs") or []:
            if pair.get("GroupId") and network.find_group(call.region, pair["GroupId"]) is None:
                raise error("InvalidGroup.NotFound", f"The security group '{pair['GroupId']}' does not exist")


@after_answer("ec2", "CreateSubnet")
def no_public_addresses(call: Call) -> None:
    """moto takes the first subnet of each zone for a default one, which gives public addresses. Real subnets do not."""
    for zone in network.ec2(call.region).subnets.values():
        for subnet in zone.values():
            if subnet.cidr_block == call["CidrBlock"] and subnet.vpc_id == call["VpcId"]:
                subnet.map_public_ip_on_launch = False
