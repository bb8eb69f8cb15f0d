"""One server for all tests of a process, at a hundredth of real AWS's durations and with pages of five."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from forked import ForkServer, Server
from helpers import Aws


@pytest.fixture(scope="session")
def forks() -> Iterator[ForkServer]:
    """The process that forks servers."""
    made = ForkServer()
    yield made
    made.close()


@pytest.fixture(scope="session")
def server(forks, tmp_path_factory) -> Iterator[Server]:
    made = forks.start(tmp_path_factory.mktemp("server"), "--scale", "0.01", "--page-size", "5")
    yield made
    made.close()


@pytest.fixture(scope="session")
def aws(server) -> Aws:
    return Aws(server.url, server.log)
