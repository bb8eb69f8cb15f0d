"""S3: names, regions, owners, policies, defaults of a new bucket."""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Any

import moto.core.serialize as moto_serialize
import moto.s3.models as moto_s3

from .errors import AwsError
from .moto_bridge import backend
from .rules import BEFORE, after_answer, answer, before
from .wire import ACCOUNT, Call, service_model

_NAME = re.compile(r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]")
_BARRED_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_BARRED_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_LOCKED = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
_POLICY_SIZE = 20 * 1024
#: Names that other accounts have had for years: the whole world shares them.
_TAKEN = {"my-bucket", "test-bucket"}


def _bucket(name: str | None) -> Any:
    return backend("s3").buckets.get(name)


def _permission_without_conditions(original):
    """moto applies a conditional statement as if it had no condition: a TLS-only policy would then deny everything."""

    def get_permission(self, action: str, resource: str) -> Any:
        policy = self.policy
        if policy is None:
            return original(self, action, resource)
        document = json.loads(policy)
        statements = document.get("Statement", [])
        statements = statements if isinstance(statements, list) else [statements]
        document["Statement"] = [s for s in statements if not s.get("Condition")]
        try:
            self.policy = json.dumps(document).encode() if document["Statement"] else None
            return original(self, action, resource)
        finally:
            self.policy = policy

    return get_permission


moto_s3.FakeBucket.get_permission = _permission_without_conditions(moto_s3.FakeBucket.get_permission)


# boto3 takes any root element, other SDKs insist on the one that S3 sends.
_ROOT_ELEMENTS = {"GetBucketVersioningResponse": "VersioningConfiguration"}


def _real_root_elements(original):
    def serialize_body(self, body: Any) -> str:
        return original(self, {_ROOT_ELEMENTS.get(root, root): content for root, content in body.items()})

    return serialize_body


moto_serialize.S3Serializer._serialize_body = _real_root_elements(moto_serialize.S3Serializer._serialize_body)


@before("s3", "CreateBucket")
def create_bucket(call: Call) -> None:
    name = call["Bucket"] or ""
    if not _valid_name(name):
        raise AwsError("InvalidBucketName", "The specified bucket is not valid.", 400, BucketName=name)
    if name in _TAKEN:
        raise AwsError("BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of "
                       "the system. Please select a different name and try again.", 409, BucketName=name)
    constraint = call.get("CreateBucketConfiguration", {}).get("LocationConstraint")
    if call.region == "us-east-1" and constraint == "us-east-1":
        raise AwsError("InvalidLocationConstraint", "The specified location-constraint is not valid", 400, LocationConstraint=constraint)
    if call.region != "us-east-1" and constraint != call.region:
        raise AwsError("IllegalLocationConstraintException", f"The {constraint or 'unspecified'} location constraint is incompatible for "
                       "the region specific endpoint this request was sent to.", 400)
    if _bucket(name) is not None and call.region != "us-east-1":
        raise AwsError("BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.",
                       409, BucketName=name)


def _valid_name(name: str) -> bool:
    if not _NAME.fullmatch(name) or ".." in name or name.startswith(_BARRED_PREFIXES) or name.endswith(_BARRED_SUFFIXES):
        return False
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return True
    return False


@after_answer("s3", "CreateBucket")
def defaults(call: Call) -> None:
    """What S3 gives every new bucket: no public access, no ACLs, encryption, and the tags that were asked for."""
    bucket = _bucket(call["Bucket"])
    if bucket is None:
        return
    store = backend("s3")
    if bucket.public_access_block is None:
        store.put_public_access_block(bucket.name, dict(_LOCKED))
    if bucket.encryption is None:
        bucket.encryption = {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": "false"}}
    if bucket.ownership_rule is None:
        bucket.ownership_rule = "BucketOwnerEnforced"
    tags = call.get("CreateBucketConfiguration", {}).get("Tags")
    if tags:
        store.tagger.tag_resource(bucket.arn, [{"Key": t["Key"], "Value": t["Value"]} for t in tags])


def owner_and_region(call: Call) -> None:
    """Other accounts' and other regions' buckets: refused and redirected."""
    if call["Bucket"] in _TAKEN:
        raise AwsError("AccessDenied", "Access Denied", 403)
    bucket = _bucket(call["Bucket"])
    if bucket is None:
        return
    owner = call.http.header("x-amz-expected-bucket-owner")
    if owner and owner != ACCOUNT:
        raise AwsError("AccessDenied", "Access Denied", 403)
    if call.operation in ("GetBucketLocation", "CreateBucket"):
        return
    if bucket.region_name != call.region:
        raise AwsError("PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint. "
                       "Please send all future requests to this endpoint.", 301, {"x-amz-bucket-region": bucket.region_name},
                       Bucket=bucket.name, Endpoint=f"s3.{bucket.region_name}.amazonaws.com")


for _operation in service_model("s3").operation_names:
    BEFORE["s3", _operation].append(owner_and_region)


@before("s3", "PutBucketPolicy")
def policy(call: Call) -> None:
    bucket = _bucket(call["Bucket"])
    if bucket is None:
        return
    text = call["Policy"] or ""
    text = text.decode() if isinstance(text, bytes) else text

    def malformed(message: str) -> AwsError:
        return AwsError("MalformedPolicy", message, 400)

    try:
        document = json.loads(text)
        statements = document["Statement"]
    except (ValueError, KeyError, TypeError) as error:
        raise malformed("Policies must be valid JSON and the first byte must be '{'") from error
    if len(text) > _POLICY_SIZE:
        raise malformed("Policy exceeds the maximum size of 20480 bytes")
    for statement in statements if isinstance(statements, list) else [statements]:
        if not {"Effect", "Principal", "Resource"} <= set(statement) or not {"Action", "NotAction"} & set(statement):
            raise malformed("Missing required field in a statement")
        resources = statement["Resource"]
        for resource in resources if isinstance(resources, list) else [resources]:
            if resource != "*" and resource.split("/")[0] != f"arn:aws:s3:::{bucket.name}":
                raise malformed("Policy has invalid resource")
        _check_principal(statement["Principal"], malformed)
        if _is_public(statement) and _blocks_public_policy(bucket):
            raise AwsError("AccessDenied", "User is not authorized to perform: s3:PutBucketPolicy because public policies are blocked by "
                           "the BlockPublicPolicy block public access setting.", 403)


def _check_principal(principal: Any, malformed: Any) -> None:
    arns = principal.get("AWS", []) if isinstance(principal, dict) else []
    store = backend("iam")
    known = {thing.arn for thing in [*store.roles.values(), *store.users.values()]}
    for arn in arns if isinstance(arns, list) else [arns]:
        if f":iam::{ACCOUNT}:" in arn and not arn.endswith(":root") and arn not in known:
            raise malformed("Invalid principal in policy")


def _is_public(statement: dict[str, Any]) -> bool:
    principal = statement["Principal"]
    everyone = principal == "*" or (isinstance(principal, dict) and principal.get("AWS") in ("*", ["*"]))
    return statement["Effect"] == "Allow" and everyone and not statement.get("Condition")


def _blocks_public_policy(bucket: Any) -> bool:
    block = bucket.public_access_block
    return block is not None and str(block.block_public_policy).lower() == "true"


@answer("s3", "ListBuckets")
def list_buckets(call: Call) -> dict:
    wanted, region = call.get("Prefix", ""), call["BucketRegion"]
    found = [b for _, b in sorted(backend("s3").buckets.items()) if b.name.startswith(wanted) and region in (None, b.region_name)]
    return {"Owner": {"ID": "0" * 64},
            "Buckets": [{"Name": b.name, "CreationDate": b.creation_date, "BucketRegion": b.region_name,
                         "BucketArn": f"arn:aws:s3:::{b.name}"} for b in found]}
