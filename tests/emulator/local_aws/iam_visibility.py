"""What other services see of IAM: not the newest, and only what may be used by them."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from .clock import CLOCK
from .moto_bridge import backend
from .wire import ACCOUNT


def _old_enough(thing: Any) -> bool:
    made = thing.create_date
    made = made if made.tzinfo else made.replace(tzinfo=timezone.utc)
    return (datetime.now(timezone.utc) - made).total_seconds() >= CLOCK.seconds("iam_visible")


def visible_role(arn: str) -> Any:
    """The role, once other services see it."""
    for role in backend("iam").roles.values():
        if role.arn == arn:
            return role if _old_enough(role) else None
    return None


def visible_principal(arn: str) -> bool:
    if visible_role(arn):
        return True
    return arn == f"arn:aws:iam::{ACCOUNT}:root" or any(user.arn == arn for user in backend("iam").users.values())


def visible_profile(name_or_arn: str) -> Any:
    for profile in backend("iam").instance_profiles.values():
        if name_or_arn in (profile.name, profile.arn):
            return profile if _old_enough(profile) else None
    return None


def trusts(role: Any, service: str, action: str = "sts:AssumeRole") -> bool:
    """Whether the role's trust policy lets a service assume it."""
    for statement in _many(json.loads(role.assume_role_policy_document).get("Statement")):
        principal = statement.get("Principal", {})
        services = _many(principal.get("Service")) if isinstance(principal, dict) else []
        actions = _many(statement.get("Action"))
        if statement.get("Effect") == "Allow" and service in services and {action, "sts:*", "*"} & set(actions):
            return True
    return False


def has_policy(role: Any, name: str) -> bool:
    return any(arn.rpartition("/")[2] == name for arn in role.managed_policies)


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
