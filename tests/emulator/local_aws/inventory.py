"""Everything that exists in the account, as one flat sorted list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Entry = dict[str, Any]
_SOURCES: list[Callable[[], Iterator[Entry]]] = []


def source(function: Callable[[], Iterator[Entry]]) -> Callable[[], Iterator[Entry]]:
    """Register a generator of entries {service, type, id, …}."""
    _SOURCES.append(function)
    return function


def entry(service: str, kind: str, identity: str, tags: Any = None, **more: Any) -> Entry:
    found = {"service": service, "type": kind, "id": str(identity)}
    if tags is not None:
        found["tags"] = dict(sorted(as_map(tags).items()))
    return found | {k: v for k, v in more.items() if v is not None}


def as_map(tags: Any) -> dict[str, str]:
    """Tags of any spelling as a map."""
    if isinstance(tags, dict):
        return {str(k): str(v) for k, v in tags.items()}
    found = {}
    for tag in tags or []:
        lower = {k.lower(): v for k, v in tag.items()}
        found[lower["key"]] = lower.get("value", "")
    return found


def collect() -> list[Entry]:
    entries = [found for give in _SOURCES for found in give()]
    return sorted(entries, key=lambda e: (e["service"], e["type"], e["id"]))
