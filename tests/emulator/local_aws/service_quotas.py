"""Service quotas: the ones that an EKS installation meets."""

from __future__ import annotations

from .errors import AwsError
from .rules import answer
from .wire import ACCOUNT, Call

#: code: (service, name, default, applied or None when it was never raised).
QUOTAS = {
    "L-F678F1CE": ("vpc", "VPCs per Region", 5, 5),
    "L-A4707A72": ("vpc", "Internet gateways per Region", 5, 5),
    "L-FE5A380F": ("vpc", "NAT gateways per Availability Zone", 5, 5),
    "L-E79EC296": ("vpc", "VPC security groups per Region", 2500, None),
    "L-0EA8095F": ("vpc", "Inbound or outbound rules per security group", 60, None),
    "L-DF5E4CA3": ("vpc", "Network interfaces per Region", 5000, None),
    "L-0263D0A3": ("ec2", "EC2-VPC Elastic IPs", 5, 5),
    "L-1216C47A": ("ec2", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 5, 1152),
    "L-DB2E81BA": ("ec2", "Running On-Demand G and VT instances", 0, 128),
    "L-417A185B": ("ec2", "Running On-Demand P instances", 0, 192),
    "L-1194D53C": ("eks", "Clusters", 100, None),
    "L-CDE20ADC": ("autoscaling", "Auto Scaling groups per region", 500, None),
    "L-7A658B76": ("ebs", "Storage for General Purpose SSD (gp3) volumes, in TiB", 50, 50),
    "L-848C634D": ("elasticfilesystem", "File systems per account", 1000, None),
    "L-7391004C": ("elasticfilesystem", "Mount targets per VPC", 400, None),
    "L-DC2B2D3D": ("s3", "General purpose buckets", 10000, None),
    "L-FE177D64": ("iam", "Roles per account", 1000, None),
}


def _shown(call: Call, code: str, value: int) -> dict:
    service, name, _, _ = QUOTAS[code]
    return {"ServiceCode": service, "ServiceName": service, "QuotaCode": code, "QuotaName": name, "Value": float(value), "Unit": "None",
            "Adjustable": True, "GlobalQuota": service == "iam",
            "QuotaArn": f"arn:aws:servicequotas:{call.region}:{ACCOUNT}:{service}/{code}"}


def _find(call: Call) -> str:
    code = call["QuotaCode"]
    if code not in QUOTAS or QUOTAS[code][0] != call["ServiceCode"]:
        raise AwsError("NoSuchResourceException", "The request failed because the specified quota does not exist.")
    return code


@answer("service-quotas", "GetServiceQuota")
def get_quota(call: Call) -> dict:
    code = _find(call)
    applied = QUOTAS[code][3]
    if applied is None:
        raise AwsError("NoSuchResourceException", "The request failed because the specified quota has no applied value.")
    return {"Quota": _shown(call, code, applied)}


@answer("service-quotas", "GetAWSDefaultServiceQuota")
def get_default(call: Call) -> dict:
    code = _find(call)
    return {"Quota": _shown(call, code, QUOTAS[code][2])}


@answer("service-quotas", "ListServiceQuotas")
def list_quotas(call: Call) -> dict:
    return {"Quotas": [_shown(call, code, q[3]) for code, q in QUOTAS.items() if q[0] == call["ServiceCode"] and q[3] is not None]}


@answer("service-quotas", "ListAWSDefaultServiceQuotas")
def list_defaults(call: Call) -> dict:
    return {"Quotas": [_shown(call, code, q[2]) for code, q in QUOTAS.items() if q[0] == call["ServiceCode"]]}
