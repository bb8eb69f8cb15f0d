"""Servers of the local AWS, forked from one process that has loaded everything (`local_aws/fork_server.py`)."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


class Server:
    """A forked server. It ends when it is closed, and with this process."""

    def __init__(self, socket_path: str, log: Path, options: tuple[str, ...]) -> None:
        self.log = log
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._connection.connect(socket_path)
        self._stream = self._connection.makefile("rw", encoding="utf-8", newline="\n")
        self._stream.write(json.dumps({"serve": ["--request-log", str(log), *options]}) + "\n")
        self._stream.flush()
        line = self._stream.readline()
        assert line, "the server did not start"
        answer = json.loads(line)
        self.url, self.pid = answer["url"], answer["pid"]

    def close(self) -> None:
        """Ends the server and waits for its end."""
        self._connection.shutdown(socket.SHUT_WR)
        self._stream.read()
        self._stream.close()
        self._connection.close()


class ForkServer:
    """The process that forks servers; it ends with this process, because its standard input does."""

    def __init__(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-m", "local_aws", "--fork-server"], cwd=HERE.parent,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.path = self.process.stdout.readline().strip()
        assert self.path, "the local AWS did not start"

    def start(self, folder: Path, *options: str) -> Server:
        """A server with these options, which writes its request log into the folder."""
        return Server(self.path, folder / "requests.jsonl", options)

    def close(self) -> None:
        self.process.stdin.close()
        assert self.process.wait(10) == 0
