"""The log of AWS requests: one JSON line each, and the same in memory."""

from __future__ import annotations

import json
import threading
import time
from typing import Any, TextIO

_LONG = 4096


def _plain(value: Any) -> Any:
    """Parameters as JSON: blobs become their length, long texts are cut."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, (bytes, bytearray)):
        return f"<{len(value)} bytes>"
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if hasattr(value, "read"):
        return "<stream>"
    text = str(value)
    return text if len(text) <= 5 * _LONG else f"{text[:_LONG]}… <{len(text)} characters>"


class RequestLog:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[dict[str, Any]] = []
        self._file: TextIO | None = None

    def open(self, path: str | None) -> None:
        if path:
            self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115 (lives as long as the server)

    def add(self, call: Any, status: int, code: str | None, started: float, region: str) -> None:
        params = call.flat or call.params
        entry = {
            "n": 0,
            "t": round(time.time(), 3),
            "service": call.service,
            "operation": call.operation,
            "mutating": call.mutating,
            "status": status,
            "code": code,
            "ms": round((time.perf_counter() - started) * 1000, 1),
            "region": region,
            "params": _plain({k: v for k, v in params.items() if k not in ("Action", "Version")}),
        }
        if call.fault:
            entry["fault"] = call.fault
            if not call.effect:
                entry["effect"] = False
        with self._lock:
            entry["n"] = len(self._entries) + 1
            self._entries.append(entry)
            if self._file:
                self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")
                self._file.flush()

    def since(self, number: int) -> list[dict[str, Any]]:
        with self._lock:
            return self._entries[number:]

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()


LOG = RequestLog()
