"""A small threaded HTTP/1.1 server with keep-alive."""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from .wire import Answer, Http


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline() not in (b"\r\n", b""):
                pass
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _serve(self) -> None:
        body = self._read_body()
        # Not split at "//": an S3 key may begin with a slash.
        path, _, query = self.path.partition("?")
        if path.startswith(("http://", "https://")):
            path = urlsplit(path).path
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer: Answer = self.server.handle(Http(self.command, path or "/", query, headers, body))
        if answer.status == 0:
            self._hang_up(answer.reset)
            return
        self.send_response_only(answer.status)
        self.send_header("Date", self.date_time_string())
        length = None
        for name, value in answer.headers.items():
            if name.lower() == "content-length":
                length = value
            elif name.lower() not in ("date", "connection", "transfer-encoding"):
                self.send_header(name, value)
        if self.command == "HEAD" and length is not None:
            self.send_header("Content-Length", length)
        elif answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD" and answer.status not in (204, 304):
            self.wfile.write(answer.body)
        self.wfile.flush()

    def _hang_up(self, reset: bool) -> None:
        """End the connection in the middle of an exchange, kept alive or not."""
        self.close_connection = True
        if reset:
            # Closed here and now: the server's own way of closing sends a FIN first.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = _serve

    def handle_expect_100(self) -> bool:
        """The word to go on must not wait in the buffer: the client waits for it."""
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def log_message(self, *_args) -> None:
        """Quiet: the request log is the log."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, port: int, handle: Callable[[Http], Answer]) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.handle = handle

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().server_bind()

    def handle_error(self, request, client_address) -> None:
        """A client that hangs up is normal and not reported; anything else is a bug of ours."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"
