"""Faults that a test orders: which calls they strike, and what became of them. The control is in fault_control.py."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from .errors import error_answer
from .fault_errors import refusal
from .rules import on_reset
from .wire import OWN_OPERATIONS, Answer, Call, service_model

#: Modes whose calls never do anything, and modes whose calls take their full effect first.
_WITHOUT_EFFECT = {"refuse", "drop-before", "status", "throttle", "access-denied", "expired-token", "conflict", "hold-before"}
_WITH_EFFECT = {"drop-after", "status-after", "slow", "hold-after"}
_UNANSWERED = {"drop-before", "drop-after", "hold-before", "hold-after", "refuse"}
_MODES = _WITHOUT_EFFECT | _WITH_EFFECT | {"stale"}
#: Types of a rule's fields, and the modes that take a field (absent: all of them).
_TYPES: dict[str, tuple[type, ...]] = {
    "id": (str,), "mode": (str,), "call": (int,), "times": (int,), "service": (str,), "operation": (str,), "mutating": (bool,),
    "seconds": (int, float), "status": (int,), "by": (str,)}
_ONLY = {"seconds": {"slow", "stale"}, "status": {"status", "status-after"}, "by": {"stale"}}
_numbers = itertools.count(1)


class BadRule(ValueError):
    """A rule that cannot be what its author meant."""


@dataclass(eq=False)
class Rule:
    """One fault. `gate` is what held calls wait for."""

    mode: str
    id: str = field(default_factory=lambda: f"fault-{next(_numbers)}")
    call: int = 1
    times: int = 1
    service: str | None = None
    operation: str | None = None
    mutating: bool | None = None
    seconds: float = 0
    status: int = 500
    by: str = "any"
    seen: int = 0
    struck: int = 0
    last: dict[str, str] | None = None
    gate: threading.Event = field(default_factory=threading.Event)

    @property
    def takes_effect(self) -> bool:
        return self.mode in _WITH_EFFECT

    def matches(self, call: Call) -> bool:
        if self.service not in (None, call.service) or self.mutating not in (None, call.mutating):
            return False
        if self.mode == "conflict" and not _conditional_write(call):
            return False
        wanted = self.operation
        if wanted and wanted.endswith("*"):
            return call.operation.startswith(wanted[:-1])
        return wanted in (None, call.operation)

    def due(self) -> bool:
        """Whether the call that was just counted is to be struck."""
        return self.seen >= self.call and (self.times == 0 or self.seen < self.call + self.times)

    def answer(self, call: Call, real: Answer | None) -> Answer:
        """What the client gets; `real` is the answer of a call that was let through."""
        if self.mode in _UNANSWERED:
            return Answer(0, {}, b"", code=real.code if real else None, reset=self.mode == "refuse")
        if self.mode == "slow":
            return real
        return error_answer(call.service, refusal(self.mode, self.status, call), call.http.method)

    def told(self) -> dict[str, Any]:
        names = ["id", "mode", "call", "times", "service", "operation", "mutating", "seen", "struck", "last"]
        return {name: getattr(self, name) for name in names + [n for n in _ONLY if self.mode in _ONLY[n]]}


def _conditional_write(call: Call) -> bool:
    return call.key in (("s3", "PutObject"), ("s3", "DeleteObject")) and bool(call["IfMatch"] or call["IfNoneMatch"])


def parse(text: Any) -> Rule:
    """A rule as JSON gave it. Strict: a rule with a slip in it would strike nothing, and the test would prove nothing."""
    if not isinstance(text, dict):
        raise BadRule("a rule is a JSON object")
    for name, value in text.items():
        if name not in _TYPES:
            raise BadRule(f"unknown field {name!r}")
        if type(value) not in _TYPES[name]:
            raise BadRule(f"{name} cannot be {value!r}")
    mode = text.get("mode")
    if mode not in _MODES:
        raise BadRule(f"mode must be one of {', '.join(sorted(_MODES))}")
    for name, modes in _ONLY.items():
        if name in text and mode not in modes:
            raise BadRule(f"{name} has no meaning in mode {mode}")
    rule = Rule(**text)
    if rule.call < 1 or rule.times < 0:
        raise BadRule("call counts from 1; times is 0 or more")
    if mode in _ONLY["seconds"] and rule.seconds <= 0:
        raise BadRule(f"mode {mode} needs seconds")
    if rule.status not in (500, 503) or rule.by not in ("id", "tag", "any"):
        raise BadRule("status is 500 or 503; by is id, tag or any")
    _check_names(rule)
    return rule


def _check_names(rule: Rule) -> None:
    if rule.service is None:
        return
    try:
        known = OWN_OPERATIONS.get(rule.service) or service_model(rule.service).operation_names
    except Exception as error:
        raise BadRule(f"unknown service {rule.service!r}: the names are those of botocore") from error
    wanted = rule.operation
    if wanted and not any(name.startswith(wanted[:-1]) if wanted.endswith("*") else name == wanted for name in known):
        raise BadRule(f"{rule.service} has no operation {wanted!r}")


class Faults:
    """The rules in force. It has a lock of its own, so that held calls do not block others."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._rules: list[Rule] = []

    def add(self, texts: list[Any]) -> list[str]:
        """All of them or none."""
        rules = [parse(text) for text in texts]
        ids = [rule.id for rule in rules]
        with self._changed:
            if len({rule.id for rule in self._rules} | set(ids)) < len(self._rules) + len(ids):
                raise BadRule("two rules with the same id")
            self._rules += rules
        return ids

    def told(self) -> list[dict[str, Any]]:
        with self._changed:
            return [rule.told() for rule in self._rules]

    def claim(self, call: Call) -> Rule | None:
        """Count a call; the first rule that is due strikes it."""
        with self._changed:
            matching = [rule for rule in self._rules if rule.mode != "stale" and rule.matches(call)]
            for rule in matching:
                rule.seen += 1
            return next((rule for rule in matching if rule.due()), None)

    def stale(self, call: Call) -> Rule | None:
        """The rule that hides what this creating call made."""
        with self._changed:
            found = next((rule for rule in self._rules if rule.mode == "stale" and rule.matches(call)), None)
            if found:
                found.seen += 1
            return found

    def in_force(self, rule: Rule) -> bool:
        with self._changed:
            return rule in self._rules

    def strike(self, rule: Rule, call: Call) -> threading.Event:
        """Note that the rule has struck, and wake who waits for that; the gate as it was at this moment."""
        with self._changed:
            rule.struck += 1
            rule.last = {"service": call.service, "operation": call.operation}
            self._changed.notify_all()
            return rule.gate

    def _find(self, identity: str) -> Rule:
        found = next((rule for rule in self._rules if rule.id == identity), None)
        if found is None:
            raise KeyError(identity)
        return found

    def wait(self, identity: str, seconds: float) -> dict[str, Any]:
        with self._changed:
            rule = self._find(identity)
            self._changed.wait_for(lambda: rule.struck or rule not in self._rules, seconds)
            return {"struck": rule.struck > 0} | (rule.last or {"service": None, "operation": None})

    def release(self, identity: str) -> None:
        """Let go what the rule holds now; calls that it strikes later are held anew."""
        with self._changed:
            rule = self._find(identity)
            gate, rule.gate = rule.gate, threading.Event()
            gate.set()

    def clear(self) -> None:
        with self._changed:
            for rule in self._rules:
                rule.gate.set()
            self._rules.clear()
            self._changed.notify_all()


FAULTS = Faults()
on_reset(FAULTS.clear)


def delay(rule: Rule, gate: threading.Event) -> None:
    """Make the client of a struck call wait, in a thread that holds no lock."""
    if rule.mode == "slow":
        time.sleep(rule.seconds)
    elif rule.mode.startswith("hold"):
        gate.wait()
