"""SSM public parameters of the EKS images (moto's own are years old)."""

from __future__ import annotations

from datetime import datetime, timezone

from . import image_catalogue
from .moto_bridge import forward
from .rules import answer
from .errors import AwsError
from .wire import Call

_PUBLIC = "/aws/service/"


def _shown(name: str, region: str) -> dict | None:
    value = image_catalogue.parameters().get(name)
    if value is None:
        return None
    return {"Name": name, "Type": "String", "Value": value, "Version": 42, "DataType": "text",
            "LastModifiedDate": datetime(2026, 7, 14, tzinfo=timezone.utc), "ARN": f"arn:aws:ssm:{region}::parameter{name}"}


@answer("ssm", "GetParameter")
def get_parameter(call: Call):
    if not call["Name"].startswith(_PUBLIC):
        return forward(call)
    found = _shown(call["Name"], call.region)
    if found is None:
        raise AwsError("ParameterNotFound", "")
    return {"Parameter": found}


@answer("ssm", "GetParameters")
def get_parameters(call: Call):
    if not all(name.startswith(_PUBLIC) for name in call["Names"]):
        return forward(call)
    found = {name: _shown(name, call.region) for name in call["Names"]}
    return {"Parameters": [p for p in found.values() if p], "InvalidParameters": [n for n, p in found.items() if not p]}


@answer("ssm", "GetParametersByPath")
def get_parameters_by_path(call: Call):
    path = call["Path"].rstrip("/") + "/"
    if not path.startswith(_PUBLIC):
        return forward(call)
    size = int(call.get("MaxResults", 10))
    names = sorted(n for n in image_catalogue.parameters()
                   if n.startswith(path) and (call["Recursive"] or "/" not in n.removeprefix(path)))
    start = names.index(call["NextToken"]) if call["NextToken"] in names else 0
    result = {"Parameters": [_shown(n, call.region) for n in names[start : start + size]]}
    if start + size < len(names):
        result["NextToken"] = names[start + size]
    return result
