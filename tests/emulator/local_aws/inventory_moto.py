"""The inventory's view of moto's stores. Default security groups, main route tables and default
network ACLs belong to their VPC and are not listed for themselves (their rules and routes are)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from .inventory import Entry, entry, source
from .moto_bridge import existing_backends

#: A bucket with more keys (or uploads) than this is told by their number and a digest only.
_SINGLE = 100


def _ec2() -> list[Any]:
    return list(existing_backends("ec2").values())


@source
def _network() -> Iterator[Entry]:
    for ec2 in _ec2():
        def tags(identity: str, ec2: Any = ec2) -> dict[str, str]:
            return dict(ec2.tags.get(identity, {}))

        for vpc in ec2.vpcs.values():
            yield entry("ec2", "vpc", vpc.id, tags(vpc.id), cidr=vpc.cidr_block)
        for zone in ec2.subnets.values():
            for subnet in zone.values():
                yield entry("ec2", "subnet", subnet.id, tags(subnet.id), cidr=subnet.cidr_block, zone=subnet.availability_zone)
        for gateway in ec2.internet_gateways.values():
            yield entry("ec2", "internet-gateway", gateway.id, tags(gateway.id))
            if gateway.vpc:
                yield entry("ec2", "internet-gateway-attachment", f"{gateway.id}/{gateway.vpc.id}")
        for address in ec2.addresses:
            yield entry("ec2", "elastic-ip", address.allocation_id, tags(address.allocation_id), association=address.association_id)
        for eni in ec2.enis.values():
            yield entry("ec2", "network-interface", eni.id, tags(eni.id), subnet=eni.subnet.id, description=eni.description,
                        status=eni.status, groups=",".join(sorted(group.id for group in eni.group_set)))
        for endpoint in ec2.vpc_end_points.values():
            if endpoint.state != "deleted":
                yield entry("ec2", "vpc-endpoint", endpoint.id, tags(endpoint.id), state=endpoint.state, name=endpoint.service_name)
        for nat in ec2.nat_gateways.values():
            if nat.state != "deleted":
                yield entry("ec2", "nat-gateway", nat.id, tags(nat.id), state=nat.state)


@source
def _routes() -> Iterator[Entry]:
    for ec2 in _ec2():
        for table in ec2.route_tables.values():
            if not table.main_association_id:
                yield entry("ec2", "route-table", table.id, dict(ec2.tags.get(table.id, {})), vpc=table.vpc_id)
            for route in table.routes:
                target = route.destination_cidr_block or route.destination_ipv6_cidr_block or getattr(
                    route.destination_prefix_list, "id", "?")
                if not route.local:
                    yield entry("ec2", "route", f"{table.id}/{target}")
            for association, target in table._associations.items():
                yield entry("ec2", "route-table-association", association, route_table=table.id, target=target)


@source
def _security_groups() -> Iterator[Entry]:
    for ec2 in _ec2():
        for by_id in ec2.groups.values():
            for group in by_id.values():
                if group.name != "default":
                    yield entry("ec2", "security-group", group.id, dict(ec2.tags.get(group.id, {})), name=group.name)
                for rule in group.ingress_rules + group.egress_rules:
                    if not (group.name == "default" and _is_own_default(group, rule)):
                        yield entry("ec2", "security-group-rule", rule.id, dict(ec2.tags.get(rule.id, {})), group=group.id)


def _is_own_default(group: Any, rule: Any) -> bool:
    """The two rules that every default group is born with."""
    return rule.ip_protocol == "-1" and (rule.cidr_ipv4 == "0.0.0.0/0" or rule.source_group.get("GroupId") == group.id)


@source
def _machines() -> Iterator[Entry]:
    for ec2 in _ec2():
        for reservation in ec2.reservations.values():
            for instance in reservation.instances:
                if instance.state != "terminated":
                    yield entry("ec2", "instance", instance.id, dict(ec2.tags.get(instance.id, {})), state=instance.state)
        for volume in ec2.volumes.values():
            yield entry("ec2", "volume", volume.id, dict(ec2.tags.get(volume.id, {})), size=volume.size,
                        instance=volume.attachment.instance.id if volume.attachment else None,
                        state="deleting" if volume.status == "deleting" else None)
        for snapshot in ec2.snapshots.values():
            if snapshot.description and snapshot.description.startswith("Auto-created snapshot for AMI"):
                continue
            yield entry("ec2", "snapshot", snapshot.id, dict(ec2.tags.get(snapshot.id, {})), volume=snapshot.volume.id)
        for template in ec2.launch_templates.values():
            yield entry("ec2", "launch-template", template.id, dict(ec2.tags.get(template.id, {})), name=template.name,
                        versions=len(template.versions))
        for pair in ec2.key_pairs.values():
            yield entry("ec2", "key-pair", pair.id, name=pair.name)


@source
def _iam() -> Iterator[Entry]:
    for iam in existing_backends("iam").values():
        for role in iam.roles.values():
            yield entry("iam", "role", role.arn, _iam_tags(role.tags), name=role.name)
            for policy in role.managed_policies.values():
                yield entry("iam", "role-policy-attachment", f"{role.name}/{policy.arn}")
            for name in role.policies:
                yield entry("iam", "role-inline-policy", f"{role.name}/{name}")
        for policy in iam.managed_policies.values():
            if ":aws:policy/" not in policy.arn:
                yield entry("iam", "policy", policy.arn, _iam_tags(policy.tags), name=policy.name, versions=len(policy.versions))
        for profile in iam.instance_profiles.values():
            yield entry("iam", "instance-profile", profile.arn, _iam_tags(profile.tags), name=profile.name,
                        roles=",".join(role.name for role in profile.roles))
        for provider in iam.open_id_providers.values():
            yield entry("iam", "oidc-provider", provider.arn)
        for user in iam.users.values():
            yield entry("iam", "user", user.arn, name=user.name)


def _iam_tags(tags: Any) -> Any:
    """moto keeps IAM tags as a list of pairs or as a map of pairs."""
    if isinstance(tags, dict):
        return [pair if isinstance(pair, dict) else {"Key": key, "Value": pair} for key, pair in tags.items()]
    return tags or []


@source
def _storage() -> Iterator[Entry]:
    for s3 in existing_backends("s3").values():
        for bucket in s3.buckets.values():
            count, digest = _versions(bucket)
            yield entry("s3", "bucket", bucket.name, s3.tagger.get_tag_dict_for_resource(bucket.arn), region=bucket.region_name,
                        versions=count, versions_hash=digest, uploads=len(bucket.multiparts) or None)
            if len(bucket.keys) <= _SINGLE:
                for key, versions in bucket.keys.lists():
                    yield entry("s3", "object", f"{bucket.name}/{key}", versions=len(versions))
            if len(bucket.multiparts) <= _SINGLE:
                for upload in bucket.multiparts:
                    yield entry("s3", "multipart-upload", f"{bucket.name}/{upload}")


def _versions(bucket: Any) -> tuple[int | None, str | None]:
    """How many versions and delete markers a bucket holds, and a digest of which."""
    if not bucket.keys:
        return None, None
    digest, count = hashlib.sha256(), 0
    for key, versions in sorted(dict.items(bucket.keys)):
        text = "\0".join([key, *(f"{version.version_id}:{type(version).__name__ == 'FakeDeleteMarker'}" for version in versions)])
        digest.update(text.encode("utf-8", "surrogatepass") + b"\n")
        count += len(versions)
    return count, digest.hexdigest()[:16]


@source
def _keys_and_logs() -> Iterator[Entry]:
    for kms in existing_backends("kms").values():
        for key in kms.keys.values():
            if getattr(key, "key_manager", "CUSTOMER") != "AWS":
                yield entry("kms", "key", key.arn, kms.tagger.get_tag_dict_for_resource(key.id), state=key.key_state)
        for alias in [alias for key in kms.keys.values() for alias in key.aliases.values()]:
            if not alias.alias_name.startswith("alias/aws/"):
                yield entry("kms", "alias", alias.alias_name)
    for logs in existing_backends("logs").values():
        for group in logs.groups.values():
            yield entry("logs", "log-group", group.name, logs.tagger.get_tag_dict_for_resource(group.arn),
                        retention=group.retention_in_days, streams=len(group.streams) or None)


@source
def _load_balancers() -> Iterator[Entry]:
    for elbv2 in existing_backends("elbv2").values():
        tags = elbv2.tagging_service.get_tag_dict_for_resource
        for balancer in elbv2.load_balancers.values():
            yield entry("elbv2", "load-balancer", balancer.arn, tags(balancer.arn), name=balancer.name, vpc=balancer.vpc_id)
            for listener in balancer.listeners.values():
                yield entry("elbv2", "listener", listener.arn, tags(listener.arn))
        for group in elbv2.target_groups.values():
            yield entry("elbv2", "target-group", group.arn, tags(group.arn), name=group.name, vpc=group.vpc_id)
    for ecr in existing_backends("ecr").values():
        for repository in ecr.repositories.values():
            yield entry("ecr", "repository", repository.arn, name=repository.name)
