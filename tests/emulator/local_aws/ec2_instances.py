"""Instances: refused when they cannot be, pending before running, and gone only after a while."""

from __future__ import annotations

from functools import cache
from typing import Any

from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS, INSTANCE_TYPES

from . import autoscaling_groups, network
from . import instance_launch as machines
from .clock import CLOCK
from .ec2_common import Json, error, like, select
from .launch_templates import check_user_data
from .rules import after, answer, before
from .wire import Call


@before("ec2", "RunInstances")
def run_rules(call: Call) -> None:
    data: Json = {}
    if call["LaunchTemplate"]:
        asked = call["LaunchTemplate"]
        template = machines.find_template(call.region, asked)
        if template is None and asked.get("LaunchTemplateId"):
            raise error("InvalidLaunchTemplateId.NotFound", f"The specified launch template, with template ID {asked['LaunchTemplateId']}, "
                        "does not exist.")
        if template is None:
            raise error("InvalidLaunchTemplateName.NotFoundException",
                        f"The specified launch template, with template name {asked.get('LaunchTemplateName')}, does not exist.")
        data = template.data
    image = call["ImageId"] or data.get("ImageId")
    if not image:
        raise error("MissingParameter", "The request must contain the parameter ImageId")
    if image not in network.ec2(call.region).amis:
        raise error("InvalidAMIID.NotFound", f"The image id '[{image}]' does not exist")
    kind = call["InstanceType"] or data.get("InstanceType") or "m1.small"
    if not machines.instance_type_exists(kind):
        raise error("InvalidParameterValue", f"Invalid value '{kind}' for InstanceType.")
    check_user_data(call["UserData"])
    subnet = call["SubnetId"] or next((n.get("SubnetId") for n in call.get("NetworkInterfaces", [])), None)
    if not subnet:
        raise error("MissingInput", "No subnets found for the default VPC. Please specify a subnet.")
    if network.find_subnet(call.region, subnet) is None:
        raise error("InvalidSubnetID.NotFound", f"The subnet ID '{subnet}' does not exist")
    for group_id in call.get("SecurityGroupIds", []):
        if network.find_group(call.region, group_id) is None:
            raise error("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist")


@after("ec2", "RunInstances")
def pending(call: Call, result: Any) -> None:
    instances = getattr(result, "instances", None) or result["Instances"]
    for instance in instances:
        machines.set_state(instance, "pending", 0)
        machines.finish_interfaces(instance, {})
        CLOCK.after("instance_create", lambda i=instance: machines.come_up(i))


@answer("ec2", "TerminateInstances")
def terminate(call: Call) -> Json:
    found = {identity: machines.find_instance(call.region, identity) for identity in call["InstanceIds"]}
    for identity, instance in found.items():
        if instance is None:
            raise error("InvalidInstanceID.NotFound", f"The instance ID '{identity}' does not exist")
        # Stop protection keeps it from being terminated, too (EC2's guide, "Enable stop protection").
        for attribute, switch in (("disableApiTermination", instance.disable_api_termination), ("disableApiStop", instance.disable_api_stop)):
            if str(switch).lower() == "true":
                raise error("OperationNotPermitted", f"The instance '{identity}' may not be terminated. Modify its '{attribute}' "
                            "instance attribute and try again.")
    changes = []
    for identity, instance in found.items():
        before_state = {"Name": instance.state, "Code": instance.state_code}
        if autoscaling_groups.member_of(call.region, identity):
            autoscaling_groups.instance_was_ended(call.region, identity)
        elif instance.state not in ("shutting-down", "terminated"):
            machines.shut_down(instance)
            CLOCK.after("instance_delete", lambda i=instance: machines.gone(call.region, i))
        changes.append({"InstanceId": identity, "PreviousState": before_state,
                        "CurrentState": {"Name": instance.state, "Code": instance.state_code}})
    return {"TerminatingInstances": changes}


@cache
def _types() -> dict[str, Json]:
    return {name: body for name, body in INSTANCE_TYPES.items() if not name.startswith(machines.RETIRED)}


def _member(body: Any, path: str) -> Any:
    """The value that a filter such as `vcpu-info.default-vcpus` names."""
    for part in path.split("."):
        key = part.replace("-", "").lower()
        if isinstance(body, list):
            body = [_lookup(item, key) for item in body]
        else:
            body = _lookup(body, key)
        if body is None:
            return None
    return body


def _lookup(body: Any, key: str) -> Any:
    if not isinstance(body, dict):
        return None
    return next((value for name, value in body.items() if name.lower() in (key, f"{key}s")), None)


@answer("ec2", "DescribeInstanceTypes")
def describe_types(call: Call) -> Json:
    known = _types()
    wanted = call["InstanceTypes"] or []
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise error("InvalidInstanceType", f"The following supplied instance types do not exist: [{', '.join(unknown)}]")
    found = [known[name] for name in wanted] if wanted else list(known.values())
    for condition in call.get("Filters", []):
        values = [str(v) for v in condition.get("Values") or []]
        kept = []
        for body in found:
            value = _member(body, condition["Name"])
            many = value if isinstance(value, list) else [value]
            if any(like(values, one) for one in many if one is not None):
                kept.append(body)
        found = kept
    return {"InstanceTypes": found}


@cache
def _offerings(kind: str, region: str) -> list[Json]:
    return [o for o in INSTANCE_TYPE_OFFERINGS[kind].get(region, []) if not o["InstanceType"].startswith(machines.RETIRED)]


@answer("ec2", "DescribeInstanceTypeOfferings")
def describe_offerings(call: Call) -> Json:
    kind = call.get("LocationType", "region")
    if kind not in INSTANCE_TYPE_OFFERINGS:
        raise error("InvalidParameterValue", f"Invalid value '{kind}' for LocationType.")
    found = _offerings(kind, call.region)
    fields = {"instance-type": lambda o: o["InstanceType"], "location": lambda o: o["Location"]}
    return {"InstanceTypeOfferings": select(found, call, fields, lambda _: {})}
