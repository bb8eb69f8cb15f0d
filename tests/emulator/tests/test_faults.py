"""Faults on order: what strikes, whom, with what effect, and how the client sees it."""

from __future__ import annotations

import http.client
import json
import socket
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlparse

import pytest
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, HTTPClientError
from helpers import Aws, code, fresh, refusal, trust

DROPPED = (ConnectionClosedError, EndpointConnectionError, HTTPClientError)


@pytest.fixture(autouse=True)
def clean(aws):
    yield
    aws.control("faults", "DELETE")


def order(aws, *rules):
    request = urllib.request.Request(f"{aws.url}/_emulator/faults", json.dumps({"faults": rules}).encode(), method="POST")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["ids"]


def vpcs(aws):
    return {entry["id"] for entry in aws.inventory() if entry["type"] == "vpc"}


def make(aws):
    return aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]


def last(aws):
    return aws.control("requests")[-1]


@pytest.mark.parametrize(("mode", "effect"), [("refuse", False), ("drop-before", False), ("drop-after", True)])
def test_dropped_connections(aws, mode, effect):
    aws.ec2.describe_vpcs()  # the connection is a kept one
    before = vpcs(aws)
    order(aws, {"mode": mode, "operation": "CreateVpc"})
    with pytest.raises(DROPPED):
        make(aws)
    assert len(vpcs(aws) - before) == effect
    entry = last(aws)
    assert entry["operation"] == "CreateVpc" and entry["fault"] == mode and entry["status"] == 0
    assert entry.get("effect", True) is effect
    aws.ec2.describe_vpcs()
    assert make(aws) in vpcs(aws)
    assert "fault" not in last(aws) and "effect" not in last(aws)


def raw(aws):
    """A request by hand, to see the bytes of the end; the socket and what it read, or the error."""
    place = urlparse(aws.url)
    connection = socket.create_connection((place.hostname, place.port))
    body = b"Action=DescribeVpcs&Version=2016-11-15"
    head = (f"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
            "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261121/us-west-2/ec2/aws4_request, SignedHeaders=host, "
            "Signature=0\r\n\r\n")
    connection.sendall(head.encode() + body)
    with connection:
        return connection.recv(1000)


def test_refuse_is_a_reset_and_drop_an_end(aws):
    order(aws, {"mode": "refuse"}, {"mode": "drop-before", "call": 2})
    with pytest.raises(ConnectionResetError):
        raw(aws)
    assert raw(aws) == b""
    assert raw(aws).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(("mode", "effect"), [("status", False), ("status-after", True)])
def test_server_errors(aws, mode, effect):
    before = vpcs(aws)
    order(aws, {"mode": mode, "operation": "CreateVpc", "times": 1}, {"mode": mode, "status": 503, "operation": "CreateVpc", "call": 2})
    first, second = refusal(aws.ec2.create_vpc, CidrBlock="10.0.0.0/16"), refusal(aws.ec2.create_vpc, CidrBlock="10.0.0.0/16")
    assert (first["Code"], first["Status"]) == ("InternalError", 500)
    assert (second["Code"], second["Status"]) == ("ServiceUnavailable", 503)
    assert len(vpcs(aws) - before) == 2 * effect
    assert (last(aws)["status"], last(aws)["code"], last(aws)["fault"]) == (503, "ServiceUnavailable", mode)


@pytest.mark.parametrize(("mode", "expected"), [
    ("status", {"s3": ("InternalError", 500), "iam": ("ServiceFailure", 500), "autoscaling": ("InternalFailure", 500),
                "eks": ("ServerException", 500), "efs": ("InternalServerError", 500), "kms": ("KMSInternalException", 500)}),
    ("throttle", {"ec2": ("RequestLimitExceeded", 503), "s3": ("SlowDown", 503), "iam": ("Throttling", 400), "sts": ("Throttling", 400),
                  "autoscaling": ("Throttling", 400), "eks": ("ThrottlingException", 429), "efs": ("ThrottlingException", 429),
                  "logs": ("ThrottlingException", 400), "kms": ("ThrottlingException", 400)}),
    ("access-denied", {"ec2": ("UnauthorizedOperation", 403), "s3": ("AccessDenied", 403), "iam": ("AccessDenied", 403),
                       "eks": ("AccessDeniedException", 403), "efs": ("AccessDeniedException", 403),
                       "logs": ("AccessDeniedException", 400)}),
    ("expired-token", {"ec2": ("RequestExpired", 400), "s3": ("ExpiredToken", 400), "iam": ("ExpiredToken", 403),
                       "sts": ("ExpiredToken", 403), "eks": ("ExpiredTokenException", 403), "kms": ("ExpiredTokenException", 400)}),
])
def test_errors_in_the_words_of_each_service(aws, mode, expected):
    calls = {"ec2": aws.ec2.describe_vpcs, "s3": aws.s3.list_buckets, "iam": aws.iam.list_roles, "sts": aws.sts.get_caller_identity,
             "autoscaling": aws.autoscaling.describe_auto_scaling_groups, "eks": aws.eks.list_clusters,
             "efs": aws.efs.describe_file_systems, "logs": aws.logs.describe_log_groups, "kms": aws.kms.list_keys}
    for service, wanted in expected.items():
        order(aws, {"mode": mode, "service": service})
        error = refusal(calls[service])
        assert (error["Code"], error["Status"]) == wanted, service
        assert error["Message"]
        calls[service]()


def test_denials_name_the_action_and_head_has_no_body(aws):
    order(aws, {"mode": "access-denied", "service": "efs"}, {"mode": "throttle", "service": "s3", "operation": "HeadBucket"})
    assert refusal(aws.efs.describe_file_systems)["Message"].endswith("perform: elasticfilesystem:DescribeFileSystems")
    assert refusal(aws.s3.head_bucket, Bucket=fresh("bucket"))["Status"] == 503
    assert last(aws)["code"] == "SlowDown"


def test_slow_takes_effect_first_and_holds_up_nobody(aws):
    before = vpcs(aws)
    order(aws, {"id": "s", "mode": "slow", "seconds": 2.5, "operation": "CreateVpc"})
    with ThreadPoolExecutor(1) as pool:
        started = time.monotonic()
        made = pool.submit(make, aws)
        assert aws.control("faults/wait?id=s&timeout=5") == {"struck": True, "service": "ec2", "operation": "CreateVpc"}
        assert len(vpcs(aws) - before) == 1
        aws.ec2.describe_vpcs()
        assert not made.done()
        assert made.result() in vpcs(aws) and time.monotonic() - started >= 2.5


@pytest.mark.parametrize(("mode", "effect"), [("hold-before", False), ("hold-after", True)])
@pytest.mark.parametrize("ending", ["faults/release?id=h", "faults"])
def test_held_until_released_or_deleted(aws, mode, effect, ending):
    before = vpcs(aws)
    order(aws, {"id": "h", "mode": mode, "operation": "CreateVpc"})
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(make, aws)
        assert aws.control("faults/wait?id=h&timeout=5")["struck"]
        assert len(vpcs(aws) - before) == effect
        entry = last(aws)
        assert entry["fault"] == mode and entry["status"] == 0 and entry.get("effect", True) is effect
        aws.ec2.describe_vpcs()
        assert not made.done()
        aws.control(ending, "DELETE" if ending == "faults" else "POST")
        assert isinstance(made.exception(5), DROPPED)
    assert len(vpcs(aws) - before) == effect, "a held call never takes effect later"


def test_release_lets_go_only_what_is_held_now(aws):
    order(aws, {"id": "h", "mode": "hold-before", "operation": "DescribeVpcs", "times": 0})
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(aws.ec2.describe_vpcs)
        assert aws.control("faults/wait?id=h&timeout=5")["struck"]
        aws.control("faults/release?id=h", "POST")
        assert isinstance(first.exception(5), DROPPED)
        second = pool.submit(aws.ec2.describe_vpcs)
        time.sleep(0.3)
        assert not second.done()
        aws.control("faults", "DELETE")
        assert isinstance(second.exception(5), DROPPED)


def test_counting(aws):
    order(aws, {"id": "third", "mode": "throttle", "call": 3, "times": 2},
          {"id": "named", "mode": "access-denied", "service": "ec2", "operation": "DescribeSub*", "times": 0},
          {"id": "writes", "mode": "expired-token", "mutating": True})
    assert aws.control("faults/wait?id=third&timeout=0.1") == {"struck": False, "service": None, "operation": None}
    aws.ec2.describe_vpcs()
    aws.sts.get_caller_identity()
    assert code(aws.ec2.describe_vpcs) == "RequestLimitExceeded"
    assert code(aws.iam.list_roles) == "Throttling"
    aws.ec2.describe_vpcs()
    assert [code(aws.ec2.describe_subnets) for _ in range(3)] == ["UnauthorizedOperation"] * 3
    assert code(aws.ec2.create_vpc, CidrBlock="10.0.0.0/16") == "RequestExpired"
    told = {rule["id"]: rule for rule in aws.control("faults")}
    assert (told["third"]["seen"], told["third"]["struck"]) == (9, 2)
    assert told["third"]["last"] == {"service": "iam", "operation": "ListRoles"}
    assert (told["named"]["seen"], told["named"]["struck"], told["writes"]["seen"]) == (3, 3, 1)


def test_refused_after_all_has_no_effect(aws):
    order(aws, {"mode": "drop-after", "operation": "CreateSubnet"})
    with pytest.raises(DROPPED):
        aws.ec2.create_subnet(VpcId="vpc-0123456789abcdef0", CidrBlock="10.0.0.0/24")
    entry = last(aws)
    assert entry["status"] == 0 and entry["effect"] is False and entry["code"] == "InvalidVpcID.NotFound"


def test_stale_by_id(aws):
    old = make(aws)
    order(aws, {"mode": "stale", "by": "id", "seconds": 2})
    new = make(aws)
    for function, arguments in ((aws.ec2.describe_vpcs, {"VpcIds": [new]}), (aws.ec2.create_subnet, {"VpcId": new, "CidrBlock": "10.0.0.0/24"}),
                                (aws.ec2.create_tags, {"Resources": [new], "Tags": [{"Key": "a", "Value": "b"}]})):
        assert code(function, **arguments) == "InvalidVpcID.NotFound"
    assert last(aws)["fault"] == "stale" and last(aws)["effect"] is False
    assert aws.ec2.describe_vpcs(VpcIds=[old])["Vpcs"]
    assert aws.ec2.describe_vpcs(Filters=[{"Name": "vpc-id", "Values": [new]}])["Vpcs"]
    time.sleep(2.1)
    assert aws.ec2.describe_vpcs(VpcIds=[new])["Vpcs"]
    assert aws.ec2.create_subnet(VpcId=new, CidrBlock="10.0.0.0/24")["Subnet"]["VpcId"] == new


def test_stale_by_tag(aws):
    vpc = make(aws)
    order(aws, {"mode": "stale", "by": "tag", "seconds": 2, "operation": "CreateSubnet"})
    tags = [{"ResourceType": "subnet", "Tags": [{"Key": "name", "Value": vpc}]}]
    subnet = aws.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24", TagSpecifications=tags)["Subnet"]["SubnetId"]
    by_tag = [{"Name": "tag:name", "Values": [vpc]}]
    by_resource = [{"Name": "resource-id", "Values": [subnet]}]
    assert aws.ec2.describe_subnets(Filters=by_tag)["Subnets"] == []
    assert last(aws)["fault"] == "stale"
    assert aws.ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"] == []
    assert aws.ec2.describe_tags(Filters=by_resource)["Tags"] == []
    every = aws.ec2.get_paginator("describe_subnets").paginate().build_full_result()["Subnets"]
    assert subnet not in {entry["SubnetId"] for entry in every}
    assert aws.ec2.describe_subnets(SubnetIds=[subnet])["Subnets"]
    assert make(aws) in {v["VpcId"] for v in aws.ec2.get_paginator("describe_vpcs").paginate().build_full_result()["Vpcs"]}
    time.sleep(2.1)
    assert len(aws.ec2.describe_subnets(Filters=by_tag)["Subnets"]) == 1
    assert len(aws.ec2.describe_tags(Filters=by_resource)["Tags"]) == 1


def creations(aws):
    """Per kind: id, a call that lists it (by filter), a call that names it, and the code of its absence."""
    ec2, vpc = aws.ec2, aws.vpc(1)
    flt = lambda name, value: {"Filters": [{"Name": name, "Values": [value]}]}  # noqa: E731
    order(aws, {"mode": "stale", "seconds": 60})
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    yield ec2.describe_internet_gateways, flt("internet-gateway-id", gateway), "InternetGatewayIds", gateway, "InvalidInternetGatewayID.NotFound"
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    yield ec2.describe_addresses, flt("allocation-id", address), "AllocationIds", address, "InvalidAllocationID.NotFound"
    nat = ec2.create_nat_gateway(SubnetId=vpc.subnets[0], ConnectivityType="private")["NatGateway"]["NatGatewayId"]
    yield ec2.describe_nat_gateways, flt("vpc-id", vpc.id), "NatGatewayIds", nat, "NatGatewayNotFound"
    table = ec2.create_route_table(VpcId=vpc.id)["RouteTable"]["RouteTableId"]
    yield ec2.describe_route_tables, flt("route-table-id", table), "RouteTableIds", table, "InvalidRouteTableID.NotFound"
    group = vpc.group()
    yield ec2.describe_security_groups, flt("group-id", group), "GroupIds", group, "InvalidGroup.NotFound"
    interface = ec2.create_network_interface(SubnetId=vpc.subnets[0])["NetworkInterface"]["NetworkInterfaceId"]
    yield (ec2.describe_network_interfaces, flt("network-interface-id", interface) | {"MaxResults": 5}, "NetworkInterfaceIds", interface,
           "InvalidNetworkInterfaceID.NotFound")
    endpoint = ec2.create_vpc_endpoint(VpcId=vpc.id, ServiceName="com.amazonaws.us-west-2.s3")["VpcEndpoint"]["VpcEndpointId"]
    yield ec2.describe_vpc_endpoints, flt("vpc-id", vpc.id), "VpcEndpointIds", endpoint, "InvalidVpcEndpointId.NotFound"
    volume = ec2.create_volume(AvailabilityZone="us-west-2a", Size=1)["VolumeId"]
    yield ec2.describe_volumes, flt("volume-id", volume), "VolumeIds", volume, "InvalidVolume.NotFound"
    instance = ec2.run_instances(ImageId=aws.image(), InstanceType="m5.large", MinCount=1, MaxCount=1,
                                 SubnetId=vpc.subnets[0])["Instances"][0]["InstanceId"]
    yield ec2.describe_instances, flt("instance-id", instance), "InstanceIds", instance, "InvalidInstanceID.NotFound"
    name = fresh("lt")
    template = ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData={"InstanceType": "m5.large"})
    template = template["LaunchTemplate"]["LaunchTemplateId"]
    listed = flt("launch-template-name", name)
    yield ec2.describe_launch_templates, listed, "LaunchTemplateIds", template, "InvalidLaunchTemplateId.NotFound"
    yield ec2.describe_launch_templates, listed, "LaunchTemplateNames", name, "InvalidLaunchTemplateName.NotFoundException"


def test_stale_of_every_kind(aws):
    found = list(creations(aws))

    def entries(function, arguments):
        return next(value for value in function(**arguments).values() if isinstance(value, list))

    for function, listed, member, identity, absent in found:
        assert code(function, **{member: [identity]}) == absent
        assert entries(function, listed) == [], member
    nat = next(identity for _, _, member, identity, _ in found if member == "NatGatewayIds")
    main = aws.ec2.describe_route_tables(Filters=[{"Name": "association.main", "Values": ["true"]}])["RouteTables"][0]["RouteTableId"]
    assert code(aws.ec2.create_route, RouteTableId=main, NatGatewayId=nat, DestinationCidrBlock="1.0.0.0/8") == "InvalidNatGatewayID.NotFound"
    aws.control("faults", "DELETE")
    for function, listed, member, identity, _ in found:
        assert len(entries(function, {member: [identity]})) == 1
        assert len(entries(function, listed)) == 1, member


def test_stale_iam(aws):
    order(aws, {"mode": "stale", "seconds": 60, "service": "iam"})
    role, profile = fresh("role"), fresh("profile")
    aws.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust("ec2.amazonaws.com"))
    aws.iam.create_instance_profile(InstanceProfileName=profile)
    for function, arguments in ((aws.iam.get_role, {"RoleName": role}), (aws.iam.get_instance_profile, {"InstanceProfileName": profile}),
                                (aws.iam.attach_role_policy, {"RoleName": role, "PolicyArn": "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"})):
        error = refusal(function, **arguments)
        assert (error["Code"], error["Status"]) == ("NoSuchEntity", 404)
    assert code(aws.iam.create_role, RoleName=role, AssumeRolePolicyDocument=trust("ec2.amazonaws.com")) == "EntityAlreadyExists"

    def roles():
        return {r["RoleName"] for r in aws.iam.get_paginator("list_roles").paginate().build_full_result()["Roles"]}

    assert role not in roles()
    aws.control("faults", "DELETE")
    assert role in roles() and aws.iam.get_role(RoleName=role)


@pytest.mark.parametrize(("rule", "word"), [
    ({"mode": "explode"}, "mode must be"), ({}, "mode must be"), ({"mode": "status", "colour": 1}, "colour"),
    ({"mode": "status", "call": 0}, "counts from 1"), ({"mode": "status", "times": -1}, "times"), ({"mode": "status", "call": "2"}, "call"),
    ({"mode": "status", "call": True}, "call"), ({"mode": "status", "status": 404}, "500 or 503"), ({"mode": "slow"}, "seconds"),
    ({"mode": "stale"}, "seconds"), ({"mode": "refuse", "seconds": 1}, "no meaning"), ({"mode": "stale", "seconds": 1, "by": "name"}, "by is"),
    ({"mode": "refuse", "service": "ec3"}, "ec3"), ({"mode": "refuse", "service": "ec2", "operation": "CreateVPC"}, "CreateVPC"),
    ({"mode": "refuse", "service": "ec2", "operation": "Mend*"}, "Mend"), ("refuse", "object"),
])
def test_bad_rules(aws, rule, word):
    with pytest.raises(urllib.error.HTTPError) as refused:
        order(aws, {"mode": "refuse", "operation": "Nothing"}, rule)
    assert refused.value.code == 400 and word in json.load(refused.value)["error"]
    assert aws.control("faults") == [], "all or none"


def test_bad_requests(aws):
    order(aws, {"id": "one", "mode": "refuse", "operation": "Nothing"})
    with pytest.raises(urllib.error.HTTPError, match="400"):
        order(aws, {"id": "one", "mode": "refuse"})
    for method, name, body, status in (("POST", "faults", "{", 400), ("POST", "faults", "[]", 400), ("POST", "faults", '{"faults": []}', 400),
                                       ("GET", "faults/wait?id=two", None, 404), ("POST", "faults/release?id=two", None, 404),
                                       ("PUT", "faults", None, 404), ("GET", "faults/wait?id=one&timeout=soon", None, 400)):
        connection = http.client.HTTPConnection(urlparse(aws.url).netloc)
        connection.request(method, f"/_emulator/{name}", body)
        answer = connection.getresponse()
        assert answer.status == status and json.load(answer)["error"]


def test_reset_clears_faults(forks, tmp_path):
    server = forks.start(tmp_path, "--scale", "0.01")
    own = Aws(server.url, server.log)
    order(own, {"id": "h", "mode": "hold-after", "operation": "CreateVpc"}, {"mode": "throttle", "times": 0, "service": "ec2", "call": 2})
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(make, own)
        assert own.control("faults/wait?id=h&timeout=5")["struck"]
        own.control("reset", "POST")
        assert isinstance(made.exception(5), DROPPED)
    assert own.control("faults") == [] and own.inventory() == []
    own.ec2.describe_vpcs()
    server.close()
