"""NAT gateways: they take their time, fail without an internet gateway, and stay listed when deleted."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from . import network
from .clock import CLOCK
from .ec2_common import Json, check_tag_specifications, error, select, tag_map, tags_for
from .rules import answer
from .wire import Call


@dataclass(eq=False)
class Nat:
    id: str
    region: str
    vpc_id: str
    subnet_id: str
    connectivity_type: str
    allocation_id: str | None
    state: str = "pending"
    eni: Any = None
    public_ip: str | None = None
    association_id: str | None = None
    failure: tuple[str, str] | None = None
    created: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    deleted: datetime | None = None

    @property
    def shown(self) -> Json:
        address: Json = {"IsPrimary": True, "Status": "succeeded" if self.state == "available" else "assigning"}
        if self.eni is not None:
            address |= {"NetworkInterfaceId": self.eni.id, "PrivateIp": self.eni.private_ip_address}
        if self.allocation_id:
            address["AllocationId"] = self.allocation_id
        if self.public_ip and self.state != "pending":
            address |= {"PublicIp": self.public_ip, "AssociationId": self.association_id}
        found: Json = {
            "NatGatewayId": self.id, "VpcId": self.vpc_id, "SubnetId": self.subnet_id, "State": self.state,
            "ConnectivityType": self.connectivity_type, "CreateTime": self.created, "NatGatewayAddresses": [address],
            "Tags": tags_for(network.ec2(self.region), self.id),
        }
        if self.failure:
            found |= {"FailureCode": self.failure[0], "FailureMessage": self.failure[1]}
        if self.deleted:
            found["DeleteTime"] = self.deleted
        return found


def _address(store: Any, allocation_id: str) -> Any:
    found = next((a for a in store.addresses if a.allocation_id == allocation_id), None)
    if found is None:
        raise error("InvalidAllocationID.NotFound", f"The allocation ID '{allocation_id}' does not exist")
    return found


@answer("ec2", "CreateNatGateway")
def create(call: Call) -> Json:
    store = network.ec2(call.region)
    check_tag_specifications(call.get("TagSpecifications", []), "natgateway")
    if not call["SubnetId"]:
        raise error("MissingParameter", "The request must contain the parameter SubnetId")
    subnet = network.find_subnet(call.region, call["SubnetId"])
    if subnet is None:
        raise error("InvalidSubnetID.NotFound", f"The subnet ID '{call['SubnetId']}' does not exist")
    kind = call.get("ConnectivityType", "public")
    if kind == "public" and not call["AllocationId"]:
        raise error("MissingParameter", "The request must contain the parameter AllocationId")
    address = _address(store, call["AllocationId"]) if call["AllocationId"] else None
    nat = Nat(f"nat-{secrets.token_hex(9)[:17]}", call.region, subnet.vpc_id, subnet.id, kind, call["AllocationId"])
    store.nat_gateways[nat.id] = nat
    store.tags[nat.id].update(tag_map(call.get("TagSpecifications", []), "natgateway"))
    nat.failure = _trouble(store, nat, address)
    if nat.failure:
        CLOCK.after("nat_fail", lambda: _fail(nat))
        return {"NatGateway": nat.shown | {"FailureCode": None, "FailureMessage": None}, "ClientToken": call["ClientToken"]}
    nat.eni = network.make_interface(call.region, subnet.id, [], f"Interface for NAT Gateway {nat.id}", "nat_gateway")
    nat.eni._group_set = []  # a NAT gateway's interface has no security group
    if address is not None:
        address.eni, address.association_id = nat.eni, f"eipassoc-{secrets.token_hex(9)[:17]}"
        nat.eni.public_ip = address.public_ip
        nat.public_ip, nat.association_id = address.public_ip, address.association_id
    CLOCK.after("nat_create", lambda: _come_up(nat))
    return {"NatGateway": nat.shown, "ClientToken": call["ClientToken"]}


def _trouble(store: Any, nat: Nat, address: Any) -> tuple[str, str] | None:
    if nat.connectivity_type != "public":
        return None
    if not any(g.vpc and g.vpc.id == nat.vpc_id for g in store.internet_gateways.values()):
        return "Gateway.NotAttached", f"Network {nat.vpc_id} has no Internet gateway attached"
    if address.eni is not None or address.association_id:
        return "Resource.AlreadyAssociated", f"Elastic IP address [{address.allocation_id}] is already associated"
    return None


def _fail(nat: Nat) -> None:
    if nat.state == "pending":
        nat.state, nat.deleted = "failed", datetime.now(timezone.utc)
        CLOCK.after("nat_forgotten", lambda: _forget(nat))


def _come_up(nat: Nat) -> None:
    if nat.state == "pending":
        nat.state = "available"


def _find(region: str, identity: str) -> Nat:
    nat = network.ec2(region).nat_gateways.get(identity)
    if nat is None:
        raise error("NatGatewayNotFound", f"The Nat Gateway {identity} was not found")
    return nat


@answer("ec2", "DescribeNatGateways")
def describe(call: Call) -> Json:
    store = network.ec2(call.region)
    wanted = call["NatGatewayIds"] or []
    found = [_find(call.region, identity) for identity in wanted] if wanted else list(store.nat_gateways.values())
    fields = {"nat-gateway-id": lambda n: n.id, "state": lambda n: n.state, "subnet-id": lambda n: n.subnet_id,
              "vpc-id": lambda n: n.vpc_id}
    found = select(found, call, fields, lambda n: store.tags.get(n.id, {}))
    return {"NatGateways": [nat.shown for nat in found]}


@answer("ec2", "DeleteNatGateway")
def delete(call: Call) -> Json:
    nat = _find(call.region, call["NatGatewayId"])
    if nat.state not in ("deleting", "deleted"):
        nat.state = "deleting"
        CLOCK.after("nat_delete", lambda: _vanish(nat))
    return {"NatGatewayId": nat.id}


def _vanish(nat: Nat) -> None:
    if nat.eni is not None:
        network.drop_interface(nat.region, nat.eni.id)
    nat.state, nat.deleted = "deleted", datetime.now(timezone.utc)
    CLOCK.after("nat_forgotten", lambda: _forget(nat))


def _forget(nat: Nat) -> None:
    store = network.ec2(nat.region)
    store.nat_gateways.pop(nat.id, None)
    store.tags.pop(nat.id, None)
