"""The Services and Ingresses of the clusters that have an API server, and its switches."""

from __future__ import annotations

import itertools
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

from .eks.store import Cluster, Json, now
from .moto_bridge import backend
from .rules import on_reset

#: Tags by which a controller finds what it made for one object; the value is NAMESPACE/NAME, or an Ingress group's name.
STACK_TAGS = ("service.k8s.aws/stack", "ingress.k8s.aws/stack", "kubernetes.io/service-name")
_OWN_STACK_TAGS = {"Service": ("service.k8s.aws/stack", "kubernetes.io/service-name"), "Ingress": ("ingress.k8s.aws/stack",)}
_versions = itertools.count(1000)


@dataclass(frozen=True)
class Kind:
    """A kind of object, as the API names it."""

    name: str
    plural: str
    group: str
    version: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def root(self) -> str:
        return f"/apis/{self.api_version}" if self.group else f"/api/{self.api_version}"


SERVICE = Kind("Service", "services", "", "v1")
INGRESS = Kind("Ingress", "ingresses", "networking.k8s.io", "v1")
KINDS = (SERVICE, INGRESS)


@dataclass(eq=False)
class Item:
    """One object, and what the controllers made for it in AWS."""

    kind: Kind
    body: Json
    load_balancer: str | None
    stack: set[tuple[str, str]]

    @property
    def key(self) -> tuple[str, str]:
        return self.metadata["namespace"], self.metadata["name"]

    @property
    def metadata(self) -> Json:
        return self.body["metadata"]

    @property
    def finalizers(self) -> list[str]:
        return self.metadata.get("finalizers", [])

    @property
    def deleting(self) -> bool:
        return "deletionTimestamp" in self.metadata

    @property
    def whole(self) -> Json:
        """The object as it stands alone; in a list it has no kind."""
        return {"kind": self.kind.name, "apiVersion": self.kind.api_version} | self.body

    def changed(self) -> None:
        self.metadata["resourceVersion"] = str(next(_versions))

    def mark(self) -> None:
        """Deleted, but kept for its finalizers."""
        self.metadata.update(deletionTimestamp=timestamp(), deletionGracePeriodSeconds=0)
        self.changed()

    def drop_finalizers(self, done: set[str]) -> None:
        left = [name for name in self.finalizers if name not in done]
        if left:
            self.metadata["finalizers"] = left
        else:
            self.metadata.pop("finalizers", None)
        self.changed()

    @property
    def told(self) -> Json:
        """For the control."""
        namespace, name = self.key
        return {"namespace": namespace, "name": name, "type": self.body["spec"].get("type"), "finalizers": self.finalizers,
                "load_balancer": self.load_balancer, "deleting": self.deleting}


@dataclass(eq=False)
class Api:
    """The Kubernetes API of one cluster. `reachable` is unset while nothing is answered."""

    cluster: Cluster
    controllers: bool = True
    forbid: bool = False
    reachable: threading.Event = field(default_factory=threading.Event)
    items: dict[Kind, dict[tuple[str, str], Item]] = field(default_factory=lambda: {kind: {} for kind in KINDS})

    def __post_init__(self) -> None:
        self.reachable.set()

    @property
    def answering(self) -> bool:
        """The control plane answers until the cluster is being deleted."""
        return self.cluster.status in ("ACTIVE", "UPDATING")

    @property
    def lives(self) -> bool:
        return APIS.get((self.cluster.region, self.cluster.name)) is self

    def sorted(self, kind: Kind) -> list[Item]:
        """By namespace and name."""
        return [self.items[kind][key] for key in sorted(self.items[kind])]

    def remove(self, item: Item) -> None:
        if self.items[item.kind].get(item.key) is item:
            del self.items[item.kind][item.key]


#: Whether clusters have an API server at all.
SWITCHED_ON = threading.Event()
#: By region and name of the cluster.
APIS: dict[tuple[str, str], Api] = {}
on_reset(APIS.clear)


def timestamp() -> str:
    return now().strftime("%Y-%m-%dT%H:%M:%SZ")


def find_balancer(region: str, name: str | None) -> Any:
    """A load balancer: of elbv2 by ARN, a classic one by name."""
    store = backend("elbv2" if name and name.startswith("arn:") else "elb", region)
    return store.load_balancers.get(name)


def tags_of_balancer(region: str, name: str | None) -> dict[str, str]:
    if name and name.startswith("arn:"):
        return backend("elbv2", region).tagging_service.get_tag_dict_for_resource(name)
    balancer = find_balancer(region, name)
    return dict(balancer.tags) if balancer is not None else {}


def make(region: str, kind: Kind, seed: Json) -> Item:
    """An object from what the control was given (checked already)."""
    namespace, name, balancer = seed["namespace"], seed["name"], seed.get("load_balancer")
    metadata: Json = {"name": name, "namespace": namespace, "uid": str(uuid.uuid4()), "resourceVersion": str(next(_versions)),
                      "creationTimestamp": timestamp()}
    if seed.get("finalizers"):
        metadata["finalizers"] = list(seed["finalizers"])
    found = find_balancer(region, balancer)
    shown = {"ingress": [{"hostname": found.dns_name}]} if found is not None else {}
    body = {"metadata": metadata, "spec": _spec(kind, seed), "status": {"loadBalancer": shown}}
    stack = {(tag, f"{namespace}/{name}") for tag in _OWN_STACK_TAGS[kind.name]}
    stack |= {(tag, value) for tag, value in tags_of_balancer(region, balancer).items() if tag in STACK_TAGS}
    return Item(kind, body, balancer, stack)


def _spec(kind: Kind, seed: Json) -> Json:
    if kind is INGRESS:
        backend_of_all = {"service": {"name": seed["name"], "port": {"number": 80}}}
        return {"ingressClassName": "alb", "defaultBackend": backend_of_all}
    return {"type": seed.get("type", "LoadBalancer"), "clusterIP": "172.20.0.10",
            "ports": [{"protocol": "TCP", "port": 80, "targetPort": 8080}], "selector": {"app": seed["name"]}}
