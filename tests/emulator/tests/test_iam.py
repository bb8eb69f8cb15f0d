"""IAM: conflicts, limits, documents, paths, and how long it takes to be seen."""

from __future__ import annotations

import json

import pytest
from helpers import code, fresh, refusal, trust

POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]})


def policy(aws, **more):
    return aws.iam.create_policy(PolicyName=fresh("policy"), PolicyDocument=POLICY, **more)["Policy"]["Arn"]


def test_managed_policies_of_eks_exist(aws):
    for name in ("AmazonEKSClusterPolicy", "AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonEKS_CNI_Policy",
                 "AmazonSSMManagedInstanceCore", "service-role/AmazonEBSCSIDriverPolicy", "service-role/AmazonEFSCSIDriverPolicy"):
        assert aws.iam.get_policy(PolicyArn=f"arn:aws:iam::aws:policy/{name}")["Policy"]["PolicyName"] == name.rpartition("/")[2]


def test_delete_conflicts(aws):
    arn, role = policy(aws), fresh("role")
    aws.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust("ec2.amazonaws.com"))
    aws.iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    assert code(aws.iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
    assert code(aws.iam.delete_role, RoleName=role) == "DeleteConflict"
    aws.iam.detach_role_policy(RoleName=role, PolicyArn=arn)
    version = aws.iam.create_policy_version(PolicyArn=arn, PolicyDocument=POLICY)["PolicyVersion"]["VersionId"]
    error = refusal(aws.iam.delete_policy, PolicyArn=arn)
    assert error["Code"] == "DeleteConflict" and "more than one version" in error["Message"]
    aws.iam.delete_policy_version(PolicyArn=arn, VersionId=version)
    aws.iam.delete_policy(PolicyArn=arn)
    aws.iam.put_role_policy(RoleName=role, PolicyName="inline", PolicyDocument=POLICY)
    assert code(aws.iam.delete_role, RoleName=role) == "DeleteConflict"
    aws.iam.delete_role_policy(RoleName=role, PolicyName="inline")
    profile = fresh("profile")
    aws.iam.create_instance_profile(InstanceProfileName=profile)
    aws.iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=role)
    assert code(aws.iam.delete_role, RoleName=role) == "DeleteConflict"
    assert code(aws.iam.delete_instance_profile, InstanceProfileName=profile) == "DeleteConflict"
    aws.iam.remove_role_from_instance_profile(InstanceProfileName=profile, RoleName=role)
    aws.iam.delete_instance_profile(InstanceProfileName=profile)
    aws.iam.delete_role(RoleName=role)
    assert code(aws.iam.delete_role, RoleName=role) == "NoSuchEntity"


def test_duplicates(aws):
    role, profile = fresh("role"), fresh("profile")
    arguments = {"RoleName": role, "AssumeRolePolicyDocument": trust("ec2.amazonaws.com")}
    aws.iam.create_role(**arguments)
    assert code(aws.iam.create_role, **arguments) == "EntityAlreadyExists"
    name = policy(aws).rpartition("/")[2]
    assert code(aws.iam.create_policy, PolicyName=name, PolicyDocument=POLICY) == "EntityAlreadyExists"
    aws.iam.create_instance_profile(InstanceProfileName=profile)
    assert code(aws.iam.create_instance_profile, InstanceProfileName=profile) == "EntityAlreadyExists"
    aws.iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=role)
    assert code(aws.iam.add_role_to_instance_profile, InstanceProfileName=profile, RoleName=role) == "LimitExceeded"
    issuer = {"Url": f"https://oidc.eks.us-west-2.amazonaws.com/id/{fresh('X')}", "ClientIDList": ["sts.amazonaws.com"]}
    aws.iam.create_open_id_connect_provider(**issuer)
    assert code(aws.iam.create_open_id_connect_provider, **issuer) == "EntityAlreadyExists"
    aws.iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com")
    assert code(aws.iam.create_service_linked_role, AWSServiceName="autoscaling.amazonaws.com") == "InvalidInput"


def test_limits(aws):
    good = trust("ec2.amazonaws.com")
    assert code(aws.iam.create_role, RoleName="r" * 65, AssumeRolePolicyDocument=good) == "ValidationError"
    assert code(aws.iam.create_policy, PolicyName="p" * 129, PolicyDocument=POLICY) == "ValidationError"
    assert code(aws.iam.create_instance_profile, InstanceProfileName="bad name") == "ValidationError"
    role = fresh("role")
    aws.iam.create_role(RoleName=role, AssumeRolePolicyDocument=good)
    for _ in range(10):
        aws.iam.attach_role_policy(RoleName=role, PolicyArn=policy(aws))
    assert code(aws.iam.attach_role_policy, RoleName=role, PolicyArn=policy(aws)) == "LimitExceeded"
    big = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource":
                     [f"arn:aws:s3:::{'b' * 50}{n}" for n in range(100)]}]})
    assert code(aws.iam.create_policy, PolicyName=fresh("policy"), PolicyDocument=big) == "LimitExceeded"
    arn = policy(aws)
    for _ in range(4):
        aws.iam.create_policy_version(PolicyArn=arn, PolicyDocument=POLICY)
    assert code(aws.iam.create_policy_version, PolicyArn=arn, PolicyDocument=POLICY) == "LimitExceeded"


@pytest.mark.parametrize("document", [
    "{", "{}", json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}),
    json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
               "Principal": {"AWS": "arn:aws:iam::123456789012:role/absent"}}]}),
])
def test_malformed_trust(aws, document):
    assert code(aws.iam.create_role, RoleName=fresh("role"), AssumeRolePolicyDocument=document) == "MalformedPolicyDocument"


def test_malformed_policy(aws):
    assert code(aws.iam.create_policy, PolicyName=fresh("policy"), PolicyDocument='{"Statement":') == "MalformedPolicyDocument"


def test_paths(aws):
    path = f"/{fresh('path')}/"
    aws.iam.create_role(RoleName=fresh("role"), Path=path, AssumeRolePolicyDocument=trust("ec2.amazonaws.com"))
    policy(aws, Path=path)
    aws.iam.create_instance_profile(InstanceProfileName=fresh("profile"), Path=path)
    assert [r["Path"] for r in aws.iam.list_roles(PathPrefix=path)["Roles"]] == [path]
    assert [p["Path"] for p in aws.iam.list_policies(PathPrefix=path)["Policies"]] == [path]
    assert [p["Path"] for p in aws.iam.list_instance_profiles(PathPrefix=path)["InstanceProfiles"]] == [path]


def test_tags(aws):
    assert code(aws.iam.create_role, RoleName=fresh("role"), AssumeRolePolicyDocument=trust("ec2.amazonaws.com"),
                Tags=[{"Key": "aws:x", "Value": "y"}]) == "InvalidInput"
