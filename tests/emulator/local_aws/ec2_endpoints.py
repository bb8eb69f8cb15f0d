"""VPC endpoints: gateway endpoints are routes, interface endpoints are interfaces, and both have rules."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from . import network
from .clock import CLOCK
from .ec2_common import Json, check_tag_specifications, error, select, tag_map, tags_for
from .rules import answer
from .wire import ACCOUNT, Call

GATEWAY_SERVICES = ("s3", "dynamodb")
INTERFACE_SERVICES = (
    "autoscaling", "ec2", "ec2messages", "ecr.api", "ecr.dkr", "eks", "eks-auth", "elasticfilesystem", "elasticloadbalancing", "kms",
    "logs", "monitoring", "s3", "secretsmanager", "sns", "sqs", "ssm", "ssmmessages", "sts", "ebs", "xray", "events", "lambda",
    "guardduty-data", "dynamodb",
)
_ALL = {"Version": "2008-10-17", "Statement": [{"Action": "*", "Effect": "Allow", "Principal": "*", "Resource": "*"}]}


@dataclass(eq=False)
class Endpoint:
    id: str
    region: str
    vpc_id: str
    service_name: str
    vpc_endpoint_type: str
    state: str
    policy: str
    route_tables: list[str] = field(default_factory=list)
    subnets: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    interfaces: dict[str, str] = field(default_factory=dict)
    private_dns: bool = False
    prefix_list: str | None = None
    created: datetime = field(default_factory=lambda: datetime.now(timezone.utc))

    @property
    def shown(self) -> Json:
        found: Json = {
            "VpcEndpointId": self.id, "VpcEndpointType": self.vpc_endpoint_type, "VpcId": self.vpc_id, "State": self.state,
            "ServiceName": self.service_name, "PolicyDocument": self.policy, "RouteTableIds": self.route_tables,
            "SubnetIds": self.subnets, "PrivateDnsEnabled": self.private_dns, "RequesterManaged": False, "OwnerId": ACCOUNT,
            "NetworkInterfaceIds": list(self.interfaces.values()), "CreationTimestamp": self.created,
            "Groups": [{"GroupId": g, "GroupName": network.find_group(self.region, g).name} for g in self.groups
                       if network.find_group(self.region, g)],
            "Tags": tags_for(network.ec2(self.region), self.id), "DnsEntries": [],
        }
        if self.vpc_endpoint_type == "Interface":
            short = self.service_name.rpartition(".")[2]
            found["DnsEntries"] = [{"DnsName": f"{self.id}.{short}.{self.region}.vpce.amazonaws.com", "HostedZoneId": "Z1YSA3EXCYUU9Z"}]
            found["IpAddressType"] = "ipv4"
        return found


def _check_service(call: Call, kind: str) -> str:
    name = call["ServiceName"] or ""
    short = name.removeprefix(f"com.amazonaws.{call.region}.")
    if short == name or short not in (GATEWAY_SERVICES if kind == "Gateway" else INTERFACE_SERVICES):
        raise error("InvalidServiceName", f"The Vpc Endpoint Service '{name}' does not exist")
    return name


def _check_policy(text: str | None) -> str:
    if not text:
        return json.dumps(_ALL)
    try:
        json.loads(text)
    except ValueError as trouble:
        raise error("InvalidPolicyDocument", "The specified policy document is not a valid JSON policy document.") from trouble
    return text


def _prefix_list(store: Any, service: str) -> str | None:
    found = next((p for p in store.managed_prefix_lists.values() if p.prefix_list_name == service), None)
    return found.id if found else None


def _add_routes(store: Any, endpoint: Endpoint, tables: list[str]) -> None:
    for table_id in tables:
        table = store.route_tables.get(table_id)
        if table is None or table.vpc_id != endpoint.vpc_id:
            raise error("InvalidRouteTableId.NotFound", f"The routeTable ID '{table_id}' does not exist")
        for other in store.vpc_end_points.values():
            if other is not endpoint and other.service_name == endpoint.service_name and table_id in other.route_tables:
                raise error("RouteAlreadyExists", f"route table {table_id} already has a route with destination-prefix-list-id "
                            f"{endpoint.prefix_list}")
    for table_id in tables:
        store.create_route(table_id, None, gateway_id=endpoint.id, destination_prefix_list_id=endpoint.prefix_list)


def _drop_routes(store: Any, endpoint: Endpoint, tables: list[str]) -> None:
    for table_id in tables:
        table = store.route_tables.get(table_id)
        for key, route in list(table._routes.items()) if table else []:
            if getattr(route.gateway, "id", None) == endpoint.id:
                table._routes.pop(key)


def _add_interfaces(endpoint: Endpoint, subnet_ids: list[str]) -> None:
    zones = {}
    for subnet_id in [*endpoint.subnets, *subnet_ids]:
        subnet = network.find_subnet(endpoint.region, subnet_id)
        if subnet is None or subnet.vpc_id != endpoint.vpc_id:
            raise error("InvalidSubnetId.NotFound", f"The subnet ID '{subnet_id}' does not exist")
        if zones.setdefault(subnet.availability_zone, subnet_id) != subnet_id:
            raise error("DuplicateSubnetsInSameZone", "Found another VPC endpoint subnet in the availability zone of " + subnet_id)
    for subnet_id in subnet_ids:
        eni = network.make_interface(endpoint.region, subnet_id, endpoint.groups, f"VPC Endpoint Interface {endpoint.id}",
                                     "vpc_endpoint")
        endpoint.subnets.append(subnet_id)
        endpoint.interfaces[subnet_id] = eni.id


def _check_private_dns(call: Call, store: Any, endpoint: Endpoint) -> None:
    vpc = store.vpcs[endpoint.vpc_id]
    if not all(str(value).lower() == "true" for value in (vpc.enable_dns_support, vpc.enable_dns_hostnames)):
        raise error("InvalidParameter", "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set "
                    f"to true for {endpoint.vpc_id}")
    for other in store.vpc_end_points.values():
        if other is not endpoint and other.vpc_id == endpoint.vpc_id and other.private_dns and other.service_name == call["ServiceName"]:
            raise error("InvalidParameter", "private-dns-enabled cannot be set because there is already a conflicting DNS domain for "
                        f"{call['ServiceName']} in the VPC {endpoint.vpc_id}")


@answer("ec2", "CreateVpcEndpoint")
def create(call: Call) -> Json:
    store = network.ec2(call.region)
    kind = call.get("VpcEndpointType", "Gateway")
    check_tag_specifications(call.get("TagSpecifications", []), "vpc-endpoint")
    if call["VpcId"] not in store.vpcs:
        raise error("InvalidVpcId.NotFound", f"The Vpc Id {call['VpcId']} does not exist")
    service = _check_service(call, kind)
    endpoint = Endpoint(f"vpce-{secrets.token_hex(9)[:17]}", call.region, call["VpcId"], service, kind, "available",
                        _check_policy(call["PolicyDocument"]))
    if kind == "Gateway":
        endpoint.prefix_list = _prefix_list(store, service)
        endpoint.route_tables = list(call.get("RouteTableIds", []))
        store.vpc_end_points[endpoint.id] = endpoint
        try:
            _add_routes(store, endpoint, endpoint.route_tables)
        except Exception:
            store.vpc_end_points.pop(endpoint.id)
            raise
    else:
        endpoint.private_dns = call["PrivateDnsEnabled"] is not False
        if endpoint.private_dns:
            _check_private_dns(call, store, endpoint)
        endpoint.groups = list(call.get("SecurityGroupIds", [])) or [store.get_default_security_group(endpoint.vpc_id).id]
        for group_id in endpoint.groups:
            if network.find_group(call.region, group_id) is None:
                raise error("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist")
        endpoint.state = "pending"
        _add_interfaces(endpoint, list(call.get("SubnetIds", [])))
        store.vpc_end_points[endpoint.id] = endpoint
        CLOCK.after("endpoint_create", lambda: _come_up(endpoint))
    store.tags[endpoint.id].update(tag_map(call.get("TagSpecifications", []), "vpc-endpoint"))
    return {"VpcEndpoint": endpoint.shown, "ClientToken": call["ClientToken"]}


def _come_up(endpoint: Endpoint) -> None:
    if endpoint.state == "pending":
        endpoint.state = "available"


def _find(call: Call, identity: str) -> Endpoint:
    found = network.ec2(call.region).vpc_end_points.get(identity)
    if found is None:
        raise error("InvalidVpcEndpointId.NotFound", f"The Vpc Endpoint Id '{identity}' does not exist")
    return found


@answer("ec2", "DescribeVpcEndpoints")
def describe(call: Call) -> Json:
    store = network.ec2(call.region)
    wanted = call["VpcEndpointIds"] or []
    found = [_find(call, identity) for identity in wanted] if wanted else list(store.vpc_end_points.values())
    fields = {"vpc-endpoint-id": lambda e: e.id, "vpc-endpoint-state": lambda e: e.state, "service-name": lambda e: e.service_name,
              "vpc-id": lambda e: e.vpc_id, "vpc-endpoint-type": lambda e: e.vpc_endpoint_type, "ip-address-type": lambda e: "ipv4"}
    return {"VpcEndpoints": [e.shown for e in select(found, call, fields, lambda e: store.tags.get(e.id, {}))]}


@answer("ec2", "ModifyVpcEndpoint")
def modify(call: Call) -> Json:
    store, endpoint = network.ec2(call.region), _find(call, call["VpcEndpointId"])
    if call["PolicyDocument"] or call["ResetPolicy"]:
        endpoint.policy = _check_policy(None if call["ResetPolicy"] else call["PolicyDocument"])
    _drop_routes(store, endpoint, call.get("RemoveRouteTableIds", []))
    endpoint.route_tables = [t for t in endpoint.route_tables if t not in call.get("RemoveRouteTableIds", [])]
    new = [t for t in call.get("AddRouteTableIds", []) if t not in endpoint.route_tables]
    _add_routes(store, endpoint, new)
    endpoint.route_tables += new
    for subnet_id in call.get("RemoveSubnetIds", []):
        network.drop_interface(call.region, endpoint.interfaces.pop(subnet_id, ""))
        endpoint.subnets = [s for s in endpoint.subnets if s != subnet_id]
    _add_interfaces(endpoint, [s for s in call.get("AddSubnetIds", []) if s not in endpoint.subnets])
    groups = [g for g in endpoint.groups if g not in call.get("RemoveSecurityGroupIds", [])]
    endpoint.groups = groups + [g for g in call.get("AddSecurityGroupIds", []) if g not in groups]
    for eni_id in endpoint.interfaces.values():
        store.enis[eni_id]._group_set = [network.find_group(call.region, g) for g in endpoint.groups]
    if call["PrivateDnsEnabled"] is not None:
        endpoint.private_dns = call["PrivateDnsEnabled"]
    return {"Return": True}


@answer("ec2", "DeleteVpcEndpoints")
def delete(call: Call) -> Json:
    store, failed = network.ec2(call.region), []
    for identity in call["VpcEndpointIds"]:
        endpoint = store.vpc_end_points.get(identity)
        if endpoint is None:
            failed.append({"ResourceId": identity, "Error": {"Code": "InvalidVpcEndpointId.NotFound",
                                                             "Message": f"The Vpc Endpoint Id '{identity}' does not exist"}})
        elif endpoint.vpc_endpoint_type == "Gateway":
            _drop_routes(store, endpoint, endpoint.route_tables)
            _forget(endpoint)
        elif endpoint.state != "deleting":
            endpoint.state = "deleting"
            CLOCK.after("endpoint_delete", lambda e=endpoint: _vanish(e))
    return {"Unsuccessful": failed}


def _vanish(endpoint: Endpoint) -> None:
    for eni_id in endpoint.interfaces.values():
        network.drop_interface(endpoint.region, eni_id)
    _forget(endpoint)


def _forget(endpoint: Endpoint) -> None:
    store = network.ec2(endpoint.region)
    store.vpc_end_points.pop(endpoint.id, None)
    store.tags.pop(endpoint.id, None)
