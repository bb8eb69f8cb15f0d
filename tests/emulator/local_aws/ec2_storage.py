"""EC2: volumes and snapshots, whose lists moto filters poorly."""

from __future__ import annotations

from typing import Any

from . import network
from .ec2_common import Json, error, select
from .rules import after, answer
from .wire import ACCOUNT, Call


def _named(wanted: list[str] | None, store: dict[str, Any], code: str, word: str) -> list[Any]:
    for identity in wanted or []:
        if identity not in store:
            raise error(code, f"The {word} '{identity}' does not exist.")
    return [store[identity] for identity in wanted] if wanted else list(store.values())


def _of_attachment(name: str) -> Any:
    return lambda volume: getattr(volume.attachment, name, None)


@answer("ec2", "DescribeVolumes")
def describe_volumes(call: Call) -> Json:
    store = network.ec2(call.region)
    found = _named(call["VolumeIds"], store.volumes, "InvalidVolume.NotFound", "volume")
    for volume in found:
        if volume.attachment is not None:
            volume.attachment.delete_on_termination = bool(_ends_with_instance(volume))
    fields = {
        "volume-id": lambda v: v.id, "status": lambda v: v.status, "size": lambda v: v.size, "volume-type": lambda v: v.volume_type,
        "availability-zone": lambda v: v.availability_zone, "encrypted": lambda v: bool(v.encrypted), "snapshot-id": lambda v: v.snapshot_id,
        "attachment.instance-id": _of_attachment("instance_id"), "attachment.status": _of_attachment("status"),
        "attachment.device": _of_attachment("device"), "attachment.delete-on-termination": lambda v: _ends_with_instance(v),
    }
    return {"Volumes": select(found, call, fields, lambda v: store.tags.get(v.id, {}))}


def _ends_with_instance(volume: Any) -> bool | None:
    if volume.attachment is None:
        return None
    devices = volume.attachment.instance.block_device_mapping.values()
    return any(device.volume_id == volume.id and device.delete_on_termination for device in devices)


@answer("ec2", "DescribeSnapshots")
def describe_snapshots(call: Call) -> Json:
    store = network.ec2(call.region)
    found = _named(call["SnapshotIds"], store.snapshots, "InvalidSnapshot.NotFound", "snapshot")
    owners = {ACCOUNT if owner == "self" else owner for owner in call.get("OwnerIds", [])}
    if owners:
        found = [s for s in found if s.owner_id in owners or ("amazon" in owners and s.owner_id != ACCOUNT)]
    fields = {
        "snapshot-id": lambda s: s.id, "volume-id": lambda s: s.volume_id, "status": lambda s: s.status, "owner-id": lambda s: s.owner_id,
        "volume-size": lambda s: s.volume_size, "description": lambda s: s.description, "encrypted": lambda s: bool(s.encrypted),
        "storage-tier": lambda s: s.storage_tier,
    }
    return {"Snapshots": select(found, call, fields, lambda s: store.tags.get(s.id, {}))}


@after("ec2", "CreateSnapshot")
def key_of_snapshot(call: Call, _result: Any) -> None:
    """A snapshot keeps the key of its volume."""
    store = network.ec2(call.region)
    for snapshot in store.snapshots.values():
        if snapshot.volume_id == call["VolumeId"]:
            snapshot.kms_key_id = store.volumes[call["VolumeId"]].kms_key_id


@after("ec2", "RegisterImage")
def image_of_snapshot(call: Call, result: Any) -> None:
    """moto makes a snapshot of its own; the image is of the one that the call names."""
    store = network.ec2(call.region)
    named = next((disk["Ebs"]["SnapshotId"] for disk in call.get("BlockDeviceMappings", []) if (disk.get("Ebs") or {}).get("SnapshotId")), None)
    if named not in store.snapshots:
        return
    image = store.amis[result["ImageId"] if isinstance(result, dict) else result.image_id]
    store.snapshots.pop(image.ebs_snapshot.id, None)
    image.ebs_snapshot = store.snapshots[named]
