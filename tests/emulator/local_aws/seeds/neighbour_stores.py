"""What another team keeps: buckets, a file system, a key."""

from __future__ import annotations

from .. import efs
from ..moto_bridge import backend
from .inside import client
from .world import World, letters

_LONGEST = 63


def _bucket(region: str, name: str, tags: dict[str, str]) -> None:
    s3 = client("s3", region)
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=name, **place)
    if tags:
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]})
    for number in range(3):
        s3.put_object(Bucket=name, Key=f"models/{number}", Body=f"of team b: {number}".encode())


def buckets(name: str, region: str) -> None:
    """Buckets whose names begin with ours, and one without tags whose name begins with the cluster's."""
    store = backend("s3")
    ours = [b.name for b in store.buckets.values() if b.region_name == region
            and store.tagger.get_tag_dict_for_resource(b.arn).get("domino-eks:cluster") == name]
    for prefix in sorted({*ours, f"{name.lower()}-blobs"}):
        _bucket(region, f"{prefix[:_LONGEST - 7]}-team-b", {"team": "b"})
    _bucket(region, f"{name.lower()}-scratch", {})


def file_system(world: World, name: str) -> None:
    """A file system named like ours, mounted in their VPC."""
    ours = next((s.shown.get("Name") for s in efs.SYSTEMS[world.region].values()
                 if {"Key": "domino-eks:cluster", "Value": name} in s.body["Tags"]), None)
    api = world.client("efs")
    made = api.create_file_system(CreationToken=f"team-b-{letters(8)}", Encrypted=True,
                                  Tags=[{"Key": "Name", "Value": ours or f"{name}-efs"}, {"Key": "team", "Value": "b"}])
    system = efs.SYSTEMS[world.region][made["FileSystemId"]]
    system.body["LifeCycleState"] = "available"
    api.create_mount_target(FileSystemId=system.id, SubnetId=world.private[0])
    for target in system.targets.values():
        target["LifeCycleState"] = "available"


def key(world: World, name: str) -> None:
    kms = world.client("kms")
    made = kms.create_key(Description="team b", Tags=[{"TagKey": "team", "TagValue": "b"}])["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=f"alias/{name}-team-b", TargetKeyId=made)
