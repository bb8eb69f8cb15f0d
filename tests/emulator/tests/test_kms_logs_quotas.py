"""KMS, CloudWatch Logs, Service Quotas."""

from __future__ import annotations

import json

from helpers import code, fresh


def key_policy(principal):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "kms:*", "Resource": "*"}]})


def test_key_policies(aws):
    role = aws.role("ec2.amazonaws.com")
    assert code(aws.kms.create_key, Policy=key_policy(role)) == "MalformedPolicyDocumentException"
    both = ["arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:role/absent"]
    assert code(aws.kms.create_key, Policy=key_policy(both)) == "MalformedPolicyDocumentException"
    aws.kms.create_key(Policy=key_policy("arn:aws:iam::123456789012:root"))


def test_key_life(aws):
    key = aws.kms.create_key(Tags=[{"TagKey": "a", "TagValue": "b"}])["KeyMetadata"]["KeyId"]
    alias = f"alias/{fresh('key')}"
    aws.kms.create_alias(AliasName=alias, TargetKeyId=key)
    assert code(aws.kms.create_alias, AliasName=alias, TargetKeyId=key) == "AlreadyExistsException"
    assert alias in {e["id"] for e in aws.inventory() if e["service"] == "kms"}
    aws.kms.enable_key_rotation(KeyId=key)
    assert aws.kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
    assert code(aws.kms.schedule_key_deletion, KeyId=key, PendingWindowInDays=3) == "ValidationException"
    aws.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert code(aws.kms.schedule_key_deletion, KeyId=key) == "KMSInvalidStateException"
    aws.kms.delete_alias(AliasName=alias)
    assert code(aws.kms.describe_key, KeyId=alias) == "NotFoundException"


def test_log_groups(aws):
    name = f"/aws/eks/{fresh('c')}/cluster"
    aws.logs.create_log_group(logGroupName=name, tags={"a": "b"})
    assert code(aws.logs.create_log_group, logGroupName=name) == "ResourceAlreadyExistsException"
    assert code(aws.logs.put_retention_policy, logGroupName=name, retentionInDays=2) == "InvalidParameterException"
    aws.logs.put_retention_policy(logGroupName=name, retentionInDays=30)
    assert aws.logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]["retentionInDays"] == 30
    aws.logs.delete_log_group(logGroupName=name)
    assert code(aws.logs.delete_log_group, logGroupName=name) == "ResourceNotFoundException"


def test_protected_log_groups(aws):
    name, other = f"/aws/eks/{fresh('c')}/cluster", fresh("protected")
    aws.logs.create_log_group(logGroupName=name)
    aws.logs.create_log_group(logGroupName=other, deletionProtectionEnabled=True)

    def shown(prefix):
        return aws.logs.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"][0]

    assert (shown(name)["deletionProtectionEnabled"], shown(other)["deletionProtectionEnabled"]) == (False, True)
    protect = aws.logs.put_log_group_deletion_protection
    assert code(protect, logGroupIdentifier="absent", deletionProtectionEnabled=True) == "ResourceNotFoundException"
    assert code(protect, logGroupIdentifier=shown(name)["arn"], deletionProtectionEnabled=True) == "ResourceNotFoundException", "with :*"
    for identifier in (name, shown(name)["logGroupArn"]):
        protect(logGroupIdentifier=identifier, deletionProtectionEnabled=True)
        assert code(aws.logs.delete_log_group, logGroupName=name) == "ValidationException"
        protect(logGroupIdentifier=identifier, deletionProtectionEnabled=False)
    aws.logs.delete_log_group(logGroupName=name)


def test_quotas(aws):
    quotas = aws.service_quotas
    assert quotas.get_service_quota(ServiceCode="vpc", QuotaCode="L-F678F1CE")["Quota"]["Value"] == 5
    assert code(quotas.get_service_quota, ServiceCode="eks", QuotaCode="L-1194D53C") == "NoSuchResourceException"
    assert quotas.get_aws_default_service_quota(ServiceCode="eks", QuotaCode="L-1194D53C")["Quota"]["Value"] == 100
    assert len(quotas.list_service_quotas(ServiceCode="vpc")["Quotas"]) == 3
