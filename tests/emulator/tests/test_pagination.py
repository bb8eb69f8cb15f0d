"""Small pages: everything is found, and bad tokens are refused."""

from __future__ import annotations

import base64

import pytest
from helpers import Aws, code, fresh, trust

COUNT = 7


@pytest.fixture(scope="module")
def world(aws: Aws):
    """Seven of everything that is cheap."""
    vpc = aws.vpc(COUNT)
    aws.ec2.create_tags(Resources=vpc.subnets, Tags=[{"Key": "paged", "Value": "yes"}])
    for n in range(COUNT):
        aws.ec2.create_vpc(CidrBlock="10.1.0.0/16")
        vpc.group()
        aws.ec2.create_route_table(VpcId=vpc.id)
        aws.ec2.create_network_interface(SubnetId=vpc.subnets[n])
        aws.template()
        aws.ec2.create_vpc_endpoint(VpcId=vpc.id, ServiceName="com.amazonaws.us-west-2.s3")
        aws.efs.create_file_system(CreationToken=fresh("token"))
        aws.kms.create_key()
        aws.logs.create_log_group(logGroupName=fresh("paged"))
        aws.iam.create_role(RoleName=fresh("role"), AssumeRolePolicyDocument=trust("ec2.amazonaws.com"))
        aws.iam.create_instance_profile(InstanceProfileName=fresh("profile"))
        aws.autoscaling.create_auto_scaling_group(AutoScalingGroupName=fresh("paged"), MinSize=0, MaxSize=1, VPCZoneIdentifier=vpc.subnets[0],
                                                  LaunchTemplate={"LaunchTemplateId": aws.template()},
                                                  Tags=[{"Key": "a", "Value": "b"}])
    for _ in range(COUNT):
        bucket = fresh("bucket")
        aws.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    for n in range(COUNT):
        aws.s3.put_object(Bucket=bucket, Key=f"k{n}", Body=b"")
    return {"vpc": vpc, "bucket": bucket, "filter": {"Filters": [{"Name": "vpc-id", "Values": [vpc.id]}]}}


LISTS = [
    ("ec2", "describe_vpcs", "Vpcs"), ("ec2", "describe_subnets", "Subnets"), ("ec2", "describe_security_groups", "SecurityGroups"),
    ("ec2", "describe_security_group_rules", "SecurityGroupRules"), ("ec2", "describe_route_tables", "RouteTables"),
    ("ec2", "describe_network_interfaces", "NetworkInterfaces"), ("ec2", "describe_launch_templates", "LaunchTemplates"),
    ("ec2", "describe_vpc_endpoints", "VpcEndpoints"), ("ec2", "describe_images", "Images"), ("ec2", "describe_tags", "Tags"),
    ("ec2", "describe_instance_types", "InstanceTypes"),
    ("iam", "list_roles", "Roles"), ("iam", "list_policies", "Policies"), ("iam", "list_instance_profiles", "InstanceProfiles"),
    ("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups"), ("autoscaling", "describe_tags", "Tags"),
    ("efs", "describe_file_systems", "FileSystems"), ("kms", "list_keys", "Keys"), ("logs", "describe_log_groups", "logGroups"),
    ("eks", "describe_cluster_versions", "clusterVersions"), ("eks", "describe_addon_versions", "addons"),
    ("s3", "list_buckets", "Buckets"),
]


@pytest.mark.parametrize(("service", "operation", "key"), LISTS, ids=lambda value: str(value))
def test_pages(aws, world, service, operation, key):
    client = aws.client(service, "us-east-1" if service == "iam" else "us-west-2")
    sized = {"PaginationConfig": {"PageSize": 1000}} if operation == "describe_network_interfaces" else {}
    pages = [page.get(key, []) for page in client.get_paginator(operation).paginate(**sized)]
    assert all(len(page) <= 5 for page in pages)
    items = [str(item) for page in pages for item in page]
    assert len(items) == len(set(items))
    if operation != "describe_cluster_versions":
        assert len(pages) > 1, f"{len(items)} items on one page"


def test_object_pages(aws, world):
    pages = list(aws.s3.get_paginator("list_objects_v2").paginate(Bucket=world["bucket"]))
    assert [len(page["Contents"]) for page in pages] == [5, 2]
    assert code(aws.s3.list_objects_v2, Bucket=world["bucket"], ContinuationToken="garbage") == "InvalidArgument"


def test_parameter_pages(aws):
    path = {"Path": "/aws/service/eks/optimized-ami/1.35", "Recursive": True}
    pages = list(aws.ssm.get_paginator("get_parameters_by_path").paginate(**path))
    assert sum(len(page["Parameters"]) for page in pages) == 16 and len(pages) > 1
    assert code(aws.ssm.get_parameters_by_path, **path, NextToken="garbage") == "InvalidNextToken"


def test_filters_bind_the_token(aws, world):
    first = aws.ec2.describe_subnets(**world["filter"])
    assert len(first["Subnets"]) == 5
    token = first["NextToken"]
    assert len(aws.ec2.describe_subnets(**world["filter"], NextToken=token)["Subnets"]) == 2
    assert code(aws.ec2.describe_subnets, NextToken=token) == "InvalidNextToken", "made for another question"
    assert code(aws.ec2.describe_vpcs, NextToken=token) == "InvalidNextToken", "made by another operation"


MUTATED = [
    ("ec2", "describe_security_group_rules", "NextToken", "NextToken", "InvalidNextToken"),
    ("iam", "list_roles", "Marker", "Marker", "ValidationError"),
    ("autoscaling", "describe_auto_scaling_groups", "NextToken", "NextToken", "InvalidNextToken"),
    ("efs", "describe_file_systems", "NextMarker", "Marker", "BadRequest"),
    ("kms", "list_keys", "NextMarker", "Marker", "InvalidMarkerException"),
    ("eks", "describe_addon_versions", "nextToken", "nextToken", "InvalidParameterException"),
    ("logs", "describe_log_groups", "nextToken", "nextToken", "InvalidParameterException"),
    ("s3", "list_buckets", "ContinuationToken", "ContinuationToken", "InvalidArgument"),
]


@pytest.mark.parametrize(("service", "operation", "given", "sent", "expected"), MUTATED, ids=lambda value: str(value))
def test_mutated_tokens(aws, world, service, operation, given, sent, expected):
    call = getattr(aws.client(service, "us-east-1" if service == "iam" else "us-west-2"), operation)
    token = call()[given]
    bad = ["garbage", token[:-4]]
    if service != "logs":  # the others are ours, and sealed
        bad.append(base64.urlsafe_b64encode(base64.urlsafe_b64decode(token).replace(b"5:", b"6:", 1)).decode())
    for one in bad:
        assert code(call, **{sent: one}) == expected


def test_limits_of_ec2(aws):
    assert code(aws.ec2.describe_vpcs, MaxResults=4) == "InvalidParameterValue"
    assert code(aws.ec2.describe_vpcs, MaxResults=1001) == "InvalidParameterValue"
    assert code(aws.ec2.describe_instance_types, MaxResults=101) == "InvalidParameterValue"
    assert code(aws.ec2.describe_route_tables, MaxResults=101) == "InvalidParameterValue"
    assert code(aws.ec2.describe_launch_templates, MaxResults=201) == "InvalidParameterValue"
    for call, ids in [(aws.ec2.describe_instances, "InstanceIds"), (aws.ec2.describe_network_interfaces, "NetworkInterfaceIds"),
                      (aws.ec2.describe_security_groups, "GroupIds"), (aws.ec2.describe_volumes, "VolumeIds")]:
        assert code(call, MaxResults=5, **{ids: ["x-0123456789abcdef0"]}) == "InvalidParameterCombination"
    aws.ec2.describe_snapshots(MaxResults=5, OwnerIds=["self"])


def test_interfaces_in_pages_or_by_a_quick_filter(aws, world):
    """EC2 does not list all interfaces of a large account at once."""
    ask = aws.ec2.describe_network_interfaces
    slow = {"Filters": [{"Name": "description", "Values": ["ELB app/x/1"]}]}
    assert code(ask) == "OperationNotPermitted"
    assert code(ask, **slow) == "OperationNotPermitted"
    first = ask(MaxResults=5)
    assert len(first["NetworkInterfaces"]) == 5 and ask(MaxResults=5, NextToken=first["NextToken"])["NetworkInterfaces"]
    ask(**slow, MaxResults=1000)
    found = ask(**world["filter"])["NetworkInterfaces"]
    assert found and ask(NetworkInterfaceIds=[found[0]["NetworkInterfaceId"]])["NetworkInterfaces"] == found[:1]
    assert code(ask, MaxResults=4) == code(ask, MaxResults=1001) == "InvalidParameterValue"
