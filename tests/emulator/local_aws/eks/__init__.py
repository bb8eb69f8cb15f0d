"""Amazon EKS, whole: moto's own is not used."""

from . import access, addons, clusters, pod_identity, tags, updates, versions  # noqa: F401
