"""Add-ons."""

from __future__ import annotations

import json
import time
from typing import Any

from .. import nodes
from ..clock import CLOCK
from ..errors import AwsError
from ..iam_visibility import visible_role
from ..rules import answer
from ..wire import Call
from . import addon_catalogue as catalogue
from .pod_identity import associate, check_role
from .store import Cluster, Json, arn, check_tags, find_active, new_id, now

_TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}


def _invalid(message: str, name: str) -> AwsError:
    return AwsError("InvalidParameterException", message, addonName=name)


def _check_name(name: str) -> None:
    if name not in catalogue.NAMES:
        raise _invalid(f"Addon {name} specified is not supported", name)


def _check_version(cluster: Cluster, name: str, version: str | None) -> str:
    kubernetes = cluster.body["version"]
    if not version or version == "latest":
        return catalogue.default_for(name, kubernetes)
    if version not in catalogue.versions_for(name, kubernetes):
        raise _invalid("Addon version specified is not supported", name)
    return version


def _check_settings(name: str, text: str | None) -> None:
    """The settings must fit the add-on's schema, types included."""
    if not text:
        return
    trouble = "ConfigurationValue provided in request is not supported"
    try:
        settings = json.loads(text)
    except ValueError as error:
        raise _invalid(f"{trouble}: Json schema validation failed with error: not valid JSON", name) from error
    if not isinstance(settings, dict):
        raise _invalid(f"{trouble}: Json schema validation failed with error: [$: object expected]", name)
    schema = catalogue.SCHEMAS[name]
    for key, value in settings.items():
        if key not in schema:
            raise _invalid(f"{trouble}: Json schema validation failed with error: [$.{key}: is not defined in the schema and the "
                           "schema does not allow additional properties]", name)
        expected = schema[key]["type"]
        right = isinstance(value, _TYPES[expected]) and not (expected == "integer" and isinstance(value, bool))
        if not right:
            got = next((word for word, kind in _TYPES.items() if isinstance(value, kind)), type(value).__name__)
            raise _invalid(f"{trouble}: Json schema validation failed with error: [$.{key}: {got} found, {expected} expected]", name)


def _check_service_role(name: str, role_arn: str | None) -> None:
    if role_arn and visible_role(role_arn) is None:
        raise _invalid(f"The role {role_arn} does not exist or cannot be assumed by the add-on's service account", name)


def _cluster(call: Call) -> Cluster:
    return find_active(call.region, call["clusterName"], "Addons")


def _find(cluster: Cluster, name: str) -> Json:
    if name not in cluster.addons:
        raise AwsError("ResourceNotFoundException", f"No addon: {name} found in cluster: {cluster.name}", addonName=name)
    return cluster.addons[name]


def _status(cluster: Cluster, addon: Json) -> str:
    """From the time since the last change, and from the nodes there are."""
    if addon["deleting"]:
        return "DELETING"
    elapsed = time.monotonic() - addon["started"]
    working = "UPDATING" if addon["updates"] and addon["updating"] else "CREATING"
    if addon["body"]["addonName"] not in catalogue.NEEDS_NODES:
        return working if elapsed < CLOCK.seconds("addon_daemon") else "ACTIVE"
    since = nodes.ready_since(cluster.region, cluster.name)
    if since is not None and time.monotonic() >= max(since, addon["started"]) + CLOCK.seconds("addon_pods"):
        return "ACTIVE"
    return working if elapsed < CLOCK.seconds("addon_daemon") else "DEGRADED"


def _shown(cluster: Cluster, addon: Json) -> Json:
    status = _status(cluster, addon)
    issues = []
    if status == "DEGRADED":
        issues = [{"code": "InsufficientNumberOfReplicas", "resourceIds": [],
                   "message": "The add-on is unhealthy because it doesn't have the desired number of replicas."}]
    if status in ("ACTIVE", "DEGRADED"):
        addon["updating"] = False
        for update in addon["updates"].values():
            update["status"] = "Successful"
    owned = [a["associationArn"] for a in cluster.associations.values() if a.get("ownerArn") == addon["body"]["addonArn"]]
    return addon["body"] | {"status": status, "health": {"issues": issues}, "podIdentityAssociations": owned}


def _associate(cluster: Cluster, addon: Json, wanted: list[Json] | None) -> None:
    """Make the add-on's own associations equal to the wanted ones."""
    if wanted is None:
        return
    owner = addon["body"]["addonArn"]
    for identity in [i for i, a in cluster.associations.items() if a.get("ownerArn") == owner]:
        del cluster.associations[identity]
    for one in wanted:
        associate(cluster, "kube-system", one["serviceAccount"], one["roleArn"], {}, owner)


@answer("eks", "CreateAddon")
def create_addon(call: Call) -> Json:
    cluster = _cluster(call)
    name = call["addonName"]
    _check_name(name)
    check_tags(call["tags"])
    if name in cluster.addons:
        raise AwsError("ResourceInUseException", "Addon already exists.", clusterName=cluster.name, addonName=name)
    version = _check_version(cluster, name, call["addonVersion"])
    _check_settings(name, call["configurationValues"])
    _check_service_role(name, call["serviceAccountRoleArn"])
    for one in call.get("podIdentityAssociations", []):
        check_role(one["roleArn"])
    body: Json = {
        "addonName": name,
        "clusterName": cluster.name,
        "addonVersion": version,
        "addonArn": arn(cluster.region, "addon", cluster.name, name, new_id()),
        "createdAt": now(),
        "modifiedAt": now(),
        "tags": dict(call.get("tags", {})),
        "namespaceConfig": {"namespace": "kube-system"},
    }
    for optional in ("serviceAccountRoleArn", "configurationValues"):
        if call[optional]:
            body[optional] = call[optional]
    addon: Json = {"body": body, "started": time.monotonic(), "deleting": False, "updating": False, "updates": {}}
    _associate(cluster, addon, call["podIdentityAssociations"])
    cluster.addons[name] = addon
    return {"addon": _shown(cluster, addon) | {"status": "CREATING"}}


@answer("eks", "DescribeAddon")
def describe_addon(call: Call) -> Json:
    cluster = _cluster(call)
    _check_name(call["addonName"])
    return {"addon": _shown(cluster, _find(cluster, call["addonName"]))}


@answer("eks", "ListAddons")
def list_addons(call: Call) -> Json:
    return {"addons": sorted(_cluster(call).addons)}


@answer("eks", "UpdateAddon")
def update_addon(call: Call) -> Json:
    cluster = _cluster(call)
    addon = _find(cluster, call["addonName"])
    name = call["addonName"]
    status = _shown(cluster, addon)["status"]
    if status in ("CREATING", "UPDATING", "DELETING"):
        raise AwsError("ResourceInUseException", f"Addon {name} cannot be updated as it is currently in {status} state", addonName=name)
    changes: dict[str, Any] = {}
    if call["addonVersion"]:
        changes["addonVersion"] = _check_version(cluster, name, call["addonVersion"])
    _check_settings(name, call["configurationValues"])
    _check_service_role(name, call["serviceAccountRoleArn"])
    for one in call.get("podIdentityAssociations", []):
        check_role(one["roleArn"])
    changes |= {k: call[k] for k in ("configurationValues", "serviceAccountRoleArn") if call[k] is not None}
    addon["body"] |= changes | {"modifiedAt": now()}
    _associate(cluster, addon, call["podIdentityAssociations"])
    params = changes | {"resolveConflicts": call.get("resolveConflicts", "NONE")}
    update = {"id": new_id(), "status": "InProgress", "type": "AddonUpdate", "createdAt": now(), "errors": [],
              "params": [{"type": k[0].upper() + k[1:], "value": v} for k, v in params.items()]}
    addon |= {"started": time.monotonic(), "updating": True}
    addon["updates"][update["id"]] = update
    return {"update": update}


@answer("eks", "DeleteAddon")
def delete_addon(call: Call) -> Json:
    cluster = _cluster(call)
    addon = _find(cluster, call["addonName"])
    if addon["deleting"]:
        raise AwsError("ResourceInUseException", f"Addon {call['addonName']} is already in DELETING state")
    addon["deleting"] = True

    def vanish() -> None:
        if cluster.addons.get(call["addonName"]) is addon:
            _associate(cluster, addon, [])
            del cluster.addons[call["addonName"]]

    CLOCK.after("addon_delete", vanish)
    return {"addon": _shown(cluster, addon)}


@answer("eks", "DescribeAddonVersions")
def describe_addon_versions(call: Call) -> Json:
    wanted, kubernetes = call["addonName"], call["kubernetesVersion"]
    if wanted:
        _check_name(wanted)
    found = []
    for name in catalogue.NAMES if not wanted else (wanted,):
        versions = []
        for version in catalogue.all_versions(name):
            fits = [k for k in catalogue.kubernetes_of(name, version) if kubernetes in (None, k)]
            if not fits:
                continue
            versions.append({
                "addonVersion": version,
                "architecture": ["amd64", "arm64"],
                "computeTypes": ["ec2", "auto", "hybrid"],
                "requiresConfiguration": False,
                "requiresIamPermissions": name in catalogue.NEEDS_IAM,
                "compatibilities": [{"clusterVersion": k, "platformVersions": ["*"],
                                     "defaultVersion": catalogue.default_for(name, k) == version} for k in fits],
            })
        if versions:
            found.append({"addonName": name, "type": catalogue.TYPES[name], "publisher": "eks", "owner": "aws",
                          "defaultNamespace": "kube-system", "addonVersions": versions})
    return {"addons": found}


@answer("eks", "DescribeAddonConfiguration")
def describe_addon_configuration(call: Call) -> Json:
    name, version = call["addonName"], call["addonVersion"]
    _check_name(name)
    if version not in catalogue.all_versions(name):
        raise _invalid("Addon version specified is not supported", name)
    schema = {"$schema": "http://json-schema.org/draft-06/schema#", "type": "object", "additionalProperties": False,
              "properties": catalogue.SCHEMAS[name]}
    accounts = [{"serviceAccount": account, "recommendedManagedPolicies": [f"arn:aws:iam::aws:policy/{policy}"]}
                for account, policy in catalogue.SERVICE_ACCOUNTS.get(name, [])]
    return {"addonName": name, "addonVersion": version, "configurationSchema": json.dumps(schema),
            "podIdentityConfiguration": accounts}
