"""S3: pages of unfinished uploads."""

from __future__ import annotations

from typing import Any

from .rules import answer
from .s3_versions import Writer, bucket_of, document, element, page_limit
from .wire import Answer, Call


def _after(upload: Any, call: Call) -> bool:
    """Behind the markers; an upload's marker counts only together with a key's."""
    key, identity = call.get("KeyMarker", ""), call["UploadIdMarker"] if call["KeyMarker"] else None
    return upload.key_name > key or bool(identity and upload.key_name == key and upload.id > identity)


def _shown(upload: Any, name: str | None) -> str:
    return (f"<Upload><Key>{name}</Key><UploadId>{upload.id}</UploadId><StorageClass>STANDARD</StorageClass>"
            "<Initiated>2010-11-10T20:48:33.000Z</Initiated></Upload>")


@answer("s3", "ListMultipartUploads")
def list_uploads(call: Call) -> Answer:
    bucket, writer = bucket_of(call), Writer(call)
    asked, limit = page_limit(call, "MaxUploads")
    found = sorted((u for u in bucket.multiparts.values() if u.key_name.startswith(call.get("Prefix", "")) and _after(u, call)),
                   key=lambda upload: (upload.key_name, upload.id))
    page, more = found[:limit], len(found) > limit > 0
    following = ""
    if more:
        following = element("NextKeyMarker", writer.name(page[-1].key_name)) + element("NextUploadIdMarker", page[-1].id)
    head = (element("Bucket", bucket.name) + element("KeyMarker", writer.name(call.get("KeyMarker", "")))
            + element("UploadIdMarker", call.get("UploadIdMarker", "")) + following + element("Prefix", writer.name(call.get("Prefix", "")))
            + element("EncodingType", writer.kind) + element("MaxUploads", asked) + element("IsTruncated", str(more).lower()))
    return document("ListMultipartUploadsResult", head + "".join(_shown(u, writer.name(u.key_name)) for u in page))
