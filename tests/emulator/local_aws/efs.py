"""Amazon EFS, whole: states take their time, tokens stay bound, mount targets hold interfaces."""

from __future__ import annotations

import json
import secrets
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from . import network
from .clock import CLOCK
from .errors import AwsError
from .inventory import Entry, entry, source
from .rules import answer, on_reset
from .wire import ACCOUNT, Call

Json = dict[str, Any]
_GROUPS_PER_TARGET = 5


@dataclass(eq=False)
class FileSystem:
    region: str
    body: Json
    backup: str | None = None
    lifecycle: list[Json] = field(default_factory=list)
    policy: str | None = None
    targets: dict[str, Json] = field(default_factory=dict)
    points: dict[str, Json] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.body["FileSystemId"]

    @property
    def shown(self) -> Json:
        name = next((t["Value"] for t in self.body["Tags"] if t["Key"] == "Name"), None)
        return self.body | {"NumberOfMountTargets": len(self.targets)} | ({"Name": name} if name else {})


SYSTEMS: dict[str, dict[str, FileSystem]] = defaultdict(dict)
on_reset(SYSTEMS.clear)


def error(code: str, message: str, **extra: Any) -> AwsError:
    return AwsError(code, message, ErrorCode=code, **extra)


def new_id(prefix: str) -> str:
    return f"{prefix}-{secrets.token_hex(9)[:17]}"


def find_system(call: Call, identity: str | None = None) -> FileSystem:
    wanted = (identity or call["FileSystemId"] or "").rpartition("/")[2]
    found = SYSTEMS[call.region].get(wanted)
    if found is None:
        raise error("FileSystemNotFound", f"File system '{wanted}' does not exist.")
    return found


def must_be_available(system: FileSystem) -> None:
    state = system.body["LifeCycleState"]
    if state not in ("available", "updating"):
        raise error("IncorrectFileSystemLifeCycleState", f"None of the requested mutation is allowed: file system '{system.id}' is in "
                    f"lifecycle state '{state}'")


def check_tags(tags: list[Json]) -> None:
    for tag in tags or []:
        if tag["Key"].lower().startswith("aws:"):
            raise error("BadRequest", "Tag keys beginning with aws: are reserved for system use")
    if len(tags or []) > 50:
        raise error("BadRequest", "Too many tags: the limit is 50")


@answer("efs", "CreateFileSystem")
def create_system(call: Call) -> Json:
    token = call["CreationToken"]
    for other in SYSTEMS[call.region].values():
        if other.body["CreationToken"] == token:
            raise error("FileSystemAlreadyExists", f"File system '{other.id}' already exists with creation token '{token}'",
                        FileSystemId=other.id)
    check_tags(call.get("Tags", []))
    mode = call.get("ThroughputMode", "bursting")
    if (mode == "provisioned") != (call["ProvisionedThroughputInMibps"] is not None):
        raise error("BadRequest", "ProvisionedThroughputInMibps goes with ThroughputMode provisioned, and only with it")
    if call["KmsKeyId"] and not call["Encrypted"]:
        raise error("BadRequest", "KmsKeyId needs Encrypted")
    identity = new_id("fs")
    body: Json = {
        "OwnerId": ACCOUNT, "CreationToken": token, "FileSystemId": identity,
        "FileSystemArn": f"arn:aws:elasticfilesystem:{call.region}:{ACCOUNT}:file-system/{identity}",
        "CreationTime": datetime.now(timezone.utc), "LifeCycleState": "creating",
        "SizeInBytes": {"Value": 6144, "ValueInIA": 0, "ValueInStandard": 6144, "ValueInArchive": 0},
        "PerformanceMode": call.get("PerformanceMode", "generalPurpose"), "Encrypted": bool(call["Encrypted"]),
        "ThroughputMode": mode, "Tags": list(call.get("Tags", [])),
        "FileSystemProtection": {"ReplicationOverwriteProtection": "ENABLED"},
    }
    if call["Encrypted"]:
        key = call["KmsKeyId"] or "00000000-0000-0000-0000-00000000aaaa"
        body["KmsKeyId"] = key if key.startswith("arn:") else f"arn:aws:kms:{call.region}:{ACCOUNT}:key/{key}"
    if mode == "provisioned":
        body["ProvisionedThroughputInMibps"] = call["ProvisionedThroughputInMibps"]
    system = FileSystem(call.region, body, "ENABLED" if call["Backup"] else None)
    SYSTEMS[call.region][identity] = system
    CLOCK.after("efs_create", lambda: body.update(LifeCycleState="available") if body["LifeCycleState"] == "creating" else None)
    return system.shown


@answer("efs", "DescribeFileSystems")
def describe_systems(call: Call) -> Json:
    if call["FileSystemId"]:
        found = [find_system(call)]
    else:
        found = [s for s in SYSTEMS[call.region].values() if call["CreationToken"] in (None, s.body["CreationToken"])]
    return {"FileSystems": [system.shown for system in found]}


@answer("efs", "UpdateFileSystem")
def update_system(call: Call) -> Json:
    system = find_system(call)
    must_be_available(system)
    if call["ThroughputMode"]:
        system.body["ThroughputMode"] = call["ThroughputMode"]
    if system.body["ThroughputMode"] == "provisioned":
        system.body["ProvisionedThroughputInMibps"] = call["ProvisionedThroughputInMibps"]
    else:
        system.body.pop("ProvisionedThroughputInMibps", None)
    return system.shown


@answer("efs", "UpdateFileSystemProtection")
def update_protection(call: Call) -> Json:
    system = find_system(call)
    system.body["FileSystemProtection"]["ReplicationOverwriteProtection"] = call["ReplicationOverwriteProtection"]
    return system.body["FileSystemProtection"]


@answer("efs", "DeleteFileSystem")
def delete_system(call: Call) -> Json:
    system = find_system(call)
    if system.targets:
        raise error("FileSystemInUse", f"Cannot delete file system '{system.id}': it has mount targets")
    if system.body["LifeCycleState"] == "deleting":
        raise error("FileSystemNotFound", f"File system '{system.id}' does not exist.")
    if system.body["LifeCycleState"] == "creating":
        must_be_available(system)
    system.body["LifeCycleState"] = "deleting"
    system.points.clear()
    CLOCK.after("efs_delete", lambda: SYSTEMS[call.region].pop(system.id, None))
    return {}


@answer("efs", "PutBackupPolicy")
def put_backup(call: Call) -> Json:
    system = find_system(call)
    must_be_available(system)
    system.backup = call["BackupPolicy"]["Status"]
    return {"BackupPolicy": {"Status": system.backup}}


@answer("efs", "DescribeBackupPolicy")
def describe_backup(call: Call) -> Json:
    system = find_system(call)
    if system.backup is None:
        raise error("PolicyNotFound", f"No backup policy for file system '{system.id}'")
    return {"BackupPolicy": {"Status": system.backup}}


@answer("efs", "PutLifecycleConfiguration")
def put_lifecycle(call: Call) -> Json:
    system = find_system(call)
    must_be_available(system)
    system.lifecycle = call.get("LifecyclePolicies", [])
    return {"LifecyclePolicies": system.lifecycle}


@answer("efs", "DescribeLifecycleConfiguration")
def describe_lifecycle(call: Call) -> Json:
    return {"LifecyclePolicies": find_system(call).lifecycle}


@answer("efs", "PutFileSystemPolicy")
def put_policy(call: Call) -> Json:
    system = find_system(call)
    try:
        json.loads(call["Policy"])
    except ValueError as trouble:
        raise error("InvalidPolicyException", "The policy is not valid JSON") from trouble
    system.policy = call["Policy"]
    return {"FileSystemId": system.id, "Policy": system.policy}


@answer("efs", "DescribeFileSystemPolicy")
def describe_policy(call: Call) -> Json:
    system = find_system(call)
    if system.policy is None:
        raise error("PolicyNotFound", f"No policy for file system '{system.id}'")
    return {"FileSystemId": system.id, "Policy": system.policy}


@answer("efs", "DeleteFileSystemPolicy")
def delete_policy(call: Call) -> Json:
    find_system(call).policy = None
    return {}


def _tagged(call: Call) -> Json:
    """The body with the tags of a file system or an access point."""
    wanted = (call["ResourceId"] or "").rpartition("/")[2]
    if wanted.startswith("fsap-"):
        for system in SYSTEMS[call.region].values():
            if wanted in system.points:
                return system.points[wanted]
        raise error("AccessPointNotFound", f"Access point '{wanted}' does not exist.")
    return find_system(call, wanted).body


@answer("efs", "TagResource")
def tag(call: Call) -> Json:
    body = _tagged(call)
    check_tags(call["Tags"])
    new = {t["Key"] for t in call["Tags"]}
    body["Tags"] = [t for t in body["Tags"] if t["Key"] not in new] + list(call["Tags"])
    return {}


@answer("efs", "UntagResource")
def untag(call: Call) -> Json:
    body = _tagged(call)
    body["Tags"] = [t for t in body["Tags"] if t["Key"] not in call["TagKeys"]]
    return {}


@answer("efs", "ListTagsForResource")
def list_tags(call: Call) -> Json:
    return {"Tags": _tagged(call)["Tags"]}


@source
def _inventory() -> Iterator[Entry]:
    for systems in list(SYSTEMS.values()):
        for system in systems.values():
            yield entry("efs", "file-system", system.id, system.body["Tags"], state=system.body["LifeCycleState"])
            for target in system.targets.values():
                yield entry("efs", "mount-target", target["MountTargetId"], file_system=system.id, subnet=target["SubnetId"])
            for point in system.points.values():
                yield entry("efs", "access-point", point["AccessPointId"], point["Tags"], file_system=system.id)


def subnet_or_refuse(region: str, subnet_id: str) -> Any:
    subnet = network.find_subnet(region, subnet_id)
    if subnet is None:
        raise error("SubnetNotFound", f"The subnet ID '{subnet_id}' does not exist")
    return subnet


def groups_or_refuse(region: str, group_ids: list[str], vpc_id: str) -> None:
    if len(group_ids) > _GROUPS_PER_TARGET:
        raise error("SecurityGroupLimitExceeded", "A mount target can have up to 5 security groups")
    for group_id in group_ids:
        group = network.find_group(region, group_id)
        if group is None or group.vpc_id != vpc_id:
            raise error("SecurityGroupNotFound", f"The security group ID '{group_id}' does not exist in the VPC {vpc_id}")
