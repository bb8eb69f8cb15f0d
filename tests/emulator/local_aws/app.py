"""Puts the parts together: patches, rules, settings, warm-up."""

from __future__ import annotations

import argparse

# Before anything that brings moto in: moto reads its settings once.
from . import moto_bridge
from . import kubernetes_server, pagination
from .clock import CLOCK
from .http_server import Server
from .request_log import LOG
from .server import Emulator

# Each import registers the rules of one part of AWS.
from . import rule_modules  # noqa: F401


def start(options: argparse.Namespace) -> Server:
    moto_bridge.prepare()
    CLOCK.scale = options.scale
    pagination.PAGE_SIZE = options.page_size
    LOG.open(options.request_log)
    _warm()
    emulator = Emulator()
    if options.kubernetes_api:
        kubernetes_server.switch_on(emulator.take, emulator.act)
    return Server(options.port, emulator.handle)


def _warm() -> None:
    """The first use of moto's EC2 takes seconds: take them before anyone waits."""
    ec2 = moto_bridge.backend("ec2")
    ec2.describe_instance_types()
    for service in ("iam", "s3", "kms", "logs"):
        moto_bridge.backend(service)
