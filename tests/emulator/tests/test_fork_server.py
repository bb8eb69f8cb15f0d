"""Forked servers: each has its own account and options, and ends with the client that asked for it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from forked import HERE, ForkServer
from helpers import Aws, until


@pytest.fixture
def own() -> ForkServer:
    """A fork server that a test may end."""
    made = ForkServer()
    yield made
    made.process.kill()
    made.process.wait()


def gone(pid: int) -> bool:
    """Whether a process has ended; a zombie has ended, too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def scripts(forks: ForkServer, url: str):
    """A connection to a runner of scripts."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(forks.path)
    stream = connection.makefile("rw", encoding="utf-8", newline="\n")
    stream.write(json.dumps({"scripts": url}) + "\n")

    def run(script: str) -> dict:
        stream.write(json.dumps({"script": script}) + "\n")
        stream.flush()
        return json.loads(stream.readline())

    return run


def test_each_has_its_own_options_and_account(forks, tmp_path):
    (tmp_path / "two").mkdir()
    one = forks.start(tmp_path, "--scale", "0.5", "--page-size", "3")
    two = forks.start(tmp_path / "two")
    first, second = Aws(one.url, one.log), Aws(two.url, two.log)
    assert first.control("health") == {"status": "ok", "scale": 0.5, "page_size": 3}
    assert second.control("health") == {"status": "ok", "scale": 0.01, "page_size": None}
    made = first.vpc(1).id
    assert second.inventory() == [] and second.control("requests") == []
    # A generator of chance that was forked, too, would give the same id again.
    assert second.vpc(1).id != made
    assert len(one.log.read_text().splitlines()) == len(first.control("requests")) != 0
    three = forks.start(tmp_path / "two")
    assert Aws(three.url, three.log).inventory() == [], "what its brothers made is not in a later one"
    for server in (one, two, three):
        server.close()
        assert gone(server.pid)


def test_ends_with_its_client(forks, tmp_path):
    server = forks.start(tmp_path)
    client = subprocess.Popen(
        [sys.executable, "-c", "import sys, time; from forked import Server; from pathlib import Path\n"
         "server = Server(sys.argv[1], Path(sys.argv[2]), ())\nprint(server.pid, flush=True)\ntime.sleep(60)", forks.path, str(tmp_path / "log")],
        cwd=HERE, stdout=subprocess.PIPE, text=True)
    pid = int(client.stdout.readline())
    assert not gone(pid)
    client.kill()
    client.wait()
    until(lambda: gone(pid))
    with urllib.request.urlopen(f"{server.url}/_emulator/health") as answer:
        assert answer.status == 200, "the end of one is not the end of others"
    server.close()


def test_the_fork_server_ends_with_its_standard_input(own, tmp_path):
    server = own.start(tmp_path)
    own.process.stdin.close()
    assert own.process.wait(10) == 0
    assert not os.path.exists(own.path)
    server.close()
    assert gone(server.pid)


def test_servers_outlive_a_fork_server_that_was_killed_but_not_their_client(own, tmp_path):
    server = own.start(tmp_path)
    own.process.send_signal(signal.SIGKILL)
    own.process.wait()
    with urllib.request.urlopen(f"{server.url}/_emulator/health") as answer:
        assert answer.status == 200
    server.close()
    until(lambda: gone(server.pid))


def test_a_client_that_asks_for_nothing_holds_up_nobody(forks, tmp_path):
    silent = socket.socket(socket.AF_UNIX)
    silent.connect(forks.path)
    began = time.monotonic()
    server = forks.start(tmp_path)
    assert time.monotonic() - began < 5
    server.close()
    silent.close()


def test_scripts(forks, tmp_path):
    server = forks.start(tmp_path, "--page-size", "2")
    run = scripts(forks, server.url)
    made = run("made = [ec2.create_vpc(CidrBlock=f'10.{n}.0.0/16')['Vpc']['VpcId'] for n in range(3)]\nresult = made")["result"]
    assert sorted(run("result = [v['VpcId'] for v in full(ec2, 'describe_vpcs')['Vpcs']]")["result"]) == sorted(made)
    assert "NameError: name 'made' is not defined" in run("result = made")["error"]
    assert "InvalidVpcID.NotFound" in run("ec2.delete_vpc(VpcId='vpc-0123456789abcdef0')")["error"]
    assert run("pass") == {"result": None}
    far = "import boto3\nresult = boto3.client('ec2', region_name='eu-central-1').describe_vpcs()['Vpcs']"
    assert run(far) == {"result": []}, "clients of a script's own making talk to the same server"
    server.close()
