"""AWS Backup: recovery points in vaults. EFS's automatic vault refuses to delete them."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import unquote

from .clock import CLOCK
from .errors import AwsError
from .inventory import Entry, entry, source
from .rules import answer, on_reset
from .wire import ACCOUNT, Call

Json = dict[str, Any]

#: The vault of EFS's automatic backups; its access policy forbids to delete.
AUTOMATIC = "aws/efs/automatic-backup-vault"
#: A vault where AWS Backup lacks its role: it accepts to delete, and does not.
POWERLESS = "vault-without-role"
_SIZE = 6144

#: Recovery points by region and ARN.
POINTS: dict[str, dict[str, Json]] = defaultdict(dict)
on_reset(POINTS.clear)


def make_point(region: str, resource: str, vault: str = AUTOMATIC) -> str:
    """A finished backup of a resource; its ARN."""
    arn = f"arn:aws:backup:{region}:{ACCOUNT}:recovery-point:{uuid.uuid4()}"
    now = datetime.now(timezone.utc)
    plan = "aws/efs/73d922fb-9312-3a70-99c3-e69367f9fdad" if vault == AUTOMATIC else str(uuid.uuid4())
    POINTS[region][arn] = {
        "RecoveryPointArn": arn, "BackupVaultName": vault, "BackupVaultArn": f"arn:aws:backup:{region}:{ACCOUNT}:backup-vault:{vault}",
        "ResourceArn": resource, "ResourceType": "EFS", "Status": "COMPLETED", "CreationDate": now, "CompletionDate": now,
        "BackupSizeInBytes": _SIZE, "BackupSizeBytes": _SIZE, "IsEncrypted": True, "StorageClass": "WARM", "IsParent": False,
        "EncryptionKeyArn": f"arn:aws:kms:{region}:{ACCOUNT}:key/00000000-0000-0000-0000-00000000bbbb",
        "IamRoleArn": f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/backup.amazonaws.com/AWSServiceRoleForBackup",
        "CreatedBy": {"BackupPlanId": plan}, "Lifecycle": {"DeleteAfterDays": 35}, "tags": {},
        "CalculatedLifecycle": {"DeleteAt": now + timedelta(days=35)},
    }
    return arn


def _vault_of(call: Call) -> str:
    return unquote(call["BackupVaultName"] or call["backupVaultName"] or "")


def _find(call: Call) -> Json:
    arn = unquote(call["RecoveryPointArn"] or "")
    point = POINTS[call.region].get(arn)
    if point is None or point["BackupVaultName"] != _vault_of(call):
        raise AwsError("ResourceNotFoundException", f"Cannot find recovery point {arn} in backup vault {_vault_of(call)}.", 400,
                       Code="ERROR_2603")
    return point


@answer("backup", "ListRecoveryPointsByResource")
def list_by_resource(call: Call) -> Json:
    wanted = unquote(call["ResourceArn"] or "")
    if not wanted.startswith("arn:"):
        raise AwsError("InvalidParameterValueException", f"Invalid ARN: {wanted}", 400)
    return {"RecoveryPoints": [point for point in POINTS[call.region].values() if point["ResourceArn"] == wanted]}


@answer("backup", "ListRecoveryPointsByBackupVault")
def list_by_vault(call: Call) -> Json:
    vault, resource = _vault_of(call), call["ByResourceArn"]
    return {"RecoveryPoints": [point for point in POINTS[call.region].values() if point["BackupVaultName"] == vault
                               and resource in (None, point["ResourceArn"])]}


@answer("backup", "DescribeRecoveryPoint")
def describe(call: Call) -> Json:
    return _find(call)


@answer("backup", "DeleteRecoveryPoint")
def delete(call: Call) -> Json:
    """Refused by the automatic vault; in vain where AWS Backup lacks its role; elsewhere it takes its time."""
    point = _find(call)
    if point["BackupVaultName"] == AUTOMATIC:
        raise AwsError("AccessDeniedException", "Insufficient privileges to perform this action.", 403)
    if point["Status"] == "DELETING":
        raise AwsError("InvalidResourceStateException", f"Recovery point {point['RecoveryPointArn']} is being deleted.", 400)
    if point["BackupVaultName"] == POWERLESS:
        point |= {"Status": "EXPIRED", "StatusMessage": "AWS Backup could not assume the role AWSServiceRoleForBackup."}
        return {}
    point["Status"] = "DELETING"
    CLOCK.after("recovery_point_delete", lambda: POINTS[call.region].pop(point["RecoveryPointArn"], None))
    return {}


@answer("backup", "ListTags")
def list_tags(call: Call) -> Json:
    point = POINTS[call.region].get(unquote(call["ResourceArn"] or ""))
    if point is None:
        raise AwsError("ResourceNotFoundException", f"Cannot find {unquote(call['ResourceArn'] or '')}.", 400)
    return {"Tags": point["tags"]}


@source
def _inventory() -> Iterator[Entry]:
    for points in list(POINTS.values()):
        for arn, point in points.items():
            yield entry("backup", "recovery-point", arn, point["tags"], vault=point["BackupVaultName"], resource=point["ResourceArn"],
                        status=point["Status"])
