"""The EKS machine images that exist here: names, ids, dates, and where moto reads them."""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import tempfile
from functools import cache

OWNER = "602401143452"
RELEASES = ("v20260618", "v20260714")
VERSIONS = ("1.33", "1.34", "1.35", "1.36")
#: (architecture, variant) of Amazon Linux 2023 images.
AL2023 = (("x86_64", "standard"), ("x86_64", "nvidia"), ("arm64", "standard"), ("arm64", "nvidia"))
#: Amazon Linux 2: frozen at Kubernetes 1.32.
AL2 = {
    "amazon-eks-node-1.32-v20251120": ("x86_64", "amazon-linux-2"),
    "amazon-eks-gpu-node-1.32-v20251120": ("x86_64", "amazon-linux-2-gpu"),
    "amazon-eks-arm64-node-1.32-v20251120": ("arm64", "amazon-linux-2-arm64"),
}


def image_id(name: str) -> str:
    return "ami-0" + hashlib.sha256(name.encode()).hexdigest()[:16]


def _image(name: str, architecture: str, release: str, description: str) -> dict:
    day = f"{release[1:5]}-{release[5:7]}-{release[7:9]}"
    return {
        "ami_id": image_id(name),
        "name": name,
        "description": description,
        "owner_id": OWNER,
        "public": True,
        "virtualization_type": "hvm",
        "architecture": architecture,
        "state": "available",
        "platform": None,
        "image_type": "machine",
        "hypervisor": "xen",
        "root_device_name": "/dev/xvda",
        "root_device_type": "ebs",
        "sriov": "simple",
        "creation_date": f"{day}T03:20:11.000Z",
        "image_location": f"amazon/{name}",
        "product_codes": [],
    }


@cache
def images() -> list[dict]:
    found = []
    for version in VERSIONS:
        for release in RELEASES:
            for architecture, variant in AL2023:
                name = f"amazon-eks-node-al2023-{architecture}-{variant}-{version}-{release}"
                text = f"EKS-optimized Kubernetes node based on Amazon Linux 2023, (k8s: {version}.4, containerd: 2.1.*)"
                found.append(_image(name, architecture, release, text))
    for name, (architecture, _) in AL2.items():
        found.append(_image(name, architecture, "v20251120", "EKS Kubernetes Worker AMI with AmazonLinux2 image, (k8s: 1.32.9)"))
    return found


@cache
def parameters() -> dict[str, str]:
    """SSM public parameters: the newest image of each kind."""
    found = {}

    def add(prefix: str, name: str, version: str, release: str) -> None:
        patch = f"{version}.4" if version != "1.32" else "1.32.9"
        found[f"{prefix}/recommended/image_id"] = image_id(name)
        found[f"{prefix}/recommended/image_name"] = name
        found[f"{prefix}/recommended/release_version"] = f"{patch}-{release[1:]}"
        found[f"{prefix}/recommended"] = json.dumps(
            {"schema_version": "2", "image_id": image_id(name), "image_name": name,
             "release_version": f"{patch}-{release[1:]}"}
        )

    for version in VERSIONS:
        for architecture, variant in AL2023:
            name = f"amazon-eks-node-al2023-{architecture}-{variant}-{version}-{RELEASES[-1]}"
            add(f"/aws/service/eks/optimized-ami/{version}/amazon-linux-2023/{architecture}/{variant}", name, version, RELEASES[-1])
    for name, (_, family) in AL2.items():
        add(f"/aws/service/eks/optimized-ami/1.32/{family}", name, "1.32", "v20251120")
    return found


def write_file() -> str:
    """moto reads its images from a file named by an environment variable."""
    handle, path = tempfile.mkstemp(prefix="local-aws-images-", suffix=".json")
    with os.fdopen(handle, "w") as file:
        json.dump(images(), file)
    atexit.register(lambda: os.path.exists(path) and os.unlink(path))
    return path
