"""A small cluster as the tool would make it: enough of it for the seeds."""

from __future__ import annotations

import json
from typing import Any

from helpers import Aws, fresh, until

EXTRA = {"domino-eks:cluster": "?", "team": "ml"}


def tags(**pairs: str) -> list[dict[str, str]]:
    return [{"Key": key.replace("__", ":"), "Value": value} for key, value in pairs.items()]


class Land:
    """VPC, cluster, one node, file system and a bucket, all with our tags."""

    def __init__(self, aws: Aws, nodes: int = 1) -> None:
        self.aws, self.name = aws, fresh("demo")
        self.own = {"domino-eks:cluster": self.name}
        vpc = aws.vpc(4, gateway=True)
        self.vpc, self.public, self.private = vpc.id, vpc.subnets[:2], vpc.subnets[2:]
        self._tag([vpc.id], self.own)
        self._tag(self.public, {"kubernetes.io/role/elb": "1"})
        self._tag(self.private, {"kubernetes.io/role/internal-elb": "1"})
        self.nodes_group = aws.ec2.create_security_group(GroupName=f"{self.name}-nodes", Description="x", VpcId=vpc.id)["GroupId"]
        self._tag([self.nodes_group], self.own | {"domino-eks:address": "security-group/nodes"})
        self._cluster()
        self.group = f"{self.name}-default" if nodes else None
        if nodes:
            self._nodes(nodes)
        self._stores()

    def _tag(self, ids: list[str], pairs: dict[str, str]) -> None:
        self.aws.ec2.create_tags(Resources=ids, Tags=[{"Key": k, "Value": v} for k, v in pairs.items()])

    def _cluster(self) -> None:
        role = self.aws.role("eks.amazonaws.com", "AmazonEKSClusterPolicy")
        self.aws.eks.create_cluster(name=self.name, roleArn=role, resourcesVpcConfig={"subnetIds": self.private}, tags=self.own,
                                    accessConfig={"authenticationMode": "API"},
                                    logging={"clusterLogging": [{"types": ["api"], "enabled": True}]})
        until(lambda: self.described()["status"] == "ACTIVE")
        settings = {"controller": {"extraVolumeTags": self.own | {"team": "ml"}}}
        self.aws.eks.create_addon(clusterName=self.name, addonName="aws-ebs-csi-driver", configurationValues=json.dumps(settings))
        self.cluster_group = self.described()["resourcesVpcConfig"]["clusterSecurityGroupId"]

    def described(self) -> dict[str, Any]:
        return self.aws.eks.describe_cluster(name=self.name)["cluster"]

    def is_gone(self) -> bool:
        try:
            self.described()
        except self.aws.eks.exceptions.ResourceNotFoundException:
            return True
        return False

    def _nodes(self, count: int) -> None:
        pairs = [{"Key": k, "Value": v} for k, v in (self.own | {f"kubernetes.io/cluster/{self.name}": "owned"}).items()]
        template = self.aws.template(SecurityGroupIds=[self.cluster_group, self.nodes_group])
        self.aws.autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=self.group, MinSize=count, MaxSize=count, VPCZoneIdentifier=self.private[0],
            LaunchTemplate={"LaunchTemplateId": template}, Tags=[tag | {"PropagateAtLaunch": True} for tag in pairs])
        until(lambda: [i["LifecycleState"] for i in self.instances()] == ["InService"] * count)

    def instances(self) -> list[dict[str, Any]]:
        found = self.aws.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[self.group])["AutoScalingGroups"]
        return found[0]["Instances"] if found else []

    def _stores(self) -> None:
        pairs = [{"Key": "Name", "Value": f"{self.name}-main"}] + [{"Key": k, "Value": v} for k, v in self.own.items()]
        self.system = self.aws.efs.create_file_system(CreationToken=fresh("efs"), Tags=pairs)
        self.bucket = f"{self.name}-123456789012-us-west-2-blobs"
        self.aws.s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration={
            "LocationConstraint": "us-west-2", "Tags": [{"Key": k, "Value": v} for k, v in self.own.items()]})

    def end_nodes(self) -> None:
        self.aws.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=self.group, ForceDelete=True)

    def interfaces(self, **filters: str) -> list[dict[str, Any]]:
        """Interfaces in the VPC; two underscores stand for a dot."""
        names = {name: name.replace("__", ".").replace("_", "-") for name in filters}
        wanted = [{"Name": "vpc-id", "Values": [self.vpc]}] + [{"Name": names[k], "Values": [v]} for k, v in filters.items()]
        return self.aws.ec2.get_paginator("describe_network_interfaces").paginate(Filters=wanted).build_full_result()["NetworkInterfaces"]
