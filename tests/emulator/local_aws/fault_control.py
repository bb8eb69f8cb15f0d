"""The control of faults: /_emulator/faults, /faults/wait, /faults/release."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

from . import stale
from .faults import FAULTS, BadRule
from .wire import Http

_WAIT = 30.0


def control(http: Http) -> tuple[int, Any]:
    """HTTP status and JSON value."""
    what = (http.method, http.path.removeprefix("/_emulator/faults"))
    query = {name: values[0] for name, values in parse_qs(http.query).items()}
    try:
        if what == ("POST", ""):
            return 200, {"ids": FAULTS.add(_rules(http.body))}
        if what == ("GET", ""):
            return 200, FAULTS.told()
        if what == ("DELETE", ""):
            FAULTS.clear()
            stale.clear()
            return 200, {"status": "ok"}
        if what == ("GET", "/wait"):
            return 200, FAULTS.wait(query.get("id", ""), float(query.get("timeout", _WAIT)))
        if what == ("POST", "/release"):
            FAULTS.release(query.get("id", ""))
            return 200, {"status": "ok"}
    except KeyError:
        return 404, {"error": f"no fault {query.get('id')!r}"}
    except ValueError as error:
        return 400, {"error": str(error)}
    return 404, {"error": "no such control"}


def _rules(body: bytes) -> list[Any]:
    content = json.loads(body)
    rules = content.get("faults") if isinstance(content, dict) else None
    if not isinstance(rules, list) or not rules or set(content) != {"faults"}:
        raise BadRule('the body must be {"faults": [RULE, ...]}')
    return rules
