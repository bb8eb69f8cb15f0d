"""Resource Groups Tagging finds tagged things of several services, page by page."""


import json
import urllib.request

_SCOPE = "AWS4-HMAC-SHA256 Credential=test/20261122/us-west-2/tagging/aws4_request, SignedHeaders=host, Signature=0"


def ask(server, more):
    """As the AWS SDK for Rust does: boto3 speaks CBOR with this service."""
    body = {"TagFilters": [{"Key": "team", "Values": ["a"]}], **more}
    headers = {"Content-Type": "application/x-amz-json-1.1", "Authorization": _SCOPE,
               "X-Amz-Target": "ResourceGroupsTaggingAPI_20170126.GetResources"}
    request = urllib.request.Request(server.url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def test_everything_with_a_tag_is_listed_in_pages(server, aws):
    s3, ec2 = aws.client("s3"), aws.client("ec2")
    for number in range(60):
        name = f"tagged-{number}"
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "us-west-2", "Tags": [{"Key": "team", "Value": "a"}]})
    s3.create_bucket(Bucket="bare", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    key = aws.client("kms").create_key(Tags=[{"TagKey": "team", "TagValue": "a"}])["KeyMetadata"]["Arn"]
    ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "team", "Value": "b"}]}])
    pages = [ask(server, {})]
    while pages[-1].get("PaginationToken"):
        pages.append(ask(server, {"PaginationToken": pages[-1]["PaginationToken"]}))
    assert len(pages) > 2
    assert all({"Key": "team", "Value": "a"} in one["Tags"] for page in pages for one in page["ResourceTagMappingList"])
    found = {one["ResourceARN"] for page in pages for one in page["ResourceTagMappingList"]}
    assert found == {f"arn:aws:s3:::tagged-{number}" for number in range(60)} | {key}
