"""Classic load balancers: they hold interfaces in their subnets, and let go of them late."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from . import network
from .clock import CLOCK
from .errors import AwsError
from .inventory import Entry, entry, source
from .moto_bridge import backend, existing_backends
from .rules import after_answer, before, on_reset
from .wire import Call

#: Interfaces by region and name of the load balancer.
_INTERFACES: dict[tuple[str, str], list[str]] = defaultdict(list)
on_reset(_INTERFACES.clear)
_NAMES_AT_ONCE = 20


def _find(call: Call, name: str | None) -> Any:
    return backend("elb", call.region).load_balancers.get(name)


def absent(name: str | None) -> AwsError:
    return AwsError("LoadBalancerNotFound", f"There is no ACTIVE Load Balancer named '{name}'", 400)


@after_answer("elb", "CreateLoadBalancer")
def interfaces(call: Call) -> None:
    balancer = _find(call, call["LoadBalancerName"])
    for subnet in balancer.subnets:
        _add(call.region, balancer, subnet)


def _add(region: str, balancer: Any, subnet: str) -> None:
    eni = network.make_interface(region, subnet, list(balancer.security_groups), f"ELB {balancer.name}", requester="amazon-elb")
    _INTERFACES[region, balancer.name].append(eni.id)


@after_answer("elb", "ApplySecurityGroupsToLoadBalancer")
def groups(call: Call) -> None:
    found = [network.find_group(call.region, group) for group in call["SecurityGroups"]]
    for eni_id in _INTERFACES.get((call.region, call["LoadBalancerName"]), []):
        network.ec2(call.region).enis[eni_id]._group_set = [group for group in found if group is not None]


@after_answer("elb", "DeleteLoadBalancer")
def let_go(call: Call) -> None:
    held = _INTERFACES.pop((call.region, call["LoadBalancerName"]), [])
    CLOCK.after("load_balancer_delete", lambda: [network.drop_interface(call.region, eni) for eni in held])


@before("elb", "DescribeTags")
def names(call: Call) -> None:
    asked = call["LoadBalancerNames"] or []
    if not 1 <= len(asked) <= _NAMES_AT_ONCE:
        raise AwsError("ValidationError", f"1 validation error detected: Value '{asked}' at 'loadBalancerNames' failed to satisfy "
                       "constraint: Member must have length less than or equal to 20, and at least 1", 400)
    for name in asked:
        if _find(call, name) is None:
            raise absent(name)


@before("elb", "DescribeLoadBalancers")
def known(call: Call) -> None:
    for name in call["LoadBalancerNames"] or []:
        if _find(call, name) is None:
            raise absent(name)


@source
def _inventory() -> Iterator[Entry]:
    for store in existing_backends("elb").values():
        for balancer in store.load_balancers.values():
            ports = ",".join(sorted(f"{x.protocol}:{x.load_balancer_port}" for x in balancer.listeners))
            yield entry("elb", "load-balancer", balancer.name, balancer.tags, name=balancer.name, vpc=balancer.vpc_id,
                        listeners=ports, security_groups=",".join(sorted(balancer.security_groups)))
