"""Network objects that services make in a customer's VPC, as real objects of moto's EC2."""

from __future__ import annotations

import secrets
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

from moto.ec2.models.elastic_network_interfaces import NetworkInterface

from .moto_bridge import backend, existing_backends


def ec2(region: str) -> Any:
    return backend("ec2", region)


def _attachment(original: property) -> property:
    """A service's interface is attached too, to nothing that an account may see."""

    def attachment(self: Any) -> Any:
        if not self.attachment_id or self.instance is not None:
            return original.fget(self)
        return SimpleNamespace(attachment_id=self.attachment_id, attach_time=self.attach_time, delete_on_termination=False,
                               device_index=1, network_card_index=0, instance_owner_id=self.requester_id, status="attached")

    return property(attachment)


NetworkInterface.attachment = _attachment(NetworkInterface.attachment)


def find_subnet(region: str, subnet_id: str) -> Any:
    for zone in ec2(region).subnets.values():
        if subnet_id in zone:
            return zone[subnet_id]
    return None


def find_group(region: str, group_id: str) -> Any:
    for groups in ec2(region).groups.values():
        if group_id in groups:
            return groups[group_id]
    return None


def make_interface(
    region: str, subnet_id: str, group_ids: list[str], description: str,
    kind: str = "interface", requester: str = "amazon-aws", tags: dict[str, str] | None = None,
) -> Any:
    """An interface in use by a service of AWS."""
    store = ec2(region)
    subnet = find_subnet(region, subnet_id)
    eni = store.create_network_interface(subnet, free_address(store, subnet), group_ids=group_ids or None,
                                         description=description, tags=tags or {})
    eni.status, eni.interface_type = "in-use", kind
    eni.requester_managed, eni.requester_id = True, requester
    eni.attachment_id, eni.attach_time = f"ela-attach-{secrets.token_hex(9)[:17]}", datetime.now(timezone.utc)
    return eni


def free_address(store: Any, subnet: Any) -> str:
    """The lowest free address of a subnet (the first four and the last are Amazon's)."""
    taken = {eni.private_ip_address for eni in store.enis.values() if eni.subnet.id == subnet.id}
    hosts = list(subnet.cidr.hosts())[3:] if subnet.cidr.prefixlen > 22 else subnet.cidr.hosts()
    for number, address in enumerate(hosts):
        if number >= (0 if subnet.cidr.prefixlen > 22 else 3) and str(address) not in taken:
            return str(address)
    return str(subnet.cidr.network_address)


def drop_interface(region: str, eni_id: str) -> None:
    """Remove an interface, with what hangs on it."""
    store = ec2(region)
    eni = store.enis.pop(eni_id, None)
    if eni is None:
        return
    for private in eni.private_ip_addresses:
        eni.subnet.del_subnet_ip(private["PrivateIpAddress"])
    for address in store.addresses:
        if address.eni is eni:
            address.eni, address.association_id = None, None
    store.tags.pop(eni_id, None)


def make_group(region: str, vpc_id: str, name: str, description: str, tags: dict[str, str]) -> Any:
    return ec2(region).create_security_group(name, description, vpc_id=vpc_id, tags=tags)


def drop_group(region: str, group_id: str) -> bool:
    """Remove a service's own group, unless another group's rules still name it or an interface uses it."""
    store = ec2(region)
    group = find_group(region, group_id)
    if group is None or users_of_group(store, group_id):
        return False
    store.groups[group.vpc_id].pop(group_id, None)
    store.tags.pop(group_id, None)
    return True


def users_of_group(store: Any, group_id: str) -> list[str]:
    """Interfaces that hold a group, and other groups whose rules name it."""
    users = [eni.id for eni in store.enis.values() if any(g.id == group_id for g in eni.group_set)]
    for groups in store.groups.values():
        for other in groups.values():
            if other.id != group_id and any(
                rule.source_group.get("GroupId") == group_id for rule in other.ingress_rules + other.egress_rules
            ):
                users.append(other.id)
    return users


def forget_group(region: str, group_id: str) -> None:
    """Take the rules that name a group out of the other groups."""
    for groups in ec2(region).groups.values():
        for other in groups.values():
            if other.id != group_id:
                for rules in (other.ingress_rules, other.egress_rules):
                    rules[:] = [rule for rule in rules if rule.source_group.get("GroupId") != group_id]


def regions_in_use() -> list[str]:
    return list(existing_backends("ec2"))
