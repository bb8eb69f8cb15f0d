"""Client tokens: the same token gives the same answer, and other parameters with it are refused."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from .errors import AwsError
from .rules import on_reset
from .wire import Answer, Call

#: Operations that honour a token, and the name of the token's parameter.
TOKENS = {
    **{("ec2", op): "ClientToken" for op in (
        "CreateNatGateway", "CreateRouteTable", "CreateLaunchTemplate", "CreateLaunchTemplateVersion",
        "CreateVpcEndpoint", "RunInstances", "CreateNetworkInterface", "CreateVolume")},
    **{("eks", op): "clientRequestToken" for op in (
        "CreateCluster", "CreateAddon", "CreateAccessEntry", "CreatePodIdentityAssociation", "UpdateClusterConfig",
        "UpdateClusterVersion", "UpdateAddon", "UpdateAccessEntry", "UpdatePodIdentityAssociation")},
}
_LIMITS = {"CreateNatGateway": 64, "CreateLaunchTemplate": 128, "CreateLaunchTemplateVersion": 128, "CreateVpcEndpoint": 64,
           "RunInstances": 64, "CreateRouteTable": 64}
_MISMATCH = {
    "ec2": ("IdempotentParameterMismatch",
            "The provided client token '{token}' was already used with different request parameters"),
    "eks": ("InvalidParameterException",
            "The client request token {token} was already used with different request parameters"),
}
_answers: dict[tuple, tuple[str, Answer]] = {}
on_reset(_answers.clear)


def _identity(call: Call) -> tuple[tuple, str] | None:
    name = TOKENS.get(call.key)
    token = call[name] if name else None
    if not token:
        return None
    rest: dict[str, Any] = {k: v for k, v in call.params.items() if k != name}
    digest = hashlib.sha256(json.dumps(rest, sort_keys=True, default=str).encode()).hexdigest()
    return (call.service, call.operation, call.region, token), digest


def recall(call: Call) -> Answer | None:
    """The answer that this token got the first time."""
    found = _identity(call)
    if not found:
        return None
    key, digest = found
    if call.service == "ec2" and len(key[3]) > _LIMITS.get(call.operation, 64):
        raise AwsError("InvalidParameterValue", f"Value ({key[3]}) for parameter clientToken is invalid. Token is too long.")
    if key not in _answers:
        return None
    if _answers[key][0] != digest:
        code, message = _MISMATCH[call.service]
        raise AwsError(code, message.format(token=key[3]), 400)
    return _answers[key][1]


def remember(call: Call, answer: Answer) -> None:
    found = _identity(call)
    if found and answer.status < 300:
        _answers[found[0]] = (found[1], answer)
