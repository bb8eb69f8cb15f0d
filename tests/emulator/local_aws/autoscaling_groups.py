"""What Auto Scaling knows, and how its groups keep their number of instances."""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from . import instance_launch as machines
from . import network, nodes
from .clock import CLOCK
from .iam_visibility import visible_profile
from .inventory import Entry, entry, source
from .rules import on_reset

Json = dict[str, Any]


@dataclass
class Member:
    """One instance of a group."""

    instance: Any
    template: machines.Template
    state: str = "Pending"
    since: float | None = None
    protected: bool = False

    @property
    def shown(self) -> Json:
        return {
            "InstanceId": self.instance.id,
            "InstanceType": self.instance.instance_type,
            "AvailabilityZone": self.instance.availability_zone,
            "LifecycleState": self.state,
            "HealthStatus": "Healthy" if self.state != "Terminating" else "Unhealthy",
            "LaunchTemplate": self.template.specification,
            "ImageId": self.instance.image_id,
            "ProtectedFromScaleIn": self.protected,
        }


@dataclass
class Group:
    region: str
    body: Json
    tags: dict[str, Json] = field(default_factory=dict)
    members: list[Member] = field(default_factory=list)
    activities: list[Json] = field(default_factory=list)
    refreshes: list[Json] = field(default_factory=list)
    hooks: dict[str, Json] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.body["AutoScalingGroupName"]

    @property
    def subnets(self) -> list[str]:
        return [s.strip() for s in self.body["VPCZoneIdentifier"].split(",") if s.strip()]

    @property
    def living(self) -> list[Member]:
        return [m for m in self.members if m.state != "Terminating"]

    @property
    def shown(self) -> Json:
        tags = [{"ResourceId": self.name, "ResourceType": "auto-scaling-group"} | tag for tag in self.tags.values()]
        return self.body | {"Tags": tags, "Instances": [m.shown for m in self.members]}

    def suspended(self, process: str) -> bool:
        return any(p["ProcessName"] == process for p in self.body["SuspendedProcesses"])


GROUPS: dict[str, dict[str, Group]] = defaultdict(dict)
#: Activities of groups that are gone.
OLD_ACTIVITIES: dict[str, list[Json]] = defaultdict(list)
on_reset(GROUPS.clear)
on_reset(OLD_ACTIVITIES.clear)


def now() -> datetime:
    return datetime.now(timezone.utc)


def specification_of(body: Json) -> Json:
    """The launch template that a group (or a request) names, plain or in a mixed policy."""
    mixed = (body.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}
    return body.get("LaunchTemplate") or mixed.get("LaunchTemplateSpecification") or {}


def _override(body: Json) -> str | None:
    overrides = ((body.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}).get("Overrides") or []
    return overrides[0].get("InstanceType") if overrides else None


def activity(group: Group, description: str, cause: str, status: str = "InProgress", message: str | None = None) -> Json:
    found: Json = {
        "ActivityId": str(uuid.uuid4()), "AutoScalingGroupName": group.name, "Description": description, "Cause": cause,
        "StartTime": now(), "StatusCode": status, "Progress": 50, "Details": "{}",
        "AutoScalingGroupARN": group.body["AutoScalingGroupARN"],
    }
    if message:
        found |= {"StatusMessage": message, "EndTime": now(), "Progress": 100}
    group.activities.insert(0, found)
    return found


def _done(found: Json) -> None:
    found |= {"StatusCode": "Successful", "EndTime": now(), "Progress": 100}


def balance(group: Group, cause: str) -> None:
    """Start or end instances until the group has as many as it wants."""
    wanted = group.body["DesiredCapacity"]
    surplus = len(group.living) - wanted
    unprotected = [m for m in group.living if not m.protected]
    for member in unprotected[: max(0, surplus)]:
        end(group, member, cause)
    for _ in range(-surplus):
        if group.suspended("Launch") or not start(group, cause):
            break


def start(group: Group, cause: str) -> bool:
    specification = specification_of(group.body)
    template = machines.find_template(group.region, specification)
    trouble = "The launch template does not exist" if template is None else machines.template_troubles(
        group.region, template.data, visible_profile)
    if trouble:
        activity(group, "Launching a new EC2 instance.", cause, "Failed", f"{trouble}. Launching EC2 instance failed.")
        CLOCK.after("instance_create", lambda: balance(group, cause) if alive(group) else None)
        return False
    counts = {s: sum(1 for m in group.living if m.instance.subnet_id == s) for s in group.subnets}
    subnet = min(counts, key=counts.get)
    tags = {k: t["Value"] for k, t in group.tags.items() if t["PropagateAtLaunch"]}
    tags["aws:autoscaling:groupName"] = group.name
    instance = machines.launch(group.region, template, subnet, tags, _override(group.body))
    member = Member(instance, template, protected=group.body["NewInstancesProtectedFromScaleIn"])
    group.members.append(member)
    found = activity(group, f"Launching a new EC2 instance: {instance.id}", cause)

    def arrive() -> None:
        if member.state == "Pending":
            member.state, member.since = "InService", time.monotonic()
            machines.come_up(instance)
            _done(found)

    CLOCK.after("instance_create", arrive)
    return True


def end(group: Group, member: Member, cause: str) -> None:
    if member.state == "Terminating":
        return
    member.state = "Terminating"
    machines.shut_down(member.instance)
    found = activity(group, f"Terminating EC2 instance: {member.instance.id}", cause)

    def leave() -> None:
        machines.gone(group.region, member.instance)
        if member in group.members:
            group.members.remove(member)
        _done(found)
        if group.body.get("Status") == "Delete in progress" and not group.members:
            remove(group)

    CLOCK.after("instance_delete", leave)


def settle(group: Group) -> None:
    """Everything that the group has begun is done now."""
    for member in group.members:
        if member.state == "Pending":
            member.state, member.since = "InService", time.monotonic()
            machines.come_up(member.instance)
    for found in group.activities:
        _done(found)


def remove(group: Group) -> None:
    if GROUPS[group.region].get(group.name) is group:
        del GROUPS[group.region][group.name]
        OLD_ACTIVITIES[group.region].extend(group.activities)


def alive(group: Group) -> bool:
    return GROUPS[group.region].get(group.name) is group and group.body.get("Status") is None


def member_of(region: str, instance_id: str) -> tuple[Group, Member] | None:
    for group in GROUPS[region].values():
        for member in group.members:
            if member.instance.id == instance_id:
                return group, member
    return None


def instance_was_ended(region: str, instance_id: str) -> None:
    """Someone ended an instance behind the group's back: the group replaces it."""
    found = member_of(region, instance_id)
    if not found:
        return
    group, member = found
    end(group, member, "an instance was taken out of service in response to an EC2 health check indicating it has been terminated")
    if alive(group):
        balance(group, "an instance was terminated")


def _ready(region: str) -> Iterator[tuple[set[str], list[float]]]:
    for group in GROUPS[region].values():
        keys = {key for key, tag in group.tags.items() if tag["Value"] == "owned"}
        yield keys, [m.since for m in group.members if m.state == "InService" and m.since is not None]


nodes.SOURCES.append(_ready)


@source
def _inventory() -> Iterator[Entry]:
    for groups in list(GROUPS.values()):
        for group in groups.values():
            yield entry("autoscaling", "auto-scaling-group", group.body["AutoScalingGroupARN"],
                        {k: t["Value"] for k, t in group.tags.items()}, name=group.name, instances=len(group.members))
            for name in group.hooks:
                yield entry("autoscaling", "lifecycle-hook", f"{group.name}/{name}")


def subnet_zone(region: str, subnet_id: str) -> str | None:
    subnet = network.find_subnet(region, subnet_id)
    return subnet.availability_zone if subnet else None
