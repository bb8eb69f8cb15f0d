"""python -m local_aws: start the server, say where, end with the parent."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from pathlib import Path


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="local_aws", description="A local AWS for tests: moto, made strict.")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--scale", type=float, default=0.01, help="factor on all durations of real AWS")
    parser.add_argument("--page-size", type=int, help="no page of any list is longer than this")
    parser.add_argument("--request-log", help="one JSON line per AWS request")
    parser.add_argument("--port-file", help="the URL is written here when the server is ready")
    parser.add_argument("--kubernetes-api", action="store_true", help="each cluster has a Kubernetes API server on a port of its own")
    parser.add_argument("--parent-pid", type=int, help="end when this process is gone")
    parser.add_argument("--fork-server", action="store_true", help="load once, then fork a server for each client of a Unix socket")
    return parser.parse_args(words)


def _alive(pid: int) -> bool:
    """Also false for a zombie: a dead parent whose own parent has not looked yet."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except (OSError, IndexError):
        return True


def main() -> None:
    options = arguments()
    # Imported late: `--help` must not wait for moto.
    if options.fork_server:
        from . import fork_server

        fork_server.run(arguments)
        return
    from . import app

    app.load()
    server = app.serve(options)
    if options.port_file:
        temporary = Path(f"{options.port_file}.part")
        temporary.write_text(server.url)
        temporary.rename(options.port_file)
    print(f"listening on {server.url}", flush=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while options.parent_pid is None or _alive(options.parent_pid):
        time.sleep(1)


if __name__ == "__main__":
    main()
