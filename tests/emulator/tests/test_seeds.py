"""Seeds: leftovers, leaks, neighbours and strangers."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request

import pytest
from helpers import code, until
from land import Land


@pytest.fixture(scope="module")
def land(aws):
    return Land(aws)


def of(seeded, kind, part=None):
    return [entry["id"] for entry in seeded if entry["type"] == kind and part in (None, entry["part"])]


def tag_map(tags):
    return {tag["Key"]: tag["Value"] for tag in tags}


def bad(aws, *arguments, **more):
    with pytest.raises(urllib.error.HTTPError) as caught:
        aws.seed(*arguments, **more)
    assert caught.value.code == 400
    return json.load(caught.value)["error"]


def test_bad_seeds(aws):
    assert "one of" in bad(aws, "nonsense")
    assert "name of a cluster" in bad(aws, "leftovers")
    assert "no VPC" in bad(aws, "leftovers", cluster="absent")
    assert "takes no colour" in bad(aws, "leftovers", cluster="absent", colour=1)
    assert "only is a list" in bad(aws, "leftovers", cluster="absent", only=["x"])
    with pytest.raises(urllib.error.HTTPError):
        aws.control("seed")


def test_leftovers(aws, land):
    log = len(aws.control("requests"))
    before = {(e["type"], e["id"]) for e in aws.inventory()}
    seeded = aws.seed("leftovers", cluster=land.name)
    after = {(e["type"], e["id"]) for e in aws.inventory()}
    assert after - before == {(e["type"], e["id"]) for e in seeded}
    assert len(aws.control("requests")) == log
    assert {e["part"] for e in seeded} == {"lbc", "ccm", "interfaces", "volumes", "snapshots", "logs", "recovery-points"}
    check_balancers(aws, land, seeded)
    check_groups(aws, land)
    check_interfaces(aws, land)
    check_volumes(aws, land, seeded)
    groups = aws.logs.describe_log_groups(logGroupNamePrefix=f"/aws/containerinsights/{land.name}/")["logGroups"]
    assert [g["logGroupName"].rpartition("/")[2] for g in groups] == ["application", "performance"]
    assert all(g["storedBytes"] and "retentionInDays" not in g for g in groups)
    points = aws.backup.list_recovery_points_by_resource(ResourceArn=land.system["FileSystemArn"])["RecoveryPoints"]
    assert [p["RecoveryPointArn"] for p in points] == of(seeded, "recovery-point")


def check_balancers(aws, land, seeded):
    found = [b for page in aws.elbv2.get_paginator("describe_load_balancers").paginate() for b in page["LoadBalancers"] if b["VpcId"] == land.vpc]
    assert sorted(b["Type"] for b in found) == ["application", "network", "network"]
    arns = [b["LoadBalancerArn"] for b in found]
    by_name = {b["LoadBalancerName"]: b for b in found}
    gateway = next(b for name, b in by_name.items() if name.startswith("k8s-web-gateway-"))
    assert {z["SubnetId"] for z in gateway["AvailabilityZones"]} == set(land.public)
    tags = tag_map(aws.elbv2.describe_tags(ResourceArns=[gateway["LoadBalancerArn"]])["TagDescriptions"][0]["Tags"])
    assert tags == {"elbv2.k8s.aws/cluster": land.name, "service.k8s.aws/stack": "web/gateway", "service.k8s.aws/resource": "LoadBalancer"}
    groups = [g for page in aws.elbv2.get_paginator("describe_target_groups").paginate() for g in page["TargetGroups"]
              if set(g["LoadBalancerArns"]) & set(arns)]
    assert len(groups) == 3 == len(of(seeded, "listener"))
    assert code(aws.elbv2.delete_target_group, TargetGroupArn=groups[0]["TargetGroupArn"]) == "ResourceInUse"
    assert all(not e["Groups"] for e in land.interfaces(description=f"ELB net/{next(n for n in by_name if not n.startswith('k8s-'))}/*"))
    classics = [b for b in aws.elb.describe_load_balancers()["LoadBalancerDescriptions"] if b["VPCId"] == land.vpc]
    assert len(classics) == 1 and len(classics[0]["LoadBalancerName"]) == 32
    name = classics[0]["LoadBalancerName"]
    tags = tag_map(aws.elb.describe_tags(LoadBalancerNames=[name])["TagDescriptions"][0]["Tags"])
    assert tags == {f"kubernetes.io/cluster/{land.name}": "owned", "kubernetes.io/service-name": "default/legacy"}
    held = land.interfaces(description=f"ELB {name}")
    assert {e["SubnetId"] for e in held} == set(land.public)
    assert all(e["RequesterManaged"] and e["RequesterId"] == "amazon-elb" and e["Status"] == "in-use" for e in held)


def check_groups(aws, land):
    groups = aws.ec2.get_paginator("describe_security_groups").paginate(
        Filters=[{"Name": "vpc-id", "Values": [land.vpc]}]).build_full_result()["SecurityGroups"]
    names = {g["GroupName"]: g for g in groups}
    shared = next(g for n, g in names.items() if n.startswith(f"k8s-traffic-{land.name}-"))
    assert tag_map(shared["Tags"]) == {"elbv2.k8s.aws/cluster": land.name, "elbv2.k8s.aws/resource": "backend-sg"}
    assert code(aws.ec2.delete_security_group, GroupId=shared["GroupId"]) == "DependencyViolation"
    elb = next(g for n, g in names.items() if n.startswith("k8s-elb-"))
    for group in groups:
        sources = {p["GroupId"]: p.get("Description") for rule in group["IpPermissions"] for p in rule["UserIdGroupPairs"]}
        if group["GroupId"] in (land.cluster_group, land.nodes_group):
            assert sources[shared["GroupId"]] == "elbv2.k8s.aws/targetGroupBinding=shared"
        if group["GroupId"] == land.cluster_group:
            assert elb["GroupId"] in sources


def check_interfaces(aws, land):
    found = land.interfaces(status="available")
    assert len(found) == 2 and all(e["Description"].startswith("aws-K8S-i-") for e in found)
    for eni in found:
        tags = tag_map(eni["TagSet"])
        assert tags["cluster.k8s.amazonaws.com/name"] == land.name and tags["eks:eni:owner"] == "amazon-vpc-cni"
        assert eni["Description"] == f"aws-K8S-{tags['node.k8s.amazonaws.com/instance_id']}"
        assert eni["SubnetId"] in land.private and [g["GroupId"] for g in eni["Groups"]] == [land.cluster_group]


def check_volumes(aws, land, seeded):
    volumes = aws.ec2.describe_volumes(Filters=[{"Name": "tag:ebs.csi.aws.com/cluster", "Values": ["true"]},
                                                {"Name": "tag:domino-eks:cluster", "Values": [land.name]}])["Volumes"]
    assert sorted(v["State"] for v in volumes) == ["available", "in-use"] and {v["Size"] for v in volumes} == {50}
    assert {v["VolumeId"] for v in volumes} == set(of(seeded, "volume"))
    assert tag_map(volumes[0]["Tags"])["team"] == "ml"
    used = next(v for v in volumes if v["State"] == "in-use")
    assert used["Attachments"][0]["InstanceId"] == land.instances()[0]["InstanceId"]
    assert code(aws.ec2.delete_volume, VolumeId=used["VolumeId"]) == "VolumeInUse"
    found = aws.ec2.describe_snapshots(OwnerIds=["self"], Filters=[{"Name": "volume-id", "Values": [used["VolumeId"]]}])["Snapshots"]
    assert len(found) == 2 and all(tag_map(s["Tags"])["CSIVolumeSnapshotName"].startswith("snapshot-") for s in found)


def test_volume_outlives_its_node_and_parts(aws):
    land = Land(aws)
    seeded = aws.seed("leftovers", cluster=land.name, only=["volumes"])
    assert {e["part"] for e in seeded} == {"volumes"} and {e["type"] for e in seeded} == {"volume"}
    land.end_nodes()
    volumes = of(seeded, "volume")
    until(lambda: [v["State"] for v in aws.ec2.describe_volumes(VolumeIds=volumes)["Volumes"]] == ["available"] * 2)


def test_leftovers_can_be_cleared(aws):
    """In the order that AWS wants: balancers, target groups, rules, groups; their interfaces go late."""
    land = Land(aws, nodes=0)
    seeded = aws.seed("leftovers", cluster=land.name, only=["lbc", "ccm", "interfaces"])
    groups = of(seeded, "security-group")
    assert len(groups) == 4
    for entry in seeded:
        if entry["service"] == "elbv2" and entry["type"] == "load-balancer":
            aws.elbv2.delete_load_balancer(LoadBalancerArn=entry["id"])
        elif entry["service"] == "elb":
            aws.elb.delete_load_balancer(LoadBalancerName=entry["id"])
        elif entry["part"] == "interfaces":
            aws.ec2.delete_network_interface(NetworkInterfaceId=entry["id"])
    for arn in of(seeded, "target-group"):
        aws.elbv2.delete_target_group(TargetGroupArn=arn)
    assert code(aws.ec2.delete_subnet, SubnetId=land.public[0]) == "DependencyViolation"
    until(lambda: not land.interfaces(requester_id="amazon-elb"))
    shared = next(e["id"] for e in seeded if e.get("name", "").startswith("k8s-traffic-"))
    assert code(aws.ec2.delete_security_group, GroupId=shared) == "DependencyViolation", "rules name it"
    for own in (land.cluster_group, land.nodes_group):
        ids = [r["SecurityGroupRuleId"] for page in aws.ec2.get_paginator("describe_security_group_rules").paginate(
            Filters=[{"Name": "group-id", "Values": [own]}]) for r in page["SecurityGroupRules"]
            if r.get("ReferencedGroupInfo", {}).get("GroupId") in groups]
        aws.ec2.revoke_security_group_ingress(GroupId=own, SecurityGroupRuleIds=ids)
    for group in groups:
        aws.ec2.delete_security_group(GroupId=group)
    aws.ec2.delete_subnet(SubnetId=land.public[0])
    left = {(e["type"], e["id"]) for e in aws.inventory()}
    assert not left & {(e["type"], e["id"]) for e in seeded}


def test_seeds_are_under_no_fault(aws, land):
    rules = {"faults": [{"mode": "throttle", "times": 0, "service": "ec2"}, {"mode": "stale", "service": "ec2", "operation": "CreateNetworkInterface",
                                                                             "seconds": 60}]}
    with urllib.request.urlopen(urllib.request.Request(f"{aws.url}/_emulator/faults", json.dumps(rules).encode(), method="POST")) as answer:
        ids = json.load(answer)["ids"]
    try:
        seeded = aws.seed("leftovers", cluster=land.name, only=["interfaces"])
    finally:
        told = aws.control("faults")
        aws.control("faults", "DELETE")
    assert [rule["struck"] for rule in told if rule["id"] in ids] == [0, 0]
    for eni in of(seeded, "network-interface"):
        aws.ec2.delete_network_interface(NetworkInterfaceId=eni)


def test_leak(aws):
    land = Land(aws, nodes=2)
    assert aws.seed("leak", cluster=land.name, interfaces=2, cluster_security_group=True, log_group=True) == []
    assert not land.interfaces(status="available")
    land.end_nodes()
    until(lambda: len(land.interfaces(status="available")) == 2)
    assert {e["SubnetId"] for e in land.interfaces(status="available")} == {land.private[0]}
    assert {g["GroupId"] for e in land.interfaces(status="available") for g in e["Groups"]} == {land.cluster_group}
    until(lambda: not land.instances())
    aws.eks.delete_cluster(name=land.name)
    until(land.is_gone)
    group = aws.ec2.describe_security_groups(GroupIds=[land.cluster_group])["SecurityGroups"][0]
    assert group["GroupName"].startswith(f"eks-cluster-sg-{land.name}-")
    log = f"/aws/eks/{land.name}/cluster"
    aws.logs.delete_log_group(logGroupName=log)
    again = until(lambda: aws.logs.describe_log_groups(logGroupNamePrefix=log)["logGroups"])
    assert "retentionInDays" not in again[0]
    # It is still being written to: the first deletion meets that.
    assert code(aws.logs.delete_log_group, logGroupName=log) == "OperationAbortedException"
    aws.logs.delete_log_group(logGroupName=log)
    for eni in land.interfaces(status="available"):
        aws.ec2.delete_network_interface(NetworkInterfaceId=eni["NetworkInterfaceId"])
    aws.ec2.delete_security_group(GroupId=land.cluster_group)


def test_karpenter(aws, land):
    node = of(aws.seed("karpenter", cluster=land.name), "instance")
    found = aws.ec2.describe_instances(InstanceIds=node)["Reservations"][0]["Instances"][0]
    tags = tag_map(found["Tags"])
    assert found["State"]["Name"] == "running" and found["VpcId"] == land.vpc and found["SubnetId"] in land.private
    assert tags[f"kubernetes.io/cluster/{land.name}"] == "owned" and "karpenter.sh/nodepool" in tags
    assert "aws:autoscaling:groupName" not in tags
    aws.ec2.terminate_instances(InstanceIds=node)
    until(lambda: not [i for i in land.interfaces() if i.get("Attachment", {}).get("InstanceId") == node[0]])


def test_guardduty(aws, land):
    seeded = aws.seed("guardduty", cluster=land.name)
    endpoint, group = of(seeded, "vpc-endpoint")[0], of(seeded, "security-group")[0]
    found = aws.ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"][0]
    assert found["ServiceName"].endswith(".guardduty-data") and found["VpcId"] == land.vpc and found["Groups"][0]["GroupId"] == group
    made = aws.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    assert made["GroupName"] == f"GuardDutyManagedSecurityGroup-{land.vpc}"
    assert all(tag_map(thing["Tags"])["GuardDutyManaged"] == "true" for thing in (found, made))
    assert code(aws.ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    assert aws.ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])["Unsuccessful"] == []
    until(lambda: not land.interfaces(description=f"VPC Endpoint Interface {endpoint}"))
    aws.ec2.delete_security_group(GroupId=group)


def test_neighbours(aws, land):
    seeded = aws.seed("neighbours", cluster=land.name)
    other = f"{land.name}-2"
    assert aws.eks.describe_cluster(name=other)["cluster"]["status"] == "ACTIVE"
    cidr = {v["CidrBlock"] for v in aws.ec2.describe_vpcs(VpcIds=[land.vpc, *of(seeded, "vpc")])["Vpcs"]}
    assert len(cidr) == 1
    kinds = {e["type"] for e in seeded}
    assert kinds >= {"vpc", "subnet", "internet-gateway", "route-table", "security-group", "network-interface", "cluster", "volume",
                     "auto-scaling-group", "launch-template", "instance", "log-group", "bucket", "role", "policy", "instance-profile",
                     "snapshot", "file-system", "mount-target", "load-balancer", "target-group", "listener", "key", "alias", "elastic-ip"}
    assert {f"{land.bucket}-team-b", f"{land.name}-blobs-team-b", f"{land.name}-scratch"} == set(of(seeded, "bucket"))
    assert {e["service"] for e in seeded if e["type"] == "load-balancer"} == {"elb", "elbv2"}
    group = aws.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[f"{other}-workers"])["AutoScalingGroups"][0]
    assert [i["LifecycleState"] for i in group["Instances"]] == ["InService"]
    mine = {(e["type"], e["id"]) for e in seeded}

    def theirs():
        return [e for e in aws.inventory() if (e["type"], e["id"]) in mine]

    first = theirs()
    assert len(first) == len(mine)
    time.sleep(2)
    assert theirs() == first, "nothing changes by itself"
    assert "there already" in bad(aws, "neighbours", cluster=land.name)


@pytest.mark.parametrize("attached", [True, False])
def test_foreign(aws, land, attached):
    seeded = aws.seed("foreign", cluster=land.name, attached=attached)
    eni = land.interfaces(description="bastion of team b")[0]
    assert eni["Status"] == ("in-use" if attached else "available") and eni["SubnetId"] in land.private
    assert tag_map(eni["TagSet"]) == {"team": "b", "Name": "bastion"} and eni["Groups"][0]["GroupName"] == "team-b-bastion"
    assert ("instance" in {e["type"] for e in seeded}) == attached
    if attached:
        assert code(aws.ec2.delete_network_interface, NetworkInterfaceId=eni["NetworkInterfaceId"]) == "InvalidParameterValue"
    assert aws.seed("remove-foreign") == []
    assert not land.interfaces(description="bastion of team b")
    assert not {e["id"] for e in seeded} & {e["id"] for e in aws.inventory()}
