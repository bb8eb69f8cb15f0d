"""The control of seeds: POST /_emulator/seed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from .. import inventory
from ..clock import CLOCK

Json = dict[str, Any]


class BadSeed(ValueError):
    """A seed that cannot be sown, and why."""


#: Seeds by name: the function and the parameters it takes. It yields one name for each part that it has made.
_SEEDS: dict[str, tuple[Callable[[Json], Iterator[str]], frozenset[str]]] = {}


def seed(name: str, *parameters: str):
    """Register a seed under its name."""

    def register(function: Callable[[Json], Iterator[str]]) -> Callable[[Json], Iterator[str]]:
        _SEEDS[name] = function, frozenset(parameters)
        return function

    return register


def control(method: str, body: bytes) -> tuple[int, Any]:
    """HTTP status and JSON value."""
    if method != "POST":
        return 404, {"error": "no such control"}
    try:
        return 200, {"seeded": _sow(_order(body))}
    except (ValueError, KeyError, TypeError, LookupError, ClientError, BotoCoreError) as error:
        return 400, {"error": str(error) or repr(error)}


def _order(body: bytes) -> Json:
    order = json.loads(body or b"null")
    if not isinstance(order, dict) or order.get("what") not in _SEEDS:
        raise BadSeed(f'the body must be {{"what": W, ...}} with W one of {", ".join(sorted(_SEEDS))}')
    unknown = set(order) - _SEEDS[order["what"]][1] - {"what", "region"}
    if unknown:
        raise BadSeed(f"{order['what']} takes no {', '.join(sorted(unknown))}")
    return {"region": "us-west-2"} | order


def _sow(order: Json) -> list[Json]:
    """Everything that is in the inventory afterwards and was not before, with the part of the seed that made it."""
    grow, _ = _SEEDS[order["what"]]
    with CLOCK.standing():
        known, made = set(_entries()), []
        for part in grow(order):
            now = _entries()
            made += _filled(order, part, now)
            for key in now.keys() - known:
                name = {"name": now[key]["name"]} if "name" in now[key] else {}
                made.append({"service": key[0], "type": key[1], "id": key[2], "part": part} | name)
            known |= now.keys()
    return sorted(made, key=lambda entry: (entry["part"], entry["service"], entry["type"], entry["id"]))


def _filled(order: Json, part: str, now: dict[tuple[str, str, str], Json]) -> list[Json]:
    """A bucket that was filled is told as one entry, however many keys it has."""
    entry = now.get(("s3", "bucket", str(order.get("bucket"))))
    if entry is None:
        return []
    return [{"service": "s3", "type": "bucket", "id": entry["id"], "part": part, "versions": entry.get("versions", 0),
             "uploads": entry.get("uploads", 0)}]


def _entries() -> dict[tuple[str, str, str], Json]:
    return {(entry["service"], entry["type"], entry["id"]): entry for entry in inventory.collect()}
