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
