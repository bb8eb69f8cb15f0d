"""EC2 networks: what is refused, what depends on what, and what takes time."""

from __future__ import annotations

import pytest
from helpers import code, fresh, refusal, until

S3 = "com.amazonaws.us-west-2.s3"


@pytest.fixture(scope="module")
def vpc(aws):
    return aws.vpc(3, gateway=True)


@pytest.fixture(scope="module")
def nat(aws, vpc):
    address = aws.ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = aws.ec2.create_nat_gateway(SubnetId=vpc.subnets[0], AllocationId=address)["NatGateway"]
    assert made["State"] == "pending"
    until(lambda: nat_state(aws, made["NatGatewayId"]) == "available")
    return made["NatGatewayId"], address


def nat_state(aws, identity):
    return aws.ec2.describe_nat_gateways(NatGatewayIds=[identity])["NatGateways"][0]["State"]


def test_subnet_ranges(aws, vpc):
    assert code(aws.ec2.create_subnet, VpcId=vpc.id, CidrBlock="10.0.0.0/25") == "InvalidSubnet.Conflict"
    assert code(aws.ec2.create_subnet, VpcId=vpc.id, CidrBlock="10.9.0.0/24") == "InvalidSubnet.Range"
    assert code(aws.ec2.create_vpc, CidrBlock="10.0.0.0/8") == "InvalidVpc.Range"


def test_zones(aws):
    zones = aws.ec2.describe_availability_zones()["AvailabilityZones"]
    assert [z["ZoneName"] for z in zones] == ["us-west-2a", "us-west-2b", "us-west-2c", "us-west-2d"]
    assert all(z["ZoneId"].startswith("usw2-az") for z in zones)


def test_vpc_keeps_its_dependencies(aws, vpc):
    bare = aws.vpc(0)
    group = bare.group()
    assert code(aws.ec2.delete_vpc, VpcId=bare.id) == "DependencyViolation"
    aws.ec2.delete_security_group(GroupId=group)
    gateway = aws.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    aws.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=bare.id)
    assert code(aws.ec2.delete_vpc, VpcId=bare.id) == "DependencyViolation"
    assert code(aws.ec2.delete_internet_gateway, InternetGatewayId=gateway) == "DependencyViolation"
    assert code(aws.ec2.attach_internet_gateway, InternetGatewayId=gateway, VpcId=bare.id) == "Resource.AlreadyAssociated"
    aws.ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=bare.id)
    assert code(aws.ec2.detach_internet_gateway, InternetGatewayId=gateway, VpcId=bare.id) == "Gateway.NotAttached"
    table = aws.ec2.create_route_table(VpcId=bare.id)["RouteTable"]["RouteTableId"]
    assert code(aws.ec2.delete_vpc, VpcId=bare.id) == "DependencyViolation"
    aws.ec2.delete_route_table(RouteTableId=table)
    aws.ec2.delete_vpc(VpcId=bare.id)
    assert code(aws.ec2.delete_vpc, VpcId=bare.id) == "InvalidVpcID.NotFound"
    assert code(aws.ec2.delete_vpc, VpcId=vpc.id) == "DependencyViolation"


def test_nat_holds_address_subnet_and_gateway(aws, vpc, nat):
    identity, address = nat
    by_text = [{"Name": "description", "Values": [f"*{identity}"]}]
    interfaces = aws.ec2.describe_network_interfaces(MaxResults=5, Filters=by_text)["NetworkInterfaces"]
    assert interfaces[0]["InterfaceType"] == "nat_gateway" and interfaces[0]["RequesterManaged"]
    assert code(aws.ec2.delete_subnet, SubnetId=vpc.subnets[0]) == "DependencyViolation"
    error = refusal(aws.ec2.detach_internet_gateway, InternetGatewayId=vpc.gateway, VpcId=vpc.id)
    assert error["Code"] == "DependencyViolation" and "mapped public address" in error["Message"]
    assert code(aws.ec2.release_address, AllocationId=address) == "InvalidIPAddress.InUse"
    association = aws.ec2.describe_addresses(AllocationIds=[address])["Addresses"][0]["AssociationId"]
    assert code(aws.ec2.disassociate_address, AssociationId=association) == "AuthFailure"
    assert code(aws.ec2.delete_network_interface, NetworkInterfaceId=interfaces[0]["NetworkInterfaceId"]) == "OperationNotPermitted"


def test_nat_without_gateway_fails_and_deleted_stays_listed(aws):
    vpc = aws.vpc(1)
    address = aws.ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = aws.ec2.create_nat_gateway(SubnetId=vpc.subnets[0], AllocationId=address, ClientToken="lonely")["NatGateway"]
    assert made["State"] == "pending"
    until(lambda: nat_state(aws, made["NatGatewayId"]) == "failed")
    failed = aws.ec2.describe_nat_gateways(NatGatewayIds=[made["NatGatewayId"]])["NatGateways"][0]
    assert failed["FailureCode"] == "Gateway.NotAttached"
    aws.ec2.delete_nat_gateway(NatGatewayId=made["NatGatewayId"])
    assert nat_state(aws, made["NatGatewayId"]) == "deleting"
    until(lambda: nat_state(aws, made["NatGatewayId"]) == "deleted")
    again = aws.ec2.create_nat_gateway(SubnetId=vpc.subnets[0], AllocationId=address, ClientToken="lonely")["NatGateway"]
    assert again["NatGatewayId"] == made["NatGatewayId"], "a token stays bound to what it made"
    aws.ec2.release_address(AllocationId=address)


def test_deleted_nat_frees_its_interface_and_address(aws):
    vpc = aws.vpc(1, gateway=True)
    address = aws.ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = aws.ec2.create_nat_gateway(SubnetId=vpc.subnets[0], AllocationId=address)["NatGateway"]["NatGatewayId"]
    aws.ec2.delete_nat_gateway(NatGatewayId=made)
    until(lambda: nat_state(aws, made) == "deleted")
    aws.ec2.release_address(AllocationId=address)
    assert code(aws.ec2.release_address, AllocationId=address) == "InvalidAllocationID.NotFound"
    aws.ec2.delete_subnet(SubnetId=vpc.subnets[0])


def test_tokens(aws, vpc, nat):
    arguments = {"SubnetId": vpc.subnets[1], "ConnectivityType": "private", "ClientToken": fresh("token")}
    first = aws.ec2.create_nat_gateway(**arguments)["NatGateway"]["NatGatewayId"]
    assert aws.ec2.create_nat_gateway(**arguments)["NatGateway"]["NatGatewayId"] == first
    assert code(aws.ec2.create_nat_gateway, **arguments | {"SubnetId": vpc.subnets[2]}) == "IdempotentParameterMismatch"
    token = fresh("token")
    table = aws.ec2.create_route_table(VpcId=vpc.id, ClientToken=token)["RouteTable"]["RouteTableId"]
    assert aws.ec2.create_route_table(VpcId=vpc.id, ClientToken=token)["RouteTable"]["RouteTableId"] == table
    endpoint = {"VpcId": vpc.id, "ServiceName": S3, "RouteTableIds": [table], "ClientToken": fresh("token")}
    made = aws.ec2.create_vpc_endpoint(**endpoint)["VpcEndpoint"]["VpcEndpointId"]
    assert aws.ec2.create_vpc_endpoint(**endpoint)["VpcEndpoint"]["VpcEndpointId"] == made


def test_absent_nat(aws):
    assert code(aws.ec2.describe_nat_gateways, NatGatewayIds=["nat-0123456789abcdef0"]) == "NatGatewayNotFound"
    assert code(aws.ec2.delete_nat_gateway, NatGatewayId="nat-0123456789abcdef0") == "NatGatewayNotFound"


def test_routes_and_tables(aws, vpc, nat):
    table = aws.ec2.create_route_table(VpcId=vpc.id)["RouteTable"]["RouteTableId"]
    route = {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0"}
    aws.ec2.create_route(**route, NatGatewayId=nat[0])
    assert code(aws.ec2.create_route, **route, NatGatewayId=nat[0]) == "RouteAlreadyExists"
    association = aws.ec2.associate_route_table(RouteTableId=table, SubnetId=vpc.subnets[2])["AssociationId"]
    assert code(aws.ec2.associate_route_table, RouteTableId=table, SubnetId=vpc.subnets[2]) == "Resource.AlreadyAssociated"
    assert code(aws.ec2.delete_route_table, RouteTableId=table) == "DependencyViolation"
    ids = {e["id"] for e in aws.inventory() if e["type"] in ("route", "route-table-association")}
    assert {f"{table}/0.0.0.0/0", association} <= ids
    aws.ec2.disassociate_route_table(AssociationId=association)
    assert code(aws.ec2.disassociate_route_table, AssociationId=association) == "InvalidAssociationID.NotFound"
    aws.ec2.delete_route(**route)
    assert code(aws.ec2.delete_route, **route) == "InvalidRoute.NotFound"
    aws.ec2.delete_route_table(RouteTableId=table)
    main = [t for t in aws.ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc.id]}, {"Name": "association.main",
            "Values": ["true"]}])["RouteTables"]]
    assert code(aws.ec2.delete_route_table, RouteTableId=main[0]["RouteTableId"]) == "DependencyViolation"
    main_association = main[0]["Associations"][0]["RouteTableAssociationId"]
    assert code(aws.ec2.disassociate_route_table, AssociationId=main_association) == "InvalidParameterValue"


def test_security_groups(aws, vpc):
    one, two = vpc.group(), vpc.group()
    rules = aws.ec2.describe_security_groups(GroupIds=[one])["SecurityGroups"][0]
    assert rules["IpPermissionsEgress"][0]["IpRanges"] == [{"CidrIp": "0.0.0.0/0"}] and not rules["IpPermissions"]
    name = rules["GroupName"]
    assert code(aws.ec2.create_security_group, GroupName=name, Description="d", VpcId=vpc.id) == "InvalidGroup.Duplicate"
    permission = [{"IpProtocol": "tcp", "FromPort": 2049, "ToPort": 2049, "UserIdGroupPairs": [{"GroupId": two}]}]
    aws.ec2.authorize_security_group_ingress(GroupId=one, IpPermissions=permission)
    assert code(aws.ec2.authorize_security_group_ingress, GroupId=one, IpPermissions=permission) == "InvalidPermission.Duplicate"
    assert code(aws.ec2.delete_security_group, GroupId=two) == "DependencyViolation"
    aws.ec2.revoke_security_group_ingress(GroupId=one, IpPermissions=permission)
    assert code(aws.ec2.revoke_security_group_ingress, GroupId=one, IpPermissions=permission) == "InvalidPermission.NotFound"
    absent = [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": "sg-0123456789abcdef0"}]}]
    assert code(aws.ec2.authorize_security_group_ingress, GroupId=one, IpPermissions=absent) == "InvalidGroup.NotFound"
    for group in (one, two):
        aws.ec2.delete_security_group(GroupId=group)
    assert code(aws.ec2.delete_security_group, GroupId=one) == "InvalidGroup.NotFound"
    default = aws.ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc.id]}, {"Name": "group-name",
              "Values": ["default"]}])["SecurityGroups"][0]["GroupId"]
    assert code(aws.ec2.delete_security_group, GroupId=default) == "CannotDelete"


def test_group_and_interface_in_use(aws, vpc):
    group = vpc.group()
    eni = aws.ec2.create_network_interface(SubnetId=vpc.subnets[2], Groups=[group])["NetworkInterface"]["NetworkInterfaceId"]
    assert code(aws.ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    assert code(aws.ec2.delete_subnet, SubnetId=vpc.subnets[2]) == "DependencyViolation"
    aws.ec2.delete_network_interface(NetworkInterfaceId=eni)
    assert code(aws.ec2.delete_network_interface, NetworkInterfaceId=eni) == "InvalidNetworkInterfaceID.NotFound"
    aws.ec2.delete_security_group(GroupId=group)


def test_gateway_endpoint(aws, vpc):
    table = aws.ec2.create_route_table(VpcId=vpc.id)["RouteTable"]["RouteTableId"]
    made = aws.ec2.create_vpc_endpoint(VpcId=vpc.id, ServiceName=S3, RouteTableIds=[table])["VpcEndpoint"]
    assert made["State"] == "available"
    assert code(aws.ec2.create_vpc_endpoint, VpcId=vpc.id, ServiceName=S3, RouteTableIds=[table]) == "RouteAlreadyExists"
    bad = "com.amazonaws.us-west-2.nonsense"
    assert code(aws.ec2.create_vpc_endpoint, VpcId=vpc.id, ServiceName=bad, RouteTableIds=[table]) == "InvalidServiceName"
    routes = aws.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    assert any(r.get("GatewayId") == made["VpcEndpointId"] for r in routes)
    done = aws.ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"], "vpce-0123456789abcdef0"])["Unsuccessful"]
    assert [u["Error"]["Code"] for u in done] == ["InvalidVpcEndpointId.NotFound"]
    assert code(aws.ec2.describe_vpc_endpoints, VpcEndpointIds=[made["VpcEndpointId"]]) == "InvalidVpcEndpointId.NotFound"
    assert len(aws.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]) == 1


def test_interface_endpoint(aws, vpc):
    group = vpc.group()
    arguments = {"VpcId": vpc.id, "ServiceName": "com.amazonaws.us-west-2.sts", "VpcEndpointType": "Interface",
                 "SubnetIds": vpc.subnets[:2], "SecurityGroupIds": [group], "PrivateDnsEnabled": True}
    made = aws.ec2.create_vpc_endpoint(**arguments)["VpcEndpoint"]
    identity = made["VpcEndpointId"]
    assert made["State"] == "pending" and len(made["NetworkInterfaceIds"]) == 2
    assert code(aws.ec2.create_vpc_endpoint, **arguments) == "InvalidParameter"
    until(lambda: aws.ec2.describe_vpc_endpoints(VpcEndpointIds=[identity])["VpcEndpoints"][0]["State"] == "available")
    assert code(aws.ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    assert code(aws.ec2.delete_subnet, SubnetId=vpc.subnets[1]) == "DependencyViolation"
    aws.ec2.delete_vpc_endpoints(VpcEndpointIds=[identity])
    assert aws.ec2.describe_vpc_endpoints(VpcEndpointIds=[identity])["VpcEndpoints"][0]["State"] == "deleting"
    until(lambda: not aws.ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-endpoint-id", "Values": [identity]}])["VpcEndpoints"])
    aws.ec2.delete_security_group(GroupId=group)


def test_tags_and_filters(aws, vpc):
    assert code(aws.ec2.create_tags, Resources=[vpc.id], Tags=[{"Key": "aws:x", "Value": "y"}]) == "InvalidParameterValue"
    assert code(aws.ec2.create_vpc, CidrBlock="10.0.0.0/16", TagSpecifications=[
        {"ResourceType": "vpc", "Tags": [{"Key": "aws:x", "Value": "y"}]}]) == "InvalidParameterValue"
    assert code(aws.ec2.create_vpc, CidrBlock="10.0.0.0/16", TagSpecifications=[
        {"ResourceType": "subnet", "Tags": [{"Key": "x", "Value": "y"}]}]) == "InvalidParameterValue"
    many = [{"Key": f"k{n}", "Value": "v"} for n in range(51)]
    assert code(aws.ec2.create_tags, Resources=[vpc.id], Tags=many) == "TagLimitExceeded"
    assert code(aws.ec2.create_tags, Resources=["nat-0123456789abcdef0"], Tags=many[:1]) == "NatGatewayNotFound"
    for call in (aws.ec2.describe_vpcs, aws.ec2.describe_network_interfaces, aws.ec2.describe_launch_templates):
        assert code(call, Filters=[{"Name": "no-such-filter", "Values": ["x"]}]) == "InvalidParameterValue"
    mark = fresh("mark")
    aws.ec2.create_tags(Resources=[vpc.id, vpc.subnets[0]], Tags=[{"Key": "domino-eks/deployment", "Value": mark}])
    wanted = [{"Name": "tag:domino-eks/deployment", "Values": [mark]}]
    assert [v["VpcId"] for v in aws.ec2.describe_vpcs(Filters=wanted)["Vpcs"]] == [vpc.id]
    assert [s["SubnetId"] for s in aws.ec2.describe_subnets(Filters=wanted)["Subnets"]] == [vpc.subnets[0]]
    tags = aws.ec2.describe_tags(Filters=[{"Name": "value", "Values": [mark]}])["Tags"]
    assert {(t["ResourceId"], t["ResourceType"]) for t in tags} == {(vpc.id, "vpc"), (vpc.subnets[0], "subnet")}


ABSENT = [
    ("describe_vpcs", {"VpcIds": ["vpc-0123456789abcdef0"]}, "InvalidVpcID.NotFound"),
    ("describe_subnets", {"SubnetIds": ["subnet-0123456789abcdef0"]}, "InvalidSubnetID.NotFound"),
    ("describe_internet_gateways", {"InternetGatewayIds": ["igw-0123456789abcdef0"]}, "InvalidInternetGatewayID.NotFound"),
    ("describe_route_tables", {"RouteTableIds": ["rtb-0123456789abcdef0"]}, "InvalidRouteTableID.NotFound"),
    ("describe_security_groups", {"GroupIds": ["sg-0123456789abcdef0"]}, "InvalidGroup.NotFound"),
    ("describe_addresses", {"AllocationIds": ["eipalloc-0123456789abcdef0"]}, "InvalidAllocationID.NotFound"),
    ("describe_network_interfaces", {"NetworkInterfaceIds": ["eni-0123456789abcdef0"]}, "InvalidNetworkInterfaceID.NotFound"),
    ("describe_launch_templates", {"LaunchTemplateIds": ["lt-0123456789abcdef0"]}, "InvalidLaunchTemplateId.NotFound"),
    ("describe_launch_templates", {"LaunchTemplateNames": ["absent"]}, "InvalidLaunchTemplateName.NotFoundException"),
    ("delete_launch_template", {"LaunchTemplateId": "lt-0123456789abcdef0"}, "InvalidLaunchTemplateId.NotFound"),
    ("describe_instances", {"InstanceIds": ["i-0123456789abcdef0"]}, "InvalidInstanceID.NotFound"),
    ("terminate_instances", {"InstanceIds": ["i-0123456789abcdef0"]}, "InvalidInstanceID.NotFound"),
    ("describe_images", {"ImageIds": ["ami-0123456789abcdef0"]}, "InvalidAMIID.NotFound"),
    ("describe_volumes", {"VolumeIds": ["vol-0123456789abcdef0"]}, "InvalidVolume.NotFound"),
    ("describe_vpc_attribute", {"VpcId": "vpc-0123456789abcdef0", "Attribute": "enableDnsSupport"}, "InvalidVpcID.NotFound"),
    ("create_subnet", {"VpcId": "vpc-0123456789abcdef0", "CidrBlock": "10.0.0.0/24"}, "InvalidVpcID.NotFound"),
    ("delete_subnet", {"SubnetId": "subnet-0123456789abcdef0"}, "InvalidSubnetID.NotFound"),
]


@pytest.mark.parametrize(("operation", "arguments", "expected"), ABSENT, ids=lambda value: str(value)[:40])
def test_absent(aws, operation, arguments, expected):
    assert code(getattr(aws.ec2, operation), **arguments) == expected


def test_new_subnets_give_no_public_addresses(aws):
    fresh_vpc = aws.vpc(1)
    subnets = aws.ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [fresh_vpc.id]}])["Subnets"]
    assert [subnet["MapPublicIpOnLaunch"] for subnet in subnets] == [False]
