"""Small things that all of EC2 shares."""

from __future__ import annotations

import fnmatch
import re
from typing import Any

from .errors import AwsError

Json = dict[str, Any]


def error(code: str, message: str) -> AwsError:
    return AwsError(code, message, 400)


def tags_for(store: Any, identity: str) -> list[Json]:
    return [{"Key": k, "Value": v} for k, v in store.tags.get(identity, {}).items()]


def tag_map(specifications: list[Json] | None, kind: str) -> dict[str, str]:
    return {tag["Key"]: tag.get("Value", "") for spec in specifications or [] if spec.get("ResourceType") == kind
            for tag in spec.get("Tags") or []}


def check_tags(tags: list[Json], already: set[str] | frozenset[str] = frozenset()) -> None:
    for tag in tags:
        key, value = tag.get("Key") or "", tag.get("Value") or ""
        if key.lower().startswith("aws:"):
            raise error("InvalidParameterValue", f"Value ( {key} ) for parameter key is invalid. Tag keys starting with 'aws:' are "
                        "reserved for internal use")
        if not 1 <= len(key) <= 127:
            raise error("InvalidParameterValue", f"Tag key exceeds the maximum length of 127 characters: {key}")
        if len(value) > 255:
            raise error("InvalidParameterValue", f"Tag value exceeds the maximum length of 255 characters: {value}")
    if len({tag.get("Key") for tag in tags} | set(already)) > 50:
        raise error("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")


def check_tag_specifications(specifications: list[Json], kind: str | None = None) -> None:
    for specification in specifications or []:
        if kind and specification.get("ResourceType") != kind:
            raise error("InvalidParameterValue", f"'{specification.get('ResourceType')}' is not a valid taggable resource type for this "
                        "operation.")
        check_tags(specification.get("Tags") or [])


def like(patterns: list[str], value: Any) -> bool:
    """EC2's filter values: * and ? are wild."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return any(fnmatch.fnmatchcase(text, p.replace("[", "[[]")) if re.search(r"[*?]", p) else text == p for p in patterns)


def matches_tags(tags: dict[str, str], name: str, values: list[str], operation: str) -> bool:
    """Tag filters; any other name is refused as EC2 does."""
    if name == "tag-key":
        return any(like(values, key) for key in tags)
    if name == "tag-value":
        return any(like(values, value) for value in tags.values())
    if name.startswith("tag:"):
        key = name[4:]
        return key in tags and like(values, tags[key])
    raise unknown_filter(name, operation)


def unknown_filter(name: str, _operation: str) -> AwsError:
    return error("InvalidParameterValue", f"The filter '{name}' is invalid")


def select(items: list[Any], call: Any, fields: dict[str, Any], tags: Any) -> list[Any]:
    """Apply a call's filters: `fields` maps a filter's name to a function giving one value or a list of them."""
    for condition in call.get("Filters") or call.get("Filter") or []:
        name, values = condition["Name"], [str(v) for v in condition.get("Values") or []]
        if name in fields:
            items = [i for i in items if _any_like(values, fields[name](i))]
        else:
            items = [i for i in items if matches_tags(tags(i), name, values, call.operation)]
            if not items:
                matches_tags({}, name, values, call.operation)
    return items


def _any_like(values: list[str], found: Any) -> bool:
    many = found if isinstance(found, (list, set, tuple)) else [found]
    return any(like(values, one) for one in many if one is not None)
