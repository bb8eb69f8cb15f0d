"""IAM: what moto lets pass and AWS does not."""

from __future__ import annotations

import json
import re
from typing import Any

import moto.iam.models as moto_iam

from .errors import AwsError
from .moto_bridge import backend
from .rules import after, answer, before
from .wire import ACCOUNT, Call

#: AWS-managed policies that exist here (moto has them all, but loading them all is slow).
MANAGED = (
    "AdministratorAccess", "AmazonEC2ContainerRegistryPullOnly", "AmazonEC2ContainerRegistryReadOnly", "AmazonEKS_CNI_Policy",
    "AmazonEKSClusterPolicy", "AmazonEKSServicePolicy", "AmazonEKSVPCResourceController", "AmazonEKSWorkerNodePolicy",
    "AmazonEBSCSIDriverPolicy", "AmazonEBSCSIDriverPolicyV2", "AmazonEFSCSIDriverPolicy", "AmazonSSMManagedInstanceCore",
    "AmazonS3FullAccess", "AutoScalingFullAccess", "CloudWatchAgentServerPolicy", "ReadOnlyAccess",
)
#: Parameter -> longest value.
_NAME_LENGTHS = {"RoleName": 64, "PolicyName": 128, "InstanceProfileName": 128, "UserName": 64, "GroupName": 128}
_NAME = re.compile(r"[\w+=,.@-]+")
_NAMED = ("CreateRole", "CreatePolicy", "CreateInstanceProfile", "PutRolePolicy", "CreateUser", "CreateGroup")
_MANAGED_SIZE, _TRUST_SIZE, _INLINE_SIZE = 6144, 2048, 10240
_ATTACHED, _VERSIONS, _TAGS = 10, 5, 50


def load_managed_policies() -> None:
    """Give moto only the AWS-managed policies above."""
    data = json.loads(moto_iam.aws_managed_policies_data)
    moto_iam.aws_managed_policies_data = json.dumps({name: data[name] for name in MANAGED if name in data})
    moto_iam.load_iam_aws_managed_policies = lambda: True


load_managed_policies()


def _role(call: Call) -> Any:
    return next((r for r in backend("iam").roles.values() if r.name == call["RoleName"]), None)


def _profile(call: Call) -> Any:
    return next((p for p in backend("iam").instance_profiles.values() if p.name == call["InstanceProfileName"]), None)


def _conflict(what: str) -> AwsError:
    return AwsError("DeleteConflict", what, 409)


def _limit(what: str) -> AwsError:
    return AwsError("LimitExceeded", what, 409)


def _violation(name: str, value: Any, rule: str) -> AwsError:
    member = name[0].lower() + name[1:]
    return AwsError("ValidationError", f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {rule}", 400)


@before("iam", *_NAMED)
def names(call: Call) -> None:
    for name, longest in _NAME_LENGTHS.items():
        value = call[name]
        if value is None:
            continue
        if len(value) > longest:
            raise _violation(name, value, f"Member must have length less than or equal to {longest}")
        if not _NAME.fullmatch(value):
            raise AwsError("ValidationError", f"The specified value for {name[0].lower()}{name[1:]} is invalid. It must contain only "
                           "alphanumeric characters and/or the following: +=,.@_-", 400)
    path = call["Path"]
    if path and not re.fullmatch(r"/|/[\x21-\x7e]*/", path):
        raise AwsError("ValidationError", "The specified value for path is invalid. It must begin and end with / and contain only "
                       "alphanumeric characters and/or / characters.", 400)


@before("iam", "CreateRole", "CreatePolicy", "CreateInstanceProfile", "TagRole", "TagPolicy", "TagInstanceProfile",
        "CreateOpenIDConnectProvider", "TagOpenIDConnectProvider")
def tags(call: Call) -> None:
    for tag in call.get("Tags", []):
        if tag["Key"].lower().startswith("aws:"):
            raise AwsError("InvalidInput", "Tag keys beginning with 'aws:' are reserved for system use", 400)
    if len(call.get("Tags", [])) > _TAGS:
        raise _limit(f"Cannot exceed quota for TagsPerResource: {_TAGS}")


def _document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise AwsError("MalformedPolicyDocument", "This policy contains invalid Json", 400) from error
    if not isinstance(document, dict) or not document.get("Statement"):
        raise AwsError("MalformedPolicyDocument", "Syntax errors in policy.", 400)
    return document


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _known_principal(arn: str) -> bool:
    store = backend("iam")
    if arn in ("*", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root") or f"::{ACCOUNT}:" not in arn:
        return True
    return any(thing.arn == arn for thing in [*store.roles.values(), *store.users.values()])


@before("iam", "CreateRole", "UpdateAssumeRolePolicy")
def trust(call: Call) -> None:
    text = call["AssumeRolePolicyDocument"] or call["PolicyDocument"] or ""
    document = _document(text)
    for statement in _many(document["Statement"]):
        if statement.get("Effect") not in ("Allow", "Deny"):
            raise AwsError("MalformedPolicyDocument", "Syntax error in policy: Effect must be Allow or Deny", 400)
        if "Resource" in statement:
            raise AwsError("MalformedPolicyDocument", "Has prohibited field Resource", 400)
        if "Principal" not in statement:
            raise AwsError("MalformedPolicyDocument", "Missing required field Principal", 400)
        actions = _many(statement.get("Action", []))
        if not actions or not all(str(action).startswith("sts:") for action in actions):
            raise AwsError("MalformedPolicyDocument", "AssumeRole policy may only specify STS AssumeRole actions.", 400)
        principal = statement["Principal"]
        for arn in _many(principal.get("AWS", [])) if isinstance(principal, dict) else []:
            if not _known_principal(arn):
                raise AwsError("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{arn}"', 400)
    if len(re.sub(r"\s", "", text)) > _TRUST_SIZE:
        raise _limit(f"Cannot exceed quota for ACLSizePerRole: {_TRUST_SIZE}")


@before("iam", "CreatePolicy", "CreatePolicyVersion")
def managed_document(call: Call) -> None:
    _document(call["PolicyDocument"])
    if len(re.sub(r"\s", "", call["PolicyDocument"])) > _MANAGED_SIZE:
        raise _limit(f"Cannot exceed quota for PolicySize: {_MANAGED_SIZE}")


@before("iam", "CreatePolicyVersion")
def versions(call: Call) -> None:
    policy = backend("iam").managed_policies.get(call["PolicyArn"])
    if policy and len(policy.versions) >= _VERSIONS:
        raise _limit("A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.")


@before("iam", "PutRolePolicy")
def inline_document(call: Call) -> None:
    _document(call["PolicyDocument"])
    role = _role(call)
    others = [text for name, text in (role.policies if role else {}).items() if name != call["PolicyName"]]
    if sum(len(re.sub(r"\s", "", text)) for text in [*others, call["PolicyDocument"]]) > _INLINE_SIZE:
        raise _limit(f"Maximum policy size of {_INLINE_SIZE} bytes exceeded for role {call['RoleName']}")


@before("iam", "AttachRolePolicy")
def attached(call: Call) -> None:
    role = _role(call)
    if role and call["PolicyArn"] not in role.managed_policies and len(role.managed_policies) >= _ATTACHED:
        raise _limit(f"Cannot exceed quota for PoliciesPerRole: {_ATTACHED}")


@before("iam", "DeletePolicy")
def policy_in_use(call: Call) -> None:
    store = backend("iam")
    policy = store.managed_policies.get(call["PolicyArn"])
    if policy is None:
        return
    holders = [*store.roles.values(), *store.users.values(), *store.groups.values()]
    if any(policy.arn in holder.managed_policies for holder in holders):
        raise _conflict("Cannot delete a policy attached to entities.")
    if len(policy.versions) > 1:
        raise _conflict("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "
                        "The default version is deleted with the policy.")


@before("iam", "DeleteRole")
def role_in_use(call: Call) -> None:
    role = _role(call)
    if role is None:
        return
    if any(role in profile.roles for profile in backend("iam").instance_profiles.values()):
        raise _conflict("Cannot delete entity, must remove roles from instance profile first.")
    if role.managed_policies:
        raise _conflict("Cannot delete entity, must detach all policies first.")
    if role.policies:
        raise _conflict("Cannot delete entity, must delete policies first.")


@before("iam", "DeleteInstanceProfile")
def profile_in_use(call: Call) -> None:
    profile = _profile(call)
    if profile and profile.roles:
        raise _conflict("Cannot delete entity, must remove roles from instance profile first.")


@before("iam", "AddRoleToInstanceProfile")
def one_role(call: Call) -> None:
    profile = _profile(call)
    if profile and profile.roles:
        raise _limit("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")


@before("iam", "CreateServiceLinkedRole")
def one_linked_role(call: Call) -> None:
    service = call["AWSServiceName"]
    if any(f"/aws-service-role/{service}/" in role.path for role in backend("iam").roles.values()):
        raise AwsError("InvalidInput", f"Service role name for {service} has been taken in this account, please try a different suffix.", 400)


@after("iam", "ListInstanceProfiles")
def profiles_below(call: Call, result: Any) -> None:
    """moto ignores the path prefix here."""
    prefix = call.get("PathPrefix", "/")
    result["InstanceProfiles"] = [profile for profile in result["InstanceProfiles"] if profile.path.startswith(prefix)]


@answer("iam", "ListInstanceProfileTags")
def profile_tags(call: Call) -> dict[str, Any]:
    profile = _profile(call)
    if profile is None:
        raise AwsError("NoSuchEntity", f"Instance Profile {call['InstanceProfileName']} cannot be found.")
    pairs = profile.tags.values() if isinstance(profile.tags, dict) else profile.tags or []
    return {"Tags": list(pairs)}
