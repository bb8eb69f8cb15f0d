"""The add-ons that exist here: versions by Kubernetes version, settings, service accounts."""

from __future__ import annotations

_KUBERNETES = ("1.33", "1.34", "1.35", "1.36")

#: Versions, newest first; the default of every Kubernetes version is the second newest.
_COMMON = {
    "vpc-cni": ("v1.21.2-eksbuild.1", "v1.21.1-eksbuild.3", "v1.20.5-eksbuild.1"),
    "eks-pod-identity-agent": ("v1.3.11-eksbuild.1", "v1.3.10-eksbuild.2", "v1.3.9-eksbuild.3"),
    "aws-ebs-csi-driver": ("v1.59.0-eksbuild.1", "v1.58.0-eksbuild.1", "v1.56.0-eksbuild.1"),
    "aws-efs-csi-driver": ("v3.1.0-eksbuild.1", "v3.0.1-eksbuild.1", "v2.3.0-eksbuild.2"),
}
#: Versions that follow the Kubernetes version.
_BY_KUBERNETES = {
    "kube-proxy": {v: (f"v{v}.3-eksbuild.4", f"v{v}.1-eksbuild.2", f"v{v}.0-eksbuild.2") for v in _KUBERNETES},
    "coredns": {
        "1.33": ("v1.12.4-eksbuild.10", "v1.12.1-eksbuild.2", "v1.12.0-eksbuild.1"),
        "1.34": ("v1.13.2-eksbuild.4", "v1.12.4-eksbuild.10", "v1.12.3-eksbuild.1"),
        "1.35": ("v1.14.2-eksbuild.4", "v1.13.2-eksbuild.4", "v1.13.1-eksbuild.1"),
        "1.36": ("v1.14.3-eksbuild.1", "v1.14.2-eksbuild.4", "v1.14.1-eksbuild.1"),
    },
}
TYPES = {"vpc-cni": "networking", "kube-proxy": "networking", "coredns": "networking",
         "eks-pod-identity-agent": "security", "aws-ebs-csi-driver": "storage", "aws-efs-csi-driver": "storage"}
NEEDS_IAM = {"vpc-cni", "aws-ebs-csi-driver", "aws-efs-csi-driver"}
#: Add-ons with pods that need a node; the others are daemon sets, content with none.
NEEDS_NODES = {"coredns", "aws-ebs-csi-driver", "aws-efs-csi-driver"}

_OBJECT = {"type": "object"}
_PODS = {"affinity": _OBJECT, "nodeSelector": _OBJECT, "podAnnotations": _OBJECT, "podLabels": _OBJECT,
         "tolerations": {"type": "array"}, "resources": _OBJECT}
#: Settings that each add-on takes: JSON schema, closed at the top.
SCHEMAS = {
    "vpc-cni": _PODS | {
        "env": _OBJECT, "init": _OBJECT, "eniConfig": _OBJECT, "enableNetworkPolicy": {"type": "string"},
        "enableWindowsIpam": {"type": "string"}, "enableWindowsPrefixDelegation": {"type": "string"},
        "nodeAgent": _OBJECT, "livenessProbeTimeoutSeconds": {"type": "integer"},
        "readinessProbeTimeoutSeconds": {"type": "integer"}, "minimumWindowsIPTarget": {"type": "string"},
        "warmWindowsIPTarget": {"type": "string"}, "warmWindowsPrefixTarget": {"type": "string"}},
    "kube-proxy": _PODS | {"ipvs": _OBJECT, "mode": {"type": "string"}},
    "eks-pod-identity-agent": _PODS | {"agent": _OBJECT, "updateStrategy": _OBJECT, "priorityClassName": {"type": "string"}},
    "coredns": _PODS | {"replicaCount": {"type": "integer"}, "corefile": {"type": "string"}, "autoScaling": _OBJECT,
                        "computeType": {"type": "string"}, "podDisruptionBudget": _OBJECT,
                        "topologySpreadConstraints": {"type": "array"}, "serviceAccount": _OBJECT},
    "aws-ebs-csi-driver": {"controller": _OBJECT, "node": _OBJECT, "sidecars": _OBJECT, "image": _OBJECT,
                           "defaultStorageClass": _OBJECT, "debugLogs": {"type": "boolean"},
                           "additionalDaemonSets": _OBJECT, "a1CompatibilityDaemonSet": {"type": "boolean"}},
    "aws-efs-csi-driver": {"controller": _OBJECT, "node": _OBJECT, "sidecars": _OBJECT, "image": _OBJECT,
                           "useFIPS": {"type": "boolean"}, "portRangeUpperBound": {"type": "string"}},
}
SERVICE_ACCOUNTS = {
    "vpc-cni": [("aws-node", "AmazonEKS_CNI_Policy")],
    "aws-ebs-csi-driver": [("ebs-csi-controller-sa", "service-role/AmazonEBSCSIDriverPolicy")],
    "aws-efs-csi-driver": [("efs-csi-controller-sa", "service-role/AmazonEFSCSIDriverPolicy"),
                           ("efs-csi-node-sa", "service-role/AmazonEFSCSIDriverPolicy")],
}
NAMES = tuple(sorted(TYPES))


def versions_for(name: str, kubernetes: str) -> tuple[str, ...]:
    """Newest first."""
    if kubernetes not in _KUBERNETES:
        return ()
    return _BY_KUBERNETES[name][kubernetes] if name in _BY_KUBERNETES else _COMMON[name]


def default_for(name: str, kubernetes: str) -> str:
    return versions_for(name, kubernetes)[1]


def all_versions(name: str) -> list[str]:
    """Every version of an add-on, newest first, each once."""
    found: dict[str, None] = {}
    for kubernetes in reversed(_KUBERNETES):
        found |= dict.fromkeys(versions_for(name, kubernetes))
    return list(found)


def kubernetes_of(name: str, version: str) -> list[str]:
    return [k for k in reversed(_KUBERNETES) if version in versions_for(name, k)]
