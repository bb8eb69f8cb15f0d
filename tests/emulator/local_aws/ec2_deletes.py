"""EC2: what must be gone before something else can go."""

from __future__ import annotations

from typing import Any

from moto.ec2.models.elastic_block_store import Volume

from . import network
from .clock import CLOCK
from .ec2_common import error
from .rules import after, answer, before, on_reset
from .wire import Call


def _dependency(message: str) -> Exception:
    return error("DependencyViolation", message)


@before("ec2", "DeleteVpc")
def vpc(call: Call) -> None:
    store, vpc_id = network.ec2(call.region), call["VpcId"]
    if vpc_id not in store.vpcs:
        return
    holders = [
        any(s.vpc_id == vpc_id for zone in store.subnets.values() for s in zone.values()),
        any(g.vpc and g.vpc.id == vpc_id for g in store.internet_gateways.values()),
        any(g.name != "default" for g in store.groups.get(vpc_id, {}).values()),
        any(t.vpc_id == vpc_id and not t.main_association_id for t in store.route_tables.values()),
        any(e.subnet.vpc_id == vpc_id for e in store.enis.values()),
        any(e.vpc_id == vpc_id and e.state != "deleted" for e in store.vpc_end_points.values()),
    ]
    if any(holders):
        raise _dependency(f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")


@after("ec2", "DeleteVpc")
def vpc_leftovers(call: Call, _result: Any) -> None:
    """The VPC's own network ACL and default group go with it."""
    store = network.ec2(call.region)
    for acl in [a for a in store.network_acls.values() if a.vpc_id == call["VpcId"]]:
        store.network_acls.pop(acl.id)
    store.groups.pop(call["VpcId"], None)
    store.tags.pop(call["VpcId"], None)


@before("ec2", "DeleteSubnet")
def subnet(call: Call) -> None:
    store = network.ec2(call.region)
    if any(eni.subnet.id == call["SubnetId"] for eni in store.enis.values()):
        raise _dependency(f"The subnet '{call['SubnetId']}' has dependencies and cannot be deleted.")


@after("ec2", "DeleteSubnet")
def subnet_associations(call: Call, _result: Any) -> None:
    """A deleted subnet leaves its route table."""
    store = network.ec2(call.region)
    for table in store.route_tables.values():
        for identity, target in list(table._associations.items()):
            if target == call["SubnetId"]:
                table._associations.pop(identity)
    store.tags.pop(call["SubnetId"], None)


@before("ec2", "DeleteSecurityGroup")
def security_group(call: Call) -> None:
    group_id = call["GroupId"]
    group = network.find_group(call.region, group_id) if group_id else None
    if group is None:
        return
    if group.name == "default":
        raise error("CannotDelete", f'the specified group: "{group_id}" name: "default" cannot be deleted by a user')
    if network.users_of_group(network.ec2(call.region), group_id):
        raise _dependency(f"resource {group_id} has a dependent object")


@before("ec2", "DetachInternetGateway")
def internet_gateway(call: Call) -> None:
    vpc_id, store = call["VpcId"], network.ec2(call.region)
    mapped = {a.eni.id for a in store.addresses if a.eni is not None} | {e.id for e in store.enis.values() if e.public_ip}
    if any(e.id in mapped and e.subnet.vpc_id == vpc_id for e in store.enis.values()):
        raise _dependency(f"Network {vpc_id} has some mapped public address(es). Please unmap those public address(es) before "
                          "detaching the gateway.")


@before("ec2", "DeleteInternetGateway")
def attached_gateway(call: Call) -> None:
    gateway = network.ec2(call.region).internet_gateways.get(call["InternetGatewayId"])
    if gateway and gateway.vpc:
        raise _dependency(f"The internetGateway '{gateway.id}' has dependencies and cannot be deleted.")


@before("ec2", "DeleteRouteTable")
def route_table(call: Call) -> None:
    table = network.ec2(call.region).route_tables.get(call["RouteTableId"])
    if table and (table.main_association_id or table._associations):
        raise _dependency(f"The routeTable '{table.id}' has dependencies and cannot be deleted.")


@before("ec2", "AssociateRouteTable")
def one_table_per_subnet(call: Call) -> None:
    store, subnet_id = network.ec2(call.region), call["SubnetId"]
    if not subnet_id or call["RouteTableId"] not in store.route_tables:
        return
    if any(subnet_id in table._associations.values() for table in store.route_tables.values()):
        raise error("Resource.AlreadyAssociated", f"the specified association for route table {call['RouteTableId']} conflicts with "
                    "an existing association")


@before("ec2", "DisassociateRouteTable")
def main_association(call: Call) -> None:
    if any(t.main_association_id == call["AssociationId"] for t in network.ec2(call.region).route_tables.values()):
        raise error("InvalidParameterValue", f"cannot disassociate the main route table association {call['AssociationId']}")


def _address(call: Call) -> Any:
    return next((a for a in network.ec2(call.region).addresses
                 if call["AllocationId"] == a.allocation_id or (call["PublicIp"] and call["PublicIp"] == a.public_ip)), None)


@before("ec2", "ReleaseAddress")
def address(call: Call) -> None:
    found = _address(call)
    if found is not None and (found.eni is not None or found.association_id):
        raise error("InvalidIPAddress.InUse", f"Address {found.public_ip} is in use.")


@before("ec2", "DisassociateAddress")
def address_of_a_service(call: Call) -> None:
    for found in network.ec2(call.region).addresses:
        named = call["AssociationId"] and found.association_id == call["AssociationId"] or call["PublicIp"] == found.public_ip
        if named and found.eni is not None and found.eni.requester_managed:
            raise error("AuthFailure", "You do not have permission to access the specified resource.")


@before("ec2", "DeleteNetworkInterface")
def network_interface(call: Call) -> None:
    eni = network.ec2(call.region).enis.get(call["NetworkInterfaceId"])
    if eni is None:
        return
    if eni.requester_managed:
        raise error("OperationNotPermitted", "You do not have permission to access the specified resource.")
    if eni.status == "in-use" or eni.attachment_id:
        raise error("InvalidParameterValue", f"Network interface '{eni.id}' is currently in use.")


@answer("ec2", "DetachNetworkInterface")
def detach_interface(call: Call) -> dict:
    store = network.ec2(call.region)
    eni = next((e for e in store.enis.values() if e.attachment_id == call["AttachmentId"]), None)
    if eni is None:
        raise error("InvalidAttachmentID.NotFound", f"The attachment '{call['AttachmentId']}' does not exist")
    if eni.requester_managed:
        raise error("OperationNotPermitted", "You do not have permission to access the specified resource.")
    if eni.device_index == 0:
        raise error("OperationNotPermitted", "The network interface at device index 0 cannot be detached.")
    eni.instance.detach_eni(eni)
    return {"Return": True}


@answer("ec2", "DeleteVolume")
def volume(call: Call) -> dict:
    """It is `deleting` for a while, and takes no second deletion then."""
    store = network.ec2(call.region)
    found = store.volumes.get(call["VolumeId"])
    if found is None:
        raise error("InvalidVolume.NotFound", f"The volume '{call['VolumeId']}' does not exist.")
    if found.attachment is not None:
        raise error("VolumeInUse", f"Volume {found.id} is currently attached to {found.attachment.instance.id}")
    if found.id in DELETING:
        raise error("IncorrectState", f"The volume '{found.id}' is 'deleting'")
    DELETING.add(found.id)

    def vanish() -> None:
        DELETING.discard(found.id)
        store.volumes.pop(found.id, None)
        store.tags.pop(found.id, None)

    CLOCK.later(SLOW.get(call.region, CLOCK.seconds("volume_delete")), vanish)
    return {}


def _status(original: property) -> property:
    return property(lambda self: "deleting" if self.id in DELETING else original.fget(self))


#: Volumes on their way.
DELETING: set[str] = set()
on_reset(DELETING.clear)
#: Real seconds that a deletion takes on a bad day, by region.
SLOW: dict[str, float] = {}
on_reset(SLOW.clear)
Volume.status = _status(Volume.status)


@before("ec2", "DeleteSnapshot")
def snapshot(call: Call) -> None:
    """An image needs its snapshots."""
    store, wanted = network.ec2(call.region), call["SnapshotId"]
    for image in store.amis.values():
        own = getattr(image, "ebs_snapshot", None)
        if own is not None and own.id == wanted:
            raise error("InvalidSnapshot.InUse", f"The snapshot {wanted} is currently in use by {image.id}")


@after("ec2", "DeleteSnapshot")
def snapshot_tags(call: Call, _result: Any) -> None:
    network.ec2(call.region).tags.pop(call["SnapshotId"], None)
