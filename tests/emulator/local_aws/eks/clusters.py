"""Clusters: create, describe, list, delete."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

from .. import network
from ..clock import CLOCK
from ..errors import AwsError
from ..moto_bridge import backend
from ..rules import answer, on_reset
from ..wire import Call
from . import cluster_rules as rules
from .access import own_entries
from .store import CLUSTERS, Cluster, Json, arn, check_tags, find, now
from .versions import DEFAULT

LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")
#: Clusters, by region and name, whose security group EKS forgets to delete.
KEPT_GROUPS: set[tuple[str, str]] = set()
on_reset(KEPT_GROUPS.clear)
#: Clusters whose creation is to fail.
FAILING: set[tuple[str, str]] = set()
on_reset(FAILING.clear)
#: What happens when a cluster is gone.
VANISHED: list[Callable[[Cluster], None]] = []
#: Set when clusters have an API server: what starts it and gives its URL and the PEM of its CA, and what ends it.
API_SERVER_STARTS: list[Callable[[Cluster], tuple[str, str]]] = []
API_SERVER_ENDS: list[Callable[[Cluster], None]] = []


def logging_of(asked: Json | None) -> Json:
    """Logging as EKS echoes it: one list of the types that are on, one of those that are off."""
    on: set[str] = set()
    for setup in (asked or {}).get("clusterLogging") or []:
        unknown = set(setup.get("types") or []) - set(LOG_TYPES)
        if unknown:
            raise rules.invalid(f"Invalid log types: {sorted(unknown)}")
        if setup.get("enabled"):
            on |= set(setup.get("types") or [])
    groups = [{"types": [t for t in LOG_TYPES if t in on], "enabled": True},
              {"types": [t for t in LOG_TYPES if t not in on], "enabled": False}]
    return {"clusterLogging": [group for group in groups if group["types"]]}


def _access_config(asked: Json | None) -> Json:
    asked = asked or {}
    mode = asked.get("authenticationMode") or "CONFIG_MAP"
    admin = asked.get("bootstrapClusterCreatorAdminPermissions")
    return {"authenticationMode": mode, "bootstrapClusterCreatorAdminPermissions": True if admin is None else admin}


def _check(call: Call) -> tuple[str, str]:
    """All refusals of CreateCluster; the VPC and the service range otherwise."""
    rules.check_name(call)
    rules.check_token(call)
    rules.check_version(call)
    check_tags(call["tags"])
    config = call.get("resourcesVpcConfig", {})
    if call["name"] in CLUSTERS[call.region]:
        raise AwsError("ResourceInUseException", f"Cluster already exists with name: {call['name']}", clusterName=call["name"])
    rules.check_role(call["roleArn"])
    vpc_id = rules.check_subnets(call.region, config.get("subnetIds") or [])
    rules.check_groups(call.region, config.get("securityGroupIds") or [], vpc_id)
    rules.check_endpoints(config)
    rules.check_dns(call.region, vpc_id)
    for encryption in call.get("encryptionConfig", []):
        _check_key(call.region, encryption["provider"]["keyArn"])
    asked = call.get("kubernetesNetworkConfig", {}).get("serviceIpv4Cidr")
    return vpc_id, rules.service_cidr(call.region, vpc_id, asked)


def _check_key(region: str, key_arn: str) -> None:
    key = next((key for key in backend("kms", region).keys.values() if key.arn == key_arn), None)
    if key is None or key.key_state != "Enabled":
        raise rules.invalid(f"Unable to use the KMS key {key_arn}: it does not exist or is not enabled")


@answer("eks", "CreateCluster")
def create_cluster(call: Call) -> Json:
    cluster = new_cluster(call, *_check(call))
    CLOCK.after("cluster_network", lambda: make_network(cluster))
    CLOCK.after("cluster_create", lambda: come_up(cluster))
    answered = dict(cluster.body)
    # Describe never shows who was made administrator; the answer to Create does.
    cluster.body["accessConfig"] = {"authenticationMode": cluster.body["accessConfig"]["authenticationMode"]}
    cluster.entries.update(own_entries(cluster, answered["accessConfig"]))
    return {"cluster": answered}


def new_cluster(call: Call, vpc_id: str, service_cidr: str) -> Cluster:
    """A cluster that is being created, as the call wants it."""
    config = call["resourcesVpcConfig"]
    public, private = config.get("endpointPublicAccess"), config.get("endpointPrivateAccess")
    name = call["name"]
    body: Json = {
        "name": name,
        "arn": arn(call.region, "cluster", name),
        "createdAt": now(),
        "version": call.get("version", DEFAULT),
        "roleArn": call["roleArn"],
        "resourcesVpcConfig": {
            "subnetIds": list(config["subnetIds"]),
            "securityGroupIds": list(config.get("securityGroupIds") or []),
            "vpcId": vpc_id,
            "endpointPublicAccess": True if public is None else public,
            "endpointPrivateAccess": bool(private),
            "publicAccessCidrs": [] if public is False else list(config.get("publicAccessCidrs") or ["0.0.0.0/0"]),
        },
        "kubernetesNetworkConfig": {
            "serviceIpv4Cidr": service_cidr,
            "ipFamily": call.get("kubernetesNetworkConfig", {}).get("ipFamily") or "ipv4",
            "elasticLoadBalancing": {"enabled": False},
        },
        "logging": logging_of(call["logging"]),
        "status": "CREATING",
        "certificateAuthority": {},
        "platformVersion": "eks.9",
        "tags": dict(call.get("tags", {})),
        "encryptionConfig": call.get("encryptionConfig", []),
        "health": {"issues": []},
        "accessConfig": _access_config(call["accessConfig"]),
        "upgradePolicy": {"supportType": call.get("upgradePolicy", {}).get("supportType") or "EXTENDED"},
        "zonalShiftConfig": {"enabled": bool(call.get("zonalShiftConfig", {}).get("enabled"))},
        "deletionProtection": bool(call["deletionProtection"]),
    }
    if call["clientRequestToken"]:
        body["clientRequestToken"] = call["clientRequestToken"]
    cluster = Cluster(call.region, body)
    CLUSTERS[call.region][name] = cluster
    return cluster


def make_network(cluster: Cluster) -> None:
    """The cluster's security group and the control plane's interfaces."""
    config = cluster.body["resourcesVpcConfig"]
    subnets = [network.find_subnet(cluster.region, i) for i in config["subnetIds"]]
    if cluster.status == "DELETING" or any(subnet is None for subnet in subnets):
        return
    name = cluster.name
    number = int(hashlib.sha256(f"{name}{cluster.body['createdAt']}".encode()).hexdigest()[:8], 16)
    group = network.make_group(
        cluster.region, config["vpcId"], f"eks-cluster-sg-{name}-{number}",
        "EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, as well as any "
        "managed workloads.",
        {"Name": f"eks-cluster-sg-{name}-{number}", f"kubernetes.io/cluster/{name}": "owned", "aws:eks:cluster-name": name},
    )
    network.ec2(cluster.region).authorize_security_group_ingress(
        group.id, "-1", None, None, [], source_groups=[{"GroupId": group.id}], vpc_id=config["vpcId"])
    config["clusterSecurityGroupId"] = group.id
    make_interfaces(cluster)


def make_interfaces(cluster: Cluster) -> None:
    """Two interfaces of the control plane, in two zones."""
    config = cluster.body["resourcesVpcConfig"]
    groups = [config["clusterSecurityGroupId"], *config["securityGroupIds"]]
    by_zone: dict[str, str] = {}
    for subnet_id in config["subnetIds"]:
        by_zone.setdefault(network.find_subnet(cluster.region, subnet_id).availability_zone, subnet_id)
    for subnet_id in list(by_zone.values())[:2]:
        eni = network.make_interface(cluster.region, subnet_id, groups, f"Amazon EKS {cluster.name}",
                                     tags={"Name": f"eks-cluster-{cluster.name}"})
        cluster.interfaces.append(eni.id)


def come_up(cluster: Cluster) -> None:
    if cluster.status != "CREATING":
        return
    if (cluster.region, cluster.name) in FAILING:
        FAILING.discard((cluster.region, cluster.name))
        issue = {"code": "Ec2ServiceNotSubscribed", "message": "the control plane could not be started", "resourceIds": []}
        cluster.body |= {"status": "FAILED", "health": {"issues": [issue]}}
        return
    identity = hashlib.sha256(f"{cluster.body['arn']}{cluster.body['createdAt']}".encode()).hexdigest()[:32].upper()
    pem = f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(identity.encode()).decode()}\n-----END CERTIFICATE-----\n"
    endpoint = f"https://{identity}.gr7.{cluster.region}.eks.amazonaws.com"
    for start in API_SERVER_STARTS:
        endpoint, pem = start(cluster)
    cluster.body |= {
        "status": "ACTIVE",
        "endpoint": endpoint,
        "certificateAuthority": {"data": base64.b64encode(pem.encode()).decode()},
        "identity": {"oidc": {"issuer": f"https://oidc.eks.{cluster.region}.amazonaws.com/id/{identity}"}},
    }
    make_log_group(cluster)


def make_log_group(cluster: Cluster) -> None:
    """EKS makes the log group by itself when a log is on and the group is absent."""
    if not any(setup["enabled"] for setup in cluster.body["logging"]["clusterLogging"]):
        return
    logs = backend("logs", cluster.region)
    name = f"/aws/eks/{cluster.name}/cluster"
    if name not in logs.groups:
        logs.create_log_group(name, {})


@answer("eks", "DescribeCluster")
def describe_cluster(call: Call) -> Json:
    return {"cluster": find(call.region, call["name"]).body}


@answer("eks", "ListClusters")
def list_clusters(call: Call) -> Json:
    return {"clusters": sorted(CLUSTERS[call.region])}


@answer("eks", "ListNodegroups")
def list_nodegroups(call: Call) -> Json:
    find(call.region, call["clusterName"])
    return {"nodegroups": []}


@answer("eks", "ListFargateProfiles")
def list_fargate_profiles(call: Call) -> Json:
    find(call.region, call["clusterName"])
    return {"fargateProfileNames": []}


@answer("eks", "DeleteCluster")
def delete_cluster(call: Call) -> Json:
    cluster = find(call.region, call["name"])
    name = cluster.name
    if cluster.body["deletionProtection"]:
        raise AwsError("InvalidRequestException", f"Cannot delete cluster {name}: deletion protection is enabled", clusterName=name)
    if cluster.status == "DELETING":
        raise AwsError("ResourceInUseException", f"Cluster {name} is already in DELETING state: deletion in progress",
                       clusterName=name)
    if cluster.status in ("CREATING", "UPDATING") or any(u["status"] == "InProgress" for u in cluster.updates.values()):
        raise AwsError("ResourceInUseException", f"Cannot delete because cluster {name} currently has an update in progress",
                       clusterName=name)
    cluster.body["status"] = "DELETING"
    CLOCK.after("cluster_delete", lambda: _vanish(cluster))
    return {"cluster": cluster.body}


def _vanish(cluster: Cluster) -> None:
    for end in API_SERVER_ENDS:
        end(cluster)
    for eni_id in cluster.interfaces:
        network.drop_interface(cluster.region, eni_id)
    group = cluster.body["resourcesVpcConfig"].get("clusterSecurityGroupId")
    if group and (cluster.region, cluster.name) not in KEPT_GROUPS:
        network.drop_group(cluster.region, group)
    KEPT_GROUPS.discard((cluster.region, cluster.name))
    CLUSTERS[cluster.region].pop(cluster.name, None)
    for happen in VANISHED:
        happen(cluster)


def cluster_of_interface(region: str, eni_id: str) -> Cluster | None:
    return next((c for c in CLUSTERS[region].values() if eni_id in c.interfaces), None)


