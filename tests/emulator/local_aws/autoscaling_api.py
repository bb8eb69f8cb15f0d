"""The Auto Scaling API on top of the groups."""

from __future__ import annotations

import uuid
from typing import Any

from . import autoscaling_groups as asg
from . import instance_launch as machines
from .autoscaling_groups import GROUPS, Group, Json
from .clock import CLOCK
from .errors import AwsError
from .iam_visibility import visible_profile
from .moto_bridge import existing_backends
from .rules import answer
from .wire import ACCOUNT, Call

_FORMED = "You must use a valid fully-formed launch template. "
_COPIED = ("LaunchTemplate", "MixedInstancesPolicy", "MinSize", "MaxSize", "DesiredCapacity", "DefaultCooldown", "HealthCheckType",
           "HealthCheckGracePeriod", "PlacementGroup", "TerminationPolicies", "NewInstancesProtectedFromScaleIn",
           "CapacityRebalance", "MaxInstanceLifetime", "Context", "DesiredCapacityType", "DefaultInstanceWarmup",
           "InstanceMaintenancePolicy", "DeletionProtection", "AvailabilityZoneDistribution", "ServiceLinkedRoleARN",
           "AvailabilityZoneImpairmentPolicy", "CapacityReservationSpecification")
_TAG_LIMIT = 50
#: Groups that one question may name.
_NAMES_AT_ONCE = 100


def invalid(message: str) -> AwsError:
    return AwsError("ValidationError", message, 400)


def find(call: Call) -> Group:
    name = call["AutoScalingGroupName"]
    group = GROUPS[call.region].get(name)
    if group is None:
        raise invalid(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
    return group


def check_template(region: str, body: Json) -> Json:
    """The specification with id, name and version as EC2 knows them."""
    asked = asg.specification_of(body)
    if not asked:
        raise invalid("Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or "
                      "MixedInstancesPolicy parameter.")
    template = machines.find_template(region, asked)
    if template is None:
        any_version = machines.find_template(region, asked | {"Version": "$Latest"})
        shown = f"ID {asked['LaunchTemplateId']}" if asked.get("LaunchTemplateId") else f"name {asked.get('LaunchTemplateName')}"
        what = f"The specified launch template, with template {shown}, does not exist."
        if any_version:
            what = f"The specified launch template version {asked.get('Version')}, with template {shown}, does not exist."
        raise invalid(_FORMED + what)
    trouble = machines.template_troubles(region, template.data, visible_profile)
    if trouble:
        raise invalid(_FORMED + trouble)
    return template.specification | {"Version": asked.get("Version") or "$Default"}


def check_sizes(body: Json) -> None:
    least, most, wanted = body["MinSize"], body["MaxSize"], body["DesiredCapacity"]
    if least < 0:
        raise invalid("Minimum must be greater than or equal to 0")
    if least > most:
        raise invalid(f"Max bound, {most}, must be greater than or equal to min bound, {least}")
    if not least <= wanted <= most:
        raise invalid(f"Desired capacity:{wanted} must be between the specified min size:{least} and max size:{most}")


def check_subnets(region: str, identifier: str) -> list[str]:
    """The zones of the subnets."""
    zones = []
    for subnet_id in (part.strip() for part in identifier.split(",")):
        zone = asg.subnet_zone(region, subnet_id)
        if zone is None:
            raise invalid(f"The subnet ID '{subnet_id}' does not exist")
        zones.append(zone)
    return sorted(set(zones))


def check_tags(tags: list[Json], already: int = 0) -> None:
    for tag in tags:
        if tag["Key"].lower().startswith("aws:"):
            raise invalid("Tag keys starting with aws: are reserved for system use")
        if len(tag["Key"]) > 128 or len(tag.get("Value") or "") > 256:
            raise invalid(f"Tag {tag['Key']} is longer than allowed: key 128, value 256")
    if len(tags) + already > _TAG_LIMIT:
        raise invalid(f"The number of tags exceeds the limit of {_TAG_LIMIT} per Auto Scaling group")


def check_target_groups(region: str, arns: list[str]) -> None:
    store = existing_backends("elbv2").get(region)
    known = set(store.target_groups) if store else set()
    if set(arns) - known:
        raise invalid("Provided Target Groups may not be valid. Please ensure they exist and try again.")


def tag_map(tags: list[Json]) -> dict[str, Json]:
    return {tag["Key"]: {"Key": tag["Key"], "Value": tag.get("Value") or "", "PropagateAtLaunch": bool(tag.get("PropagateAtLaunch"))}
            for tag in tags}


@answer("autoscaling", "CreateAutoScalingGroup")
def create(call: Call) -> Json:
    name, region = call["AutoScalingGroupName"], call.region
    if call["LaunchConfigurationName"]:
        raise AwsError("UnsupportedOperation", "The Launch Configuration creation operation is not available in your account. Use "
                       "launch templates to create configuration templates for your Auto Scaling groups.", 400)
    if name in GROUPS[region]:
        raise AwsError("AlreadyExists", f"AutoScalingGroup by this name already exists - A group with the name {name} already exists", 400)
    body: Json = {
        "DefaultCooldown": 300, "HealthCheckType": "EC2", "HealthCheckGracePeriod": 0, "TerminationPolicies": ["Default"],
        "NewInstancesProtectedFromScaleIn": False, "CapacityRebalance": False,
        "ServiceLinkedRoleARN": f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
        "SuspendedProcesses": [], "EnabledMetrics": [], "LoadBalancerNames": call.get("LoadBalancerNames", []),
        "TargetGroupARNs": call.get("TargetGroupARNs", []), "TrafficSources": call.get("TrafficSources", []),
    }
    body |= {key: call[key] for key in _COPIED if call[key] is not None}
    body.setdefault("DesiredCapacity", body["MinSize"])
    check_sizes(body)
    check_tags(call.get("Tags", []))
    if not call["VPCZoneIdentifier"]:
        raise invalid("At least one Availability Zone or VPC Subnet is required.")
    zones = check_subnets(region, call["VPCZoneIdentifier"])
    if call["AvailabilityZones"] and set(call["AvailabilityZones"]) != set(zones):
        raise invalid("The availability zones of the specified subnets and the AutoScalingGroup do not match")
    check_target_groups(region, body["TargetGroupARNs"])
    specification = check_template(region, body)
    if body.get("LaunchTemplate"):
        body["LaunchTemplate"] = specification
    body |= {
        "AutoScalingGroupName": name, "VPCZoneIdentifier": call["VPCZoneIdentifier"], "AvailabilityZones": zones,
        "AutoScalingGroupARN": f"arn:aws:autoscaling:{region}:{ACCOUNT}:autoScalingGroup:{uuid.uuid4()}:autoScalingGroupName/{name}",
        "CreatedTime": asg.now(),
    }
    group = Group(region, body, tag_map(call.get("Tags", [])))
    group.hooks.update({hook["LifecycleHookName"]: hook | {"AutoScalingGroupName": name}
                        for hook in call.get("LifecycleHookSpecificationList", [])})
    GROUPS[region][name] = group
    asg.balance(group, "a user request created an AutoScalingGroup changing the desired capacity from 0")
    return {}


@answer("autoscaling", "UpdateAutoScalingGroup")
def update(call: Call) -> Json:
    group = find(call)
    if group.body.get("Status"):
        raise AwsError("ScalingActivityInProgress", "AutoScalingGroup is being deleted", 400)
    changes = {key: call[key] for key in _COPIED if call[key] is not None}
    new = group.body | changes
    # A new bound pulls the desired capacity along, unless the caller names it.
    if "DesiredCapacity" not in changes:
        new["DesiredCapacity"] = min(max(new["DesiredCapacity"], new["MinSize"]), max(new["MinSize"], new["MaxSize"]))
    check_sizes(new)
    if call["VPCZoneIdentifier"]:
        new["AvailabilityZones"] = check_subnets(call.region, call["VPCZoneIdentifier"])
        new["VPCZoneIdentifier"] = call["VPCZoneIdentifier"]
    if changes.get("LaunchTemplate"):
        new.pop("MixedInstancesPolicy", None)
        new["LaunchTemplate"] = check_template(call.region, changes)
    elif changes.get("MixedInstancesPolicy"):
        new.pop("LaunchTemplate", None)
        check_template(call.region, changes)
    group.body = new
    asg.balance(group, "a user request updated the AutoScalingGroup")
    return {}


@answer("autoscaling", "SetDesiredCapacity")
def set_desired_capacity(call: Call) -> Json:
    group = find(call)
    new = group.body | {"DesiredCapacity": call["DesiredCapacity"]}
    if not new["MinSize"] <= new["DesiredCapacity"] <= new["MaxSize"]:
        side = "above max value" if new["DesiredCapacity"] > new["MaxSize"] else "below min value"
        bound = new["MaxSize"] if new["DesiredCapacity"] > new["MaxSize"] else new["MinSize"]
        raise invalid(f"New SetDesiredCapacity value {new['DesiredCapacity']} is {side} {bound} for the AutoScalingGroup.")
    group.body = new
    asg.balance(group, "a user request explicitly set group desired capacity")
    return {}


@answer("autoscaling", "DeleteAutoScalingGroup")
def delete(call: Call) -> Json:
    group, force = find(call), bool(call["ForceDelete"])
    protection = group.body.get("DeletionProtection", "none")
    if protection == "prevent-all-deletion" or (force and protection == "prevent-force-deletion"):
        raise AwsError("ResourceInUse", f"The group {group.name} has deletion protection {protection}", 400)
    if group.living and not force:
        raise AwsError("ResourceInUse", "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance "
                       "request(s) still in the group.", 400)
    if group.members and not force:
        raise AwsError("ScalingActivityInProgress", "You cannot delete an AutoScalingGroup while there are scaling activities in "
                       "progress for that group.", 400)
    if not group.members:
        asg.remove(group)
        return {}
    group.body["Status"] = "Delete in progress"
    group.body |= {"MinSize": 0, "MaxSize": 0, "DesiredCapacity": 0}
    for member in list(group.members):
        asg.end(group, member, "a user request deleted the AutoScalingGroup")
    CLOCK.after("group_delete", lambda: asg.remove(group))  # it waits for no instance
    return {}


def _matches(group: Group, condition: Json) -> bool:
    name, values = condition["Name"], condition.get("Values") or []
    if name == "tag-key":
        return bool(set(group.tags) & set(values))
    if name == "tag-value":
        return any(tag["Value"] in values for tag in group.tags.values())
    if name.startswith("tag:"):
        return group.tags.get(name[4:], {}).get("Value") in values
    raise invalid(f"Filter type {name} is not correct. Allowed Filter types are: tag-key, tag-value, tag:<key>")


@answer("autoscaling", "DescribeAutoScalingGroups")
def describe(call: Call) -> Json:
    names = call["AutoScalingGroupNames"]
    if len(names or []) > _NAMES_AT_ONCE:
        raise invalid("1 validation error detected: Value at 'autoScalingGroupNames' failed to satisfy constraint: Member must have "
                      f"length less than or equal to {_NAMES_AT_ONCE}")
    found = [g for g in GROUPS[call.region].values() if not names or g.name in names]
    for condition in call.get("Filters", []):
        found = [group for group in found if _matches(group, condition)]
    return {"AutoScalingGroups": [group.shown for group in found]}


@answer("autoscaling", "DescribeAutoScalingInstances")
def describe_instances(call: Call) -> Json:
    wanted = call["InstanceIds"]
    return {"AutoScalingInstances": [
        member.shown | {"AutoScalingGroupName": group.name, "HealthStatus": member.shown["HealthStatus"].upper()}
        for group in GROUPS[call.region].values() for member in group.members
        if not wanted or member.instance.id in wanted]}


@answer("autoscaling", "TerminateInstanceInAutoScalingGroup")
def terminate_instance(call: Call) -> Json:
    found = asg.member_of(call.region, call["InstanceId"])
    if found is None:
        raise invalid(f"Instance Id not found - No managed instance found for instance ID: {call['InstanceId']}")
    group, member = found
    if call["ShouldDecrementDesiredCapacity"]:
        if group.body["DesiredCapacity"] <= group.body["MinSize"]:
            raise invalid("Currently, desiredSize equals minSize. Terminating instance without replacement will violate group's "
                          "min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size.")
        group.body["DesiredCapacity"] -= 1
    asg.end(group, member, "an instance was taken out of service in response to a user request")
    asg.balance(group, "an instance was terminated")
    return {"Activity": group.activities[0]}


@answer("autoscaling", "DescribeScalingActivities")
def describe_activities(call: Call) -> Json:
    name = call["AutoScalingGroupName"]
    if name and name not in GROUPS[call.region] and not call["IncludeDeletedGroups"]:
        raise invalid(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
    found = [a for g in GROUPS[call.region].values() if not name or g.name == name for a in g.activities]
    if call["IncludeDeletedGroups"]:
        found += [a | {"AutoScalingGroupState": "Deleted"} for a in asg.OLD_ACTIVITIES[call.region]
                  if not name or a["AutoScalingGroupName"] == name]
    wanted = call["ActivityIds"]
    return {"Activities": [a for a in found if not wanted or a["ActivityId"] in wanted]}


def _refresh(group: Group) -> Json | None:
    return next((r for r in group.refreshes if r["Status"] in ("Pending", "InProgress", "Cancelling")), None)


@answer("autoscaling", "StartInstanceRefresh")
def start_refresh(call: Call) -> Json:
    group = find(call)
    if _refresh(group):
        raise AwsError("InstanceRefreshInProgress", "An Instance Refresh is already in progress and blocks the execution of this "
                       "Instance Refresh.", 400)
    wanted = call.get("DesiredConfiguration", {})
    specification = check_template(call.region, wanted) if wanted.get("LaunchTemplate") else None
    old = list(group.living)
    total = len(old)
    refresh: Json = {
        "InstanceRefreshId": str(uuid.uuid4()), "AutoScalingGroupName": group.name, "Status": "Pending", "StartTime": asg.now(),
        "PercentageComplete": 0, "InstancesToUpdate": total, "Preferences": call.get("Preferences", {}),
        "DesiredConfiguration": wanted,
    }
    group.refreshes.insert(0, refresh)

    def replace() -> None:
        if refresh["Status"] != "InProgress" or not asg.alive(group):
            return
        if not old:
            refresh.update(Status="Successful", PercentageComplete=100, InstancesToUpdate=0, EndTime=asg.now())
            return
        asg.end(group, old.pop(0), "an instance refresh replaces the instance")
        asg.balance(group, "an instance refresh replaces instances")
        refresh["InstancesToUpdate"] = len(old)
        refresh["PercentageComplete"] = min(99, int(100 * (total - len(old)) / total))
        CLOCK.after("instance_create", replace)

    def begin() -> None:
        if refresh["Status"] == "Pending":
            refresh["Status"] = "InProgress"
            if specification:
                group.body["LaunchTemplate"] = specification
            replace()

    CLOCK.after("access_point_create", begin)
    return {"InstanceRefreshId": refresh["InstanceRefreshId"]}


@answer("autoscaling", "DescribeInstanceRefreshes")
def describe_refreshes(call: Call) -> Json:
    wanted: list[Any] = call.get("InstanceRefreshIds", [])
    return {"InstanceRefreshes": [r for r in find(call).refreshes if not wanted or r["InstanceRefreshId"] in wanted]}


@answer("autoscaling", "CancelInstanceRefresh")
def cancel_refresh(call: Call) -> Json:
    refresh = _refresh(find(call))
    if refresh is None:
        raise AwsError("ActiveInstanceRefreshNotFound", f"No in progress or pending Instance Refresh found for Auto Scaling group "
                       f"{call['AutoScalingGroupName']}", 400)
    refresh.update(Status="Cancelled", EndTime=asg.now())
    return {"InstanceRefreshId": refresh["InstanceRefreshId"]}
