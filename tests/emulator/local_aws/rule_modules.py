"""The list of modules with rules."""

from . import (  # noqa: F401
    autoscaling_api,
    autoscaling_groups,
    autoscaling_settings,
    ec2_checks,
    ec2_deletes,
    ec2_endpoints,
    ec2_instances,
    ec2_nat,
    efs,
    efs_access,
    eks,
    iam_rules,
    inventory_moto,
    kms_logs,
    launch_templates,
    load_balancers,
    s3,
    s3_conditions,
    service_quotas,
    ssm,
)
