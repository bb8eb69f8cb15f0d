"""KMS and CloudWatch Logs: what moto lets pass and AWS does not."""

from __future__ import annotations

import json
from typing import Any

from .errors import AwsError
from .moto_bridge import backend
from .rules import after, after_answer, answer, before, on_reset
from .wire import ACCOUNT, Call

_RETENTION = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _keeps_control(document: dict[str, Any]) -> bool:
    """Whether someone of this account may still change the key's policy."""
    for statement in _many(document.get("Statement", [])):
        actions = set(_many(statement.get("Action", [])))
        principal = statement.get("Principal", {})
        arns = _many(principal.get("AWS", [])) if isinstance(principal, dict) else [principal]
        if statement.get("Effect") == "Allow" and actions & {"kms:*", "kms:Put*", "kms:PutKeyPolicy"} and any(
            arn in ("*", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root") or ":user/moto" in arn for arn in arns
        ):
            return True
    return False


@before("kms", "CreateKey", "PutKeyPolicy")
def key_policy(call: Call) -> None:
    text = call["Policy"]
    if not text:
        return

    def malformed(message: str) -> AwsError:
        return AwsError("MalformedPolicyDocumentException", message, 400)

    try:
        document = json.loads(text)
    except ValueError as error:
        raise malformed("The policy is not valid JSON") from error
    if not call["BypassPolicyLockoutSafetyCheck"] and not _keeps_control(document):
        raise malformed("The new key policy will not allow you to update the key policy in the future.")
    store = backend("iam")
    known = {thing.arn for thing in [*store.roles.values(), *store.users.values()]}
    for statement in _many(document["Statement"]):
        principal = statement.get("Principal", {})
        for arn in _many(principal.get("AWS", [])) if isinstance(principal, dict) else []:
            own = f":iam::{ACCOUNT}:" in arn and not arn.endswith(":root") and "aws-service-role" not in arn
            if own and arn not in known and ":user/moto" not in arn:
                raise malformed("Policy contains a statement with one or more invalid principals.")


@before("kms", "ScheduleKeyDeletion", "CreateAlias", "EnableKey", "DisableKey", "EnableKeyRotation", "PutKeyPolicy")
def key_state(call: Call) -> None:
    name = call["KeyId"] or call["TargetKeyId"] or ""
    wanted = name.rpartition("/")[2]
    for key in backend("kms", call.region).keys.values():
        if key.id == wanted and key.key_state == "PendingDeletion":
            raise AwsError("KMSInvalidStateException", f"{key.arn} is pending deletion.", 400)


@before("kms", "ScheduleKeyDeletion")
def waiting_period(call: Call) -> None:
    days = call["PendingWindowInDays"]
    if days is not None and not 7 <= int(days) <= 30:
        raise AwsError("ValidationException", f"1 validation error detected: Value '{days}' at 'pendingWindowInDays' failed to satisfy "
                       "constraint: Member must be between 7 and 30", 400)


#: Log groups, by region and name, on which another change is under way: the next deletion is refused for that.
IN_CHANGE: set[tuple[str, str]] = set()
on_reset(IN_CHANGE.clear)


@before("logs", "DeleteLogGroup")
def change_under_way(call: Call) -> None:
    key = call.region, call["logGroupName"]
    if key in IN_CHANGE:
        IN_CHANGE.discard(key)
        raise AwsError("OperationAbortedException", "A conflicting operation is currently in progress against this resource. "
                       "Please try again.", 400)


#: Log groups with deletion protection, by region and name.
PROTECTED: set[tuple[str, str]] = set()
on_reset(PROTECTED.clear)


@after_answer("logs", "CreateLogGroup")
def protected_from_the_start(call: Call) -> None:
    if call["deletionProtectionEnabled"]:
        PROTECTED.add((call.region, call["logGroupName"]))


@answer("logs", "PutLogGroupDeletionProtection")
def protect(call: Call) -> dict[str, Any]:
    """By name, or by the ARN without the `:*` of policies."""
    identifier = call["logGroupIdentifier"]
    found = next((g for g in backend("logs", call.region).groups.values() if identifier in (g.name, g.arn)), None)
    if found is None:
        raise AwsError("ResourceNotFoundException", "The specified log group does not exist.", 400)
    (PROTECTED.add if call["deletionProtectionEnabled"] else PROTECTED.discard)((call.region, found.name))
    return {}


@after("logs", "DescribeLogGroups")
def show_protection(call: Call, result: Any) -> None:
    for group in result["logGroups"]:
        group["deletionProtectionEnabled"] = (call.region, group["logGroupName"]) in PROTECTED


@before("logs", "DeleteLogGroup")
def deletion_protection(call: Call) -> None:
    if (call.region, call["logGroupName"]) in PROTECTED:
        raise AwsError("ValidationException", "Cannot delete log group with deletion protection enabled. Disable deletion protection first.", 400)


@before("logs", "PutRetentionPolicy")
def retention(call: Call) -> None:
    if call["retentionInDays"] not in _RETENTION:
        raise AwsError("InvalidParameterException", f"1 validation error detected: Value '{call['retentionInDays']}' at 'retentionInDays' "
                       f"failed to satisfy constraint: Member must satisfy enum value set: {list(_RETENTION)}", 400)
