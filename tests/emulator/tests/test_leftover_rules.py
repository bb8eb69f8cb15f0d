"""What AWS refuses, answers and finds when somebody clears up after Kubernetes."""

from __future__ import annotations

import pytest
from helpers import code, fresh, refusal, until
from land import Land

LISTENER = [{"Protocol": "TCP", "LoadBalancerPort": 80, "InstanceProtocol": "TCP", "InstancePort": 31234}]


@pytest.fixture(scope="module")
def vpc(aws):
    return aws.vpc(2, gateway=True)


def balancer(aws, vpc, **more):
    return aws.elbv2.create_load_balancer(Name=fresh("lb"), Type="network", Subnets=vpc.subnets, **more)["LoadBalancers"][0]["LoadBalancerArn"]


def target(aws, vpc):
    return aws.elbv2.create_target_group(Name=fresh("tg"), Protocol="TCP", Port=80, VpcId=vpc.id)["TargetGroups"][0]["TargetGroupArn"]


def found(aws, operation, key, filters, **more):
    wanted = [{"Name": name, "Values": values if isinstance(values, list) else [values]} for name, values in filters.items()]
    return aws.ec2.get_paginator(operation).paginate(Filters=wanted, **more).build_full_result()[key]


def test_twenty_tags_at_once(aws, vpc):
    arn = balancer(aws, vpc)
    assert code(aws.elbv2.describe_tags, ResourceArns=[arn] * 21) == "ValidationError"
    assert len(aws.elbv2.describe_tags(ResourceArns=[arn])["TagDescriptions"]) == 1
    assert code(aws.elb.describe_tags, LoadBalancerNames=[f"n{n}" for n in range(21)]) == "ValidationError"
    absent = refusal(aws.elb.describe_tags, LoadBalancerNames=["absent"])
    assert absent["Code"] == "LoadBalancerNotFound" and absent["Status"] == 400
    assert code(aws.elb.describe_load_balancers, LoadBalancerNames=["absent"]) == "LoadBalancerNotFound"
    aws.elbv2.delete_load_balancer(LoadBalancerArn=arn)


def test_absent_balancers_and_groups(aws, vpc):
    arn, group = balancer(aws, vpc), target(aws, vpc)
    gone = arn[:-4] + "0000"
    assert code(aws.elbv2.describe_tags, ResourceArns=[arn, gone]) == "LoadBalancerNotFound"
    assert code(aws.elbv2.describe_load_balancers, LoadBalancerArns=[arn, gone]) == "LoadBalancerNotFound"
    assert code(aws.elbv2.describe_load_balancers, Names=["absent"]) == "LoadBalancerNotFound"
    assert code(aws.elbv2.describe_tags, ResourceArns=[group[:-4] + "0000"]) == "TargetGroupNotFound"
    assert code(aws.elbv2.describe_target_groups, TargetGroupArns=[group, group[:-4] + "0000"]) == "TargetGroupNotFound"
    aws.elbv2.delete_load_balancer(LoadBalancerArn=arn)
    aws.elbv2.delete_load_balancer(LoadBalancerArn=arn)
    aws.elb.delete_load_balancer(LoadBalancerName="absent")
    aws.elbv2.delete_target_group(TargetGroupArn=group)


def test_a_target_group_is_held_by_its_listener(aws, vpc):
    arn, group = balancer(aws, vpc), target(aws, vpc)
    aws.elbv2.create_listener(LoadBalancerArn=arn, Protocol="TCP", Port=80, DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
    held = refusal(aws.elbv2.delete_target_group, TargetGroupArn=group)
    assert held["Code"] == "ResourceInUse" and held["Message"] == f"Target group '{group}' is currently in use by a listener or a rule"
    assert not [e for e in aws.inventory() if e["type"] == "target-group" and e["id"] == group and "vpc" not in e]
    assert ":loadbalancer/net/" in arn
    assert [e for e in aws.inventory() if e["type"] == "listener" and e["id"].startswith(arn.replace(":loadbalancer/", ":listener/"))]
    aws.elbv2.delete_load_balancer(LoadBalancerArn=arn)
    aws.elbv2.delete_target_group(TargetGroupArn=group)


def test_a_classic_balancer_holds_its_subnets_until_late(aws, vpc):
    name, group = fresh("classic"), vpc.group()
    aws.elb.create_load_balancer(LoadBalancerName=name, Subnets=vpc.subnets, SecurityGroups=[group], Listeners=LISTENER)
    held = found(aws, "describe_network_interfaces", "NetworkInterfaces", {"vpc-id": vpc.id, "description": f"ELB {name}"})
    assert len(held) == 2 and held[0]["Attachment"]["Status"] == "attached" and held[0]["RequesterManaged"]
    for call in (lambda eni: aws.ec2.delete_network_interface(NetworkInterfaceId=eni["NetworkInterfaceId"]),
                 lambda eni: aws.ec2.detach_network_interface(AttachmentId=eni["Attachment"]["AttachmentId"], Force=True)):
        denied = refusal(lambda: call(held[0]))
        assert denied["Code"] == "OperationNotPermitted"
        assert denied["Message"] == "You do not have permission to access the specified resource."
    assert [e["name"] for e in aws.inventory() if e["service"] == "elb" and e["name"] == name] == [name]
    aws.elb.delete_load_balancer(LoadBalancerName=name)
    assert code(aws.ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    until(lambda: not found(aws, "describe_network_interfaces", "NetworkInterfaces", {"group-id": group}))
    aws.ec2.delete_security_group(GroupId=group)


def test_interface_in_use_and_filters(aws, vpc):
    group = vpc.group()
    eni = aws.ec2.create_network_interface(SubnetId=vpc.subnets[0], Groups=[group], TagSpecifications=[
        {"ResourceType": "network-interface", "Tags": [{"Key": "k", "Value": "v"}]}])["NetworkInterface"]["NetworkInterfaceId"]
    for filters in ({"vpc-id": vpc.id, "status": "available"}, {"subnet-id": vpc.subnets[0], "group-id": group}, {"tag:k": "v", "group-id": group},
                    {"tag-key": "k", "group-id": group}):
        assert [e["NetworkInterfaceId"] for e in found(aws, "describe_network_interfaces", "NetworkInterfaces", filters)] == [eni], filters
    for filters in ({"group-id": group, "status": "in-use"}, {"group-id": group, "attachment.status": "attached"}, {"group-id": group, "tag:k": "w"}):
        assert not found(aws, "describe_network_interfaces", "NetworkInterfaces", filters)
    assert code(aws.ec2.describe_network_interfaces, Filters=[{"Name": "colour", "Values": ["x"]}]) == "InvalidParameterValue"
    error = refusal(aws.ec2.delete_security_group, GroupId=group)
    assert error["Code"] == "DependencyViolation" and error["Message"] == f"resource {group} has a dependent object"
    aws.ec2.delete_network_interface(NetworkInterfaceId=eni)
    assert code(aws.ec2.delete_network_interface, NetworkInterfaceId=eni) == "InvalidNetworkInterfaceID.NotFound"
    aws.ec2.delete_security_group(GroupId=group)


def test_groups_that_rules_name(aws, vpc):
    one, two = vpc.group(), vpc.group()
    pair = [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": two, "Description": "why"}]}]
    aws.ec2.authorize_security_group_ingress(GroupId=one, IpPermissions=pair)
    assert code(aws.ec2.delete_security_group, GroupId=two) == "DependencyViolation"
    groups = found(aws, "describe_security_groups", "SecurityGroups", {"ip-permission.group-id": two})
    assert [g["GroupId"] for g in groups] == [one]
    assert not found(aws, "describe_security_groups", "SecurityGroups", {"ip-permission.group-id": one})
    rules = found(aws, "describe_security_group_rules", "SecurityGroupRules", {"group-id": one})
    named = [r for r in rules if r.get("ReferencedGroupInfo", {}).get("GroupId") == two]
    assert len(named) == 1 and named[0]["Description"] == "why" and not named[0]["IsEgress"]
    assert code(aws.ec2.describe_security_group_rules, Filters=[{"Name": "colour", "Values": ["x"]}]) == "InvalidParameterValue"
    aws.ec2.revoke_security_group_ingress(GroupId=one, SecurityGroupRuleIds=[named[0]["SecurityGroupRuleId"]])
    aws.ec2.delete_security_group(GroupId=two)
    aws.ec2.delete_security_group(GroupId=one)


def disk(aws, **tags):
    pairs = [{"Key": k, "Value": v} for k, v in ({"Name": "disk"} | tags).items()]
    return aws.ec2.create_volume(AvailabilityZone="us-west-2a", Size=5, TagSpecifications=[{"ResourceType": "volume", "Tags": pairs}])["VolumeId"]


def test_volumes_and_snapshots(aws):
    mark = fresh("mark")
    volume = disk(aws, mark=mark)
    assert [v["VolumeId"] for v in found(aws, "describe_volumes", "Volumes", {"tag:mark": mark, "status": "available"})] == [volume]
    assert not found(aws, "describe_volumes", "Volumes", {"tag:mark": mark, "attachment.status": "attached"})
    assert code(aws.ec2.describe_volumes, Filters=[{"Name": "colour", "Values": ["x"]}]) == "InvalidParameterValue"
    snapshot = aws.ec2.create_snapshot(VolumeId=volume, TagSpecifications=[
        {"ResourceType": "snapshot", "Tags": [{"Key": "mark", "Value": mark}]}])["SnapshotId"]
    seen = found(aws, "describe_snapshots", "Snapshots", {"tag:mark": mark}, OwnerIds=["self"])
    assert [(s["SnapshotId"], s["VolumeId"], s["State"]) for s in seen] == [(snapshot, volume, "completed")]
    assert found(aws, "describe_snapshots", "Snapshots", {"tag:mark": mark}, OwnerIds=["111111111111"]) == []
    own = found(aws, "describe_snapshots", "Snapshots", {}, OwnerIds=["self"])
    assert {s["OwnerId"] for s in own} == {"123456789012"}
    tags = found(aws, "describe_tags", "Tags", {"key": "mark", "value": mark, "resource-type": "snapshot"})
    assert [t["ResourceId"] for t in tags] == [snapshot]
    assert [t["ResourceType"] for t in found(aws, "describe_tags", "Tags", {"resource-id": volume, "key": "mark"})] == ["volume"]
    assert code(aws.ec2.describe_tags, Filters=[{"Name": "colour", "Values": ["x"]}]) == "InvalidParameterValue"
    aws.ec2.delete_volume(VolumeId=volume)
    going = found(aws, "describe_volumes", "Volumes", {"volume-id": volume})
    assert [(v["State"], v["Tags"] != []) for v in going] == [("deleting", True)]
    assert code(aws.ec2.delete_volume, VolumeId=volume) == "IncorrectState"
    until(lambda: not found(aws, "describe_volumes", "Volumes", {"volume-id": volume}))
    assert code(aws.ec2.delete_volume, VolumeId=volume) == "InvalidVolume.NotFound"
    assert code(aws.ec2.describe_volumes, VolumeIds=[volume]) == "InvalidVolume.NotFound"
    aws.ec2.delete_snapshot(SnapshotId=snapshot)
    assert code(aws.ec2.delete_snapshot, SnapshotId=snapshot) == "InvalidSnapshot.NotFound"
    assert found(aws, "describe_tags", "Tags", {"value": mark}) == []


def test_a_snapshot_of_an_image(aws, vpc):
    snapshot = aws.ec2.create_snapshot(VolumeId=disk(aws))["SnapshotId"]
    image = aws.ec2.register_image(Name=fresh("image"), RootDeviceName="/dev/xvda", BlockDeviceMappings=[
        {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot}}])["ImageId"]
    assert code(aws.ec2.delete_snapshot, SnapshotId=snapshot) == "InvalidSnapshot.InUse"
    aws.ec2.deregister_image(ImageId=image)
    aws.ec2.delete_snapshot(SnapshotId=snapshot)


def test_instances_and_their_disks(aws):
    land = Land(aws)
    instance = land.instances()[0]["InstanceId"]
    for filters in ({"vpc-id": land.vpc, "instance-state-name": ["running", "shutting-down"]}, {"subnet-id": land.private[0]},
                    {"tag:domino-eks:cluster": land.name}, {"instance.group-id": land.nodes_group}, {"tag-key": f"kubernetes.io/cluster/{land.name}"}):
        reservations = found(aws, "describe_instances", "Reservations", filters)
        assert [i["InstanceId"] for r in reservations for i in r["Instances"]] == [instance], filters
    assert not found(aws, "describe_instances", "Reservations", {"vpc-id": land.vpc, "instance-state-name": "stopped"})
    assert code(aws.ec2.describe_instances, Filters=[{"Name": "colour", "Values": ["x"]}]) == "InvalidParameterValue"
    own = found(aws, "describe_volumes", "Volumes", {"attachment.instance-id": instance})
    assert code(aws.ec2.delete_volume, VolumeId=own[0]["VolumeId"]) == "VolumeInUse"
    eni = land.interfaces(attachment__status="attached")
    used = next(e for e in eni if e.get("Attachment", {}).get("InstanceId") == instance)
    error = refusal(aws.ec2.delete_network_interface, NetworkInterfaceId=used["NetworkInterfaceId"])
    assert error["Code"] == "InvalidParameterValue" and error["Message"] == f"Network interface '{used['NetworkInterfaceId']}' is currently in use."
    aws.autoscaling.update_auto_scaling_group(AutoScalingGroupName=land.group, MinSize=0, MaxSize=0, DesiredCapacity=0)
    assert [i["LifecycleState"] for i in land.instances()] == ["Terminating"]
    until(lambda: land.instances() == [])
    assert not land.interfaces(status="in-use", requester_managed="false")


def test_more_balancers_than_moto_shows(aws, vpc):
    names = [fresh("many") for _ in range(52)]
    for name in names:
        aws.elb.create_load_balancer(LoadBalancerName=name, Subnets=vpc.subnets[:1], SecurityGroups=[], Listeners=LISTENER)
    pages = aws.elb.get_paginator("describe_load_balancers").paginate()
    assert set(names) <= {b["LoadBalancerName"] for page in pages for b in page["LoadBalancerDescriptions"]}
    for name in names:
        aws.elb.delete_load_balancer(LoadBalancerName=name)


def test_two_hundred_values_in_a_filter(aws):
    many = [f"vol-{number:017x}" for number in range(201)]
    assert aws.ec2.describe_volumes(Filters=[{"Name": "volume-id", "Values": many[:200]}])["Volumes"] == []
    for ask in (aws.ec2.describe_volumes, aws.ec2.describe_instances, aws.ec2.describe_network_interfaces):
        name = "subnet-id" if ask == aws.ec2.describe_network_interfaces else "tag:x"
        assert code(ask, Filters=[{"Name": name, "Values": many}]) == "FilterLimitExceeded"
