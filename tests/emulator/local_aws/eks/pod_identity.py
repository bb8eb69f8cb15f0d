"""Pod identity associations."""

from __future__ import annotations

import hashlib

from ..errors import AwsError
from ..iam_visibility import trusts, visible_role
from ..rules import answer
from ..wire import Call
from .store import Cluster, Json, arn, check_tags, find_active, new_id, now

_SUMMARY = ("clusterName", "namespace", "serviceAccount", "associationArn", "associationId", "ownerArn")


def check_role(role_arn: str) -> None:
    role = visible_role(role_arn)
    if role is None:
        raise AwsError("InvalidParameterException", f"Role provided in the request does not exist: {role_arn}")
    if not trusts(role, "pods.eks.amazonaws.com") or not trusts(role, "pods.eks.amazonaws.com", "sts:TagSession"):
        raise AwsError("InvalidParameterException", "Trust policy of the role is invalid: EKS Pod Identity (pods.eks.amazonaws.com) "
                       "is not authorized to perform sts:AssumeRole and sts:TagSession on it")


def associate(cluster: Cluster, namespace: str, account: str, role_arn: str, tags: Json, owner: str | None = None) -> Json:
    for other in cluster.associations.values():
        if (other["namespace"], other["serviceAccount"]) == (namespace, account):
            raise AwsError("ResourceInUseException", f"Association already exists: {other['associationId']}")
    check_role(role_arn)
    identity = "a-" + hashlib.sha256(new_id().encode()).hexdigest()[:17]
    found: Json = {
        "clusterName": cluster.name,
        "namespace": namespace,
        "serviceAccount": account,
        "roleArn": role_arn,
        "associationArn": arn(cluster.region, "podidentityassociation", cluster.name, identity),
        "associationId": identity,
        "tags": dict(tags),
        "createdAt": now(),
        "modifiedAt": now(),
        "disableSessionTags": False,
    }
    if owner:
        found["ownerArn"] = owner
    cluster.associations[identity] = found
    return found


def _cluster(call: Call) -> Cluster:
    return find_active(call.region, call["clusterName"], "Pod identity associations")


def _find(cluster: Cluster, identity: str) -> Json:
    if identity not in cluster.associations:
        raise AwsError("ResourceNotFoundException", f"No association found with associationId : {identity} in cluster: {cluster.name}")
    return cluster.associations[identity]


@answer("eks", "CreatePodIdentityAssociation")
def create(call: Call) -> Json:
    check_tags(call["tags"])
    found = associate(_cluster(call), call["namespace"], call["serviceAccount"], call["roleArn"], call.get("tags", {}))
    found["disableSessionTags"] = bool(call["disableSessionTags"])
    return {"association": found}


@answer("eks", "DescribePodIdentityAssociation")
def describe(call: Call) -> Json:
    return {"association": _find(_cluster(call), call["associationId"])}


@answer("eks", "ListPodIdentityAssociations")
def list_all(call: Call) -> Json:
    found = [a for a in _cluster(call).associations.values()
             if all(call[name] in (None, a[name]) for name in ("namespace", "serviceAccount"))]
    return {"associations": [{k: a[k] for k in _SUMMARY if k in a} for a in found]}


@answer("eks", "UpdatePodIdentityAssociation")
def update(call: Call) -> Json:
    found = _find(_cluster(call), call["associationId"])
    if call["roleArn"]:
        check_role(call["roleArn"])
        found["roleArn"] = call["roleArn"]
    if call["disableSessionTags"] is not None:
        found["disableSessionTags"] = call["disableSessionTags"]
    found["modifiedAt"] = now()
    return {"association": found}


@answer("eks", "DeletePodIdentityAssociation")
def delete(call: Call) -> Json:
    cluster = _cluster(call)
    found = _find(cluster, call["associationId"])
    if found.get("ownerArn"):
        raise AwsError("InvalidRequestException", f"The association is owned by {found['ownerArn']}: change the add-on instead")
    del cluster.associations[call["associationId"]]
    return {"association": found}
