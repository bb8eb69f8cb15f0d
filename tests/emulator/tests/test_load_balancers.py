"""Load balancers hold subnets and security groups until after they are deleted."""

from __future__ import annotations

from helpers import code, fresh, until


def test_interfaces_and_protection(aws):
    vpc = aws.vpc(2, gateway=True)
    group = vpc.group()
    arn = aws.elbv2.create_load_balancer(Name=fresh("lb"), Subnets=vpc.subnets, SecurityGroups=[group])["LoadBalancers"][0]["LoadBalancerArn"]
    assert code(aws.ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    assert code(aws.ec2.delete_subnet, SubnetId=vpc.subnets[0]) == "DependencyViolation"
    protect = {"LoadBalancerArn": arn, "Attributes": [{"Key": "deletion_protection.enabled", "Value": "true"}]}
    aws.elbv2.modify_load_balancer_attributes(**protect)
    assert code(aws.elbv2.delete_load_balancer, LoadBalancerArn=arn) == "OperationNotPermitted"
    protect["Attributes"][0]["Value"] = "false"
    aws.elbv2.modify_load_balancer_attributes(**protect)
    aws.elbv2.delete_load_balancer(LoadBalancerArn=arn)
    assert code(aws.ec2.delete_subnet, SubnetId=vpc.subnets[0]) == "DependencyViolation", "interfaces go late"
    until(lambda: not [e for e in aws.inventory() if e.get("subnet") in vpc.subnets])
    aws.ec2.delete_subnet(SubnetId=vpc.subnets[0])
    aws.ec2.delete_security_group(GroupId=group)


def test_classic(aws):
    vpc, name = aws.vpc(1, gateway=True), fresh("classic")
    group = vpc.group()
    aws.elb.create_load_balancer(LoadBalancerName=name, Subnets=vpc.subnets, SecurityGroups=[group],
                                 Listeners=[{"Protocol": "TCP", "LoadBalancerPort": 80, "InstancePort": 80}])
    assert [e for e in aws.inventory() if e["service"] == "elb" and e["id"] == name]
    interface = aws.ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [group]}])["NetworkInterfaces"][0]
    assert interface["Description"] == f"ELB {name}" and interface["RequesterId"] == "amazon-elb"
    assert code(aws.ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    aws.elb.delete_load_balancer(LoadBalancerName=name)
    assert code(aws.ec2.delete_subnet, SubnetId=vpc.subnets[0]) == "DependencyViolation", "interfaces go late"
    until(lambda: not [e for e in aws.inventory() if e.get("subnet") in vpc.subnets])
    aws.ec2.delete_security_group(GroupId=group)
