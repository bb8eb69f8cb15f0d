"""Elastic load balancers hold interfaces in the VPC, and let go of them late."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from moto.elbv2.models import ELBv2Backend

from . import network
from .clock import CLOCK
from .errors import AwsError
from .moto_bridge import backend
from .rules import after, after_answer, before, on_reset
from .wire import Call

_ARNS_AT_ONCE = 20
#: Interfaces by ARN of the load balancer.
_INTERFACES: dict[str, list[str]] = defaultdict(list)
on_reset(_INTERFACES.clear)


def _with_kind_in_arn(original):
    """moto calls every load balancer an application in its ARN."""

    def create(self, *args: Any, **kwargs: Any) -> Any:
        made = original(self, *args, **kwargs)
        if made.type == "network":
            old, made.arn = made.arn, made.arn.replace(":loadbalancer/app/", ":loadbalancer/net/")
            self.load_balancers[made.arn] = self.load_balancers.pop(old)
            self.tagging_service.tag_resource(made.arn, tag_list(self.tagging_service.get_tag_dict_for_resource(old)))
            self.tagging_service.delete_all_tags_for_resource(old)
        return made

    return create


def tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


ELBv2Backend.create_load_balancer = _with_kind_in_arn(ELBv2Backend.create_load_balancer)


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
            if not balancer.security_groups:  # a network load balancer may do without
                eni._group_set = []
            _INTERFACES[balancer.arn].append(eni.id)


def absent(arn: str) -> AwsError:
    """The refusal of an ARN that names nothing, by its kind."""
    for kind, code, word in (("targetgroup", "TargetGroupNotFound", "target groups"), ("listener-rule", "RuleNotFound", "rules"),
                             ("listener", "ListenerNotFound", "listeners")):
        if f":{kind}/" in arn:
            return AwsError(code, f"One or more {word} not found", 400)
    return AwsError("LoadBalancerNotFound", f"Load balancer '{arn}' not found", 400)


def _exists(call: Call, arn: str) -> bool:
    store = backend("elbv2", call.region)
    listeners = {arn: listener for balancer in store.load_balancers.values() for arn, listener in balancer.listeners.items()}
    rules = {rule for listener in listeners.values() for rule in listener.rules}
    return any(arn in place for place in (store.load_balancers, store.target_groups, listeners, rules))


@before("elbv2", "DescribeTags")
def tags_of_known(call: Call) -> None:
    arns = call["ResourceArns"] or []
    if not 1 <= len(arns) <= _ARNS_AT_ONCE:
        raise AwsError("ValidationError", f"1 validation error detected: Value '{arns}' at 'resourceArns' failed to satisfy constraint: "
                       "Member must have length less than or equal to 20, and at least 1", 400)
    for arn in arns:
        if not _exists(call, arn):
            raise absent(arn)


@before("elbv2", "DescribeLoadBalancers", "DescribeTargetGroups")
def known(call: Call) -> None:
    """moto overlooks the second of two absent ones."""
    store = backend("elbv2", call.region)
    for arn in (call["LoadBalancerArns"] or []) + (call["TargetGroupArns"] or []):
        if not _exists(call, arn):
            raise absent(arn)
    if call.operation == "DescribeLoadBalancers":
        for name in set(call["Names"] or []) - {balancer.name for balancer in store.load_balancers.values()}:
            raise AwsError("LoadBalancerNotFound", f"Load balancers '[{name}]' not found", 400)


@before("elbv2", "DeleteTargetGroup")
def target_group_in_use(call: Call) -> None:
    arn = call["TargetGroupArn"]
    if arn and backend("elbv2", call.region)._any_listener_using(arn):
        raise AwsError("ResourceInUse", f"Target group '{arn}' is currently in use by a listener or a rule", 400)


@before("elbv2", "DeleteLoadBalancer")
def protection(call: Call) -> None:
    balancer = backend("elbv2", call.region).load_balancers.get(call["LoadBalancerArn"])
    if balancer is not None and balancer.attrs.get("deletion_protection.enabled") == "true":
        raise AwsError("OperationNotPermitted", f"Load balancer '{balancer.arn}' cannot be deleted because deletion protection is enabled", 400)


@after_answer("elbv2", "DeleteLoadBalancer")
def let_go(call: Call) -> None:
    held = _INTERFACES.pop(call["LoadBalancerArn"], [])
    CLOCK.after("load_balancer_delete", lambda: [network.drop_interface(call.region, eni) for eni in held])


@after_answer("elbv2", "SetSecurityGroups")
def groups(call: Call) -> None:
    found = [network.find_group(call.region, group) for group in call.get("SecurityGroups", [])]
    for eni_id in _INTERFACES.get(call["LoadBalancerArn"], []):
        network.ec2(call.region).enis[eni_id]._group_set = [group for group in found if group is not None]
