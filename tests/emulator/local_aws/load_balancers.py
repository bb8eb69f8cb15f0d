"""Elastic load balancers hold interfaces in the VPC, and let go of them late."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from . import network
from .clock import CLOCK
from .errors import AwsError
from .moto_bridge import backend
from .rules import after, after_answer, before, on_reset
from .wire import Call

#: Interfaces by ARN of the load balancer; of a classic one by REGION/NAME.
_INTERFACES: dict[str, list[str]] = defaultdict(list)
on_reset(_INTERFACES.clear)


def _description(balancer: Any) -> str:
    kind = {"application": "app", "network": "net", "gateway": "gwy"}.get(balancer.type, "app")
    return f"ELB {kind}/{balancer.name}/{balancer.arn.rpartition('/')[2]}"


@after("elbv2", "CreateLoadBalancer")
def interfaces(call: Call, result: Any) -> None:
    for balancer in result["LoadBalancers"]:
        for subnet in balancer.subnets:
            kind = "network_load_balancer" if balancer.type == "network" else "interface"
            eni = network.make_interface(call.region, subnet.id, list(balancer.security_groups or []), _description(balancer), kind,
                                         "amazon-elb")
            _INTERFACES[balancer.arn].append(eni.id)


@before("elbv2", "DeleteLoadBalancer")
def protection(call: Call) -> None:
    balancer = backend("elbv2", call.region).load_balancers.get(call["LoadBalancerArn"])
    if balancer is not None and balancer.attrs.get("deletion_protection.enabled") == "true":
        raise AwsError("OperationNotPermitted", f"Load balancer '{balancer.arn}' cannot be deleted because deletion protection is enabled", 400)


@after_answer("elbv2", "DeleteLoadBalancer")
def let_go(call: Call) -> None:
    held = _INTERFACES.pop(call["LoadBalancerArn"], [])
    CLOCK.after("load_balancer_delete", lambda: [network.drop_interface(call.region, eni) for eni in held])


@after_answer("elb", "CreateLoadBalancer")
def classic_interfaces(call: Call) -> None:
    balancer = backend("elb", call.region).load_balancers[call["LoadBalancerName"]]
    for subnet_id in balancer.subnets:
        eni = network.make_interface(call.region, subnet_id, list(balancer.security_groups), f"ELB {balancer.name}", requester="amazon-elb")
        _INTERFACES[f"{call.region}/{balancer.name}"].append(eni.id)


@after_answer("elb", "DeleteLoadBalancer")
def classic_let_go(call: Call) -> None:
    held = _INTERFACES.pop(f"{call.region}/{call['LoadBalancerName']}", [])
    CLOCK.after("load_balancer_delete", lambda: [network.drop_interface(call.region, eni) for eni in held])


@after_answer("elbv2", "SetSecurityGroups")
def groups(call: Call) -> None:
    found = [network.find_group(call.region, group) for group in call.get("SecurityGroups", [])]
    for eni_id in _INTERFACES.get(call["LoadBalancerArn"], []):
        network.ec2(call.region).enis[eni_id]._group_set = [group for group in found if group is not None]
