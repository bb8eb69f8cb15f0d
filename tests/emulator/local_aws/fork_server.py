"""A loaded process that forks a local AWS, or a runner of boto3 scripts, for each client that connects to it.

Loading moto and the models of botocore costs about two CPU seconds; a fork of a process that has loaded them is ready in milliseconds.
The client writes one line of JSON to a Unix socket, and the connection is the lifetime of what it gets:

    {"serve": ["--scale", "0.001", ...]}    a server with these options; the answer is {"url": URL}
    {"scripts": URL}                        a runner of scripts against that server; see `script_runner.py`

A child ends when its connection does, so also when the client is killed. The parent ends when its standard input does.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

from moto.moto_api._internal import mock_random

from . import app, script_runner

#: A client writes its line at once. A child that gets none ends after so many seconds.
_REQUEST_SECONDS = 10


def run(parse: Callable[[list[str]], argparse.Namespace]) -> None:
    """Serve until standard input ends. The first line of standard output is the path of the socket."""
    app.load()
    app.warm()
    script_runner.load()
    # The collector of a child need not look at what all children share, and does not copy its pages by looking.
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children that have ended leave no zombies
    folder = Path(tempfile.mkdtemp(prefix="local-aws-"))
    try:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(folder / "socket"))
        listener.listen(64)
        print(folder / "socket", flush=True)
        while True:
            ready, _, _ = select.select([sys.stdin, listener], [], [])
            if sys.stdin in ready and not os.read(sys.stdin.fileno(), 4096):
                return
            if listener in ready:
                _fork(listener, parse)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fork(listener: socket.socket, parse: Callable[[list[str]], argparse.Namespace]) -> None:
    """Accept one client and leave it to a child."""
    connection, _ = listener.accept()
    with connection:
        assert threading.active_count() == 1, "only the thread that forks exists in the child"
        if os.fork():
            return
        status = 1
        try:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            mock_random.seed()  # else all children would give the same ids; Python's own generator does this by itself
            _child(connection, parse)
            status = 0
        except BaseException:
            traceback.print_exc(file=sys.stderr)
        finally:
            os._exit(status)  # not `sys.exit`: what the parent wants done at its own end is not done here


def _child(connection: socket.socket, parse: Callable[[list[str]], argparse.Namespace]) -> None:
    connection.settimeout(_REQUEST_SECONDS)
    with connection.makefile("rw", encoding="utf-8", newline="\n") as stream:
        request = json.loads(stream.readline() or "null")
        connection.settimeout(None)
        if request is None:
            return
        if "scripts" in request:
            script_runner.serve(stream, request["scripts"])
            return
        server = app.serve(parse(request["serve"]))
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        stream.write(json.dumps({"url": server.url, "pid": os.getpid()}) + "\n")
        stream.flush()
        stream.read()
