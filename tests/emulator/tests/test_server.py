"""The server itself: control, log, inventory, refusals of what it lacks."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlparse

from forked import HERE
from helpers import Aws, code, fresh, refusal


def start(tmp: Path, *options: str) -> tuple[subprocess.Popen, str]:
    """Start a server as the demo does, in a process of its own; the process and the URL."""
    port_file = tmp / "url"
    process = subprocess.Popen([sys.executable, "-m", "local_aws", "--port", "0", "--port-file", str(port_file), *options],
                               cwd=HERE.parent, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not port_file.exists():
        assert process.poll() is None and time.monotonic() < deadline, "the server did not start"
        time.sleep(0.05)
    return process, port_file.read_text()


def test_health_and_settings(aws):
    assert aws.control("health") == {"status": "ok", "scale": 0.01, "page_size": 5}


def test_request_log_names_and_parameters(aws):
    before = len(aws.control("requests"))
    vpc = aws.vpc(1).id
    bucket = fresh("bucket")
    aws.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    aws.s3.put_object(Bucket=bucket, Key="a/b", Body=b"body")
    code(aws.eks.describe_cluster, name="absent")
    new = aws.control(f"requests?since={before}")
    assert [entry["n"] for entry in new] == list(range(before + 1, before + 1 + len(new)))
    by_name = {entry["operation"]: entry for entry in new}
    create = by_name["CreateVpc"]
    assert create["service"] == "ec2" and create["mutating"] and create["status"] == 200 and create["region"] == "us-west-2"
    assert create["params"]["CidrBlock"] == "10.0.0.0/16"
    assert by_name["ModifyVpcAttribute"]["params"]["VpcId"] == vpc
    assert by_name["PutObject"]["params"]["Key"] == "a/b" and by_name["PutObject"]["params"]["Body"] == "<4 bytes>"
    describe = by_name["DescribeCluster"]
    assert not describe["mutating"] and describe["status"] == 404 and describe["code"] == "ResourceNotFoundException"
    assert describe["params"] == {"name": "absent"}
    lines = [json.loads(line) for line in aws.log.read_text().splitlines()]
    assert lines[before : before + len(new)] == new
    assert "AKIA" not in aws.log.read_text() and "Signature" not in aws.log.read_text()


def test_unimplemented_calls_are_clean_501(aws):
    for call in (aws.dynamodb.list_tables, aws.cloudformation.list_stacks, aws.ec2.describe_network_insights_paths):
        error = refusal(call)
        assert error["Code"] == "NotImplementedByEmulator" and error["Status"] == 501
    assert aws.control("requests")[-1]["code"] == "NotImplementedByEmulator"


def test_no_default_vpc_and_inventory_returns_to_what_it_was(aws):
    before = aws.inventory()
    vpc = aws.vpc(2, gateway=True)
    group = vpc.group()
    kinds = {entry["type"] for entry in aws.inventory()} - {entry["type"] for entry in before}
    assert {"vpc", "subnet", "security-group", "internet-gateway-attachment", "security-group-rule"} - kinds <= {e["type"] for e in before}
    aws.ec2.delete_security_group(GroupId=group)
    aws.ec2.detach_internet_gateway(InternetGatewayId=vpc.gateway, VpcId=vpc.id)
    aws.ec2.delete_internet_gateway(InternetGatewayId=vpc.gateway)
    for subnet in vpc.subnets:
        aws.ec2.delete_subnet(SubnetId=subnet)
    aws.ec2.delete_vpc(VpcId=vpc.id)
    assert aws.inventory() == before
    assert aws.client("ec2", "eu-west-1").describe_vpcs()["Vpcs"] == []


def test_caller_identity(aws):
    assert aws.sts.get_caller_identity()["Account"] == "123456789012"


def test_keep_alive_and_expect_continue(aws):
    place = urlparse(aws.url)
    connection = http.client.HTTPConnection(place.hostname, place.port)
    for _ in range(3):
        connection.request("GET", "/_emulator/health")
        assert json.load(connection.getresponse())["status"] == "ok"
    bucket = fresh("bucket")
    aws.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    started = time.monotonic()
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"x" * 100_000)
    assert time.monotonic() - started < 0.8, "the client waited for 100 Continue"


def cpu_seconds(pid: int) -> float:
    """What a process has computed so far, however busy the machine is."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_call_costs_little(server, aws):
    aws.ec2.describe_vpcs()
    before = cpu_seconds(server.pid)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: aws.ec2.describe_vpcs(), range(100)))
    assert cpu_seconds(server.pid) - before < 2, "100 calls are far slower than they should be"


def test_ends_on_sigterm_and_reset_forgets(tmp_path):
    process, url = start(tmp_path, "--scale", "0.01")
    line = process.stdout.readline()
    assert line.strip() == f"listening on {url}"
    own = Aws(url, tmp_path / "requests.jsonl")
    own.vpc(1)
    assert own.inventory()
    own.control("reset", "POST")
    assert own.inventory() == [] and own.control("requests") == []
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 0


def test_ends_with_its_parent(tmp_path):
    parent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    process, url = start(tmp_path, "--scale", "0.01", "--parent-pid", str(parent.pid))
    with urllib.request.urlopen(f"{url}/_emulator/health") as answer:
        assert answer.status == 200
    parent.kill()
    parent.wait()
    assert process.wait(10) == 0
    assert not os.path.exists(f"/proc/{process.pid}")
