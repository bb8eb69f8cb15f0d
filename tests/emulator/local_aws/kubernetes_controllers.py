"""The controllers that clear away the load balancers of deleted Services and Ingresses.

The cloud controller manager (CCM) runs in the control plane; the AWS load balancer controller (LBC) in pods, so only with nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

from . import network, nodes
from .clock import CLOCK
from .errors import AwsError
from .kubernetes_objects import Api, Item, find_balancer
from .moto_bridge import NotImplementedByMoto, backend
from .wire import Call, Http, understand

_LBC = ("service.k8s.aws/resources", "ingress.k8s.aws/resources", "group.ingress.k8s.aws/")
_VERSIONS = {"elb": "2012-06-01", "elbv2": "2015-12-01", "ec2": "2016-11-15"}
#: Set at start: what does a call of AWS, rules and all, without the request log and without faults.
ACT: list[Callable[[Call], Any]] = []


def begin(api: Api, item: Item) -> None:
    """An object was deleted. A controller that starts later handles it then."""
    CLOCK.after("load_balancer_delete", lambda: _work(api, item))


def _work(api: Api, item: Item) -> None:
    """One go; another one later while something is left to do."""
    forgotten = item.deleting and api.items[item.kind].get(item.key) is not item
    if forgotten or not api.lives:
        return
    served, complete = _served(api, item)
    if served is not None and (_clear(api, item) if complete else served):
        item.drop_finalizers(served)
        if not item.finalizers:
            api.remove(item)
            return
    begin(api, item)


def _served(api: Api, item: Item) -> tuple[set[str] | None, bool]:
    """The finalizers whose controllers run (None: none runs), and whether the one that made the load balancer does."""
    if not api.controllers or not api.answering:
        return None, False
    of_pods = {name for name in item.finalizers if name.startswith(_LBC)}
    if not of_pods or nodes.ready_since(api.cluster.region, api.cluster.name) is not None:
        return set(item.finalizers), True
    return set(item.finalizers) - of_pods, False


def _clear(api: Api, item: Item) -> bool:
    """Delete what belongs to the object; false while AWS refuses."""
    region, name = api.cluster.region, item.load_balancer
    if name and any(other is not item and other.load_balancer == name for items in api.items.values() for other in items.values()):
        return True  # a group of Ingresses shares it: the last one takes it along
    try:
        if name and find_balancer(region, name) is not None:
            if name.startswith("arn:"):
                _do("elbv2", "DeleteLoadBalancer", region, LoadBalancerArn=name)
            else:
                _do("elb", "DeleteLoadBalancer", region, LoadBalancerName=name)
        for arn in list(_target_groups(api, item)):
            _do("elbv2", "DeleteTargetGroup", region, TargetGroupArn=arn)
        for group_id in list(_security_groups(api, item)):
            network.forget_group(region, group_id)
            _do("ec2", "DeleteSecurityGroup", region, GroupId=group_id)
    except (AwsError, NotImplementedByMoto):
        return False
    return True


def _target_groups(api: Api, item: Item) -> Iterator[str]:
    store = backend("elbv2", api.cluster.region)
    return (arn for arn in store.target_groups if _belongs(api, item, store.tagging_service.get_tag_dict_for_resource(arn)))


def _security_groups(api: Api, item: Item) -> Iterator[str]:
    store = network.ec2(api.cluster.region)
    return (group for groups in store.groups.values() for group in groups if _belongs(api, item, dict(store.tags.get(group, {}))))


def _belongs(api: Api, item: Item, tags: dict[str, str]) -> bool:
    """The same stack, and no tag of another cluster."""
    name, prefix = api.cluster.name, "kubernetes.io/cluster/"
    clusters = {key.removeprefix(prefix) for key in tags if key.startswith(prefix)}
    clusters |= {tags["elbv2.k8s.aws/cluster"]} if "elbv2.k8s.aws/cluster" in tags else set()
    return bool(item.stack & tags.items()) and clusters <= {name}


def _do(service: str, operation: str, region: str, **params: str) -> None:
    """A call of a controller's: signed like any, so that it is understood like any."""
    scope = f"controller/20260101/{region}/{'ec2' if service == 'ec2' else 'elasticloadbalancing'}/aws4_request"
    headers = {"host": "127.0.0.1", "content-type": "application/x-www-form-urlencoded",
               "authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}
    body = urlencode({"Action": operation, "Version": _VERSIONS[service]} | params).encode()
    answer = ACT[0](understand(Http("POST", "/", "", headers, body)))
    if answer.status >= 300:
        raise AwsError(answer.code or "Refused", answer.body.decode(errors="replace"), answer.status)
