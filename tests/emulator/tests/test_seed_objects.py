"""Full buckets: lists and deletes of versions, odd keys, locks, growth and failures on order."""

from __future__ import annotations

import http.client
import re
import statistics
import time
import urllib.error
from urllib.parse import unquote_plus

import pytest
from botocore.exceptions import ClientError
from helpers import Aws, code, fresh, refusal
from local_aws.odd_keys import ODD

WEST = {"LocationConstraint": "us-west-2"}


@pytest.fixture
def bucket(aws):
    name = fresh("full")
    aws.s3.create_bucket(Bucket=name, CreateBucketConfiguration=WEST)
    aws.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def listed(aws, bucket, **more):
    """All versions and markers, page by page, as one list in the order of the pages."""
    found, pages, markers = [], 0, {}
    while True:
        page = aws.s3.list_object_versions(Bucket=bucket, **more | markers)
        pages += 1
        found += sorted(page.get("Versions", []) + page.get("DeleteMarkers", []), key=lambda v: v["Key"])
        if not page["IsTruncated"]:
            return found, pages
        markers = {"KeyMarker": page["NextKeyMarker"]}
        if "NextVersionIdMarker" in page:
            markers["VersionIdMarker"] = page["NextVersionIdMarker"]


def doomed(versions):
    return [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in versions]


def empty(aws, bucket, quiet=True):
    """Empty a bucket as a careful tool does; the errors it met."""
    errors = []
    while versions := listed(aws, bucket)[0]:
        for start in range(0, len(versions), 1000):
            done = aws.s3.delete_objects(Bucket=bucket, Delete={"Quiet": quiet, "Objects": doomed(versions[start:start + 1000])})
            errors += done.get("Errors", [])
    return errors


def test_seeded_versions(aws, bucket):
    seeded = aws.seed("objects", bucket=bucket, keys=4, versions_per_key=3, delete_markers=2, uploads=7)
    assert {e["type"] for e in seeded} == {"bucket", "object", "multipart-upload"}
    assert next(e for e in seeded if e["type"] == "bucket") | {"part": ""} == {
        "service": "s3", "type": "bucket", "id": bucket, "part": "", "versions": 14, "uploads": 7}
    found, pages = listed(aws, bucket)
    assert len(found) == 14 and pages == 3 and len({v["VersionId"] for v in found}) == 14
    assert [v["Key"] for v in found] == sorted(v["Key"] for v in found)
    assert sum(v["IsLatest"] for v in found) == 4 and sum("ETag" not in v for v in found) == 2
    assert aws.s3.get_object(Bucket=bucket, Key=found[-1]["Key"])["Body"].read() == b"x" * 10
    uploads = aws.s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket).build_full_result()["Uploads"]
    assert len(uploads) == 7 == len({u["UploadId"] for u in uploads})
    assert aws.s3.list_multipart_uploads(Bucket=bucket)["IsTruncated"]
    assert code(aws.s3.delete_bucket, Bucket=bucket) == "BucketNotEmpty"
    assert empty(aws, bucket) == []
    aws.s3.delete_bucket(Bucket=bucket)


def test_order_and_markers(aws, bucket):
    aws.s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    first = [aws.s3.put_object(Bucket=bucket, Key="b", Body=str(n).encode())["VersionId"] for n in range(7)]
    aws.s3.put_object(Bucket=bucket, Key="c/1", Body=b"1")
    aws.s3.put_object(Bucket=bucket, Key="c/2", Body=b"1")
    found, _ = listed(aws, bucket)
    assert [v["VersionId"] for v in found if v["Key"] == "b"] == first[::-1], "newest first"
    page = aws.s3.list_object_versions(Bucket=bucket, KeyMarker="a")
    assert page["Versions"][0]["Key"] == "b" and page["Versions"][0]["IsLatest"] and page["KeyMarker"] == "a"
    assert (page["NextKeyMarker"], page["NextVersionIdMarker"]) == ("b", first[2])
    aws.s3.delete_object(Bucket=bucket, Key="b", VersionId=first[2])
    rest = aws.s3.list_object_versions(Bucket=bucket, KeyMarker="b", VersionIdMarker=first[2])
    assert [v["VersionId"] for v in rest["Versions"]][:2] == [first[1], first[0]], "a marker outlives its version"
    assert not any(v["IsLatest"] for v in rest["Versions"] if v["Key"] == "b")
    assert code(aws.s3.list_object_versions, Bucket=bucket, KeyMarker="b", VersionIdMarker="nonsense") == "InvalidArgument"
    assert code(aws.s3.list_object_versions, Bucket=bucket, VersionIdMarker=first[0]) == "InvalidArgument"
    assert [v["Key"] for v in aws.s3.list_object_versions(Bucket=bucket, Prefix="c/")["Versions"]] == ["c/1", "c/2"]
    page = aws.s3.list_object_versions(Bucket=bucket, KeyMarker="b", Delimiter="/")
    assert page["CommonPrefixes"] == [{"Prefix": "c/"}] and "Versions" not in page
    assert len(aws.s3.list_object_versions(Bucket=bucket, MaxKeys=2)["Versions"]) == 2
    none = aws.s3.list_object_versions(Bucket=bucket, MaxKeys=0)
    assert not none["IsTruncated"] and "Versions" not in none


def test_deletes(aws, bucket):
    versions = [aws.s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"] for _ in range(2)]
    marker = aws.s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}]})["Deleted"][0]
    assert marker["DeleteMarker"] and marker["Key"] == "k" and "VersionId" not in marker
    gone = aws.s3.delete_objects(Bucket=bucket, Delete={"Objects": [
        {"Key": "k", "VersionId": marker["DeleteMarkerVersionId"]}, {"Key": "k", "VersionId": versions[0]},
        {"Key": "absent", "VersionId": versions[0]}]})
    assert [d["VersionId"] for d in gone["Deleted"]] == [marker["DeleteMarkerVersionId"], versions[0], versions[0]]
    assert gone["Deleted"][0]["DeleteMarkerVersionId"] == marker["DeleteMarkerVersionId"] and "Errors" not in gone
    assert [v["VersionId"] for v in listed(aws, bucket)[0]] == [versions[1]]
    single = aws.s3.delete_object(Bucket=bucket, Key="k")
    assert single["DeleteMarker"] and code(aws.s3.get_object, Bucket=bucket, Key="k") == "NoSuchKey"
    assert aws.s3.delete_object(Bucket=bucket, Key="k", VersionId=single["VersionId"])["DeleteMarker"]
    aws.s3.delete_object(Bucket=bucket, Key="k", VersionId=versions[1])
    assert code(aws.s3.delete_objects, Bucket=bucket, Delete={"Objects": []}) == "MalformedXML"
    assert code(aws.s3.delete_objects, Bucket=fresh("absent"), Delete={"Objects": [{"Key": "k"}]}) == "NoSuchBucket"
    aws.s3.delete_bucket(Bucket=bucket)


def test_a_delete_marker_keeps_the_bucket_and_an_upload_does_not(aws, bucket):
    marker = aws.s3.delete_object(Bucket=bucket, Key="never-was")["VersionId"]
    assert code(aws.s3.delete_bucket, Bucket=bucket) == "BucketNotEmpty"
    aws.s3.delete_object(Bucket=bucket, Key="never-was", VersionId=marker)
    aws.s3.create_multipart_upload(Bucket=bucket, Key="big")
    aws.s3.delete_bucket(Bucket=bucket)


def test_suspended_versioning_keeps_what_is_there(aws, bucket):
    old = aws.s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    aws.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert aws.s3.delete_object(Bucket=bucket, Key="k")["VersionId"] == "null"
    assert {v["VersionId"]: v["IsLatest"] for v in listed(aws, bucket)[0]} == {"null": True, old: False}
    assert empty(aws, bucket) == []


def test_odd_keys(aws, bucket):
    aws.seed("objects", bucket=bucket, odd_keys=True)
    found, _ = listed(aws, bucket)
    assert {v["Key"] for v in found} == set(ODD), "boto3 asks for the encoding url, and decodes"
    for key in ODD:
        assert aws.s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == 10, key
    control = next(key for key in ODD if "\x01" in key)
    assert code(aws.s3.delete_objects, Bucket=bucket, Delete={"Objects": [{"Key": control}]}) == "MalformedXML"
    sayable = [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in found if v["Key"] != control]
    done = aws.s3.delete_objects(Bucket=bucket, Delete={"Objects": sayable})
    assert {d["Key"] for d in done["Deleted"]} == set(ODD) - {control}
    left, _ = listed(aws, bucket)
    assert [v["Key"] for v in left] == [control]
    aws.s3.delete_object(Bucket=bucket, Key=control, VersionId=left[0]["VersionId"])
    aws.s3.delete_bucket(Bucket=bucket)


def test_single_deletes_of_odd_keys(aws, bucket):
    aws.seed("objects", bucket=bucket, odd_keys=True)
    for version in listed(aws, bucket)[0]:
        aws.s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
    aws.s3.delete_bucket(Bucket=bucket)


def raw(aws, bucket, query):
    """A list as another SDK gets it: botocore's own wishes are left out."""
    connection = http.client.HTTPConnection("127.0.0.1", int(aws.url.rpartition(":")[2]))
    signature = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261121/us-west-2/s3/aws4_request, SignedHeaders=host, Signature=0"
    connection.request("GET", f"/{bucket}?versions&{query}", headers={"Authorization": signature})
    return connection.getresponse().read().decode()


def test_encodings(aws, bucket):
    aws.seed("objects", bucket=bucket, odd_keys=True)
    plain = raw(aws, bucket, "") + raw(aws, bucket, "key-marker=control%01character")
    assert "<Key>control&#x1;character</Key>" in plain and "<Key>line&#xA;break</Key>" in plain
    assert "<Key>a&amp;b&lt;c&gt;&quot;d'e</Key>" in plain
    coded = raw(aws, bucket, "encoding-type=url&prefix=control") + raw(aws, bucket, "encoding-type=url&prefix=with")
    assert "<Key>control%01character</Key>" in coded and "<Key>with+space</Key>" in coded and "<EncodingType>url</EncodingType>" in coded
    keys = re.findall("<Key>([^<]*)</Key>", raw(aws, bucket, "encoding-type=url&prefix=p"))
    assert [unquote_plus(key) for key in keys] == ["percent%2Fslash", "plus+sign"]


def test_locked(aws, bucket):
    aws.seed("objects", bucket=bucket, keys=1, locked=2)
    found, _ = listed(aws, bucket)
    done = aws.s3.delete_objects(Bucket=bucket, Delete={"Quiet": True, "Objects": doomed(found)})
    assert "Deleted" not in done and len(done["Errors"]) == 2
    error = done["Errors"][0]
    assert error["Code"] == "AccessDenied" and error["Message"] == "Access Denied because object protected by object lock."
    assert error["VersionId"] in {v["VersionId"] for v in found} and error["Key"].startswith("locked-")
    assert len(listed(aws, bucket)[0]) == 2
    alone = refusal(aws.s3.delete_object, Bucket=bucket, Key=error["Key"], VersionId=error["VersionId"])
    assert alone["Code"] == "AccessDenied" and alone["Status"] == 403
    assert code(aws.s3.delete_bucket, Bucket=bucket) == "BucketNotEmpty"


def test_filling_and_partial(aws, bucket):
    aws.seed("objects", bucket=bucket, keys=3, filling=1, partial=1)
    found, _ = listed(aws, bucket)
    done = aws.s3.delete_objects(Bucket=bucket, Delete={"Quiet": True, "Objects": doomed(found)})
    assert [(e["Key"], e["Code"]) for e in done["Errors"]] == [(found[0]["Key"], "InternalError")]
    left, _ = listed(aws, bucket)
    assert len(left) == 2 and any(v["Key"].startswith("written-meanwhile") for v in left)
    assert empty(aws, bucket) == []
    aws.s3.delete_bucket(Bucket=bucket)


def test_bad_orders(aws):
    name = fresh("plain")
    aws.s3.create_bucket(Bucket=name, CreateBucketConfiguration=WEST)
    for more in ({"bucket": "absent"}, {"bucket": name, "keys": -1}, {"bucket": name, "keys": 1, "versions_per_key": 2}):
        with pytest.raises(urllib.error.HTTPError):
            aws.seed("objects", **more)
    aws.seed("objects", bucket=name, keys=3, size=0)
    assert {v["VersionId"] for v in listed(aws, name)[0]} == {"null"}
    aws.s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": v["Key"]} for v in listed(aws, name)[0]]})
    aws.s3.delete_bucket(Bucket=name)


@pytest.mark.parametrize("keys, versions", [(50_000, 2), (1, 100_000)])
def test_a_hundred_thousand(forks, tmp_path, keys, versions):
    """On a server with S3's own pages."""
    server = forks.start(tmp_path, "--scale", "0.01")
    try:
        own, name = Aws(server.url, server.log), fresh("huge")
        own.s3.create_bucket(Bucket=name, CreateBucketConfiguration=WEST)
        own.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        began = time.monotonic()
        own.seed("objects", bucket=name, keys=keys, versions_per_key=versions)
        assert time.monotonic() - began < 60
        assert [e["versions"] for e in own.inventory() if e["type"] == "bucket"] == [keys * versions]
        done = own.s3.list_object_versions(Bucket=name)
        for _ in range(4):
            own.s3.delete_objects(Bucket=name, Delete={"Quiet": True, "Objects": doomed(done["Versions"])})
            done = own.s3.list_object_versions(Bucket=name, KeyMarker=done["NextKeyMarker"], VersionIdMarker=done["NextVersionIdMarker"])
        for operation in ("ListObjectVersions", "DeleteObjects"):
            times = [e["ms"] for e in own.control("requests") if e["operation"] == operation]
            print(operation, times)
            assert statistics.median(times) < 300, (operation, times)
        with pytest.raises(ClientError):
            own.s3.delete_bucket(Bucket=name)
    finally:
        server.close()
