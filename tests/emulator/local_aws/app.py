"""Puts the parts together: patches and rules, which are loaded once, and the settings of a server."""

from __future__ import annotations

import argparse

# Before anything that brings moto in: moto reads its settings once.
from . import moto_bridge
from . import kubernetes_server, models, pagination
from .clock import CLOCK
from .http_server import Server
from .request_log import LOG
from .server import Emulator

# Each import registers the rules of one part of AWS.
from . import rule_modules  # noqa: F401


def load() -> None:
    """Load what every server needs."""
    moto_bridge.prepare()
    # Routes are made here and not at their first use, because several requests at once would each find them half made.
    models.load()
    # The first use of moto's EC2 takes seconds.
    moto_bridge.backend("ec2").describe_instance_types()
    for service in ("iam", "s3", "kms", "logs"):
        moto_bridge.backend(service)


def warm() -> None:
    """Make all that is otherwise made at its first use, for a process that forks. Starts no thread."""
    for service in models.SERVICES:
        pagination.specs(service)
    for service in moto_bridge.HANDLERS:
        moto_bridge.handler(service)


def serve(options: argparse.Namespace) -> Server:
    """A server with its own settings, listening; the caller runs its loop."""
    CLOCK.scale = options.scale
    pagination.PAGE_SIZE = options.page_size
    LOG.open(options.request_log)
    emulator = Emulator()
    if options.kubernetes_api:
        kubernetes_server.switch_on(emulator.take, emulator.act)
    return Server(options.port, emulator.handle)
