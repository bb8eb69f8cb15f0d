"""EFS: states, tokens, mount targets, access points."""

from __future__ import annotations

import pytest
from helpers import code, fresh, refusal, until


@pytest.fixture(scope="module")
def vpc(aws):
    return aws.vpc(3)


def make(aws, **more):
    token = fresh("token")
    system = aws.efs.create_file_system(CreationToken=token, Encrypted=True, **more)
    return system["FileSystemId"], token


def state(aws, identity):
    return aws.efs.describe_file_systems(FileSystemId=identity)["FileSystems"][0]["LifeCycleState"]


@pytest.fixture
def system(aws):
    identity, _ = make(aws)
    until(lambda: state(aws, identity) == "available")
    return identity


def test_creation_and_token(aws, vpc):
    identity, token = make(aws, Backup=True, Tags=[{"Key": "Name", "Value": "n"}])
    assert state(aws, identity) == "creating"
    error = refusal(aws.efs.create_mount_target, FileSystemId=identity, SubnetId=vpc.subnets[0])
    assert error["Code"] == "IncorrectFileSystemLifeCycleState" and error["Status"] == 409
    error = refusal(aws.efs.create_file_system, CreationToken=token)
    assert error["Code"] == "FileSystemAlreadyExists" and error["Whole"]["FileSystemId"] == identity and error["Status"] == 409
    assert aws.efs.describe_backup_policy(FileSystemId=identity)["BackupPolicy"]["Status"] == "ENABLED"
    until(lambda: state(aws, identity) == "available")
    assert aws.efs.describe_file_systems(CreationToken=token)["FileSystems"][0]["Name"] == "n"
    aws.efs.delete_file_system(FileSystemId=identity)
    until(lambda: not aws.efs.describe_file_systems(CreationToken=token)["FileSystems"])
    assert code(aws.efs.describe_file_systems, FileSystemId=identity) == "FileSystemNotFound"


def test_settings(aws, system):
    assert code(aws.efs.describe_backup_policy, FileSystemId=system) == "PolicyNotFound"
    aws.efs.put_backup_policy(FileSystemId=system, BackupPolicy={"Status": "ENABLED"})
    assert aws.efs.describe_backup_policy(FileSystemId=system)["BackupPolicy"]["Status"] == "ENABLED"
    policies = [{"TransitionToIA": "AFTER_30_DAYS"}]
    aws.efs.put_lifecycle_configuration(FileSystemId=system, LifecyclePolicies=policies)
    assert aws.efs.describe_lifecycle_configuration(FileSystemId=system)["LifecyclePolicies"] == policies
    assert code(aws.efs.describe_file_system_policy, FileSystemId=system) == "PolicyNotFound"
    aws.efs.tag_resource(ResourceId=system, Tags=[{"Key": "a", "Value": "b"}])
    assert aws.efs.list_tags_for_resource(ResourceId=system)["Tags"] == [{"Key": "a", "Value": "b"}]
    assert code(aws.efs.tag_resource, ResourceId=system, Tags=[{"Key": "aws:a", "Value": "b"}]) == "BadRequest"


def test_mount_targets(aws, system, vpc):
    group = vpc.group()
    made = aws.efs.create_mount_target(FileSystemId=system, SubnetId=vpc.subnets[0], SecurityGroups=[group])
    identity = made["MountTargetId"]
    assert made["LifeCycleState"] == "creating" and made["IpAddress"].startswith("10.0.0.")
    assert code(aws.efs.create_mount_target, FileSystemId=system, SubnetId=vpc.subnets[0]) == "MountTargetConflict"
    assert code(aws.efs.create_mount_target, FileSystemId=system, SubnetId="subnet-0123456789abcdef0") == "SubnetNotFound"
    assert code(aws.efs.create_mount_target, FileSystemId=system, SubnetId=vpc.subnets[1],
                SecurityGroups=["sg-0123456789abcdef0"]) == "SecurityGroupNotFound"
    until(lambda: aws.efs.describe_mount_targets(MountTargetId=identity)["MountTargets"][0]["LifeCycleState"] == "available")
    assert aws.efs.describe_mount_target_security_groups(MountTargetId=identity)["SecurityGroups"] == [group]
    assert code(aws.efs.delete_file_system, FileSystemId=system) == "FileSystemInUse"
    assert code(aws.ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    assert code(aws.ec2.delete_subnet, SubnetId=vpc.subnets[0]) == "DependencyViolation"
    eni = aws.ec2.describe_network_interfaces(NetworkInterfaceIds=[made["NetworkInterfaceId"]])["NetworkInterfaces"][0]
    assert eni["Description"] == f"EFS mount target for {system} ({identity})"
    other = vpc.group()
    aws.efs.modify_mount_target_security_groups(MountTargetId=identity, SecurityGroups=[other])
    aws.ec2.delete_security_group(GroupId=group)
    aws.efs.delete_mount_target(MountTargetId=identity)
    assert aws.efs.describe_mount_targets(FileSystemId=system)["MountTargets"][0]["LifeCycleState"] == "deleting"
    until(lambda: not aws.efs.describe_mount_targets(FileSystemId=system)["MountTargets"])
    assert code(aws.efs.describe_mount_targets, MountTargetId=identity) == "MountTargetNotFound"
    aws.ec2.delete_security_group(GroupId=other)
    aws.efs.delete_file_system(FileSystemId=system)


def test_access_points(aws, system):
    token = fresh("token")
    arguments = {"ClientToken": token, "FileSystemId": system, "PosixUser": {"Uid": 0, "Gid": 0}, "RootDirectory": {
        "Path": "/domino", "CreationInfo": {"OwnerUid": 0, "OwnerGid": 0, "Permissions": "0777"}}}
    made = aws.efs.create_access_point(**arguments)
    error = refusal(aws.efs.create_access_point, **arguments)
    assert error["Code"] == "AccessPointAlreadyExists" and error["Whole"]["AccessPointId"] == made["AccessPointId"]
    until(lambda: aws.efs.describe_access_points(AccessPointId=made["AccessPointId"])["AccessPoints"][0]["LifeCycleState"] == "available")
    found = aws.efs.describe_access_points(FileSystemId=system)["AccessPoints"][0]
    assert found["RootDirectory"] == arguments["RootDirectory"] and found["PosixUser"] == {"Uid": 0, "Gid": 0}
    bad = arguments | {"ClientToken": fresh("token"), "RootDirectory": {"Path": "/x", "CreationInfo": {
        "OwnerUid": 0, "OwnerGid": 0, "Permissions": "0999"}}}
    assert code(aws.efs.create_access_point, **bad) == "ValidationException"
    aws.efs.delete_access_point(AccessPointId=made["AccessPointId"])
    assert code(aws.efs.delete_access_point, AccessPointId=made["AccessPointId"]) == "AccessPointNotFound"
