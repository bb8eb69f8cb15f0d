"""Small things that the tests share: clients, codes of refusals, waiting, and ready-made parts of a network."""

from __future__ import annotations

import itertools
import json
import time
import urllib.request
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

_numbers = itertools.count(1)
ZONES = ("us-west-2a", "us-west-2b", "us-west-2c")


def fresh(prefix: str = "t") -> str:
    return f"{prefix}-{next(_numbers)}-{int(time.time() * 1000) % 100000}"


def refusal(function: Callable[..., Any], **arguments: Any) -> dict[str, Any]:
    """The error that a call gets; fails when there is none."""
    try:
        function(**arguments)
    except ClientError as error:
        return error.response["Error"] | {"Status": error.response["ResponseMetadata"]["HTTPStatusCode"], "Whole": error.response}
    raise AssertionError(f"{function.__name__} was not refused")


def code(function: Callable[..., Any], **arguments: Any) -> str:
    return refusal(function, **arguments)["Code"]


def until(condition: Callable[[], Any], seconds: float = 15) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return found


def trust(service: str, actions: Any = "sts:AssumeRole") -> str:
    return json.dumps({"Version": "2012-10-17",
                       "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": actions}]})


class Aws:
    """Clients of one server, and shortcuts."""

    def __init__(self, url: str, log: Path) -> None:
        self.url, self.log = url, log

    @cache  # noqa: B019 (lives as long as the session)
    def client(self, service: str, region: str = "us-west-2") -> Any:
        return boto3.client(service, region_name=region, endpoint_url=self.url, aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
                            aws_secret_access_key="secret",
                            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"},
                                          parameter_validation=False))

    def __getattr__(self, service: str) -> Any:
        return self.client(service.replace("_", "-"), "us-east-1" if service == "iam" else "us-west-2")

    def control(self, name: str, method: str = "GET", content: Any = None) -> Any:
        body = None if content is None else json.dumps(content).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/_emulator/{name}", body, method=method)) as answer:
            return json.load(answer)

    def seed(self, what: str, **more: Any) -> list[dict[str, Any]]:
        """Sow; what has grown."""
        body = json.dumps({"what": what} | more).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/_emulator/seed", body, method="POST")) as answer:
            return json.load(answer)["seeded"]

    def inventory(self) -> list[dict[str, Any]]:
        return self.control("inventory")

    def role(self, service: str, *policies: str, actions: Any = "sts:AssumeRole", wait: bool = True) -> str:
        name = fresh("role")
        arn = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(service, actions))["Role"]["Arn"]
        for policy in policies:
            self.iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
        if wait:
            time.sleep(0.1)
        return arn

    def vpc(self, subnets: int = 3, gateway: bool = False, cidr: str = "10.0.0.0/16", region: str = "us-west-2") -> "Vpc":
        return Vpc(self, subnets, gateway, cidr, region)

    def image(self, version: str = "1.35") -> str:
        name = f"/aws/service/eks/optimized-ami/{version}/amazon-linux-2023/x86_64/standard/recommended/image_id"
        return self.ssm.get_parameter(Name=name)["Parameter"]["Value"]

    def template(self, **data: Any) -> str:
        data = {"ImageId": self.image(), "InstanceType": "m5.2xlarge"} | data
        return self.ec2.create_launch_template(LaunchTemplateName=fresh("lt"), LaunchTemplateData=data)["LaunchTemplate"]["LaunchTemplateId"]


class Vpc:
    """A VPC with subnets in three zones, and perhaps an internet gateway."""

    def __init__(self, aws: Aws, subnets: int, gateway: bool, cidr: str, region: str) -> None:
        ec2 = aws.client("ec2", region)
        self.ec2 = ec2
        self.id = ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
        for attribute in ("EnableDnsSupport", "EnableDnsHostnames"):
            ec2.modify_vpc_attribute(VpcId=self.id, **{attribute: {"Value": True}})
        base = ".".join(cidr.split(".")[:2])
        self.subnets = [
            ec2.create_subnet(VpcId=self.id, CidrBlock=f"{base}.{n}.0/24",
                              AvailabilityZone=region + "abc"[n % 3])["Subnet"]["SubnetId"] for n in range(subnets)]
        self.gateway = None
        if gateway:
            self.gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
            ec2.attach_internet_gateway(InternetGatewayId=self.gateway, VpcId=self.id)

    def group(self) -> str:
        return self.ec2.create_security_group(GroupName=fresh("sg"), Description="test", VpcId=self.id)["GroupId"]
