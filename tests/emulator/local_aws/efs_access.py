"""EFS mount targets and access points."""

from __future__ import annotations

import re

from . import network
from .clock import CLOCK
from .efs import (
    SYSTEMS, FileSystem, Json, check_tags, error, find_system, groups_or_refuse, must_be_available, new_id, subnet_or_refuse,
)
from .rules import answer
from .wire import ACCOUNT, Call

_HIDDEN = ("Groups",)


def _shown(target: Json) -> Json:
    return {k: v for k, v in target.items() if k not in _HIDDEN}


def _find_target(call: Call) -> tuple[FileSystem, Json]:
    wanted = call["MountTargetId"]
    for system in SYSTEMS[call.region].values():
        if wanted in system.targets:
            return system, system.targets[wanted]
    raise error("MountTargetNotFound", f"Mount target '{wanted}' does not exist.")


@answer("efs", "CreateMountTarget")
def create_target(call: Call) -> Json:
    system = find_system(call)
    must_be_available(system)
    subnet = subnet_or_refuse(call.region, call["SubnetId"])
    for other in system.targets.values():
        if other["AvailabilityZoneName"] == subnet.availability_zone:
            raise error("MountTargetConflict", f"mount target already exists in this AZ: {other['MountTargetId']}")
        if other["VpcId"] != subnet.vpc_id:
            raise error("MountTargetConflict", "requested subnet for new mount target is not in the same VPC as existing mount targets")
    groups = list(call.get("SecurityGroups", []))
    groups_or_refuse(call.region, groups, subnet.vpc_id)
    identity = new_id("fsmt")
    eni = network.make_interface(call.region, subnet.id, groups, f"EFS mount target for {system.id} ({identity})")
    target: Json = {
        "OwnerId": ACCOUNT, "MountTargetId": identity, "FileSystemId": system.id, "SubnetId": subnet.id, "LifeCycleState": "creating",
        "IpAddress": eni.private_ip_address, "NetworkInterfaceId": eni.id, "AvailabilityZoneId": subnet.availability_zone_id,
        "AvailabilityZoneName": subnet.availability_zone, "VpcId": subnet.vpc_id, "Groups": [g.id for g in eni.group_set],
    }
    system.targets[identity] = target
    CLOCK.after("mount_target_create",
                lambda: target.update(LifeCycleState="available") if target["LifeCycleState"] == "creating" else None)
    return _shown(target)


@answer("efs", "DescribeMountTargets")
def describe_targets(call: Call) -> Json:
    if call["MountTargetId"]:
        return {"MountTargets": [_shown(_find_target(call)[1])]}
    if call["AccessPointId"]:
        return {"MountTargets": [_shown(t) for t in _find_point(call)[0].targets.values()]}
    if not call["FileSystemId"]:
        raise error("BadRequest", "One of FileSystemId, MountTargetId or AccessPointId is needed")
    return {"MountTargets": [_shown(t) for t in find_system(call).targets.values()]}


@answer("efs", "DeleteMountTarget")
def delete_target(call: Call) -> Json:
    system, target = _find_target(call)
    if target["LifeCycleState"] == "deleting":
        return {}
    target["LifeCycleState"] = "deleting"

    def vanish() -> None:
        network.drop_interface(call.region, target["NetworkInterfaceId"])
        system.targets.pop(target["MountTargetId"], None)

    CLOCK.after("mount_target_delete", vanish)
    return {}


@answer("efs", "DescribeMountTargetSecurityGroups")
def describe_groups(call: Call) -> Json:
    _, target = _find_target(call)
    if target["LifeCycleState"] not in ("available", "creating", "updating"):
        raise error("IncorrectMountTargetState", f"Mount target '{target['MountTargetId']}' is {target['LifeCycleState']}")
    return {"SecurityGroups": target["Groups"]}


@answer("efs", "ModifyMountTargetSecurityGroups")
def modify_groups(call: Call) -> Json:
    _, target = _find_target(call)
    if target["LifeCycleState"] != "available":
        raise error("IncorrectMountTargetState", f"Mount target '{target['MountTargetId']}' is {target['LifeCycleState']}")
    groups = list(call.get("SecurityGroups", []))
    groups_or_refuse(call.region, groups, target["VpcId"])
    target["Groups"] = groups
    eni = network.ec2(call.region).enis[target["NetworkInterfaceId"]]
    eni._group_set = [network.find_group(call.region, group) for group in groups]
    return {}


def _find_point(call: Call) -> tuple[FileSystem, Json]:
    wanted = (call["AccessPointId"] or "").rpartition("/")[2]
    for system in SYSTEMS[call.region].values():
        if wanted in system.points:
            return system, system.points[wanted]
    raise error("AccessPointNotFound", f"Access point '{wanted}' does not exist.")


def _check_root(root: Json) -> None:
    path = root.get("Path", "/")
    if not path.startswith("/") or len(path) > 100 or path.count("/") > 4:
        raise error("ValidationException", f"Invalid path: {path}", status=400)
    info = root.get("CreationInfo")
    if info and not re.fullmatch(r"[0-7]{3,4}", info.get("Permissions", "")):
        raise error("ValidationException", "1 validation error detected: Value at 'rootDirectory.creationInfo.permissions' failed to "
                    "satisfy constraint: Member must satisfy regular expression pattern: ^[0-7]{3,4}$", status=400)


@answer("efs", "CreateAccessPoint")
def create_point(call: Call) -> Json:
    system, token = find_system(call), call["ClientToken"]
    for other in SYSTEMS[call.region].values():
        for point in other.points.values():
            if point["ClientToken"] == token:
                raise error("AccessPointAlreadyExists", f"Access point '{point['AccessPointId']}' already exists with client token "
                            f"'{token}'", AccessPointId=point["AccessPointId"])
    must_be_available(system)
    check_tags(call.get("Tags", []))
    _check_root(call.get("RootDirectory", {}))
    identity = new_id("fsap")
    tags = list(call.get("Tags", []))
    body: Json = {
        "ClientToken": token, "Tags": tags, "AccessPointId": identity, "FileSystemId": system.id, "OwnerId": ACCOUNT,
        "AccessPointArn": f"arn:aws:elasticfilesystem:{call.region}:{ACCOUNT}:access-point/{identity}",
        "RootDirectory": {"Path": "/"} | call.get("RootDirectory", {}), "LifeCycleState": "creating",
    }
    name = next((t["Value"] for t in tags if t["Key"] == "Name"), None)
    body |= {"Name": name} if name else {}
    if call["PosixUser"]:
        body["PosixUser"] = call["PosixUser"]
    system.points[identity] = body
    CLOCK.after("access_point_create", lambda: body.update(LifeCycleState="available"))
    return body


@answer("efs", "DescribeAccessPoints")
def describe_points(call: Call) -> Json:
    if call["AccessPointId"]:
        return {"AccessPoints": [_find_point(call)[1]]}
    systems = [find_system(call)] if call["FileSystemId"] else SYSTEMS[call.region].values()
    return {"AccessPoints": [point for system in systems for point in system.points.values()]}


@answer("efs", "DeleteAccessPoint")
def delete_point(call: Call) -> Json:
    system, point = _find_point(call)
    system.points.pop(point["AccessPointId"])
    return {}
