"""Images, instance types, launch templates, instances."""

from __future__ import annotations

import base64

import pytest
from helpers import code, fresh, until

NAME = "amazon-eks-node-al2023-x86_64-standard-1.35-*"


def images(aws, name):
    found = aws.ec2.get_paginator("describe_images").paginate(Owners=["amazon"], Filters=[{"Name": "name", "Values": [name]}])
    return sorted(found.build_full_result()["Images"], key=lambda image: image["CreationDate"])


@pytest.mark.parametrize("version", ["1.33", "1.34", "1.35", "1.36"])
@pytest.mark.parametrize("variant", ["standard", "nvidia"])
@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_eks_images_and_parameters_agree(aws, version, variant, architecture):
    found = images(aws, f"amazon-eks-node-al2023-{architecture}-{variant}-{version}-*")
    assert [image["Name"][-9:] for image in found] == ["v20260618", "v20260714"]
    assert found[1]["CreationDate"].startswith("2026-07-14") and found[1]["RootDeviceName"] == "/dev/xvda"
    assert found[1]["Architecture"] == architecture
    name = f"/aws/service/eks/optimized-ami/{version}/amazon-linux-2023/{architecture}/{variant}/recommended/image_id"
    assert aws.ssm.get_parameter(Name=name)["Parameter"]["Value"] == found[1]["ImageId"]


def test_al2_images_stop_at_1_32(aws):
    assert len(images(aws, "amazon-eks-node-1.32-*")) == 1 and len(images(aws, "amazon-eks-gpu-node-1.32-*")) == 1
    assert not images(aws, "amazon-eks-node-1.33-*")
    assert code(aws.ssm.get_parameter, Name="/aws/service/eks/optimized-ami/1.33/amazon-linux-2/recommended/image_id") == "ParameterNotFound"
    both = aws.ssm.get_parameters(Names=["/aws/service/eks/optimized-ami/1.32/amazon-linux-2/recommended/image_id", "/aws/service/x"])
    assert len(both["Parameters"]) == 1 and both["InvalidParameters"] == ["/aws/service/x"]


def test_retired_instance_types(aws):
    assert code(aws.ec2.describe_instance_types, InstanceTypes=["p3.2xlarge"]) == "InvalidInstanceType"
    found = aws.ec2.describe_instance_types(InstanceTypes=["g5.2xlarge", "m5.4xlarge"])["InstanceTypes"]
    assert {t["InstanceType"]: t["VCpuInfo"]["DefaultVCpus"] for t in found} == {"g5.2xlarge": 8, "m5.4xlarge": 16}
    offers = aws.ec2.describe_instance_type_offerings(LocationType="availability-zone", Filters=[
        {"Name": "instance-type", "Values": ["p2.xlarge", "p3.2xlarge", "g3.4xlarge", "g5.2xlarge"]}])["InstanceTypeOfferings"]
    assert {(o["InstanceType"], o["Location"]) for o in offers} == {("g5.2xlarge", f"us-west-2{z}") for z in "abc"}


def test_launch_template_versions(aws):
    name, data = fresh("lt"), {"ImageId": aws.image(), "InstanceType": "m5.2xlarge"}
    made = aws.ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data, ClientToken=name)["LaunchTemplate"]
    assert (made["LatestVersionNumber"], made["DefaultVersionNumber"]) == (1, 1)
    identity = made["LaunchTemplateId"]
    again = aws.ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data, ClientToken=name)["LaunchTemplate"]
    assert again["LaunchTemplateId"] == identity
    assert code(aws.ec2.create_launch_template, LaunchTemplateName=name, LaunchTemplateData=data | {"InstanceType": "m5.4xlarge"},
                ClientToken=name) == "IdempotentParameterMismatch"
    assert code(aws.ec2.create_launch_template, LaunchTemplateName=name, LaunchTemplateData=data) == \
        "InvalidLaunchTemplateName.AlreadyExistsException"
    version = {"LaunchTemplateId": identity, "SourceVersion": "1", "LaunchTemplateData": {"InstanceType": "m5.4xlarge"},
               "ClientToken": fresh("token")}
    first = aws.ec2.create_launch_template_version(**version)["LaunchTemplateVersion"]
    assert first["VersionNumber"] == 2 and first["LaunchTemplateData"]["ImageId"] == data["ImageId"]
    assert aws.ec2.create_launch_template_version(**version)["LaunchTemplateVersion"]["VersionNumber"] == 2
    everyone = aws.ec2.get_paginator("describe_launch_template_versions").paginate(Versions=["$Latest"]).build_full_result()
    mine = [v for v in everyone["LaunchTemplateVersions"] if v["LaunchTemplateId"] == identity]
    assert [v["VersionNumber"] for v in mine] == [2]
    assert code(aws.ec2.describe_launch_template_versions, LaunchTemplateId=identity, Versions=["9"]) == \
        "InvalidLaunchTemplateId.VersionNotFound"


def test_user_data(aws):
    big = base64.b64encode(b"x" * (16 * 1024 + 1)).decode()
    data = {"ImageId": aws.image(), "InstanceType": "m5.2xlarge"}
    assert code(aws.ec2.create_launch_template, LaunchTemplateName=fresh("lt"), LaunchTemplateData=data | {"UserData": big}) == \
        "InvalidParameterValue"
    assert code(aws.ec2.create_launch_template, LaunchTemplateName=fresh("lt"), LaunchTemplateData=data | {"UserData": "#!/bin/bash"}) == \
        "InvalidUserData.Malformed"


def test_absent_image_only_warns(aws):
    made = aws.ec2.create_launch_template(LaunchTemplateName=fresh("lt"),
                                          LaunchTemplateData={"ImageId": "ami-0123456789abcdef0", "InstanceType": "m5.large"})
    assert made["Warning"]["Errors"][0]["Code"] == "InvalidAMIID.NotFound"


def test_instances_live_and_die(aws):
    vpc = aws.vpc(1)
    group = vpc.group()
    template = aws.template(SecurityGroupIds=[group], BlockDeviceMappings=[
        {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 128, "VolumeType": "gp3", "DeleteOnTermination": True}}])
    arguments = {"LaunchTemplate": {"LaunchTemplateId": template}, "SubnetId": vpc.subnets[0], "MinCount": 1, "MaxCount": 1,
                 "ClientToken": fresh("token")}
    instance = aws.ec2.run_instances(**arguments)["Instances"][0]
    assert instance["State"]["Name"] == "pending" and instance["ImageId"] == aws.image()
    assert aws.ec2.run_instances(**arguments)["Instances"][0]["InstanceId"] == instance["InstanceId"]
    identity = instance["InstanceId"]

    def state():
        return aws.ec2.describe_instances(InstanceIds=[identity])["Reservations"][0]["Instances"][0]["State"]["Name"]

    until(lambda: state() == "running")
    volume = aws.ec2.describe_instances(InstanceIds=[identity])["Reservations"][0]["Instances"][0]["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    assert code(aws.ec2.delete_volume, VolumeId=volume) == "VolumeInUse"
    assert code(aws.ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    assert code(aws.ec2.delete_subnet, SubnetId=vpc.subnets[0]) == "DependencyViolation"
    aws.ec2.terminate_instances(InstanceIds=[identity])
    assert state() == "shutting-down"
    until(lambda: state() == "terminated")
    assert not [e for e in aws.inventory() if e.get("subnet") == vpc.subnets[0]], "a terminated instance keeps nothing"
    aws.ec2.delete_security_group(GroupId=group)
    aws.ec2.delete_subnet(SubnetId=vpc.subnets[0])


def test_run_instances_refusals(aws):
    vpc = aws.vpc(1)
    good = {"ImageId": aws.image(), "InstanceType": "m5.large", "SubnetId": vpc.subnets[0], "MinCount": 1, "MaxCount": 1}
    assert code(aws.ec2.run_instances, **good | {"ImageId": "ami-0123456789abcdef0"}) == "InvalidAMIID.NotFound"
    assert code(aws.ec2.run_instances, **good | {"InstanceType": "p3.2xlarge"}) == "InvalidParameterValue"
    assert code(aws.ec2.run_instances, **good | {"LaunchTemplate": {"LaunchTemplateId": "lt-0123456789abcdef0"}}) == \
        "InvalidLaunchTemplateId.NotFound"
    assert code(aws.ec2.run_instances, **good | {"SubnetId": "subnet-0123456789abcdef0"}) == "InvalidSubnetID.NotFound"


@pytest.mark.parametrize("attribute", ["DisableApiTermination", "DisableApiStop"])
def test_protected_instances(aws, attribute):
    """Stop protection keeps an instance from being terminated, too."""
    vpc = aws.vpc(1)
    made = aws.ec2.run_instances(ImageId=aws.image(), InstanceType="m5.large", MinCount=1, MaxCount=1, SubnetId=vpc.subnets[0])
    identity = made["Instances"][0]["InstanceId"]
    wire = attribute[0].lower() + attribute[1:]

    def shown():
        return aws.ec2.describe_instance_attribute(InstanceId=identity, Attribute=wire)[attribute]["Value"]

    assert shown() is False
    for on in (True, False):
        aws.ec2.modify_instance_attribute(InstanceId=identity, **{attribute: {"Value": on}})
        assert shown() is on
        if on:
            assert code(aws.ec2.terminate_instances, InstanceIds=[identity]) == "OperationNotPermitted"
    aws.ec2.terminate_instances(InstanceIds=[identity])
