"""The Kubernetes API of clusters: trust, tokens, lists, deletes, and the controllers behind them."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
import time
import urllib.error
from urllib.parse import quote, urlsplit

import boto3
import pytest
from botocore.signers import RequestSigner
from helpers import Aws, code, fresh, until

CCM, LBC, LBC_INGRESS = "service.kubernetes.io/load-balancer-cleanup", "service.k8s.aws/resources", "ingress.k8s.aws/resources"
SERVICES, INGRESSES = "/api/v1/services", "/apis/networking.k8s.io/v1/ingresses"


def presigned(cluster, headers=("x-k8s-aws-id",), expires=60, action="GetCallerIdentity", host="https://sts.us-west-2.amazonaws.com"):
    """The URL of a token, as the AWS CLI makes it."""
    session = boto3.Session("AKIAIOSFODNN7EXAMPLE", "secret", region_name="us-west-2")
    client = session.client("sts")
    signer = RequestSigner(client.meta.service_model.service_id, "us-west-2", "sts", "v4", session.get_credentials(), session.events)
    request = {"method": "GET", "url": f"{host}/?Action={action}&Version=2011-06-15", "body": {},
               "headers": dict.fromkeys(headers, cluster), "context": {}}
    return signer.generate_presigned_url(request, region_name="us-west-2", expires_in=expires, operation_name="")


def token(url):
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


class Kube:
    """A client of one cluster's API that trusts nothing but the cluster's CA."""

    def __init__(self, aws, name):
        self.aws, self.name, self.token = aws, name, token(presigned(name))
        described = aws.eks.describe_cluster(name=name)["cluster"]
        self.address = urlsplit(described["endpoint"])
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.verify_flags |= getattr(ssl, "VERIFY_X509_STRICT", 0)
        self.context.load_verify_locations(cadata=base64.b64decode(described["certificateAuthority"]["data"]).decode())

    def open(self, timeout=10.0):
        return http.client.HTTPSConnection(self.address.hostname, self.address.port, context=self.context, timeout=timeout)

    def ask(self, method, path, authorization=None, body=None, connection=None):
        connection = connection or self.open()
        connection.request(method, path, body=json.dumps(body) if body else None,
                           headers={"Authorization": authorization or f"Bearer {self.token}"})
        answer = connection.getresponse()
        assert answer.headers["Content-Type"] == "application/json"
        return answer.status, json.load(answer)

    def names(self, path):
        """All pages."""
        found, more = [], ""
        while True:
            status, page = self.ask("GET", f"{path}?limit=500&continue={quote(more)}")
            assert status == 200
            found += [item["metadata"]["name"] for item in page["items"]]
            more = page["metadata"].get("continue")
            if not more:
                return found

    def delete(self, item, kind="services", namespace="web", body=None):
        root = "/api/v1" if kind == "services" else "/apis/networking.k8s.io/v1"
        return self.ask("DELETE", f"{root}/namespaces/{namespace}/{kind}/{item}", body=body)

    def seed(self, **content):
        return self.aws.control("kubernetes", "POST", {"cluster": self.name} | content)

    def left(self):
        found = self.aws.control(f"kubernetes?cluster={self.name}")
        return [item["name"] for item in found["services"] + found["ingresses"]]


def service(name=None, finalizers=(CCM,), **more):
    return {"namespace": "web", "name": name or fresh("svc"), "type": "LoadBalancer", "finalizers": list(finalizers)} | more


@pytest.fixture(scope="module")
def aws(forks, tmp_path_factory):
    server = forks.start(tmp_path_factory.mktemp("kubernetes"), "--scale", "0.01", "--page-size", "2", "--kubernetes-api")
    yield Aws(server.url, server.log)
    server.close()


@pytest.fixture(scope="module")
def vpc(aws):
    return aws.vpc(2, gateway=True)


def cluster(aws, vpc):
    name = fresh("k")
    aws.eks.create_cluster(name=name, version="1.35", roleArn=aws.role("eks.amazonaws.com", "AmazonEKSClusterPolicy"),
                           resourcesVpcConfig={"subnetIds": vpc.subnets}, accessConfig={"authenticationMode": "API"})
    return name


@pytest.fixture(scope="module")
def both(aws, vpc):
    names = [cluster(aws, vpc), cluster(aws, vpc)]
    for name in names:
        until(lambda n=name: aws.eks.describe_cluster(name=n)["cluster"]["status"] == "ACTIVE")
    return [Kube(aws, name) for name in names]


@pytest.fixture
def kube(both):
    """The first cluster, empty again afterwards."""
    kube = both[0]
    yield kube
    kube.aws.control(f"kubernetes?cluster={kube.name}", "DELETE")


def balancer(aws, vpc, *tags, groups=()):
    made = aws.elbv2.create_load_balancer(Name=fresh("lb"), Subnets=vpc.subnets, SecurityGroups=list(groups),
                                          Tags=[{"Key": k, "Value": v} for k, v in tags])
    return made["LoadBalancers"][0]["LoadBalancerArn"]


def balancers(aws):
    pages = aws.elbv2.get_paginator("describe_load_balancers").paginate()
    return [found["LoadBalancerArn"] for found in pages.build_full_result()["LoadBalancers"]]


def test_off_by_default(server):
    usual = Aws(server.url, server.log)
    with pytest.raises(urllib.error.HTTPError) as refused:
        usual.control("kubernetes?cluster=c")
    assert refused.value.code == 400 and "--kubernetes-api" in json.load(refused.value)["error"]


def test_certificate(kube):
    assert kube.address.scheme == "https" and kube.address.hostname == "127.0.0.1"
    assert kube.ask("GET", "/version")[1]["minor"] == "35"
    with pytest.raises(ssl.SSLCertVerificationError):
        http.client.HTTPSConnection(kube.address.hostname, kube.address.port, context=ssl.create_default_context()).request("GET", "/")
    with socket.create_connection((kube.address.hostname, kube.address.port)) as plain:
        secure = kube.context.wrap_socket(plain, server_hostname="localhost")
        leaf = secure.getpeercert()
        assert leaf["subject"] != leaf["issuer"] and ("IP Address", "127.0.0.1") in leaf["subjectAltName"]


def aged(url, minutes):
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - 60 * minutes))
    before, _, after = url.partition("X-Amz-Date=")
    return f"{before}X-Amz-Date={date}{after[16:]}"


@pytest.mark.parametrize(("good", "change"), [
    (True, lambda: token(presigned("c"))),
    (True, lambda: token(presigned("c", host="http://127.0.0.1:4566"))),
    (True, lambda: token(presigned("c", host="https://sts.amazonaws.com"))),
    (True, lambda: token(aged(presigned("c"), 14))),
    (False, lambda: token(aged(presigned("c"), 16))),
    (False, lambda: token(aged(presigned("c"), -10))),
    (False, lambda: presigned("c")),
    (False, lambda: token(presigned("c")) + "="),
    (False, lambda: token(presigned("c", headers=()))),
    (False, lambda: token(presigned("c", action="GetSessionToken"))),
    (False, lambda: token(presigned("c", expires=901))),
    (False, lambda: token(presigned("c", host="https://example.com"))),
    (False, lambda: token(presigned("c", host="http://sts.us-west-2.amazonaws.com"))),
    (False, lambda: token(presigned("c") + "&More=1")),
    (False, lambda: token(presigned("c").replace("X-Amz-Credential", "Version"))),
    (False, lambda: token("nonsense")),
    (False, lambda: "k8s-aws-v1.%%%"),
])
def test_tokens(kube, good, change):
    status, answer = kube.ask("GET", SERVICES, f"Bearer {change()}")
    assert status == (200 if good else 401)
    if not good:
        assert (answer["kind"], answer["reason"], answer["message"], answer["code"]) == ("Status", "Unauthorized", "Unauthorized", 401)
        assert kube.aws.control("requests")[-1]["params"]["why"]


def test_no_token(kube):
    assert kube.ask("GET", SERVICES, "Basic eDp5")[0] == 401


def test_lists_in_pages(kube):
    names = sorted(fresh("svc") for _ in range(5))
    kube.seed(services=[service(name) for name in names], ingresses=[service(names[0], [LBC_INGRESS])])
    status, page = kube.ask("GET", f"{SERVICES}?limit=1")
    assert status == 200 and page["kind"] == "ServiceList" and page["apiVersion"] == "v1"
    assert len(page["items"]) == 1 and page["metadata"]["remainingItemCount"] == 4
    assert page["items"][0]["spec"]["type"] == "LoadBalancer" and "kind" not in page["items"][0]
    assert len(kube.ask("GET", SERVICES)[1]["items"]) == 2, "--page-size"
    assert kube.names(SERVICES) == names
    more = page["metadata"]["continue"]
    for bad in (f"{SERVICES}?continue=x", f"{SERVICES}?limit=x", f"{INGRESSES}?continue={quote(more)}"):
        assert kube.ask("GET", bad)[1]["reason"] == "BadRequest", bad
    status, page = kube.ask("GET", INGRESSES)
    assert page["kind"] == "IngressList" and page["apiVersion"] == "networking.k8s.io/v1" and "continue" not in page["metadata"]
    assert page["items"][0]["metadata"]["finalizers"] == [LBC_INGRESS]


def test_other_paths(kube):
    for method, path in (("GET", "/api/v1/pods"), ("POST", SERVICES), ("DELETE", SERVICES), ("GET", "/")):
        status, answer = kube.ask(method, path)
        assert (status, answer["kind"], answer["reason"]) == (404, "Status", "NotFound")
    assert kube.ask("GET", f"{SERVICES}?labelSelector=a")[0] == 501
    assert kube.ask("DELETE", "/api/v1/namespaces/web/services/x?dryRun=All")[0] == 501


def test_delete_without_finalizers(kube):
    kube.seed(services=[service("plain", [], type="ClusterIP")], ingresses=[service("plain", [])])
    assert kube.ask("GET", "/api/v1/namespaces/web/services/plain")[1]["spec"]["type"] == "ClusterIP"
    status, answer = kube.delete("plain")
    assert status == 200 and answer["kind"] == "Service" and "deletionTimestamp" not in answer["metadata"]
    status, answer = kube.delete("plain", "ingresses")
    assert status == 200 and (answer["kind"], answer["status"]) == ("Status", "Success")
    assert kube.left() == []
    status, answer = kube.delete("plain")
    assert (status, answer["reason"], answer["details"]) == (404, "NotFound", {"name": "plain", "kind": "services"})
    assert kube.delete("plain", "ingresses")[1]["message"] == 'ingresses.networking.k8s.io "plain" not found'


def test_preconditions(kube):
    kube.seed(services=[service("mine")])
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": "other"}}
    assert kube.delete("mine", body=options)[1]["reason"] == "Conflict"
    options["preconditions"]["uid"] = kube.ask("GET", "/api/v1/namespaces/web/services/mine")[1]["metadata"]["uid"]
    assert kube.delete("mine", body=options)[0] == 200


def test_the_control_plane_clears_its_load_balancers(kube, aws, vpc):
    """No node needed. A network load balancer here, and a classic one."""
    arn, classic = balancer(aws, vpc), fresh("classic")
    aws.elb.create_load_balancer(LoadBalancerName=classic, Subnets=vpc.subnets,
                                 Listeners=[{"Protocol": "TCP", "LoadBalancerPort": 80, "InstancePort": 80}])
    kube.seed(services=[service("one", load_balancer=arn), service("two", load_balancer=classic)])
    assert kube.ask("GET", SERVICES)[1]["items"][0]["status"]["loadBalancer"]["ingress"][0]["hostname"]
    for name in ("one", "two"):
        status, answer = kube.delete(name)
        assert status == 200 and answer["kind"] == "Service" and answer["metadata"]["deletionTimestamp"]
        assert kube.delete(name)[1]["metadata"]["deletionTimestamp"] == answer["metadata"]["deletionTimestamp"]
    assert kube.names(SERVICES) == ["one", "two"] and arn in balancers(aws), "not done at once"
    until(lambda: not kube.names(SERVICES))
    assert arn not in balancers(aws) and code(aws.elb.describe_load_balancers, LoadBalancerNames=[classic]) == "LoadBalancerNotFound"


def stack(aws, vpc, key, owner, name):
    """A load balancer with listener, target group and security group, as the controller in the cluster makes them; and a rule."""
    tags = [("elbv2.k8s.aws/cluster", owner), (key, f"web/{name}")]
    as_list = [{"Key": k, "Value": v} for k, v in tags]
    group, nodes = vpc.group(), vpc.group()
    aws.ec2.create_tags(Resources=[group], Tags=as_list)
    aws.ec2.authorize_security_group_ingress(GroupId=nodes, IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": group}]}])
    arn = balancer(aws, vpc, *tags, groups=[group])
    target = aws.elbv2.create_target_group(Name=fresh("tg"), Protocol="HTTP", Port=80, VpcId=vpc.id, Tags=as_list)
    target = target["TargetGroups"][0]["TargetGroupArn"]
    aws.elbv2.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80,
                              DefaultActions=[{"Type": "forward", "TargetGroupArn": target}])
    return arn, target, group


def test_controller_in_pods_needs_nodes(kube, aws, vpc):
    arn, target, group = stack(aws, vpc, "ingress.k8s.aws/stack", kube.name, "shop")
    _, foreign, _ = stack(aws, vpc, "ingress.k8s.aws/stack", "other-cluster", "shop")
    kube.seed(ingresses=[service("shop", [LBC_INGRESS], load_balancer=arn)], services=[service("queue", [LBC, CCM])])
    kube.delete("shop", "ingresses")
    kube.delete("queue")
    until(lambda: kube.ask("GET", SERVICES)[1]["items"][0]["metadata"]["finalizers"] == [LBC])
    time.sleep(0.5)
    assert kube.left() == ["queue", "shop"] and arn in balancers(aws)
    nodes = fresh("nodes")
    aws.autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=nodes, MinSize=1, MaxSize=1, VPCZoneIdentifier=vpc.subnets[0],
        LaunchTemplate={"LaunchTemplateId": aws.template()},
        Tags=[{"Key": f"kubernetes.io/cluster/{kube.name}", "Value": "owned", "PropagateAtLaunch": True}])
    until(lambda: arn not in balancers(aws))
    until(lambda: kube.left() == [])
    ids = {entry["id"] for entry in aws.inventory()}
    assert not {arn, target, group} & ids and foreign in ids
    aws.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=nodes, ForceDelete=True)
    until(lambda: nodes not in [entry.get("name") for entry in aws.inventory()])


def test_load_balancer_of_two(kube, aws, vpc):
    arn = balancer(aws, vpc)
    kube.seed(services=[service("one", load_balancer=arn), service("two", load_balancer=arn)])
    kube.delete("one")
    until(lambda: kube.names(SERVICES) == ["two"])
    assert arn in balancers(aws)
    kube.delete("two")
    until(lambda: not kube.names(SERVICES))
    assert arn not in balancers(aws)


def test_protected_load_balancer(kube, aws, vpc):
    arn = balancer(aws, vpc)
    protection = {"LoadBalancerArn": arn, "Attributes": [{"Key": "deletion_protection.enabled", "Value": "true"}]}
    aws.elbv2.modify_load_balancer_attributes(**protection)
    kube.seed(services=[service("kept", load_balancer=arn)])
    kube.delete("kept")
    time.sleep(1)
    assert kube.names(SERVICES) == ["kept"]
    protection["Attributes"][0]["Value"] = "false"
    aws.elbv2.modify_load_balancer_attributes(**protection)
    until(lambda: not kube.names(SERVICES))


def test_no_controllers(kube):
    found = kube.seed(services=[service("stuck")], controllers=False)
    assert found["controllers"] is False and found["services"][0] == service("stuck") | {"load_balancer": None, "deleting": False}
    kube.delete("stuck")
    time.sleep(1)
    assert kube.left() == ["stuck"] and kube.aws.control(f"kubernetes?cluster={kube.name}")["services"][0]["deleting"]
    kube.seed(controllers=True)
    until(lambda: kube.left() == [])


def test_forbid(kube):
    kube.seed(forbid=True, services=[service("mine")])
    status, answer = kube.ask("GET", SERVICES)
    assert (status, answer["reason"], answer["code"]) == (403, "Forbidden", 403)
    assert answer["message"] == ('services is forbidden: User "arn:aws:iam::123456789012:user/moto" cannot list resource "services" in '
                                 'API group "" at the cluster scope')
    assert 'services "mine" is forbidden' in kube.delete("mine")[1]["message"]
    assert kube.left() == ["mine"] and kube.ask("GET", "/version")[0] == 200
    kube.seed(forbid=False)


def test_unreachable(kube, both):
    old = kube.open(0.5)
    assert kube.ask("GET", "/version", connection=old)[0] == 200
    kube.seed(unreachable=True)
    with pytest.raises(TimeoutError):
        kube.ask("GET", "/version", connection=old)
    with pytest.raises(TimeoutError):
        kube.ask("GET", "/version", connection=kube.open(0.5))
    assert both[1].ask("GET", "/version")[0] == 200, "the other cluster answers"
    kube.seed(unreachable=False)
    assert kube.ask("GET", "/version")[0] == 200


def test_log_and_faults(kube, aws):
    kube.seed(services=[service("a"), service("b")], ingresses=[service("a", [])])
    since = len(aws.control("requests"))
    kube.ask("GET", f"{SERVICES}?limit=1")
    kube.ask("GET", INGRESSES)
    kube.delete("a")
    kube.delete("a", "ingresses")
    kube.delete("absent")
    found = [e for e in aws.control(f"requests?since={since}") if e["service"] == "kubernetes"]
    assert [(e["operation"], e["mutating"], e["status"], e["code"]) for e in found] == [
        ("ListServices", False, 200, None), ("ListIngresses", False, 200, None), ("DeleteService", True, 200, None),
        ("DeleteIngress", True, 200, None), ("DeleteService", True, 404, "NotFound")]
    assert found[0]["params"] == {"cluster": kube.name, "limit": "1"} and found[0]["region"] == "us-west-2"
    assert found[2]["params"] == {"cluster": kube.name, "namespace": "web", "name": "a"}
    aws.control("faults", "POST", {"faults": [
        {"mode": "drop-after", "service": "kubernetes", "operation": "DeleteService"},
        {"mode": "throttle", "service": "kubernetes", "operation": "ListServices"},
        {"mode": "refuse", "service": "kubernetes", "operation": "GetVersion"},
        {"mode": "status", "status": 503, "service": "kubernetes", "operation": "ListIngresses"}]})
    with pytest.raises(http.client.RemoteDisconnected):
        kube.delete("b")
    assert kube.ask("GET", SERVICES)[1]["reason"] == "TooManyRequests"
    assert kube.ask("GET", INGRESSES)[1]["reason"] == "ServiceUnavailable"
    with pytest.raises(ConnectionResetError):
        kube.ask("GET", "/version")
    aws.control("faults", "DELETE")
    assert [e["fault"] for e in aws.control("requests")[-4:]] == ["drop-after", "throttle", "status", "refuse"]
    until(lambda: not kube.names(SERVICES))


def test_clusters_are_apart_and_end(both, aws):
    first, second = both
    second.seed(services=[service("only")])
    assert first.names(SERVICES) == [] and second.names(SERVICES) == ["only"]
    aws.eks.delete_cluster(name=second.name)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        second.ask("GET", "/version")
    until(lambda: second.name not in aws.eks.list_clusters()["clusters"])

    def refused():
        try:
            socket.create_connection((second.address.hostname, second.address.port)).close()
        except ConnectionRefusedError:
            return True
        return False

    until(refused)
    assert first.ask("GET", "/version")[0] == 200


@pytest.mark.parametrize("content", [
    {"cluster": "absent"}, {"services": [{"name": "x"}]}, {"services": [service("x", wrong=1)]}, {"forbid": "yes"}, {"other": 1},
    {"services": [service("x"), service("x")]}, {"services": [service("x", type="Other")]}])
def test_slips_in_seeds(kube, content):
    with pytest.raises(urllib.error.HTTPError) as refused:
        kube.seed(**content)
    assert refused.value.code == (404 if "cluster" in content else 400) and json.load(refused.value)["error"]
    assert kube.left() == []


def test_reset(both, aws):
    aws.control("reset", "POST")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        both[0].ask("GET", "/version")
