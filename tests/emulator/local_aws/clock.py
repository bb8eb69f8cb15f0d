"""Durations of real AWS, scaled, and the things that happen when they are over."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Seconds that real AWS takes (public logs; the same table as in the project's reference).
SECONDS = {
    "cluster_create": 540,
    "cluster_delete": 180,
    "cluster_network": 20,
    "cluster_update": 60,
    "addon_daemon": 25,
    "addon_pods": 30,
    "addon_delete": 20,
    "nat_create": 100,
    "nat_fail": 5,
    "nat_delete": 50,
    "nat_forgotten": 3600,
    "endpoint_create": 60,
    "endpoint_delete": 30,
    "instance_create": 45,
    "instance_delete": 60,
    "group_delete": 20,
    "instance_forgotten": 3600,
    "load_balancer_delete": 30,
    "log_group_again": 25,
    "recovery_point_delete": 10,
    "volume_delete": 60,
    "iam_visible": 8,
    "efs_create": 5,
    "efs_delete": 5,
    "access_point_create": 5,
    "mount_target_create": 85,
    "mount_target_delete": 40,
}


class Clock:
    """Runs due events before each request: no thread of its own, so no surprise in mid-request."""

    def __init__(self) -> None:
        self.scale = 1.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._standing = 0

    def seconds(self, what: str) -> float:
        return SECONDS[what] * self.scale

    def after(self, what: str, event: Callable[[], None]) -> None:
        self.later(self.seconds(what), event)

    def later(self, seconds: float, event: Callable[[], None]) -> None:
        """After so many real seconds."""
        heapq.heappush(self._events, (time.monotonic() + seconds, next(self._count), event))

    def run_due(self) -> None:
        now = time.monotonic()
        while self._events and self._events[0][0] <= now and not self._standing:
            heapq.heappop(self._events)[2]()

    @contextmanager
    def standing(self) -> Iterator[None]:
        """Nothing becomes due meanwhile: for what is to happen in one moment."""
        self._standing += 1
        try:
            yield
        finally:
            self._standing -= 1

    def reset(self) -> None:
        self._events.clear()


CLOCK = Clock()
