"""Auto Scaling: refusals, instances that come and go, tags, refresh."""

from __future__ import annotations

import time

import pytest
from botocore.exceptions import ClientError
from helpers import code, fresh, refusal, until


@pytest.fixture(scope="module")
def vpc(aws):
    return aws.vpc(3)


@pytest.fixture(scope="module")
def template(aws, vpc):
    return aws.template(SecurityGroupIds=[vpc.group()], BlockDeviceMappings=[
        {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 400, "VolumeType": "gp3", "Encrypted": True, "DeleteOnTermination": True}}],
        TagSpecifications=[{"ResourceType": kind, "Tags": [{"Key": "kind", "Value": kind}]}
                           for kind in ("instance", "volume", "network-interface")])


@pytest.fixture
def arguments(vpc, template):
    return {"AutoScalingGroupName": fresh("asg"), "MinSize": 1, "MaxSize": 3, "VPCZoneIdentifier": vpc.subnets[0],
            "LaunchTemplate": {"LaunchTemplateId": template, "Version": "1"}}


def group_of(aws, name):
    found = aws.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    return found[0] if found else None


def states(aws, name):
    return [i["LifecycleState"] for i in group_of(aws, name)["Instances"]]


def test_refusals(aws, arguments, vpc):
    create = aws.autoscaling.create_auto_scaling_group

    def message(**changes):
        error = refusal(create, **arguments | changes)
        assert error["Code"] == "ValidationError", error
        return error["Message"]

    absent = {"LaunchTemplateId": "lt-0123456789abcdef0", "Version": "1"}
    assert "The specified launch template, with template ID lt-0123456789abcdef0, does not exist" in message(LaunchTemplate=absent)
    assert "The subnet ID 'subnet-0123456789abcdef0' does not exist" in message(VPCZoneIdentifier="subnet-0123456789abcdef0")
    assert "Max bound" in message(MinSize=4)
    assert "Desired capacity:9" in message(DesiredCapacity=9)
    assert "limit of 50" in message(Tags=[{"Key": f"k{n}", "Value": "v"} for n in range(51)])
    assert "aws:" in message(Tags=[{"Key": "aws:x", "Value": "v"}])
    bad_image = aws.template(ImageId="ami-0123456789abcdef0")
    assert "ami-0123456789abcdef0" in message(LaunchTemplate={"LaunchTemplateId": bad_image})
    retired = aws.template(InstanceType="p3.2xlarge")
    assert "p3.2xlarge" in message(LaunchTemplate={"LaunchTemplateId": retired})


def test_profile_is_not_visible_at_once(aws, arguments):
    error = None
    for _ in range(10):  # on a busy machine the call may come after the window
        profile = fresh("profile")
        fresh_template = aws.template(IamInstanceProfile={"Name": profile})
        arguments = arguments | {"AutoScalingGroupName": fresh("asg"), "LaunchTemplate": {"LaunchTemplateId": fresh_template}, "MinSize": 0}
        aws.iam.create_instance_profile(InstanceProfileName=profile)
        try:
            aws.autoscaling.create_auto_scaling_group(**arguments)
        except ClientError as refused:
            error = refused.response["Error"]
            break
        aws.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=arguments["AutoScalingGroupName"])
    assert error["Code"] == "ValidationError"
    assert "You must use a valid fully-formed launch template." in error["Message"]
    assert "iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name" in error["Message"]
    time.sleep(0.1)
    aws.autoscaling.create_auto_scaling_group(**arguments)
    aws.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=arguments["AutoScalingGroupName"])


def test_life_of_a_group(aws, arguments, vpc):
    name = arguments["AutoScalingGroupName"]
    aws.autoscaling.create_auto_scaling_group(**arguments, Tags=[
        {"Key": "Name", "Value": name, "PropagateAtLaunch": True}, {"Key": "hidden", "Value": "x", "PropagateAtLaunch": False}])
    assert code(aws.autoscaling.create_auto_scaling_group, **arguments) == "AlreadyExists"
    assert states(aws, name) == ["Pending"]
    until(lambda: states(aws, name) == ["InService"])
    member = group_of(aws, name)["Instances"][0]
    instance = aws.ec2.describe_instances(InstanceIds=[member["InstanceId"]])["Reservations"][0]["Instances"][0]
    tags = {t["Key"]: t["Value"] for t in instance["Tags"]}
    assert tags["Name"] == name and tags["kind"] == "instance" and "hidden" not in tags and tags["aws:autoscaling:groupName"] == name
    eni = aws.ec2.describe_network_interfaces(MaxResults=5, Filters=[
        {"Name": "attachment.instance-id", "Values": [member["InstanceId"]]}])
    eni = eni["NetworkInterfaces"][0]
    assert eni["SubnetId"] == vpc.subnets[0] and eni["Groups"] and {"Key": "kind", "Value": "network-interface"} in eni["TagSet"]
    volume = instance["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    volume = aws.ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]
    assert volume["Size"] == 400 and {"Key": "kind", "Value": "volume"} in volume["Tags"]
    assert code(aws.ec2.delete_subnet, SubnetId=vpc.subnets[0]) == "DependencyViolation"
    assert code(aws.autoscaling.delete_auto_scaling_group, AutoScalingGroupName=name) == "ResourceInUse"
    aws.autoscaling.update_auto_scaling_group(AutoScalingGroupName=name, MinSize=0, MaxSize=0)
    assert group_of(aws, name)["DesiredCapacity"] == 0 and states(aws, name) == ["Terminating"]
    assert code(aws.autoscaling.delete_auto_scaling_group, AutoScalingGroupName=name) == "ScalingActivityInProgress"
    until(lambda: states(aws, name) == [])
    activities = aws.autoscaling.describe_scaling_activities(AutoScalingGroupName=name)["Activities"]
    assert [a["StatusCode"] for a in activities] == ["Successful", "Successful"]
    aws.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=name)
    assert group_of(aws, name) is None
    assert code(aws.autoscaling.delete_auto_scaling_group, AutoScalingGroupName=name) == "ValidationError"


def test_force_delete_does_not_wait_for_instances(aws, arguments):
    name = arguments["AutoScalingGroupName"]
    aws.autoscaling.create_auto_scaling_group(**arguments | {"MinSize": 2})
    until(lambda: states(aws, name) == ["InService"] * 2)
    instances = [i["InstanceId"] for i in group_of(aws, name)["Instances"]]
    aws.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
    assert group_of(aws, name)["Status"] == "Delete in progress"
    until(lambda: group_of(aws, name) is None)

    def left():
        return {r["Instances"][0]["State"]["Name"] for r in aws.ec2.describe_instances(InstanceIds=instances)["Reservations"]}

    assert left() == {"shutting-down"}
    by_instance = [{"Name": "attachment.instance-id", "Values": instances}]
    held = aws.ec2.describe_network_interfaces(MaxResults=5, Filters=by_instance)["NetworkInterfaces"]
    assert len(held) == 2, "and so are their interfaces"
    until(lambda: left() == {"terminated"})
    assert not {e["id"] for e in aws.inventory()} & set(instances)


def test_new_template_version_and_refresh(aws, arguments, template):
    name = arguments["AutoScalingGroupName"]
    aws.autoscaling.create_auto_scaling_group(**arguments)
    until(lambda: states(aws, name) == ["InService"])
    old = group_of(aws, name)["Instances"][0]
    version = aws.ec2.create_launch_template_version(LaunchTemplateId=template, SourceVersion="1", LaunchTemplateData={
        "InstanceType": "m5.4xlarge"})["LaunchTemplateVersion"]["VersionNumber"]
    aws.autoscaling.update_auto_scaling_group(AutoScalingGroupName=name,
                                              LaunchTemplate={"LaunchTemplateId": template, "Version": str(version)})
    assert group_of(aws, name)["LaunchTemplate"]["Version"] == str(version)
    assert group_of(aws, name)["Instances"][0]["InstanceId"] == old["InstanceId"], "instances stay until they are replaced"
    assert code(aws.autoscaling.cancel_instance_refresh, AutoScalingGroupName=name) == "ActiveInstanceRefreshNotFound"
    aws.autoscaling.start_instance_refresh(AutoScalingGroupName=name)
    assert code(aws.autoscaling.start_instance_refresh, AutoScalingGroupName=name) == "InstanceRefreshInProgress"

    def refresh():
        return aws.autoscaling.describe_instance_refreshes(AutoScalingGroupName=name)["InstanceRefreshes"][0]

    until(lambda: refresh()["Status"] == "Successful")
    until(lambda: states(aws, name) == ["InService"])
    new = group_of(aws, name)["Instances"][0]
    assert new["InstanceId"] != old["InstanceId"] and new["InstanceType"] == "m5.4xlarge"
    aws.autoscaling.start_instance_refresh(AutoScalingGroupName=name)
    aws.autoscaling.cancel_instance_refresh(AutoScalingGroupName=name)
    assert refresh()["Status"] == "Cancelled"
    aws.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)


def test_a_terminated_instance_is_replaced(aws, arguments):
    name = arguments["AutoScalingGroupName"]
    aws.autoscaling.create_auto_scaling_group(**arguments)
    first = group_of(aws, name)["Instances"][0]["InstanceId"]
    aws.ec2.terminate_instances(InstanceIds=[first])
    until(lambda: [i["InstanceId"] for i in group_of(aws, name)["Instances"]] not in ([first], []) and "InService" in states(aws, name))
    aws.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)


def test_tags_and_filters(aws, arguments):
    name, mark = arguments["AutoScalingGroupName"], fresh("mark")
    aws.autoscaling.create_auto_scaling_group(**arguments | {"MinSize": 0}, Tags=[
        {"Key": "kubernetes.io/cluster/demo", "Value": mark, "PropagateAtLaunch": True}])

    def found(filter_name, value):
        groups = aws.autoscaling.describe_auto_scaling_groups(Filters=[{"Name": filter_name, "Values": [value]}])["AutoScalingGroups"]
        return [g["AutoScalingGroupName"] for g in groups]

    assert found("tag:kubernetes.io/cluster/demo", mark) == [name] == found("tag-value", mark)
    assert name in found("tag-key", "kubernetes.io/cluster/demo")
    assert code(aws.autoscaling.describe_auto_scaling_groups, Filters=[{"Name": "nonsense", "Values": ["x"]}]) == "ValidationError"
    tag = group_of(aws, name)["Tags"][0]
    assert tag == {"ResourceId": name, "ResourceType": "auto-scaling-group", "Key": "kubernetes.io/cluster/demo", "Value": mark,
                   "PropagateAtLaunch": True}
    new = {"ResourceId": name, "ResourceType": "auto-scaling-group", "Key": "k", "Value": "v", "PropagateAtLaunch": False}
    aws.autoscaling.create_or_update_tags(Tags=[new])
    assert aws.autoscaling.describe_tags(Filters=[{"Name": "auto-scaling-group", "Values": [name]}, {"Name": "key", "Values": ["k"]}])[
        "Tags"] == [new]
    aws.autoscaling.delete_tags(Tags=[new])
    assert len(group_of(aws, name)["Tags"]) == 1
    assert code(aws.autoscaling.set_desired_capacity, AutoScalingGroupName=name, DesiredCapacity=9) == "ValidationError"
    aws.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=name)


def test_launch_configurations_are_refused(aws, arguments):
    arguments = {k: v for k, v in arguments.items() if k != "LaunchTemplate"}
    assert code(aws.autoscaling.create_auto_scaling_group, **arguments, LaunchConfigurationName="lc") == "UnsupportedOperation"
    assert code(aws.autoscaling.create_auto_scaling_group, **arguments) == "ValidationError"


def test_a_hundred_names_in_a_question(aws):
    many = [f"absent-{number}" for number in range(101)]
    assert aws.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=many[:100])["AutoScalingGroups"] == []
    assert code(aws.autoscaling.describe_auto_scaling_groups, AutoScalingGroupNames=many) == "ValidationError"
