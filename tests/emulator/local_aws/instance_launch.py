"""Instances as launch templates describe them: start, come up, go away with all that is theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.models.instances import Instance

from . import network
from .clock import CLOCK
from .iam_visibility import visible_profile

Json = dict[str, Any]
#: What happens just before an instance is terminated: functions of region and instance.
GONE: list[Callable[[str, Any], None]] = []


@dataclass(frozen=True)
class Template:
    """One version of a launch template, found."""

    identity: str
    name: str
    number: int
    data: Json

    @property
    def specification(self) -> Json:
        return {"LaunchTemplateId": self.identity, "LaunchTemplateName": self.name, "Version": str(self.number)}


def find_template(region: str, specification: Json) -> Template | None:
    """The template version that a specification names; None when it does not exist."""
    store = network.ec2(region)
    identity = specification.get("LaunchTemplateId") or store.launch_template_name_to_ids.get(
        specification.get("LaunchTemplateName"))
    template = store.launch_templates.get(identity)
    if template is None:
        return None
    asked = str(specification.get("Version") or "$Default")
    numbers = {"$Latest": template.versions[-1].number, "$Default": template.default_version_number}
    number = numbers.get(asked, int(asked) if asked.isdigit() else 0)
    version = next((v for v in template.versions if v.number == number), None)
    return Template(template.id, template.name, number, version.data) if version else None


def tags_of(data: Json, kind: str) -> dict[str, str]:
    return {tag["Key"]: tag.get("Value", "") for spec in data.get("TagSpecifications") or []
            if spec.get("ResourceType") == kind for tag in spec.get("Tags") or []}


def _disks(data: Json, image: Any) -> list[Json]:
    """Root volume first: a template may leave it to the image."""
    disks = [dict(disk) for disk in data.get("BlockDeviceMappings") or [] if disk.get("Ebs")]
    if image.root_device_name not in [disk.get("DeviceName") for disk in disks]:
        disks.insert(0, {"DeviceName": image.root_device_name, "Ebs": {"VolumeSize": 20}})
    for disk in disks:
        ebs = dict(disk["Ebs"])
        ebs.setdefault("VolumeSize", 20)
        ebs.setdefault("VolumeType", "gp3")
        ebs.setdefault("DeleteOnTermination", True)
        if ebs.get("Encrypted") and not ebs.get("KmsKeyId"):
            ebs["KmsKeyId"] = "alias/aws/ebs"
        disk["Ebs"] = ebs
    return disks


def groups_of(data: Json) -> list[str]:
    interfaces = data.get("NetworkInterfaces") or []
    inside = [group for one in interfaces for group in one.get("Groups") or []]
    return inside or list(data.get("SecurityGroupIds") or [])


def launch(region: str, template: Template, subnet_id: str, tags: dict[str, str], instance_type: str | None = None) -> Any:
    """Start one instance; it is pending until `settle` is called."""
    store, data = network.ec2(region), template.data
    subnet = network.find_subnet(region, subnet_id)
    image = store.amis[data["ImageId"]]
    reservation = store.run_instances(
        data["ImageId"], 1, data.get("UserData"), [],
        instance_type=instance_type or data["InstanceType"], is_instance_type_default=False, region_name=region,
        subnet_id=subnet_id, private_ip=network.free_address(store, subnet), security_group_ids=groups_of(data),
        block_device_mappings=_disks(data, image), key_name=data.get("KeyName"),
        metadata_options=dict(data.get("MetadataOptions") or {}), associate_public_ip=None,
        tags={"instance": tags_of(data, "instance") | tags, "volume": tags_of(data, "volume")},
        lifecycle="spot" if data.get("InstanceMarketOptions") else None,
    )
    instance = reservation.instances[0]
    set_state(instance, "pending", 0)
    instance.add_tags({"aws:ec2launchtemplate:id": template.identity, "aws:ec2launchtemplate:version": str(template.number)})
    profile = data.get("IamInstanceProfile") or {}
    _give_profile(store, instance, profile.get("Name") or profile.get("Arn"))
    finish_interfaces(instance, tags_of(data, "network-interface"))
    return instance


def finish_interfaces(instance: Any, tags: dict[str, str]) -> None:
    for eni in instance.nics.values():
        eni.delete_on_termination = True
        eni.add_tags(tags)


def _give_profile(store: Any, instance: Any, name: str | None) -> None:
    profile = visible_profile(name) if name else None
    if profile is not None:
        key = "iam_instance_profile_arn" if name.startswith("arn:") else "iam_instance_profile_name"
        store.associate_iam_instance_profile(instance.id, **{key: name})


def set_state(instance: Any, name: str, code: int) -> None:
    instance._state.name, instance._state.code = name, code


def come_up(instance: Any) -> None:
    if instance.state == "pending":
        set_state(instance, "running", 16)


def shut_down(instance: Any) -> None:
    """Begin the end of an instance."""
    if instance.state not in ("shutting-down", "terminated"):
        set_state(instance, "shutting-down", 32)


def gone(region: str, instance: Any) -> None:
    """The end: volumes and interfaces go; the instance is listed as terminated for a while."""
    if instance.state == "terminated":
        return
    for happen in GONE:
        happen(region, instance)
    store = network.ec2(region)
    for eni in list(instance.nics.values()):
        if not eni.delete_on_termination:
            instance.detach_eni(eni)
            continue
        network.drop_interface(region, eni.id)
    for device in list(instance.block_device_mapping.values()):
        volume = store.volumes.get(device.volume_id)
        if volume is None:
            continue
        if device.delete_on_termination:
            store.volumes.pop(volume.id)
            store.tags.pop(volume.id, None)
        else:
            volume.attachment = None
    instance.block_device_mapping.clear()
    instance.nics = {}
    association = store.iam_instance_profile_associations.pop(instance.id, None)
    if association is not None:
        instance.iam_instance_profile = None
    set_state(instance, "terminated", 48)

    def forget() -> None:
        for key, reservation in list(store.reservations.items()):
            if instance in reservation.instances:
                reservation.instances.remove(instance)
                if not reservation.instances:
                    store.reservations.pop(key)
        store.tags.pop(instance.id, None)

    CLOCK.after("instance_forgotten", forget)


def _without_interfaces(original: property) -> property:
    """A terminated instance has no interface, and so no address."""
    return property(lambda self: original.fget(self) if self.nics else None)


for _name in ("private_ip", "private_ip_address", "private_dns_name", "public_ip", "public_ip_address", "public_dns_name"):
    setattr(Instance, _name, _without_interfaces(getattr(Instance, _name)))


def find_instance(region: str, instance_id: str) -> Any:
    for reservation in network.ec2(region).reservations.values():
        for instance in reservation.instances:
            if instance.id == instance_id:
                return instance
    return None


def template_troubles(region: str, data: Json, profile_visible: Any) -> str | None:
    """Why instances cannot be started from a template, in the words of Auto Scaling; None when they can."""
    store = network.ec2(region)
    image = data.get("ImageId") or ""
    if image not in store.amis:
        return f"The image id '[{image}]' does not exist"
    kind = data.get("InstanceType")
    if kind and not instance_type_exists(kind):
        return f"The requested instance type {kind} is not supported in this region. Please check the documentation for supported configurations."
    for group_id in groups_of(data):
        if network.find_group(region, group_id) is None:
            return f"The security group '{group_id}' does not exist"
    profile = data.get("IamInstanceProfile") or {}
    for key, word in (("Name", "name"), ("Arn", "arn")):
        if profile.get(key) and not profile_visible(profile[key]):
            shown = "Invalid IAM Instance Profile " + ("name" if key == "Name" else "ARN")
            return f"Value ({profile[key]}) for parameter iamInstanceProfile.{word} is invalid. {shown}"
    return None


#: Instance families that AWS has retired.
RETIRED = ("p2.", "p3.", "p3dn.", "g3.", "g3s.")


def instance_type_exists(name: str) -> bool:
    return name in INSTANCE_TYPES and not name.startswith(RETIRED)


