"""Inside a cluster: add-ons, access entries, pod identity."""

from __future__ import annotations

import json
import time

import pytest
from helpers import code, fresh, refusal, until

DAEMONS, PODS = ("vpc-cni", "kube-proxy", "eks-pod-identity-agent"), ("coredns", "aws-ebs-csi-driver", "aws-efs-csi-driver")


@pytest.fixture(scope="module")
def vpc(aws):
    return aws.vpc(2)


@pytest.fixture(scope="module")
def cluster(aws, vpc):
    name = fresh("c")
    aws.eks.create_cluster(name=name, version="1.35", roleArn=aws.role("eks.amazonaws.com", "AmazonEKSClusterPolicy"),
                           resourcesVpcConfig={"subnetIds": vpc.subnets}, accessConfig={"authenticationMode": "API"})
    until(lambda: aws.eks.describe_cluster(name=name)["cluster"]["status"] == "ACTIVE")
    return name


def addon(aws, cluster, name):
    return aws.eks.describe_addon(clusterName=cluster, addonName=name)["addon"]


def test_addons_and_nodes(aws, cluster, vpc):
    for name in DAEMONS + PODS:
        assert aws.eks.create_addon(clusterName=cluster, addonName=name, resolveConflicts="OVERWRITE")["addon"]["status"] == "CREATING"
    assert code(aws.eks.create_addon, clusterName=cluster, addonName="coredns") == "ResourceInUseException"
    for name in DAEMONS:
        until(lambda n=name: addon(aws, cluster, n)["status"] == "ACTIVE")
    for name in PODS:
        until(lambda n=name: addon(aws, cluster, n)["status"] == "DEGRADED")
        assert addon(aws, cluster, name)["health"]["issues"][0]["code"] == "InsufficientNumberOfReplicas"
    group = fresh("nodes")
    aws.autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=group, MinSize=1, MaxSize=1, VPCZoneIdentifier=vpc.subnets[0],
        LaunchTemplate={"LaunchTemplateId": aws.template()},
        Tags=[{"Key": f"kubernetes.io/cluster/{cluster}", "Value": "owned", "PropagateAtLaunch": True}])
    for name in PODS:
        until(lambda n=name: addon(aws, cluster, n)["status"] == "ACTIVE")
    assert set(aws.eks.get_paginator("list_addons").paginate(clusterName=cluster).build_full_result()["addons"]) == set(DAEMONS + PODS)
    aws.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=group, ForceDelete=True)


def test_addon_versions(aws):
    for name in DAEMONS + PODS:
        for kubernetes in ("1.33", "1.34", "1.35", "1.36"):
            found = aws.eks.describe_addon_versions(addonName=name, kubernetesVersion=kubernetes)["addons"][0]["addonVersions"]
            defaults = [v for v in found if v["compatibilities"][0]["defaultVersion"]]
            assert len(defaults) == 1 and "eksbuild" in defaults[0]["addonVersion"]
    assert code(aws.eks.describe_addon_versions, addonName="nonsense") == "InvalidParameterException"
    version = aws.eks.describe_addon_versions(addonName="vpc-cni")["addons"][0]["addonVersions"][0]["addonVersion"]
    found = aws.eks.describe_addon_configuration(addonName="vpc-cni", addonVersion=version)
    assert json.loads(found["configurationSchema"])["properties"]["enableNetworkPolicy"] == {"type": "string"}


def test_addon_settings(aws, cluster):
    name = "vpc-cni"
    for bad in ('{"enableNetworkPolicy": true}', '{"nonsense": 1}', "{"):
        error = refusal(aws.eks.update_addon, clusterName=cluster, addonName=name, configurationValues=bad)
        assert error["Code"] == "InvalidParameterException" and "schema validation failed" in error["Message"]
    assert code(aws.eks.update_addon, clusterName=cluster, addonName=name, addonVersion="v0") == "InvalidParameterException"
    update = aws.eks.update_addon(clusterName=cluster, addonName=name, configurationValues='{"enableNetworkPolicy": "true"}')["update"]
    assert addon(aws, cluster, name)["status"] == "UPDATING"
    assert code(aws.eks.update_addon, clusterName=cluster, addonName=name) == "ResourceInUseException"
    until(lambda: addon(aws, cluster, name)["status"] == "ACTIVE")
    found = aws.eks.describe_update(name=cluster, updateId=update["id"], addonName=name)["update"]
    assert found["status"] == "Successful" and found["type"] == "AddonUpdate"
    assert addon(aws, cluster, name)["configurationValues"] == '{"enableNetworkPolicy": "true"}'


def test_addon_token_and_deletion(aws, cluster):
    assert code(aws.eks.describe_addon, clusterName=cluster, addonName="nonsense") == "InvalidParameterException"
    name = "kube-proxy"
    aws.eks.delete_addon(clusterName=cluster, addonName=name)
    assert addon(aws, cluster, name)["status"] == "DELETING"
    until(lambda: name not in aws.eks.get_paginator("list_addons").paginate(clusterName=cluster).build_full_result()["addons"])
    assert code(aws.eks.describe_addon, clusterName=cluster, addonName=name) == "ResourceNotFoundException"
    arguments = {"clusterName": cluster, "addonName": name, "clientRequestToken": fresh("token")}
    made = aws.eks.create_addon(**arguments)["addon"]["addonArn"]
    assert aws.eks.create_addon(**arguments)["addon"]["addonArn"] == made


def test_addon_with_pod_identity(aws, cluster):
    aws.eks.delete_addon(clusterName=cluster, addonName="aws-ebs-csi-driver")
    role = aws.role("pods.eks.amazonaws.com", "service-role/AmazonEBSCSIDriverPolicy", actions=["sts:AssumeRole", "sts:TagSession"])
    until(lambda: "aws-ebs-csi-driver" not in aws.eks.get_paginator("list_addons").paginate(clusterName=cluster).build_full_result()["addons"])
    association = [{"serviceAccount": "ebs-csi-controller-sa", "roleArn": role}]
    wrong = [{"serviceAccount": "ebs-csi-controller-sa", "roleArn": aws.role("ec2.amazonaws.com")}]
    absent = [{"serviceAccount": "ebs-csi-controller-sa", "roleArn": "arn:aws:iam::123456789012:role/absent"}]
    for bad in (wrong, absent):
        assert code(aws.eks.create_addon, clusterName=cluster, addonName="aws-ebs-csi-driver", podIdentityAssociations=bad) == \
            "InvalidParameterException"
    made = aws.eks.create_addon(clusterName=cluster, addonName="aws-ebs-csi-driver", podIdentityAssociations=association)["addon"]
    found = aws.eks.list_pod_identity_associations(clusterName=cluster, serviceAccount="ebs-csi-controller-sa")["associations"]
    assert [a["associationArn"] for a in found] == made["podIdentityAssociations"] and found[0]["ownerArn"] == made["addonArn"]
    assert found[0]["namespace"] == "kube-system"


def test_pod_identity(aws, cluster):
    role = aws.role("pods.eks.amazonaws.com", actions=["sts:AssumeRole", "sts:TagSession"])
    arguments = {"clusterName": cluster, "namespace": "domino", "serviceAccount": fresh("sa"), "roleArn": role, "tags": {"a": "b"}}
    made = aws.eks.create_pod_identity_association(**arguments)["association"]
    assert code(aws.eks.create_pod_identity_association, **arguments) == "ResourceInUseException"
    bad = arguments | {"serviceAccount": fresh("sa"), "roleArn": aws.role("pods.eks.amazonaws.com")}
    assert code(aws.eks.create_pod_identity_association, **bad) == "InvalidParameterException", "TagSession is needed too"
    identity = {"clusterName": cluster, "associationId": made["associationId"]}
    other = aws.role("pods.eks.amazonaws.com", actions=["sts:AssumeRole", "sts:TagSession"])
    aws.eks.update_pod_identity_association(**identity, roleArn=other)
    assert aws.eks.describe_pod_identity_association(**identity)["association"]["roleArn"] == other
    assert made["associationArn"] in {e["id"] for e in aws.inventory()}
    aws.eks.delete_pod_identity_association(**identity)
    assert code(aws.eks.delete_pod_identity_association, **identity) == "ResourceNotFoundException"


def test_access_entries(aws, cluster):
    role = aws.role("ec2.amazonaws.com", wait=False)
    arguments = {"clusterName": cluster, "principalArn": role, "type": "EC2_LINUX"}
    error = refusal(aws.eks.create_access_entry, **arguments)
    assert error["Code"] == "InvalidParameterException" and "invalid principal" in error["Message"]
    time.sleep(0.1)
    assert code(aws.eks.create_access_entry, **arguments, kubernetesGroups=["x"]) == "InvalidRequestException"
    made = aws.eks.create_access_entry(**arguments, tags={"a": "b"})["accessEntry"]
    assert made["username"] == "system:node:{{EC2PrivateDNSName}}" and made["kubernetesGroups"] == ["system:nodes"]
    assert code(aws.eks.create_access_entry, **arguments) == "ResourceInUseException"
    assert role in aws.eks.list_access_entries(clusterName=cluster)["accessEntries"]
    identity = {"clusterName": cluster, "principalArn": role}
    policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    assert code(aws.eks.associate_access_policy, **identity, policyArn=policy, accessScope={"type": "cluster"}) == "InvalidRequestException"
    aws.eks.delete_access_entry(**identity)
    assert code(aws.eks.describe_access_entry, **identity) == "ResourceNotFoundException"


def test_access_policies(aws, cluster):
    identity = {"clusterName": cluster, "principalArn": aws.role("ec2.amazonaws.com")}
    aws.eks.create_access_entry(**identity, kubernetesGroups=["admins"])
    assert code(aws.eks.update_access_entry, **identity, kubernetesGroups=["system:masters"]) == "InvalidParameterException"
    aws.eks.update_access_entry(**identity, kubernetesGroups=["viewers"])
    assert aws.eks.describe_access_entry(**identity)["accessEntry"]["kubernetesGroups"] == ["viewers"]
    policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    aws.eks.associate_access_policy(**identity, policyArn=policy, accessScope={"type": "cluster"})
    found = aws.eks.list_associated_access_policies(**identity)["associatedAccessPolicies"]
    assert [(p["policyArn"], p["accessScope"]["type"]) for p in found] == [(policy, "cluster")]
    aws.eks.disassociate_access_policy(**identity, policyArn=policy)
    assert code(aws.eks.disassociate_access_policy, **identity, policyArn=policy) == "ResourceNotFoundException"
    bad = {"policyArn": "arn:aws:eks::aws:cluster-access-policy/Nonsense", "accessScope": {"type": "cluster"}}
    assert code(aws.eks.associate_access_policy, **identity, **bad) == "InvalidParameterException"


def test_creator_entry(aws, cluster, vpc):
    creator = "arn:aws:iam::123456789012:user/moto"
    assert creator in aws.eks.list_access_entries(clusterName=cluster)["accessEntries"]
    name = fresh("c")
    aws.eks.create_cluster(name=name, version="1.35", roleArn=aws.role("eks.amazonaws.com", "AmazonEKSClusterPolicy"),
                           resourcesVpcConfig={"subnetIds": vpc.subnets},
                           accessConfig={"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False})
    until(lambda: aws.eks.describe_cluster(name=name)["cluster"]["status"] == "ACTIVE")
    assert creator not in aws.eks.list_access_entries(clusterName=name)["accessEntries"]
    old = fresh("c")
    aws.eks.create_cluster(name=old, version="1.35", roleArn=aws.role("eks.amazonaws.com", "AmazonEKSClusterPolicy"),
                           resourcesVpcConfig={"subnetIds": vpc.subnets})
    until(lambda: aws.eks.describe_cluster(name=old)["cluster"]["status"] == "ACTIVE")
    assert code(aws.eks.list_access_entries, clusterName=old) == "InvalidRequestException", "CONFIG_MAP has no entries"
