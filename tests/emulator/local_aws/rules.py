"""The register of what the emulator adds to moto, one entry per AWS operation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

Check = Callable[[Any], None]
Reply = Callable[[Any], Any]

#: Checks that run before the operation and raise AwsError to refuse it.
BEFORE: dict[tuple[str, str], list[Check]] = defaultdict(list)
#: Replacements of the operation; the result is a dictionary or an Answer.
ANSWER: dict[tuple[str, str], Reply] = {}
#: Steps after a successful operation of moto; they get the call and moto's result object.
AFTER: dict[tuple[str, str], list[Callable[[Any, Any], None]]] = defaultdict(list)
#: Steps after a successful operation of moto that look only at the call.
AFTER_ANSWER: dict[tuple[str, str], list[Check]] = defaultdict(list)
#: Functions called on reset.
ON_RESET: list[Callable[[], None]] = []


def before(service: str, *operations: str):
    def register(function: Check) -> Check:
        for operation in operations:
            BEFORE[service, operation].append(function)
        return function

    return register


def answer(service: str, *operations: str):
    def register(function: Reply) -> Reply:
        for operation in operations:
            ANSWER[service, operation] = function
        return function

    return register


def after(service: str, *operations: str):
    def register(function):
        for operation in operations:
            AFTER[service, operation].append(function)
        return function

    return register


def after_answer(service: str, *operations: str):
    def register(function: Check) -> Check:
        for operation in operations:
            AFTER_ANSWER[service, operation].append(function)
        return function

    return register


def on_reset(function: Callable[[], None]) -> Callable[[], None]:
    ON_RESET.append(function)
    return function
