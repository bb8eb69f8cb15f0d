"""S3: conditional writes, as strict as S3 itself, and whose buckets objects go into."""

from __future__ import annotations

import hashlib
import http.client
import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlparse

import pytest
from botocore.exceptions import ClientError
from helpers import Aws, code, fresh, refusal

WEST = {"LocationConstraint": "us-west-2"}
UNMET = "At least one of the pre-conditions you specified did not hold"


@pytest.fixture(params=["plain", "versioned"])
def bucket(aws, request):
    name = fresh("bucket")
    aws.s3.create_bucket(Bucket=name, CreateBucketConfiguration=WEST)
    if request.param == "versioned":
        aws.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def put(aws, bucket, body=b"body", **condition):
    return aws.s3.put_object(Bucket=bucket, Key="k", Body=body, **condition)["ETag"]


def read(aws, bucket):
    return aws.s3.get_object(Bucket=bucket, Key="k")["Body"].read()


def outcome(function, **arguments):
    error = refusal(function, **arguments)
    return error["Code"], error["Status"]


def test_put_if_none_match(aws, bucket):
    put(aws, bucket, b"1", IfNoneMatch="*")
    error = refusal(aws.s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    assert (error["Code"], error["Status"], error["Message"]) == ("PreconditionFailed", 412, UNMET)
    assert read(aws, bucket) == b"1"
    aws.s3.delete_object(Bucket=bucket, Key="k")
    put(aws, bucket, b"3", IfNoneMatch="*")  # in a versioned bucket: on top of a delete marker
    assert read(aws, bucket) == b"3"


def test_put_if_match(aws, bucket):
    assert outcome(aws.s3.put_object, Bucket=bucket, Key="k", Body=b"0", IfMatch='"00"') == ("NoSuchKey", 404)
    first = put(aws, bucket, b"1")
    second = put(aws, bucket, b"2", IfMatch=first)
    third = put(aws, bucket, b"3", IfMatch=second.strip('"'))
    assert outcome(aws.s3.put_object, Bucket=bucket, Key="k", Body=b"4", IfMatch=second) == ("PreconditionFailed", 412)
    assert read(aws, bucket) == b"3"
    aws.s3.delete_object(Bucket=bucket, Key="k")
    assert outcome(aws.s3.put_object, Bucket=bucket, Key="k", Body=b"5", IfMatch=third) == ("NoSuchKey", 404)


def test_delete_if_match(aws, bucket):
    for condition in ('"00"', "*"):
        assert outcome(aws.s3.delete_object, Bucket=bucket, Key="k", IfMatch=condition) == ("NoSuchKey", 404)
    old = put(aws, bucket, b"1")
    new = put(aws, bucket, b"2")
    assert outcome(aws.s3.delete_object, Bucket=bucket, Key="k", IfMatch=old) == ("PreconditionFailed", 412)
    assert read(aws, bucket) == b"2"
    aws.s3.delete_object(Bucket=bucket, Key="k", IfMatch=new)
    for condition in (new, "*"):
        assert outcome(aws.s3.delete_object, Bucket=bucket, Key="k", IfMatch=condition) == ("NoSuchKey", 404)
    aws.s3.delete_object(Bucket=bucket, Key="k")  # without a condition: fine
    put(aws, bucket)
    aws.s3.delete_object(Bucket=bucket, Key="k", IfMatch="*")
    assert code(read, aws=aws, bucket=bucket) == "NoSuchKey"


@pytest.mark.parametrize("condition", [{"IfNoneMatch": '"00"'}, {"IfMatch": "*"}, {"IfMatch": '"00"', "IfNoneMatch": "*"}])
def test_forms_that_s3_does_not_take(aws, bucket, condition):
    put(aws, bucket, b"1")
    assert outcome(aws.s3.put_object, Bucket=bucket, Key="k", Body=b"2", **condition) == ("NotImplemented", 501)
    assert read(aws, bucket) == b"1"


def race(aws, number, change):
    """What `number` clients with connections of their own get at once: "won" or the code of the refusal."""
    def one(n):
        own = Aws(aws.url, aws.log)
        try:
            change(own, n)
        except ClientError as error:
            return error.response["Error"]["Code"]
        return "won"

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))


def test_one_of_many_creates(aws, bucket):
    results = race(aws, 32, lambda own, n: put(own, bucket, str(n).encode(), IfNoneMatch="*"))
    assert results.count("won") == 1 and set(results) == {"won", "PreconditionFailed"}
    assert read(aws, bucket) == str(results.index("won")).encode()
    versions = aws.s3.get_paginator("list_object_versions").paginate(Bucket=bucket).build_full_result()["Versions"]
    assert len(versions) == 1


def test_one_of_many_replaces_or_deletes(aws, bucket):
    tag = put(aws, bucket)

    def change(own, n):
        if n % 2:
            own.s3.delete_object(Bucket=bucket, Key="k", IfMatch=tag)
        else:
            put(own, bucket, str(n).encode(), IfMatch=tag)

    results = race(aws, 16, change)
    assert results.count("won") == 1 and set(results) <= {"won", "PreconditionFailed", "NoSuchKey"}


def test_reads_are_never_torn(aws, bucket):
    def content(n):
        return bytes([65 + n % 26]) * 200_000

    def write(own, n):
        for step in range(8):
            body = content(n * 8 + step)
            own.s3.put_object(Bucket=bucket, Key="k", Body=body, Metadata={"sha": hashlib.sha256(body).hexdigest()})

    def check(own):
        for _ in range(12):
            found = own.s3.get_object(Bucket=bucket, Key="k")
            body = found["Body"].read()
            assert len(body) == 200_000 and found["Metadata"]["sha"] == hashlib.sha256(body).hexdigest()
            assert found["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'

    write(aws, 0)
    assert set(race(aws, 8, lambda own, n: write(own, n) if n % 2 else check(own))) == {"won"}


def order(aws, *rules):
    body = json.dumps({"faults": rules}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{aws.url}/_emulator/faults", body, method="POST")).close()


def test_forced_conflict(aws, bucket):
    tag = put(aws, bucket, b"1")
    order(aws, {"mode": "conflict", "times": 2})
    put(aws, bucket, b"1")  # unconditional: not meant
    for function, arguments in ((aws.s3.put_object, {"Body": b"2"}), (aws.s3.delete_object, {})):
        error = refusal(function, Bucket=bucket, Key="k", IfMatch=tag, **arguments)
        assert (error["Code"], error["Status"]) == ("ConditionalRequestConflict", 409)
        assert error["Message"] == "The conditional request cannot succeed due to a conflicting operation against this resource."
    assert read(aws, bucket) == b"1"
    put(aws, bucket, b"2", IfMatch=tag)
    aws.control("faults", "DELETE")


def test_lost_answer_of_a_conditional_put(aws, bucket):
    """The case that clients must get right: the object was written, but the answer was lost."""
    order(aws, {"mode": "status-after", "operation": "PutObject"})
    assert outcome(aws.s3.put_object, Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*") == ("InternalError", 500)
    assert outcome(aws.s3.put_object, Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*") == ("PreconditionFailed", 412)
    assert read(aws, bucket) == b"1"


def test_owner_of_the_bucket(aws, bucket):
    mine, other = {"ExpectedBucketOwner": "123456789012"}, {"ExpectedBucketOwner": "111111111111"}
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*", **mine)
    aws.s3.get_object(Bucket=bucket, Key="k", **mine)
    calls = [(aws.s3.put_object, {"Key": "k", "Body": b"2"}), (aws.s3.get_object, {"Key": "k"}), (aws.s3.delete_object, {"Key": "k"}),
             (aws.s3.get_bucket_versioning, {})]
    for function, arguments in calls:
        assert outcome(function, Bucket=bucket, **arguments, **other) == ("AccessDenied", 403)
        assert outcome(function, Bucket="my-bucket", **arguments) == ("AccessDenied", 403)
        assert outcome(function, Bucket=fresh("absent"), **arguments, **other) == ("NoSuchBucket", 404)
    assert refusal(aws.s3.head_object, Bucket=bucket, Key="k", **other)["Status"] == 403
    assert read(aws, bucket) == b"1"
    aws.s3.get_bucket_versioning(Bucket=bucket, **mine)
    aws.s3.delete_object(Bucket=bucket, Key="k", **mine)


def test_missing_bucket(aws):
    absent = fresh("absent")
    for condition in ({}, {"IfNoneMatch": "*"}, {"IfMatch": '"00"'}, {"IfNoneMatch": '"00"'}):
        assert outcome(aws.s3.put_object, Bucket=absent, Key="k", Body=b"1", **condition) == ("NoSuchBucket", 404)
    for condition in ({}, {"IfMatch": '"00"'}, {"IfMatch": "*"}):
        assert outcome(aws.s3.delete_object, Bucket=absent, Key="k", **condition) == ("NoSuchBucket", 404)
    assert outcome(aws.s3.get_object, Bucket=absent, Key="k") == ("NoSuchBucket", 404)


def test_bucket_of_another_region(aws):
    name = fresh("bucket")
    aws.client("s3", "us-east-1").create_bucket(Bucket=name)
    signature = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261121/us-west-2/s3/aws4_request, SignedHeaders=host, Signature=0"
    connection = http.client.HTTPConnection(urlparse(aws.url).netloc)
    for method, path in (("PUT", f"/{name}/k"), ("GET", f"/{name}/k"), ("DELETE", f"/{name}/k"), ("HEAD", f"/{name}/k"),
                         ("GET", f"/{name}?versioning"), ("GET", f"/{name}?list-type=2")):
        connection.request(method, path, b"1" if method == "PUT" else None, {"Authorization": signature, "If-None-Match": "*"})
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 301 and answer.headers["x-amz-bucket-region"] == "us-east-1", (method, path)
        assert (b"<Code>PermanentRedirect</Code>" in body) == (method != "HEAD")
    assert "Contents" not in aws.client("s3", "us-east-1").list_objects_v2(Bucket=name)
