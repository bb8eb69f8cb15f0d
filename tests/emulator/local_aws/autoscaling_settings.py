"""Auto Scaling: tags, processes, hooks, target groups, metrics, limits."""

from __future__ import annotations

from .autoscaling_api import check_tags, check_target_groups, find, invalid, tag_map
from .autoscaling_groups import GROUPS, Group, Json
from .rules import answer
from .wire import Call

_PROCESSES = ("Launch", "Terminate", "AddToLoadBalancer", "AlarmNotification", "AZRebalance", "HealthCheck", "InstanceRefresh",
              "ReplaceUnhealthy", "ScheduledActions")


def _group(call: Call, name: str) -> Group:
    group = GROUPS[call.region].get(name)
    if group is None:
        raise invalid(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
    return group


@answer("autoscaling", "CreateOrUpdateTags")
def create_or_update_tags(call: Call) -> Json:
    by_group: dict[str, list[Json]] = {}
    for tag in call["Tags"]:
        by_group.setdefault(tag.get("ResourceId") or "", []).append(tag)
    for name, tags in by_group.items():
        group = _group(call, name)
        check_tags(tags, len(set(group.tags) - {tag["Key"] for tag in tags}))
    for name, tags in by_group.items():
        _group(call, name).tags.update(tag_map(tags))
    return {}


@answer("autoscaling", "DeleteTags")
def delete_tags(call: Call) -> Json:
    for tag in call["Tags"]:
        _group(call, tag["ResourceId"]).tags.pop(tag["Key"], None)
    return {}


@answer("autoscaling", "DescribeTags")
def describe_tags(call: Call) -> Json:
    found = [tag for group in GROUPS[call.region].values() for tag in group.shown["Tags"]]
    members = {"auto-scaling-group": "ResourceId", "key": "Key", "value": "Value", "propagate-at-launch": "PropagateAtLaunch"}
    for condition in call.get("Filters", []):
        if condition["Name"] not in members:
            raise invalid(f"Filter type {condition['Name']} is not correct. Allowed Filter types are: {list(members)}")
        member = members[condition["Name"]]
        found = [tag for tag in found if str(tag[member]).lower() in [v.lower() for v in condition["Values"]]
                 or tag[member] in condition["Values"]]
    return {"Tags": found}


@answer("autoscaling", "SuspendProcesses")
def suspend(call: Call) -> Json:
    group = find(call)
    for name in call["ScalingProcesses"] or _PROCESSES:
        if not group.suspended(name):
            group.body["SuspendedProcesses"].append({"ProcessName": name, "SuspensionReason": "User suspended"})
    return {}


@answer("autoscaling", "ResumeProcesses")
def resume(call: Call) -> Json:
    group = find(call)
    gone = call["ScalingProcesses"] or _PROCESSES
    group.body["SuspendedProcesses"] = [p for p in group.body["SuspendedProcesses"] if p["ProcessName"] not in gone]
    return {}


@answer("autoscaling", "SetInstanceProtection")
def set_protection(call: Call) -> Json:
    for member in find(call).members:
        if member.instance.id in call["InstanceIds"]:
            member.protected = call["ProtectedFromScaleIn"]
    return {}


@answer("autoscaling", "PutLifecycleHook")
def put_hook(call: Call) -> Json:
    find(call).hooks[call["LifecycleHookName"]] = dict(call.params)
    return {}


@answer("autoscaling", "DescribeLifecycleHooks")
def describe_hooks(call: Call) -> Json:
    wanted = call["LifecycleHookNames"]
    return {"LifecycleHooks": [hook for name, hook in find(call).hooks.items() if not wanted or name in wanted]}


@answer("autoscaling", "DeleteLifecycleHook")
def delete_hook(call: Call) -> Json:
    if find(call).hooks.pop(call["LifecycleHookName"], None) is None:
        raise invalid(f"No Lifecycle Hook found with name: {call['LifecycleHookName']}")
    return {}


@answer("autoscaling", "AttachLoadBalancerTargetGroups")
def attach_target_groups(call: Call) -> Json:
    group = find(call)
    check_target_groups(call.region, call["TargetGroupARNs"])
    group.body["TargetGroupARNs"] = sorted({*group.body["TargetGroupARNs"], *call["TargetGroupARNs"]})
    return {}


@answer("autoscaling", "DetachLoadBalancerTargetGroups")
def detach_target_groups(call: Call) -> Json:
    group = find(call)
    group.body["TargetGroupARNs"] = [arn for arn in group.body["TargetGroupARNs"] if arn not in call["TargetGroupARNs"]]
    return {}


@answer("autoscaling", "DescribeLoadBalancerTargetGroups")
def describe_target_groups(call: Call) -> Json:
    return {"LoadBalancerTargetGroups": [{"LoadBalancerTargetGroupARN": arn, "State": "InService"}
                                         for arn in find(call).body["TargetGroupARNs"]]}


@answer("autoscaling", "EnableMetricsCollection")
def enable_metrics(call: Call) -> Json:
    group = find(call)
    names = call["Metrics"] or ["GroupMinSize", "GroupMaxSize", "GroupDesiredCapacity", "GroupInServiceInstances"]
    group.body["EnabledMetrics"] = [{"Metric": name, "Granularity": call["Granularity"]} for name in names]
    return {}


@answer("autoscaling", "DisableMetricsCollection")
def disable_metrics(call: Call) -> Json:
    group = find(call)
    gone = call["Metrics"]
    group.body["EnabledMetrics"] = [m for m in group.body["EnabledMetrics"] if gone and m["Metric"] not in gone]
    return {}


@answer("autoscaling", "DescribeAccountLimits")
def account_limits(call: Call) -> Json:
    return {"MaxNumberOfAutoScalingGroups": 500, "MaxNumberOfLaunchConfigurations": 200,
            "NumberOfAutoScalingGroups": len(GROUPS[call.region]), "NumberOfLaunchConfigurations": 0}
