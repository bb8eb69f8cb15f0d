"""Changes of a cluster: one at a time, each with an id."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .. import network
from ..clock import CLOCK
from ..errors import AwsError
from ..rules import answer
from ..wire import Call
from . import cluster_rules as rules
from .clusters import logging_of, make_interfaces, make_log_group
from .store import Cluster, Json, find, new_id, now
from .versions import VERSIONS

_MODES = ("CONFIG_MAP", "API_AND_CONFIG_MAP", "API")


def begin(cluster: Cluster, kind: str, params: dict[str, Any], apply: Callable[[], None], busy: bool = True) -> Json:
    """Start an update; `apply` runs when it is over."""
    if cluster.status != "ACTIVE":
        raise AwsError("ResourceInUseException", f"Cannot {kind} because cluster {cluster.name} currently has an update in "
                       f"progress (status {cluster.status})", clusterName=cluster.name)
    update: Json = {
        "id": new_id(),
        "status": "InProgress",
        "type": kind,
        "params": [{"type": k, "value": v if isinstance(v, str) else json.dumps(v)} for k, v in params.items()],
        "createdAt": now(),
        "errors": [],
    }
    cluster.updates[update["id"]] = update
    if busy:
        cluster.body["status"] = "UPDATING"

    def finish() -> None:
        apply()
        update["status"] = "Successful"
        if cluster.status == "UPDATING":
            cluster.body["status"] = "ACTIVE"

    CLOCK.after("cluster_update", finish)
    return {"update": update}


def _unchanged(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)


def _vpc_config(cluster: Cluster, asked: Json) -> Json:
    config = cluster.body["resourcesVpcConfig"]
    new = {k: v for k, v in asked.items() if v is not None}
    networks = {"subnetIds", "securityGroupIds"} & set(new)
    endpoints = set(new) - {"subnetIds", "securityGroupIds"}
    if networks and endpoints:
        raise rules.invalid("Only one type of update can be allowed.")
    if all(config.get(k) == v for k, v in new.items()):
        shown = ", ".join(f"{k}: {json.dumps(config.get(k))}" for k in sorted(new))
        raise _unchanged(f"Cluster is already at the desired configuration with {shown}")
    if networks:
        vpc_id = rules.check_subnets(cluster.region, new.get("subnetIds") or config["subnetIds"])
        if vpc_id != config["vpcId"]:
            raise rules.invalid("Provided subnets belong to a different VPC than the cluster's")
        rules.check_groups(cluster.region, new.get("securityGroupIds") or [], vpc_id)
        return begin(cluster, "VpcConfigUpdate", {"Subnets": new.get("subnetIds", config["subnetIds"])},
                     lambda: _move(cluster, new))
    rules.check_endpoints(config | new)
    names = {"endpointPublicAccess": "EndpointPublicAccess", "endpointPrivateAccess": "EndpointPrivateAccess",
             "publicAccessCidrs": "PublicAccessCidrs"}
    return begin(cluster, "EndpointAccessUpdate", {names.get(k, k): v for k, v in new.items()}, lambda: config.update(new))


def _move(cluster: Cluster, new: Json) -> None:
    """New subnets or groups: the interfaces are made again."""
    cluster.body["resourcesVpcConfig"].update(new)
    for eni_id in cluster.interfaces:
        network.drop_interface(cluster.region, eni_id)
    cluster.interfaces.clear()
    make_interfaces(cluster)


def _logging(cluster: Cluster, asked: Json) -> Json:
    merged = {t: g["enabled"] for g in cluster.body["logging"]["clusterLogging"] for t in g["types"]}
    for setup in asked.get("clusterLogging") or []:
        merged |= dict.fromkeys(setup.get("types") or [], bool(setup.get("enabled")))
    wanted = logging_of({"clusterLogging": [{"types": [t], "enabled": on} for t, on in merged.items()]})
    if wanted == cluster.body["logging"]:
        raise _unchanged("No changes needed for the logging config provided")

    def apply() -> None:
        cluster.body["logging"] = wanted
        make_log_group(cluster)

    return begin(cluster, "LoggingUpdate", {"ClusterLogging": wanted}, apply)


def _access(cluster: Cluster, asked: Json) -> Json:
    old, mode = cluster.body["accessConfig"]["authenticationMode"], asked.get("authenticationMode")
    if mode == old:
        raise _unchanged(f"Cluster is already at the desired configuration with authenticationMode: {mode}")
    if _MODES.index(mode) != _MODES.index(old) + 1:
        raise _unchanged(f"Unsupported authentication mode update from {old} to {mode}")
    return begin(cluster, "AccessConfigUpdate", {"AuthenticationMode": mode},
                 lambda: cluster.body["accessConfig"].update(authenticationMode=mode))


def _upgrade_policy(cluster: Cluster, asked: Json) -> Json:
    if asked == cluster.body["upgradePolicy"]:
        raise _unchanged(f"Cluster is already at the desired configuration with supportType: {asked.get('supportType')}")
    return begin(cluster, "UpgradePolicyUpdate", {"UpgradePolicy": asked},
                 lambda: cluster.body.update(upgradePolicy=dict(asked)))


def _zonal_shift(cluster: Cluster, asked: Json) -> Json:
    return begin(cluster, "ZonalShiftConfigUpdate", {"ZonalShiftConfig": asked},
                 lambda: cluster.body.update(zonalShiftConfig=dict(asked)))


def _protection(cluster: Cluster, asked: bool) -> Json:
    if asked == cluster.body["deletionProtection"]:
        raise _unchanged(f"Cluster is already at the desired configuration with deletionProtection: {asked}")
    return begin(cluster, "DeletionProtectionUpdate", {"DeletionProtection": str(asked).lower()},
                 lambda: cluster.body.update(deletionProtection=asked))


#: Parameter of UpdateClusterConfig -> what it does. Exactly one per call.
_CHANGES: dict[str, Callable[[Cluster, Any], Json]] = {
    "resourcesVpcConfig": _vpc_config,
    "logging": _logging,
    "accessConfig": _access,
    "upgradePolicy": _upgrade_policy,
    "zonalShiftConfig": _zonal_shift,
    "deletionProtection": _protection,
}


@answer("eks", "UpdateClusterConfig")
def update_cluster_config(call: Call) -> Json:
    cluster = find(call.region, call["name"])
    asked = [name for name in call.params if name not in ("name", "clientRequestToken") and call[name] is not None]
    unknown = [name for name in asked if name not in _CHANGES]
    if unknown:
        raise AwsError("NotImplementedByEmulator", f"UpdateClusterConfig of {', '.join(unknown)}", 501)
    if not asked:
        raise rules.invalid("No update parameters were provided")
    if len(asked) > 1:
        raise rules.invalid("Only one type of update can be allowed.")
    return _CHANGES[asked[0]](cluster, call[asked[0]])


@answer("eks", "UpdateClusterVersion")
def update_cluster_version(call: Call) -> Json:
    cluster = find(call.region, call["name"])
    old, new = cluster.body["version"], call["version"]
    if new not in VERSIONS:
        raise rules.invalid(f"unsupported Kubernetes version {new}")
    if new == old:
        raise rules.invalid(f"Cluster is already at version {new}")
    if int(new.split(".")[1]) != int(old.split(".")[1]) + 1:
        raise rules.invalid(f"Unsupported Kubernetes minor version update from {old} to {new}")
    return begin(cluster, "VersionUpdate", {"Version": new, "PlatformVersion": "eks.9"}, lambda: cluster.body.update(version=new))


@answer("eks", "AssociateEncryptionConfig")
def associate_encryption_config(call: Call) -> Json:
    cluster = find(call.region, call["clusterName"])
    if cluster.body["encryptionConfig"]:
        raise rules.invalid("Encryption is already enabled on this cluster")
    return begin(cluster, "AssociateEncryptionConfig", {"EncryptionConfig": call["encryptionConfig"]},
                 lambda: cluster.body.update(encryptionConfig=call["encryptionConfig"]))


def _updates(call: Call) -> dict[str, Json]:
    cluster = find(call.region, call["name"])
    if call["addonName"]:
        if call["addonName"] not in cluster.addons:
            raise AwsError("ResourceNotFoundException", f"No addon: {call['addonName']} found in cluster: {cluster.name}")
        return cluster.addons[call["addonName"]]["updates"]
    return cluster.updates


@answer("eks", "DescribeUpdate")
def describe_update(call: Call) -> Json:
    found = _updates(call).get(call["updateId"])
    if found is None:
        raise AwsError("ResourceNotFoundException", f"No update found for ID: {call['updateId']}")
    return {"update": found}


@answer("eks", "ListUpdates")
def list_updates(call: Call) -> Json:
    return {"updateIds": list(_updates(call))}
