"""Botocore's models of the services, read once for the whole process."""

from __future__ import annotations

import botocore.session
from botocore.loaders import create_loader
from moto.core import loaders as moto_loaders
from moto.core import routing
from moto.core import utils as moto_utils

#: All services that are answered here.
SERVICES = ("acm", "autoscaling", "backup", "ec2", "ecr", "efs", "eks", "elb", "elbv2", "iam", "kms", "logs", "resourcegroupstaggingapi", "s3",
            "service-quotas", "ssm", "sts")

#: The models as moto completes them. moto would make a loader for each model, which lists the folders of all 400 services each time.
MOTO_LOADER = moto_loaders.create_loader()
moto_utils.create_loader = lambda: MOTO_LOADER
#: The models as clients know them.
CLIENT_LOADER = create_loader()


def session() -> botocore.session.Session:
    """A session of botocore whose clients share their models."""
    made = botocore.session.Session()
    made.register_component("data_loader", CLIENT_LOADER)
    return made


def load() -> None:
    """Read all models, and make the routes of the services that tell their operations by the path."""
    for service in SERVICES:
        model = moto_utils.get_service_model(service)
        if str(model.protocol).startswith("rest-"):
            routing.get_service_router(service)._get_router(str(model.protocol))
