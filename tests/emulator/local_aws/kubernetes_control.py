"""The control of what is in the clusters: /_emulator/kubernetes."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs

from .eks.store import Json
from .kubernetes_objects import APIS, INGRESS, KINDS, SERVICE, SWITCHED_ON, Api, Item, Kind, make
from .wire import Http

_REGION = "us-west-2"
_FIELDS = {"cluster": str, "region": str, "services": list, "ingresses": list, "controllers": bool, "forbid": bool, "unreachable": bool}
_SEED = {"namespace", "name", "type", "finalizers", "load_balancer"}
_TYPES = ("LoadBalancer", "ClusterIP", "NodePort", "ExternalName")


def control(http: Http) -> tuple[int, Any]:
    """HTTP status and JSON value."""
    try:
        if not SWITCHED_ON.is_set():
            raise ValueError("the server was started without --kubernetes-api")
        query = {name: values[0] for name, values in parse_qs(http.query).items()}
        if http.method == "GET":
            return 200, _told(_find(query))
        if http.method == "DELETE":
            return 200, _told(_emptied(_find(query)))
        if http.method == "POST":
            return 200, _told(_change(_content(http.body)))
    except KeyError as error:
        return 404, {"error": str(error.args[0])}
    except ValueError as error:
        return 400, {"error": str(error)}
    return 404, {"error": "no such control"}


def _find(asked: Json) -> Api:
    """The API of a cluster that has come up."""
    region, name = asked.get("region", _REGION), asked.get("cluster")
    api = APIS.get((region, name))
    if api is None:
        raise KeyError(f"no cluster {name!r} in {region} that has come up")
    return api


def _content(body: bytes) -> Json:
    content = json.loads(body)
    if not isinstance(content, dict):
        raise ValueError("the body is a JSON object")
    for name, value in content.items():
        if name not in _FIELDS:
            raise ValueError(f"unknown field {name!r}")
        if type(value) is not _FIELDS[name]:
            raise ValueError(f"{name} cannot be {value!r}")
    return content


def _change(content: Json) -> Api:
    """Add objects and set switches: all of it or nothing."""
    api = _find(content)
    items = [_item(api, kind, seed) for kind in KINDS for seed in content.get(kind.plural, [])]
    keys = [(item.kind, item.key) for item in items]
    if len(set(keys)) < len(keys) or any(key in api.items[kind] for kind, key in keys):
        raise ValueError("two objects of one name in one namespace")
    for item in items:
        api.items[item.kind][item.key] = item
    api.controllers = content.get("controllers", api.controllers)
    api.forbid = content.get("forbid", api.forbid)
    if "unreachable" in content:
        (api.reachable.clear if content["unreachable"] else api.reachable.set)()
    return api


def _emptied(api: Api) -> Api:
    """No objects, and all switches as at first. What the objects had in AWS stays."""
    for items in api.items.values():
        items.clear()
    api.controllers, api.forbid = True, False
    api.reachable.set()
    return api


def _item(api: Api, kind: Kind, seed: Any) -> Item:
    if not isinstance(seed, dict) or not set(seed) <= _SEED:
        raise ValueError(f"an object has no fields but {', '.join(sorted(_SEED))}: {seed!r}")
    for name in ("namespace", "name"):
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", str(seed.get(name))):
            raise ValueError(f"{name} cannot be {seed.get(name)!r}")
    finalizers, balancer = seed.get("finalizers", []), seed.get("load_balancer")
    if not isinstance(finalizers, list) or not all(isinstance(name, str) and name for name in finalizers):
        raise ValueError(f"finalizers cannot be {finalizers!r}")
    if seed.get("type", "LoadBalancer") not in _TYPES or not isinstance(balancer, (str, type(None))):
        raise ValueError(f"type or load_balancer is wrong: {seed!r}")
    return make(api.cluster.region, kind, seed)


def _told(api: Api) -> Json:
    return {
        "cluster": api.cluster.name, "region": api.cluster.region, "endpoint": api.cluster.body.get("endpoint"),
        "controllers": api.controllers, "forbid": api.forbid, "unreachable": not api.reachable.is_set(),
        "services": [item.told for item in api.sorted(SERVICE)], "ingresses": [item.told for item in api.sorted(INGRESS)],
    }
