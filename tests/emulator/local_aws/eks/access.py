"""Access entries and their policies."""

from __future__ import annotations

from ..errors import AwsError
from ..iam_visibility import visible_principal
from ..rules import answer
from ..wire import ACCOUNT, Call
from .store import Cluster, Json, arn, check_tags, find_active, new_id, now

#: Types whose group and user name are EKS's own.
NODE_TYPES = {
    "EC2_LINUX": "system:node:{{EC2PrivateDNSName}}",
    "EC2_WINDOWS": "system:node:{{EC2PrivateDNSName}}",
    "FARGATE_LINUX": "system:node:{{SessionName}}",
    "EC2": "system:node:{{SessionName}}",
    "HYBRID_LINUX": "system:node:{{SessionName}}",
}
CREATOR = f"arn:aws:iam::{ACCOUNT}:user/moto"
SERVICE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS"
_POLICY = "arn:aws:eks::aws:cluster-access-policy/"
POLICIES = (
    "AmazonEKSAdminPolicy", "AmazonEKSClusterAdminPolicy", "AmazonEKSAdminViewPolicy", "AmazonEKSEditPolicy",
    "AmazonEKSViewPolicy", "AmazonEKSAutoNodePolicy", "AmazonEKSBlockStoragePolicy", "AmazonEKSNetworkingPolicy",
)


def _entry(cluster: Cluster, principal: str, kind: str, groups: list[str], username: str | None, tags: Json) -> Json:
    made = now()
    role = principal.rpartition("/")[2]
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{{{{SessionName}}}}" if ":role/" in principal else principal
    kind_path = "role" if ":role/" in principal else "user"
    return {
        "clusterName": cluster.name,
        "principalArn": principal,
        "kubernetesGroups": ["system:nodes"] if kind in NODE_TYPES else groups,
        "accessEntryArn": arn(cluster.region, "access-entry", cluster.name, kind_path, ACCOUNT, role, new_id()),
        "createdAt": made,
        "modifiedAt": made,
        "tags": dict(tags),
        "username": username or NODE_TYPES.get(kind, session),
        "type": kind,
    }


def own_entries(cluster: Cluster, access: Json) -> dict[str, Json]:
    """The entries that a cluster is born with: EKS's own role, and its creator unless refused."""
    if access["authenticationMode"] == "CONFIG_MAP":
        return {}
    entries = {SERVICE_ROLE: _entry(cluster, SERVICE_ROLE, "STANDARD", [], "eks:managed", {})}
    if access["bootstrapClusterCreatorAdminPermissions"]:
        entries[CREATOR] = _entry(cluster, CREATOR, "STANDARD", [], None, {})
        _associate(cluster, CREATOR, f"{_POLICY}AmazonEKSClusterAdminPolicy", {"type": "cluster", "namespaces": []})
    return entries


def _cluster(call: Call) -> Cluster:
    cluster = find_active(call.region, call["clusterName"], "Access entries")
    if cluster.body["accessConfig"]["authenticationMode"] == "CONFIG_MAP":
        raise AwsError("InvalidRequestException", "The cluster's authentication mode must be set to one of "
                       "[API, API_AND_CONFIG_MAP] to perform this operation.")
    return cluster


def _find(cluster: Cluster, principal: str) -> Json:
    found = cluster.entries.get(principal)
    if found is None:
        raise AwsError("ResourceNotFoundException", f"The specified principalArn could not be found. You can view the "
                       f"principals with access entries with 'aws eks list-access-entries': {principal}")
    return found


def _check_groups(kind: str, groups: list[str]) -> None:
    if kind in NODE_TYPES and groups:
        raise AwsError("InvalidRequestException", f"You cannot specify kubernetesGroups for access entries of type {kind}")
    bad = [g for g in groups if g.startswith(("system:", "eks:", "aws:", "amazon:", "iam:"))]
    if bad:
        raise AwsError("InvalidParameterException", f"The kubernetes group name {bad[0]} is invalid, it cannot start with "
                       "[system:, eks:, aws:, amazon:, iam:]")


@answer("eks", "CreateAccessEntry")
def create_access_entry(call: Call) -> Json:
    cluster = _cluster(call)
    principal, kind = call["principalArn"], call.get("type", "STANDARD")
    check_tags(call["tags"])
    if kind != "STANDARD" and kind not in NODE_TYPES:
        raise AwsError("InvalidParameterException", f"The specified type is invalid: {kind}")
    _check_groups(kind, call.get("kubernetesGroups", []))
    if principal in cluster.entries:
        raise AwsError("ResourceInUseException", "The specified access entry resource is already in use on this cluster.")
    if not visible_principal(principal):
        raise AwsError("InvalidParameterException", "The specified principalArn is invalid: invalid principal")
    entry = _entry(cluster, principal, kind, call.get("kubernetesGroups", []), call["username"], call.get("tags", {}))
    cluster.entries[principal] = entry
    return {"accessEntry": entry}


@answer("eks", "DescribeAccessEntry")
def describe_access_entry(call: Call) -> Json:
    return {"accessEntry": _find(_cluster(call), call["principalArn"])}


@answer("eks", "ListAccessEntries")
def list_access_entries(call: Call) -> Json:
    cluster = _cluster(call)
    wanted = call["associatedPolicyArn"]
    return {"accessEntries": sorted(p for p in cluster.entries if not wanted or wanted in cluster.policies.get(p, {}))}


@answer("eks", "UpdateAccessEntry")
def update_access_entry(call: Call) -> Json:
    entry = _find(_cluster(call), call["principalArn"])
    if call["kubernetesGroups"] is not None:
        _check_groups(entry["type"], call["kubernetesGroups"])
        entry["kubernetesGroups"] = call["kubernetesGroups"]
    if call["username"]:
        entry["username"] = call["username"]
    entry["modifiedAt"] = now()
    return {"accessEntry": entry}


@answer("eks", "DeleteAccessEntry")
def delete_access_entry(call: Call) -> Json:
    cluster = _cluster(call)
    _find(cluster, call["principalArn"])
    del cluster.entries[call["principalArn"]]
    cluster.policies.pop(call["principalArn"], None)
    return {}


def _associate(cluster: Cluster, principal: str, policy: str, scope: Json) -> Json:
    made = cluster.policies[principal].get(policy, {}).get("associatedAt") or now()
    found = {"policyArn": policy, "accessScope": scope, "associatedAt": made, "modifiedAt": now()}
    cluster.policies[principal][policy] = found
    return found


@answer("eks", "AssociateAccessPolicy")
def associate_access_policy(call: Call) -> Json:
    cluster = _cluster(call)
    principal, policy = call["principalArn"], call["policyArn"]
    entry = _find(cluster, principal)
    if policy.removeprefix(_POLICY) not in POLICIES:
        raise AwsError("InvalidParameterException", f"The policyArn parameter format is not valid: {policy}")
    if entry["type"] in NODE_TYPES and entry["type"] != "EC2":
        raise AwsError("InvalidRequestException", f"Access policies cannot be associated with access entries of type {entry['type']}")
    scope = dict(call.get("accessScope", {}))
    scope.setdefault("namespaces", [])
    if scope.get("type") == "namespace" and not scope["namespaces"]:
        raise AwsError("InvalidParameterException", "accessScope of type namespace needs namespaces")
    found = _associate(cluster, principal, policy, scope)
    return {"clusterName": cluster.name, "principalArn": principal, "associatedAccessPolicy": found}


@answer("eks", "DisassociateAccessPolicy")
def disassociate_access_policy(call: Call) -> Json:
    cluster = _cluster(call)
    _find(cluster, call["principalArn"])
    if cluster.policies[call["principalArn"]].pop(call["policyArn"], None) is None:
        raise AwsError("ResourceNotFoundException", "The specified policyArn is not associated with the access entry.")
    return {}


@answer("eks", "ListAssociatedAccessPolicies")
def list_associated_access_policies(call: Call) -> Json:
    cluster = _cluster(call)
    principal = call["principalArn"]
    _find(cluster, principal)
    return {"clusterName": cluster.name, "principalArn": principal,
            "associatedAccessPolicies": list(cluster.policies.get(principal, {}).values())}


@answer("eks", "ListAccessPolicies")
def list_access_policies(_call: Call) -> Json:
    return {"accessPolicies": [{"name": name, "arn": f"{_POLICY}{name}"} for name in POLICIES]}
