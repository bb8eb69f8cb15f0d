"""One server for the whole suite, at a hundredth of real AWS's durations and with pages of five."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from helpers import Aws

HERE = Path(__file__).parent


def start(tmp: Path, *options: str) -> tuple[subprocess.Popen, str, Path]:
    """Start a server; (process, URL, request log)."""
    port_file, log = tmp / "url", tmp / "requests.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-m", "local_aws", "--port", "0", "--port-file", str(port_file), "--request-log", str(log), *options],
        cwd=HERE.parent, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not port_file.exists():
        assert process.poll() is None and time.monotonic() < deadline, "the server did not start"
        time.sleep(0.05)
    return process, port_file.read_text(), log


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    process, url, log = start(tmp_path_factory.mktemp("server"), "--scale", "0.01", "--page-size", "5",
                              "--parent-pid", str(os.getpid()))
    yield process, url, log
    process.terminate()
    assert process.wait(10) == 0


@pytest.fixture(scope="session")
def aws(server) -> Aws:
    return Aws(server[1], server[2])
