"""Launch templates, on moto's store: all of them described, user data checked, versions from a source version."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from . import network
from .ec2_common import check_tag_specifications, error, matches_tags, tags_for
from .moto_bridge import backend
from .rules import answer
from .wire import ACCOUNT, Call

Json = dict[str, Any]
_NAME = re.compile(r"[a-zA-Z0-9().\-/_]{3,128}")
_USER_DATA = 16 * 1024


def _template(call: Call) -> Any:
    """The template that a request names by id or by name."""
    store, identity, name = backend("ec2", call.region), call["LaunchTemplateId"], call["LaunchTemplateName"]
    if identity and name:
        raise error("InvalidParameterCombination", "The request must not contain both launch template ID and launch template name")
    if identity:
        if not re.fullmatch(r"lt-[0-9a-f]{8,17}", identity):
            raise error("InvalidLaunchTemplateId.Malformed", f"Invalid launch template ID: {identity}")
        if identity not in store.launch_templates:
            raise error("InvalidLaunchTemplateId.NotFound", f"The specified launch template, with template ID {identity}, does not exist.")
        return store.launch_templates[identity]
    if name:
        if name not in store.launch_template_name_to_ids:
            raise error("InvalidLaunchTemplateName.NotFoundException",
                        f"The specified launch template, with template name {name}, does not exist.")
        return store.launch_templates[store.launch_template_name_to_ids[name]]
    raise error("MissingParameter", "Either a launch template ID or a launch template name must be specified in the request.")


def _check_data(data: Json) -> None:
    if not data:
        raise error("MissingParameter", "The request must contain the parameter LaunchTemplateData")
    check_user_data(data.get("UserData"))
    if data.get("NetworkInterfaces") and (data.get("SecurityGroupIds") or data.get("SecurityGroups")):
        raise error("InvalidParameterCombination", "Network interfaces and an instance-level security groups may not be specified on "
                    "the same request")
    for specification in data.get("TagSpecifications") or []:
        check_tag_specifications([specification])
        if specification.get("ResourceType") not in ("instance", "volume", "network-interface", "spot-instances-request", "elastic-gpu"):
            raise error("InvalidParameterValue", f"'{specification.get('ResourceType')}' is not a valid taggable resource type for "
                        "launch templates.")


def check_user_data(text: str | None) -> None:
    if not text:
        return
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as trouble:
        raise error("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.") from trouble
    if len(raw) > _USER_DATA:
        raise error("InvalidParameterValue", "User data is limited to 16384 bytes")


def _shown(template: Any) -> Json:
    return {
        "LaunchTemplateId": template.id, "LaunchTemplateName": template.name, "CreateTime": template.create_time,
        "CreatedBy": f"arn:aws:iam::{ACCOUNT}:root", "DefaultVersionNumber": template.default_version_number,
        "LatestVersionNumber": template.latest_version_number, "Tags": tags_for(template.ec2_backend, template.id),
    }


def _version(template: Any, version: Any) -> Json:
    return {
        "LaunchTemplateId": template.id, "LaunchTemplateName": template.name, "VersionNumber": version.number,
        "VersionDescription": version.description, "CreateTime": version.create_time,
        "CreatedBy": f"arn:aws:iam::{ACCOUNT}:root", "DefaultVersion": version.number == template.default_version_number,
        "LaunchTemplateData": version.data,
    }


def _warning(region: str, data: Json) -> Json:
    """Creation does not fail on these: AWS only warns."""
    image = data.get("ImageId")
    if image and image.startswith("ami-") and image not in network.ec2(region).amis:
        return {"Warning": {"Errors": [{"Code": "InvalidAMIID.NotFound", "Message": f"The image id '[{image}]' does not exist"}]}}
    return {}


@answer("ec2", "CreateLaunchTemplate")
def create(call: Call) -> Json:
    name, data = call.get("LaunchTemplateName", ""), call.get("LaunchTemplateData", {})
    if not _NAME.fullmatch(name):
        raise error("InvalidLaunchTemplateName.MalformedException", f"A launch template name must be between 3 and 128 characters, and "
                    f"may contain letters, numbers, and the following characters: - ( ) . / _: '{name}'")
    specifications = call.get("TagSpecifications", [])
    check_tag_specifications(specifications, "launch-template")
    _check_data(data)
    store = backend("ec2", call.region)
    if name in store.launch_template_name_to_ids:
        raise error("InvalidLaunchTemplateName.AlreadyExistsException", "Launch template name already in use.")
    tags = {t["Key"]: t.get("Value", "") for s in specifications for t in s.get("Tags") or []}
    template = store.create_launch_template(name, call["VersionDescription"], dict(data), {"launch-template": tags})
    return {"LaunchTemplate": _shown(template)} | _warning(call.region, data)


@answer("ec2", "CreateLaunchTemplateVersion")
def create_version(call: Call) -> Json:
    template, data = _template(call), dict(call.get("LaunchTemplateData", {}))
    _check_data(data)
    if call["SourceVersion"]:
        data = dict(_pick(template, str(call["SourceVersion"])).data) | data
    version = template.create_version(data, call["VersionDescription"])
    return {"LaunchTemplateVersion": _version(template, version)} | _warning(call.region, data)


def _pick(template: Any, asked: str) -> Any:
    numbers = {"$Latest": template.versions[-1].number, "$Default": template.default_version_number}
    number = numbers.get(asked, int(asked) if asked.isdigit() else None)
    if number is None:
        raise error("InvalidLaunchTemplateId.VersionNotFound", f"Invalid version: {asked}")
    found = next((v for v in template.versions if v.number == number), None)
    if found is None:
        raise error("InvalidLaunchTemplateId.VersionNotFound",
                    f"Could not find the specified version {asked} for the launch template with ID {template.id}.")
    return found


@answer("ec2", "DeleteLaunchTemplateVersions")
def delete_versions(call: Call) -> Json:
    template = _template(call)
    done, failed = [], []
    for asked in call["Versions"]:
        version = next((v for v in template.versions if str(v.number) == str(asked)), None)
        base = {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name, "VersionNumber": int(asked)}
        if version is None or version.number == template.default_version_number:
            code = "launchTemplateVersionDoesNotExist" if version is None else "unexpectedError"
            failed.append(base | {"ResponseError": {"Code": code, "Message": f"Version {asked} cannot be deleted"}})
            continue
        template.versions.remove(version)
        done.append(base)
    return {"SuccessfullyDeletedLaunchTemplateVersions": done, "UnsuccessfullyDeletedLaunchTemplateVersions": failed}


@answer("ec2", "ModifyLaunchTemplate")
def modify(call: Call) -> Json:
    template = _template(call)
    template.default_version_number = _pick(template, str(call["DefaultVersion"])).number
    return {"LaunchTemplate": _shown(template)}


@answer("ec2", "DeleteLaunchTemplate")
def delete(call: Call) -> Json:
    template = _template(call)
    store = backend("ec2", call.region)
    shown = _shown(template)
    store.launch_templates.pop(template.id)
    store.launch_template_name_to_ids.pop(template.name, None)
    store.tags.pop(template.id, None)
    return {"LaunchTemplate": shown}


@answer("ec2", "DescribeLaunchTemplates")
def describe(call: Call) -> Json:
    store = backend("ec2", call.region)
    for identity in call.get("LaunchTemplateIds", []):
        if identity not in store.launch_templates:
            raise error("InvalidLaunchTemplateId.NotFound", f"The specified launch template, with template ID {identity}, does not exist.")
    for name in call.get("LaunchTemplateNames", []):
        if name not in store.launch_template_name_to_ids:
            raise error("InvalidLaunchTemplateName.NotFoundException",
                        "At least one of the launch templates specified in the request does not exist.")
    found = list(store.launch_templates.values())
    if call["LaunchTemplateIds"] or call["LaunchTemplateNames"]:
        found = [t for t in found if t.id in call.get("LaunchTemplateIds", []) or t.name in call.get("LaunchTemplateNames", [])]
    for condition in call.get("Filters", []):
        name, values = condition["Name"], condition.get("Values") or []
        if name == "launch-template-name":
            found = [t for t in found if t.name in values]
        elif name == "create-time":
            found = [t for t in found if t.create_time.isoformat() in values]
        else:
            found = [t for t in found if matches_tags(store.tags.get(t.id, {}), name, values, "DescribeLaunchTemplates")]
    return {"LaunchTemplates": [_shown(template) for template in found]}


@answer("ec2", "DescribeLaunchTemplateVersions")
def describe_versions(call: Call) -> Json:
    wanted = [str(v) for v in call.get("Versions", [])]
    if not call["LaunchTemplateId"] and not call["LaunchTemplateName"]:
        if not wanted or set(wanted) - {"$Latest", "$Default"}:
            raise error("MissingParameter", "To describe the launch template data for all your launch templates, for versions specify "
                        "$Latest, $Default, or both, and omit the launch template ID and name")
        templates = list(backend("ec2", call.region).launch_templates.values())
    else:
        templates = [_template(call)]
    found = []
    for template in templates:
        versions = {_pick(template, v).number: _pick(template, v) for v in wanted} or {v.number: v for v in template.versions}
        if not wanted:
            least, most = int(call.get("MinVersion", 0)), int(call.get("MaxVersion", 10**9))
            versions = {n: v for n, v in sorted(versions.items(), reverse=True) if least <= n <= most}
        found += [_version(template, version) for version in versions.values()]
    return {"LaunchTemplateVersions": found}
