//! Security group and its ingress rules (NET-4). Natural key: its name inside the VPC.

use super::group_maker::group_maker;
use crate::aws::Aws;
use crate::aws::blockers::{blocker, interfaces, origin};
use crate::aws::chunks::PAGE;
use crate::aws::chunks::in_chunks;
use crate::aws::contract::{Deletion, Resource, Typed, json};
use crate::aws::errors::{classify, or_absent, or_exists, unexpected};
use crate::aws::tags;
use crate::engine::{Blocker, Created, DeletionPolicy, Failure, FailureKind, Item, Observed, Query, Readiness, Scope, Update, Whose};
use crate::resource::spec::{Rule, SELF_GROUP};
use crate::resource::{Input, spec};
use aws_sdk_ec2::types::{self, IpPermission, IpRange, ResourceType, UserIdGroupPair};
use std::collections::BTreeMap;

pub(in crate::aws) struct SecurityGroup;

impl Resource for SecurityGroup {
    type Spec = spec::SecurityGroup;

    const DELETION: Deletion = Deletion {
        blockers: Some(|aws, item, scope| Box::pin(blockers(aws, item, scope))),
        protection: None,
        data: None,
        exists_by_name: None,
        unrecorded: None,
        asks_whether_deleting: false,
    };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let groups = describe(aws, tags::filters(aws, query, "group-id")).await?;
        let observed = groups.iter().filter_map(|group| {
            let spec = spec::SecurityGroup {
                vpc: Input::from(group.vpc_id().unwrap_or_default()),
                name: group.group_name().unwrap_or_default().to_owned(),
                description: group.description().unwrap_or_default().to_owned(),
                ingress: rules(group),
            };
            let id = group.group_id().unwrap_or_default();
            tags::observed(aws, id, tags::of_ec2(group.tags()), json(&spec), &[], Readiness::Ready)
        });
        Ok(observed.collect())
    }

    async fn create(aws: &Aws, new: &Typed<'_, spec::SecurityGroup>, _token: &str) -> Result<Created, Failure> {
        let call =
            aws.ec2.create_security_group().vpc_id(new.spec.vpc.as_str()).group_name(&new.spec.name).description(&new.spec.description);
        let answer = classify(
            "CreateSecurityGroup",
            call.tag_specifications(tags::specification(ResourceType::SecurityGroup, &new.tags)).send().await,
        )?;
        let id = answer.group_id().ok_or_else(|| unexpected("CreateSecurityGroup", "the answer names no group"))?;
        Ok(Created { id: id.to_owned(), attributes: tags::attributes(id, &[]) })
    }

    /// One duplicate makes AWS reject the whole call, so the existing rules are read first.
    async fn configure(aws: &Aws, it: &Typed<'_, spec::SecurityGroup>) -> Result<(), Failure> {
        let groups = describe(aws, vec![tags::filter("group-id", [it.id.clone()])]).await?;
        let now = groups.first().map(rules).unwrap_or_default();
        let missing: Vec<IpPermission> =
            it.spec.ingress.iter().filter(|rule| !now.contains(rule)).map(|rule| permission(rule, &it.id)).collect();
        let extra: Vec<IpPermission> =
            now.iter().filter(|rule| !it.spec.ingress.contains(rule)).map(|rule| permission(rule, &it.id)).collect();
        if !extra.is_empty() {
            let call = aws.ec2.revoke_security_group_ingress().group_id(&it.id).set_ip_permissions(Some(extra));
            or_absent(classify("RevokeSecurityGroupIngress", call.send().await))?;
        }
        if !missing.is_empty() {
            let call = aws.ec2.authorize_security_group_ingress().group_id(&it.id).set_ip_permissions(Some(missing));
            or_exists(classify("AuthorizeSecurityGroupIngress", call.send().await))?;
        }
        Ok(())
    }

    async fn update(aws: &Aws, it: &Typed<'_, spec::SecurityGroup>, _update: &Update) -> Result<BTreeMap<String, String>, Failure> {
        Self::configure(aws, it).await?;
        Ok(BTreeMap::new())
    }

    async fn change_tags(aws: &Aws, _it: &Typed<'_, spec::SecurityGroup>, update: &Update) -> Result<(), Failure> {
        tags::change_ec2(aws, update).await
    }

    async fn delete(aws: &Aws, item: &Item, policy: &DeletionPolicy) -> Result<(), Failure> {
        delete(aws, &item.id, &policy.scope).await
    }
}

/// Groups that refer to each other in their rules block each other's deletion: when AWS refuses, the rules of this cluster's other groups
/// that refer to this one are revoked first. Rules in the groups of others are left alone.
pub(super) async fn delete(aws: &Aws, id: &str, scope: &Scope) -> Result<(), Failure> {
    let delete = || async { classify("DeleteSecurityGroup", aws.ec2.delete_security_group().group_id(id).send().await).map(drop) };
    match delete().await {
        Err(failure) if failure.kind == FailureKind::InUse => {
            let revoked = revoke_naming(aws, id, scope).await?;
            if revoked { delete().await } else { Err(failure) }
        }
        other => other,
    }
}

/// Whether it is ours, or was made by what ran in the cluster.
fn is_of_cluster(aws: &Aws, scope: &Scope, group: &types::SecurityGroup) -> bool {
    let tags = tags::of_ec2(group.tags());
    tags::address(aws, &tags).is_some() || group_maker(aws, scope, group, &tags).is_some()
}

/// Other groups whose rules refer to this one.
async fn naming(aws: &Aws, id: &str) -> Result<Vec<types::SecurityGroup>, Failure> {
    let by = |name: &str| describe(aws, vec![tags::filter(name, [id.to_owned()])]);
    let mut found = by("ip-permission.group-id").await?;
    let egress = by("egress.ip-permission.group-id").await?;
    found.extend(egress.into_iter().filter(|group| found.iter().all(|other| other.group_id() != group.group_id())).collect::<Vec<_>>());
    found.retain(|group| group.group_id() != Some(id));
    Ok(found)
}

/// Revokes all rules of the cluster's groups that refer to this one. By their ids, because then descriptions need not match.
async fn revoke_naming(aws: &Aws, id: &str, scope: &Scope) -> Result<bool, Failure> {
    let groups = naming(aws, id).await?;
    let of_cluster = groups.iter().filter(|group| is_of_cluster(aws, scope, group));
    let groups: Vec<String> = of_cluster.filter_map(|group| group.group_id().map(str::to_owned)).collect();
    if groups.is_empty() {
        return Ok(false);
    }
    let rules = in_chunks(&groups, |some| rules_of(aws, some)).await?;
    let mut by_group: BTreeMap<(&str, bool), Vec<String>> = BTreeMap::new();
    for rule in rules.iter().filter(|rule| rule.referenced_group_info().is_some_and(|named| named.group_id() == Some(id))) {
        let key = (rule.group_id().unwrap_or_default(), rule.is_egress() == Some(true));
        by_group.entry(key).or_default().extend(rule.security_group_rule_id().map(str::to_owned));
    }
    for ((group, is_egress), ids) in &by_group {
        if *is_egress {
            let call = aws.ec2.revoke_security_group_egress().group_id(*group).set_security_group_rule_ids(Some(ids.clone()));
            or_absent(classify("RevokeSecurityGroupEgress", call.send().await))?;
        } else {
            let call = aws.ec2.revoke_security_group_ingress().group_id(*group).set_security_group_rule_ids(Some(ids.clone()));
            or_absent(classify("RevokeSecurityGroupIngress", call.send().await))?;
        }
    }
    Ok(!by_group.is_empty())
}

async fn rules_of(aws: &Aws, groups: Vec<String>) -> Result<Vec<types::SecurityGroupRule>, Failure> {
    let call = aws.ec2.describe_security_group_rules().filters(tags::filter("group-id", groups)).max_results(PAGE);
    classify("DescribeSecurityGroupRules", call.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await)
}

pub(in crate::aws) async fn describe(aws: &Aws, filters: Vec<types::Filter>) -> Result<Vec<types::SecurityGroup>, Failure> {
    let pages = aws.ec2.describe_security_groups().set_filters(Some(filters)).max_results(PAGE).into_paginator().items().send();
    classify("DescribeSecurityGroups", pages.collect::<Result<Vec<_>, _>>().await)
}

/// EC2 merges rules of the same ports; here they are separated again.
fn rules(group: &types::SecurityGroup) -> Vec<Rule> {
    let own = group.group_id().unwrap_or_default();
    let mut rules = Vec::new();
    for permission in group.ip_permissions() {
        let rule = |source: &str, description: Option<&str>| Rule {
            protocol: permission.ip_protocol().unwrap_or_default().to_owned(),
            from_port: permission.from_port().unwrap_or(0).max(0),
            to_port: permission.to_port().unwrap_or(0).max(0),
            source: Input::from(if source == own { SELF_GROUP } else { source }),
            description: description.unwrap_or_default().to_owned(),
        };
        rules.extend(permission.user_id_group_pairs().iter().map(|pair| rule(pair.group_id().unwrap_or_default(), pair.description())));
        rules.extend(permission.ip_ranges().iter().map(|range| rule(range.cidr_ip().unwrap_or_default(), range.description())));
    }
    rules
}

fn permission(rule: &Rule, own: &str) -> IpPermission {
    let builder = IpPermission::builder().ip_protocol(&rule.protocol);
    let builder = if rule.protocol == "-1" { builder } else { builder.from_port(rule.from_port).to_port(rule.to_port) };
    let source = rule.source.as_str();
    if source.contains('/') {
        return builder.ip_ranges(IpRange::builder().cidr_ip(source).description(&rule.description).build()).build();
    }
    let group = if source == SELF_GROUP { own } else { source };
    builder.user_id_group_pairs(UserIdGroupPair::builder().group_id(group).description(&rule.description).build()).build()
}

/// Interfaces that use the group, and groups of others whose rules refer to it: `delete` revokes our own rules.
pub(super) async fn blockers(aws: &Aws, item: &Item, scope: &Scope) -> Result<Vec<Blocker>, Failure> {
    let mut found = interfaces::with(aws, scope, "group-id", &item.id).await?;
    for group in naming(aws, &item.id).await? {
        let tags = tags::of_ec2(group.tags());
        let other = group.group_id().unwrap_or_default();
        let whose = if is_of_cluster(aws, scope, &group) { Whose::Ours } else { Whose::Foreign };
        found.push(blocker(format!("a rule of security group {other}"), origin(group.group_name(), &tags), whose));
    }
    Ok(found)
}
