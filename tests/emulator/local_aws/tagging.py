"""Resource Groups Tagging: everything that moto's services hold with a tag, all of it (moto's own pages end at 100 tags)."""

from __future__ import annotations

from typing import Any

from .inventory import as_map
from .moto_bridge import backend
from .rules import answer
from .wire import Call


def _tags(found: Any) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in as_map(found).items()]


@answer("resourcegroupstaggingapi", "GetResources")
def get_resources(call: Call) -> dict[str, Any]:
    api = backend("resourcegroupstaggingapi", call.region)
    found = api._get_resources_generator(
        tag_filters=call.get("TagFilters", []), resource_type_filters=call.get("ResourceTypeFilters", []),
        resource_arn_list=call.get("ResourceARNList", []))
    return {"ResourceTagMappingList": [{"ResourceARN": one.arn, "Tags": _tags(one.tags)} for one in found]}
