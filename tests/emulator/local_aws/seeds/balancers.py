"""Load balancers as Kubernetes makes them: by the AWS Load Balancer Controller, and by the older controllers of services."""

from __future__ import annotations

from .world import World, letters, tag_list, tagged

_SHARED = "elbv2.k8s.aws/targetGroupBinding=shared"


def group(world: World, name: str, description: str, tags: dict[str, str]) -> str:
    return world.client("ec2").create_security_group(
        GroupName=name, Description=description, VpcId=world.vpc, TagSpecifications=tagged("security-group", tags))["GroupId"]


def open_port(world: World, group_id: str, port: int) -> None:
    world.client("ec2").authorize_security_group_ingress(GroupId=group_id, IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])


def let_in(world: World, group_id: str | None, source: str, description: str = "", protocol: str = "tcp") -> None:
    """A rule that names another group, which cannot go before the rule."""
    if group_id is None:
        return
    ports = {"FromPort": 0, "ToPort": 65535} if protocol == "tcp" else {}
    pair = {"GroupId": source} | ({"Description": description} if description else {})
    world.client("ec2").authorize_security_group_ingress(
        GroupId=group_id, IpPermissions=[{"IpProtocol": protocol, "UserIdGroupPairs": [pair]} | ports])


def balancer(world: World, name: str, kind: str, groups: list[str], tags: dict[str, str]) -> str:
    made = world.client("elbv2").create_load_balancer(
        Name=name, Type=kind, Subnets=world.public, Tags=tag_list(tags), **({"SecurityGroups": groups} if groups else {}))
    return made["LoadBalancers"][0]["LoadBalancerArn"]


def serve(world: World, arn: str, name: str, protocol: str, port: int, tags: dict[str, str], target_type: str = "ip") -> None:
    """A target group, and a listener that sends to it."""
    elbv2 = world.client("elbv2")
    target = elbv2.create_target_group(Name=name, Protocol=protocol, Port=port, VpcId=world.vpc, TargetType=target_type,
                                       Tags=tag_list(tags))["TargetGroups"][0]["TargetGroupArn"]
    elbv2.create_listener(LoadBalancerArn=arn, Protocol=protocol, Port=port, Tags=tag_list(tags),
                          DefaultActions=[{"Type": "forward", "TargetGroupArn": target}])


def of_controller(world: World) -> None:
    """What the AWS Load Balancer Controller makes for one service and one ingress."""
    own = {"elbv2.k8s.aws/cluster": world.name}
    shared = group(world, f"k8s-traffic-{world.name}-{letters(10)}"[:255], "[k8s] Shared Backend SecurityGroup for LoadBalancer",
                   own | {"elbv2.k8s.aws/resource": "backend-sg"})
    _service(world, shared, own | {"service.k8s.aws/stack": "web/gateway"})
    _ingress(world, shared, own | {"ingress.k8s.aws/stack": "app/front"})
    let_in(world, world.cluster_group, shared, _SHARED)
    let_in(world, world.node_group, shared, _SHARED)


def _service(world: World, shared: str, tags: dict[str, str]) -> None:
    """A network load balancer."""
    resource = "service.k8s.aws/resource"
    front = group(world, f"k8s-web-gateway-{letters(10)}", "[k8s] Managed SecurityGroup for LoadBalancer",
                  tags | {resource: "ManagedLBSecurityGroup"})
    open_port(world, front, 443)
    arn = balancer(world, f"k8s-web-gateway-{letters(10)}", "network", [front, shared], tags | {resource: "LoadBalancer"})
    serve(world, arn, f"k8s-web-gateway-{letters(10)}", "TCP", 443, tags | {resource: "web/gateway:443"})


def _ingress(world: World, shared: str, tags: dict[str, str]) -> None:
    """An application load balancer."""
    resource = "ingress.k8s.aws/resource"
    front = group(world, f"k8s-app-front-{letters(10)}", "[k8s] Managed SecurityGroup for LoadBalancer",
                  tags | {resource: "ManagedLBSecurityGroup"})
    open_port(world, front, 80)
    arn = balancer(world, f"k8s-app-front-{letters(10)}", "application", [front, shared], tags | {resource: "LoadBalancer"})
    serve(world, arn, f"k8s-app-front-{letters(10)}", "HTTP", 80, tags | {resource: "app/front-front:80"})


def of_cloud_provider(world: World) -> None:
    """What the controller of services in the cloud provider makes: a classic and a network load balancer."""
    own = {f"kubernetes.io/cluster/{world.name}": "owned"}
    name = classic(world, own | {"kubernetes.io/service-name": "default/legacy"})
    front = group(world, f"k8s-elb-{name}", f"Security group for Kubernetes ELB {name} (default/legacy)", own)
    open_port(world, front, 80)
    world.client("elb").apply_security_groups_to_load_balancer(LoadBalancerName=name, SecurityGroups=[front])
    let_in(world, world.cluster_group, front, protocol="-1")
    tags = own | {"kubernetes.io/service-name": "default/tcp"}
    arn = balancer(world, f"a{letters(31)}", "network", [], tags)
    serve(world, arn, f"k8s-default-tcp-{letters(10)}", "TCP", 80, tags, "instance")


def classic(world: World, tags: dict[str, str], groups: list[str] | None = None) -> str:
    """A classic load balancer; its name."""
    name = f"a{letters(31)}"
    world.client("elb").create_load_balancer(
        LoadBalancerName=name, Subnets=world.public, SecurityGroups=groups or [world.some_group], Tags=tag_list(tags),
        Listeners=[{"Protocol": "TCP", "LoadBalancerPort": 80, "InstanceProtocol": "TCP", "InstancePort": 31234}])
    return name
