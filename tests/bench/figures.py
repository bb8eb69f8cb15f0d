"""Figures of one binary against the local AWS; nothing is asserted, everything is printed as a table.

    python figures.py BINARY

Durations of AWS are a tenth of the real ones, pages as long as AWS's own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCALE = 0.1
#: What our own calls make, by the inventory's types; interfaces, instances, volumes and the like are AWS's.
MADE_BY_AWS = {"network-interface", "instance", "volume", "role-service-linked"}
#: The shortest chain of what AWS takes by itself: cluster, nodes, last add-ons (docs/aws.md, "Durations"), in real seconds.
AWS_CHAIN = 540 + 45 + 30


class LocalAws:
    def __init__(self, folder: Path) -> None:
        self.log, port = folder / "requests.ndjson", folder / "url"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local_aws", "--port", "0", "--scale", str(SCALE), "--request-log", self.log, "--port-file", port,
             "--parent-pid", str(os.getpid())], cwd=ROOT / "tests" / "emulator", stdout=subprocess.DEVNULL)
        while not port.exists():
            time.sleep(0.05)
        self.url = port.read_text()

    def requests(self, since: int = 0) -> list[dict]:
        return [json.loads(line) for line in self.log.read_text().splitlines()][since:]

    def inventory(self) -> list[dict]:
        with urllib.request.urlopen(f"{self.url}/_emulator/inventory") as answer:
            return json.load(answer)


def environment(url: str, folder: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench", "DOMINO_EKS_TIME_SCALE": str(SCALE)}


def run(binary: str, folder: Path, url: str, *arguments: str) -> tuple[str, float, int]:
    """stdout, seconds, peak KiB."""
    began = time.perf_counter()
    process = subprocess.Popen([binary, *arguments], cwd=folder, env=environment(url, folder), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    stdout, stderr = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if os.waitstatus_to_exitcode(status) not in (0, 2):
        sys.exit(f"domino-eks {' '.join(arguments)} failed:\n{stderr}")
    return stdout, seconds, usage.ru_maxrss


def configuration(pools: int) -> str:
    text = (ROOT / "examples" / "domino-test-cluster.yaml").read_text()
    more = "".join(f"  extra-{n}: {{instanceType: m5.2xlarge, min: 0, max: 3, diskGiB: 400}}\n" for n in range(pools - 3))
    return text + (f"pools:\n{more}" if more else "")


def life(binary: str, pools: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        aws = LocalAws(folder)
        try:
            (folder / "domino-eks.yaml").write_text(configuration(pools))
            lines, _, peak = run(binary, folder, aws.url, "apply", "--yes", "--progress", "json")
            end = json.loads(lines.splitlines()[-1])
            calls = aws.requests()
            objects = [thing for thing in aws.inventory() if thing["type"] not in MADE_BY_AWS]
            run(binary, folder, aws.url, "apply", "--yes")
            second = aws.requests(len(calls))
            before = len(aws.requests())
            run(binary, folder, aws.url, "plan")
            return {
                "steps": end["done"], "calls": len(calls), "mutating": sum(call["mutating"] for call in calls), "objects": len(objects),
                "seconds": end["seconds"], "critical": end["expected_seconds"] * SCALE, "peak": peak,
                "second_mutating": sum(call["mutating"] for call in second), "refresh": len(aws.requests(before)),
                "destroy": destroy(binary, folder, aws),
            }
        finally:
            aws.process.terminate()
            aws.process.wait()


def destroy(binary: str, folder: Path, aws: LocalAws) -> tuple[float, float]:
    lines, _, _ = run(binary, folder, aws.url, "destroy", "--confirm", "domino-test-cluster", "--delete-data", "--progress", "json")
    end = json.loads(lines.splitlines()[-1])
    return end["seconds"], end["expected_seconds"] * SCALE


def quick(binary: str, *arguments: str) -> float:
    """Median milliseconds of 20 runs."""
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "domino-eks.yaml").write_text(configuration(3))
        return 1000 * statistics.median(run(binary, Path(name), "http://127.0.0.1:1", *arguments)[1] for _ in range(20))


def main() -> None:
    binary = os.path.abspath(sys.argv[1])
    three, thirty = life(binary, 3), life(binary, 30)
    ratio = three["mutating"] / three["objects"]
    rows = [
        ("size of the binary", f"{os.path.getsize(binary) / 1e6:.1f} MB"),
        ("`--version`, median of 20", f"{quick(binary, '--version'):.1f} ms"),
        ("`plan --offline`, median of 20", f"{quick(binary, 'plan', '--offline'):.1f} ms"),
        ("peak memory of a full apply", f"{three['peak'] / 1024:.1f} MiB"),
        ("full apply, 3 zones, 3 pools", f"{three['steps']} steps, {three['calls']} API calls"),
        ("… mutating calls / created objects", f"{three['mutating']} / {three['objects']} = {ratio:.2f} (target ≤ 1.40)"),
        ("… wall time / critical path", f"{three['seconds']:.1f} s / {three['critical']:.1f} s = {three['seconds'] / three['critical']:.3f} (target ≤ 1.15)"),
        ("… wall time / AWS's own chain", f"{three['seconds']:.1f} s / {AWS_CHAIN * SCALE:.1f} s = {three['seconds'] / (AWS_CHAIN * SCALE):.3f}"),
        ("mutating calls of a second apply", f"{three['second_mutating']} (target 0)"),
        ("refresh, 3 pools", f"{three['refresh']} API calls (target ≤ 60)"),
        ("refresh, 30 pools", f"{thirty['refresh']} API calls = {thirty['refresh'] / three['refresh']:.2f} × (target ≤ 1.30)"),
        ("full apply, 30 pools, wall / critical path", f"{thirty['seconds']:.1f} s / {thirty['critical']:.1f} s"),
        ("destroy, wall / critical path", f"{three['destroy'][0]:.1f} s / {three['destroy'][1]:.1f} s = {three['destroy'][0] / three['destroy'][1]:.3f}"),
    ]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:{width}}  {value}")


if __name__ == "__main__":
    main()
