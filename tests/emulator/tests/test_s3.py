"""S3: buckets as they are born, refused, emptied; conditional writes."""

from __future__ import annotations

import http.client
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError, ParamValidationError
from helpers import code, fresh, refusal

WEST = {"LocationConstraint": "us-west-2"}


@pytest.fixture
def bucket(aws):
    name = fresh("bucket")
    aws.s3.create_bucket(Bucket=name, CreateBucketConfiguration=WEST)
    return name


@pytest.mark.parametrize("name", ["Upper", "ab", "a..b", "192.168.0.1", "xn--abc", "abc-s3alias", "-abc", "sthree-abc"])
def test_names(aws, name):
    try:
        error = refusal(aws.s3.create_bucket, Bucket=name, CreateBucketConfiguration=WEST)
    except ParamValidationError:  # boto3 itself refuses some of them
        return
    assert error["Code"] == "InvalidBucketName"


def test_regions_and_owners(aws, bucket):
    east = aws.client("s3", "us-east-1")
    assert code(aws.s3.create_bucket, Bucket=fresh("bucket")) == "IllegalLocationConstraintException"
    assert code(east.create_bucket, Bucket=fresh("bucket"), CreateBucketConfiguration={"LocationConstraint": "us-east-1"}) == \
        "InvalidLocationConstraint"
    assert code(aws.s3.create_bucket, Bucket=bucket, CreateBucketConfiguration=WEST) == "BucketAlreadyOwnedByYou"
    name = fresh("bucket")
    east.create_bucket(Bucket=name)
    assert east.create_bucket(Bucket=name)["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert refusal(aws.s3.head_bucket, Bucket=bucket, ExpectedBucketOwner="111111111111")["Status"] == 403
    aws.s3.head_bucket(Bucket=bucket, ExpectedBucketOwner="123456789012")
    assert refusal(aws.s3.head_bucket, Bucket=fresh("absent"))["Status"] == 404
    assert aws.s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] == "us-west-2"


def test_names_that_others_have(aws):
    assert code(aws.s3.create_bucket, Bucket="my-bucket", CreateBucketConfiguration=WEST) == "BucketAlreadyExists"
    assert code(aws.s3.get_bucket_versioning, Bucket="my-bucket") == "AccessDenied"
    assert code(aws.s3.head_bucket, Bucket="my-bucket") == "403"


def test_defaults_of_a_new_bucket(aws):
    name = fresh("bucket")
    aws.s3.create_bucket(Bucket=name, ObjectOwnership="BucketOwnerEnforced",
                         CreateBucketConfiguration=WEST | {"Tags": [{"Key": "a", "Value": "b"}]})
    assert aws.s3.get_bucket_tagging(Bucket=name)["TagSet"] == [{"Key": "a", "Value": "b"}]
    rule = aws.s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert all(aws.s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values())
    assert aws.s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert "Status" not in aws.s3.get_bucket_versioning(Bucket=name)


def test_codes_of_absent_settings(aws, bucket):
    assert code(aws.s3.get_bucket_tagging, Bucket=bucket) == "NoSuchTagSet"
    assert code(aws.s3.get_bucket_policy, Bucket=bucket) == "NoSuchBucketPolicy"
    assert code(aws.s3.get_bucket_lifecycle_configuration, Bucket=bucket) == "NoSuchLifecycleConfiguration"
    aws.s3.delete_public_access_block(Bucket=bucket)
    assert code(aws.s3.get_public_access_block, Bucket=bucket) == "NoSuchPublicAccessBlockConfiguration"
    assert code(aws.s3.get_bucket_tagging, Bucket=fresh("absent")) == "NoSuchBucket"


def test_settings_are_echoed(aws, bucket):
    aws.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert aws.s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    rules = [{"ID": "abort", "Status": "Enabled", "Filter": {}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
              "NoncurrentVersionExpiration": {"NoncurrentDays": 30}}]
    aws.s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    found = aws.s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]
    assert found["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert found["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    aws.s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [
        {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": True}]})
    rule = aws.s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["BucketKeyEnabled"] is True


def policy(bucket, **statement):
    base = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [base | statement]})


def test_policies(aws, bucket):
    put = aws.s3.put_bucket_policy
    assert code(put, Bucket=bucket, Policy="{") == "MalformedPolicy"
    assert code(put, Bucket=bucket, Policy=policy("other")) == "MalformedPolicy"
    absent = {"AWS": "arn:aws:iam::123456789012:role/absent"}
    assert code(put, Bucket=bucket, Policy=policy(bucket, Principal=absent)) == "MalformedPolicy"
    assert code(put, Bucket=bucket, Policy=policy(bucket)) == "AccessDenied", "public policies are blocked"
    put(Bucket=bucket, Policy=policy(bucket, Effect="Deny", Action="s3:*", Resource=[f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
                                     Condition={"Bool": {"aws:SecureTransport": "false"}}))
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    assert aws.s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"
    assert "SecureTransport" in aws.s3.get_bucket_policy(Bucket=bucket)["Policy"]


def test_conditional_put_is_atomic(aws, bucket):
    def put(n):
        try:
            aws.s3.put_object(Bucket=bucket, Key="lock", Body=str(n).encode(), IfNoneMatch="*")
        except ClientError as error:
            return error.response["Error"]["Code"]
        return "won"

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(put, range(24)))
    assert results.count("won") == 1 and set(results) == {"won", "PreconditionFailed"}
    tag = aws.s3.head_object(Bucket=bucket, Key="lock")["ETag"]
    aws.s3.put_object(Bucket=bucket, Key="lock", Body=b"new", IfMatch=tag)
    assert code(aws.s3.put_object, Bucket=bucket, Key="lock", Body=b"late", IfMatch=tag) == "PreconditionFailed"


def test_overlapping_settings_are_refused(aws, bucket):
    def put(n):
        try:
            aws.s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "n", "Value": str(n)}]})
        except ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 409
            return error.response["Error"]["Code"]
        return "done"

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(put, range(24)))
    assert "OperationAborted" in results and "done" in results
    assert put(99) == "done", "one after another is fine"


def test_emptying(aws, bucket):
    aws.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for n in range(7):
        aws.s3.put_object(Bucket=bucket, Key=f"k{n}", Body=b"x")
    aws.s3.delete_object(Bucket=bucket, Key="k0")
    assert code(aws.s3.delete_bucket, Bucket=bucket) == "BucketNotEmpty"
    found = aws.s3.get_paginator("list_object_versions").paginate(Bucket=bucket).build_full_result()
    assert len(found["Versions"]) == 7 and len(found["DeleteMarkers"]) == 1
    objects = [{"Key": o["Key"], "VersionId": o["VersionId"]} for o in found["Versions"] + found["DeleteMarkers"]]
    done = aws.s3.delete_objects(Bucket=bucket, Delete={"Quiet": True, "Objects": objects})
    assert "Deleted" not in done and "Errors" not in done
    upload = aws.s3.create_multipart_upload(Bucket=bucket, Key="big")["UploadId"]
    assert [u["UploadId"] for u in aws.s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == [upload]
    aws.s3.abort_multipart_upload(Bucket=bucket, Key="big", UploadId=upload)
    aws.s3.delete_bucket(Bucket=bucket)
    assert refusal(aws.s3.head_bucket, Bucket=bucket)["Status"] == 404


def test_list_buckets_by_prefix(aws):
    prefix = fresh("listed")
    for n in range(7):
        aws.s3.create_bucket(Bucket=f"{prefix}-{n}", CreateBucketConfiguration=WEST)
    first = aws.s3.list_buckets(Prefix=prefix)
    assert len(first["Buckets"]) == 5 and first["ContinuationToken"]
    rest = aws.s3.list_buckets(Prefix=prefix, ContinuationToken=first["ContinuationToken"])
    assert len(rest["Buckets"]) == 2 and "ContinuationToken" not in rest
    assert first["Buckets"][0]["BucketRegion"] == "us-west-2"


def raw_put(aws, host, path, headers, body):
    """A PUT as another SDK would write it; only the scope of the signature is looked at."""
    port = aws.url.rpartition(":")[2]
    connection = http.client.HTTPConnection("127.0.0.1", int(port))
    signature = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261121/us-west-2/s3/aws4_request, SignedHeaders=host, Signature=0"
    connection.request("PUT", path, body, {"Host": f"{host}:{port}", "Authorization": signature} | headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_virtual_host_style(aws, bucket):
    assert raw_put(aws, f"{bucket}.localhost", "/v/k", {}, b"v")[0] == 200
    assert aws.s3.get_object(Bucket=bucket, Key="v/k")["Body"].read() == b"v"


def test_chunked_body_with_checksum_trailer(aws, bucket):
    """The form in which the Rust SDK sends streams."""
    body = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
    headers = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "content-encoding": "aws-chunked",
               "x-amz-decoded-content-length": "5", "x-amz-trailer": "x-amz-checksum-crc32"}
    assert raw_put(aws, "127.0.0.1", f"/{bucket}/stream", headers, body)[0] == 200
    assert aws.s3.get_object(Bucket=bucket, Key="stream")["Body"].read() == b"hello"


def test_versioning_answers_with_the_root_element_of_s3(aws, bucket):
    """boto3 would take any; other SDKs do not."""
    seen = []
    aws.s3.meta.events.register("after-call.s3.GetBucketVersioning", lambda http_response, **_: seen.append(http_response.text))
    aws.s3.get_bucket_versioning(Bucket=bucket)
    assert "<VersioningConfiguration" in seen[0]
