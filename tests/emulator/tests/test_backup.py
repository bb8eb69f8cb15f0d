"""AWS Backup: recovery points outlive their file system, and the automatic vault keeps them."""

from __future__ import annotations

import pytest
from helpers import code, fresh, refusal, until
from land import Land

AUTOMATIC = "aws/efs/automatic-backup-vault"


@pytest.fixture(scope="module")
def land(aws):
    return Land(aws, nodes=0)


def points(aws, land):
    pages = aws.backup.get_paginator("list_recovery_points_by_resource").paginate(ResourceArn=land.system["FileSystemArn"])
    return pages.build_full_result()["RecoveryPoints"]


def test_automatic_vault_forbids_to_delete(aws, land):
    for _ in range(6):
        aws.seed("leftovers", cluster=land.name, only=["recovery-points"])
    first = aws.backup.list_recovery_points_by_resource(ResourceArn=land.system["FileSystemArn"])
    assert len(first["RecoveryPoints"]) == 5 and first["NextToken"]
    found = points(aws, land)
    assert len(found) == 6 and {p["BackupVaultName"] for p in found} == {AUTOMATIC} and {p["Status"] for p in found} == {"COMPLETED"}
    assert found[0]["BackupSizeBytes"] and found[0]["CreationDate"]
    one = {"BackupVaultName": AUTOMATIC, "RecoveryPointArn": found[0]["RecoveryPointArn"]}
    error = refusal(aws.backup.delete_recovery_point, **one)
    assert error["Code"] == "AccessDeniedException" and error["Message"] == "Insufficient privileges to perform this action."
    described = aws.backup.describe_recovery_point(**one)
    assert described["ResourceArn"] == land.system["FileSystemArn"] and described["BackupSizeInBytes"]
    assert (described["CalculatedLifecycle"]["DeleteAt"] - described["CreationDate"]).days == 35
    assert aws.backup.list_tags(ResourceArn=one["RecoveryPointArn"])["Tags"] == {}
    assert len([e for e in aws.inventory() if e["type"] == "recovery-point" and e["resource"] == land.system["FileSystemArn"]]) == 6


def test_elsewhere_it_takes_its_time(aws, land):
    made = aws.seed("leftovers", cluster=land.name, only=["recovery-points"], vault="Default")
    one = {"BackupVaultName": "Default", "RecoveryPointArn": made[0]["id"]}
    assert code(aws.backup.describe_recovery_point, BackupVaultName=AUTOMATIC, RecoveryPointArn=made[0]["id"]) == "ResourceNotFoundException"
    listed = aws.backup.list_recovery_points_by_backup_vault(BackupVaultName="Default")["RecoveryPoints"]
    assert [p["RecoveryPointArn"] for p in listed] == [made[0]["id"]]
    aws.backup.delete_recovery_point(**one)
    assert aws.backup.describe_recovery_point(**one)["Status"] == "DELETING"
    assert code(aws.backup.delete_recovery_point, **one) == "InvalidResourceStateException"
    until(lambda: made[0]["id"] not in {p["RecoveryPointArn"] for p in points(aws, land)})
    assert code(aws.backup.delete_recovery_point, **one) == "ResourceNotFoundException"


def test_without_its_role_a_deletion_is_accepted_and_in_vain(aws, land):
    made = aws.seed("leftovers", cluster=land.name, only=["recovery-points"], vault="vault-without-role")
    one = {"BackupVaultName": "vault-without-role", "RecoveryPointArn": made[0]["id"]}
    assert aws.backup.delete_recovery_point(**one)["ResponseMetadata"]["HTTPStatusCode"] == 200
    described = aws.backup.describe_recovery_point(**one)
    assert described["Status"] == "EXPIRED" and "AWSServiceRoleForBackup" in described["StatusMessage"]


def test_unknown_resource(aws):
    arn = "arn:aws:elasticfilesystem:us-west-2:123456789012:file-system/fs-0123456789abcdef0"
    assert aws.backup.list_recovery_points_by_resource(ResourceArn=arn)["RecoveryPoints"] == []
    assert code(aws.backup.list_recovery_points_by_resource, ResourceArn="nonsense") == "InvalidParameterValueException"
    assert code(aws.backup.list_recovery_points_by_resource, ResourceArn=arn, NextToken=fresh("x")) == "InvalidParameterValueException"
