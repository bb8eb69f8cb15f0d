"""EKS clusters: refusals, states, what a cluster makes in the VPC, updates, end."""

from __future__ import annotations

import pytest
from helpers import Aws, code, fresh, refusal, until

TOKEN = "t" * 33


class Eks:
    """A VPC, a role and what CreateCluster needs."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.vpc = aws.vpc(3)
        self.role = aws.role("eks.amazonaws.com", "AmazonEKSClusterPolicy")

    def arguments(self, **changes):
        return {
            "name": fresh("c"), "version": "1.35", "roleArn": self.role,
            "resourcesVpcConfig": {"subnetIds": self.vpc.subnets, "endpointPrivateAccess": True},
            "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": True},
        } | changes


@pytest.fixture(scope="module")
def eks(aws):
    return Eks(aws)


@pytest.fixture(scope="module")
def cluster(aws, eks):
    arguments = eks.arguments(tags={"a": "b"}, logging={"clusterLogging": [{"types": ["api", "audit"], "enabled": True}]})
    created = aws.eks.create_cluster(**arguments)["cluster"]
    assert created["status"] == "CREATING" and not {"endpoint", "identity"} & set(created)
    assert not created["certificateAuthority"]
    name = arguments["name"]
    early = until(lambda: status(aws, name)["resourcesVpcConfig"].get("clusterSecurityGroupId"))
    assert status(aws, name)["status"] == "CREATING", "the group is there long before the cluster is"
    assert aws.ec2.describe_security_groups(GroupIds=[early])["SecurityGroups"]
    assert code(aws.eks.create_addon, clusterName=name, addonName="vpc-cni") == "InvalidRequestException"
    assert code(aws.eks.delete_cluster, name=name) == "ResourceInUseException"
    until(lambda: status(aws, name)["status"] == "ACTIVE")
    return name


def status(aws, name):
    return aws.eks.describe_cluster(name=name)["cluster"]


def refused(eks, **changes):
    error = refusal(eks.aws.eks.create_cluster, **eks.arguments(**changes))
    return error["Code"], error["Message"]


@pytest.mark.parametrize(("changes", "words"), [
    ({"name": "-bad"}, "cluster name is invalid"),
    ({"name": "n" * 101}, "cluster name is invalid"),
    ({"version": "1.10"}, "unsupported Kubernetes version"),
    ({"clientRequestToken": "short"}, "between 33 and 126"),
    ({"clientRequestToken": "x" * 127}, "between 33 and 126"),
    ({"roleArn": "arn:aws:iam::123456789012:role/absent"}, "does not exist"),
    ({"kubernetesNetworkConfig": {"serviceIpv4Cidr": "10.0.128.0/20"}}, "overlaps"),
    ({"kubernetesNetworkConfig": {"serviceIpv4Cidr": "8.8.0.0/16"}}, "within 10.0.0.0/8"),
    ({"tags": {"aws:x": "y"}}, "aws:"),
])
def test_refusals(eks, changes, words):
    found, message = refused(eks, **changes)
    assert found == "InvalidParameterException" and words in message


def test_network_refusals(aws, eks):
    def config(**changes):
        return {"resourcesVpcConfig": {"subnetIds": eks.vpc.subnets} | changes}

    assert "at least two different AZs" in refused(eks, **config(subnetIds=eks.vpc.subnets[:1]))[1]
    assert "does not exist" in refused(eks, **config(subnetIds=[*eks.vpc.subnets, "subnet-0123456789abcdef0"]))[1]
    assert "does not exist" in refused(eks, **config(securityGroupIds=["sg-0123456789abcdef0"]))[1]
    assert "cannot be false" in refused(eks, **config(endpointPublicAccess=False))[1]
    bare = aws.vpc(2)
    aws.ec2.modify_vpc_attribute(VpcId=bare.id, EnableDnsHostnames={"Value": False})
    assert "DNS" in refused(eks, **config(subnetIds=bare.subnets))[1]


def test_role_refusals(aws, eks):
    early = aws.role("eks.amazonaws.com", "AmazonEKSClusterPolicy", wait=False)
    assert "does not exist" in refused(eks, roleArn=early)[1], "a role just made is not visible yet"
    assert "trusted entity is not correct" in refused(eks, roleArn=aws.role("ec2.amazonaws.com", "AmazonEKSClusterPolicy"))[1]
    assert "Amazon EKS Managed Policies" in refused(eks, roleArn=aws.role("eks.amazonaws.com"))[1]


def test_zone_without_control_plane(aws):
    ec2 = aws.client("ec2", "us-east-1")
    zones = {z["ZoneId"]: z["ZoneName"] for z in ec2.describe_availability_zones()["AvailabilityZones"]}
    vpc = aws.vpc(0, region="us-east-1")
    subnets = [ec2.create_subnet(VpcId=vpc.id, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=zones[zone])["Subnet"]["SubnetId"]
               for n, zone in enumerate(["use1-az1", "use1-az3"])]
    role = aws.role("eks.amazonaws.com", "AmazonEKSClusterPolicy")
    error = refusal(aws.client("eks", "us-east-1").create_cluster, name=fresh("c"), roleArn=role, resourcesVpcConfig={"subnetIds": subnets})
    assert error["Code"] == "UnsupportedAvailabilityZoneException"
    assert zones["use1-az1"] in error["Whole"]["validZones"] and zones["use1-az3"] not in error["Whole"]["validZones"]


def test_versions(aws):
    found = aws.eks.describe_cluster_versions()["clusterVersions"]
    assert {v["clusterVersion"] for v in found} == {"1.33", "1.34", "1.35", "1.36"}
    assert [v["clusterVersion"] for v in found if v["defaultVersion"]] == ["1.35"]
    by_version = {v["clusterVersion"]: v for v in found}
    assert str(by_version["1.35"]["endOfStandardSupportDate"])[:10] == "2027-03-27"


def test_description(aws, eks, cluster):
    found = status(aws, cluster)
    assert found["endpoint"].startswith("https://") and found["certificateAuthority"]["data"]
    assert found["identity"]["oidc"]["issuer"].startswith("https://oidc.eks.us-west-2")
    assert found["accessConfig"] == {"authenticationMode": "API"}, "the creator's rights are never described"
    assert found["logging"]["clusterLogging"][0] == {"types": ["api", "audit"], "enabled": True}
    assert found["kubernetesNetworkConfig"]["serviceIpv4Cidr"] == "172.20.0.0/16"
    assert found["tags"] == {"a": "b"} and found["resourcesVpcConfig"]["vpcId"] == eks.vpc.id
    assert aws.logs.describe_log_groups(logGroupNamePrefix=f"/aws/eks/{cluster}/cluster")["logGroups"]
    assert cluster in aws.eks.list_clusters()["clusters"]
    assert aws.eks.list_nodegroups(clusterName=cluster)["nodegroups"] == []
    assert aws.eks.list_fargate_profiles(clusterName=cluster)["fargateProfileNames"] == []
    assert code(aws.eks.describe_cluster, name="absent") == "ResourceNotFoundException"
    assert code(aws.eks.create_cluster, **eks.arguments(name=cluster)) == "ResourceInUseException"


def test_network_of_the_control_plane(aws, eks, cluster):
    group = status(aws, cluster)["resourcesVpcConfig"]["clusterSecurityGroupId"]
    found = aws.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    assert found["GroupName"].startswith(f"eks-cluster-sg-{cluster}-")
    tags = {t["Key"]: t["Value"] for t in found["Tags"]}
    assert tags[f"kubernetes.io/cluster/{cluster}"] == "owned" and tags["aws:eks:cluster-name"] == cluster
    assert found["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == group
    interfaces = aws.ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [group]}])["NetworkInterfaces"]
    assert {i["Description"] for i in interfaces} == {f"Amazon EKS {cluster}"} and len({i["SubnetId"] for i in interfaces}) == 2
    assert all(i["RequesterManaged"] for i in interfaces)
    assert code(aws.ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    assert code(aws.ec2.delete_subnet, SubnetId=interfaces[0]["SubnetId"]) == "DependencyViolation"
    assert code(aws.ec2.delete_network_interface, NetworkInterfaceId=interfaces[0]["NetworkInterfaceId"]) == "OperationNotPermitted"


def test_tags(aws, cluster):
    arn = status(aws, cluster)["arn"]
    aws.eks.tag_resource(resourceArn=arn, tags={"x": "y"})
    assert aws.eks.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "b", "x": "y"}
    aws.eks.untag_resource(resourceArn=arn, tagKeys=["x"])
    assert status(aws, cluster)["tags"] == {"a": "b"}
    assert code(aws.eks.list_tags_for_resource, resourceArn=arn + "x") == "NotFoundException"


def test_one_update_at_a_time(aws, cluster):
    update = aws.eks.update_cluster_config(name=cluster, logging={"clusterLogging": [{"types": ["scheduler"], "enabled": True}]})["update"]
    assert update["type"] == "LoggingUpdate" and update["status"] == "InProgress" and status(aws, cluster)["status"] == "UPDATING"
    assert code(aws.eks.update_cluster_config, name=cluster, upgradePolicy={"supportType": "STANDARD"}) == "ResourceInUseException"
    assert code(aws.eks.delete_cluster, name=cluster) == "ResourceInUseException"
    until(lambda: aws.eks.describe_update(name=cluster, updateId=update["id"])["update"]["status"] == "Successful")
    assert "scheduler" in status(aws, cluster)["logging"]["clusterLogging"][0]["types"]
    assert update["id"] in aws.eks.list_updates(name=cluster)["updateIds"]
    assert code(aws.eks.describe_update, name=cluster, updateId="absent") == "ResourceNotFoundException"


def test_update_refusals(aws, cluster):
    def message(**changes):
        error = refusal(aws.eks.update_cluster_config, name=cluster, **changes)
        assert error["Code"] == "InvalidParameterException"
        return error["Message"]

    assert "already at the desired configuration" in message(resourcesVpcConfig={"endpointPrivateAccess": True})
    assert "Only one type of update" in message(resourcesVpcConfig={"endpointPublicAccess": True}, upgradePolicy={"supportType": "STANDARD"})
    assert "Unsupported authentication mode" in message(accessConfig={"authenticationMode": "CONFIG_MAP"})
    assert code(aws.eks.update_cluster_version, name=cluster, version="1.35") == "InvalidParameterException"
    assert code(aws.eks.update_cluster_version, name=cluster, version="1.33") == "InvalidParameterException"
    assert code(aws.eks.update_cluster_version, name=cluster, version="9.99") == "InvalidParameterException"


def test_endpoint_update(aws, cluster):
    aws.eks.update_cluster_config(name=cluster, resourcesVpcConfig={"publicAccessCidrs": ["198.51.100.0/24"]})
    until(lambda: status(aws, cluster)["status"] == "ACTIVE")
    assert status(aws, cluster)["resourcesVpcConfig"]["publicAccessCidrs"] == ["198.51.100.0/24"]


def test_version_update(aws, cluster):
    update = aws.eks.update_cluster_version(name=cluster, version="1.36")["update"]
    assert update["type"] == "VersionUpdate"
    until(lambda: status(aws, cluster)["status"] == "ACTIVE")
    assert status(aws, cluster)["version"] == "1.36"


def test_token_and_end(aws, eks):
    arguments = eks.arguments(clientRequestToken=TOKEN + fresh("x"), deletionProtection=False)
    first = aws.eks.create_cluster(**arguments)["cluster"]
    assert aws.eks.create_cluster(**arguments)["cluster"]["createdAt"] == first["createdAt"]
    assert code(aws.eks.create_cluster, **arguments | {"version": "1.34"}) == "InvalidParameterException"
    name = arguments["name"]
    until(lambda: status(aws, name)["status"] == "ACTIVE")
    aws.eks.update_cluster_config(name=name, deletionProtection=True)
    until(lambda: status(aws, name)["status"] == "ACTIVE")
    error = refusal(aws.eks.delete_cluster, name=name)
    assert error["Code"] == "InvalidRequestException" and "deletion protection" in error["Message"]
    aws.eks.update_cluster_config(name=name, deletionProtection=False)
    until(lambda: status(aws, name)["status"] == "ACTIVE")
    group = status(aws, name)["resourcesVpcConfig"]["clusterSecurityGroupId"]
    aws.eks.create_addon(clusterName=name, addonName="vpc-cni")
    aws.eks.delete_cluster(name=name)
    assert status(aws, name)["status"] == "DELETING"
    assert code(aws.eks.delete_cluster, name=name) == "ResourceInUseException"
    until(lambda: name not in aws.eks.get_paginator("list_clusters").paginate().build_full_result()["clusters"])
    assert code(aws.eks.describe_addon, clusterName=name, addonName="vpc-cni") == "ResourceNotFoundException"
    assert code(aws.ec2.describe_security_groups, GroupIds=[group]) == "InvalidGroup.NotFound"
    assert not [e for e in aws.inventory() if e.get("description") == f"Amazon EKS {name}" or e["id"].startswith(f"{name}/")]
