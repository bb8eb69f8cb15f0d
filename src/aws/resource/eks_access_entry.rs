//! EKS access entry (EKS-1). Token and natural key: cluster and principal. Its id is the principal's ARN.

use crate::aws::Aws;
use crate::aws::contract::{Deletion, Resource, Typed, known_name};
use crate::aws::errors::{classify, or_absent, or_inactive, unexpected};
use crate::aws::tags;
use crate::engine::{Created, DeletionPolicy, Failure, Item, Observed, Query, Readiness, Update};
use crate::resource::spec;
use aws_sdk_eks::types::{AccessScope, AccessScopeType};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(in crate::aws) struct EksAccessEntry;

type Spec = spec::EksAccessEntry;

impl Resource for EksAccessEntry {
    type Spec = Spec;

    const DELETION: Deletion =
        Deletion { blockers: None, protection: None, data: None, exists_by_name: None, unrecorded: None, asks_whether_deleting: false };

    /// One list call tells which entries exist. Principal and type never change, so recorded entries are not described one by one; only
    /// those of administrators have policies to compare.
    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        if query.items().is_empty() {
            return Ok(Vec::new());
        }
        let pages = aws.eks.list_access_entries().cluster_name(&aws.cluster).into_paginator().items().send();
        let existing = or_inactive(classify("ListAccessEntries", pages.collect::<Result<Vec<_>, _>>().await))?.unwrap_or_default();
        let mut seen = Vec::new();
        for item in query.items() {
            let Some(principal) = known_name(item, "principal") else { continue };
            if existing.iter().any(|arn| arn == principal) {
                seen.extend(observed(aws, item, principal).await?);
            }
        }
        Ok(seen)
    }

    async fn create(aws: &Aws, new: &Typed<'_, Spec>, token: &str) -> Result<Created, Failure> {
        let principal = new.spec.principal.as_str();
        let call =
            aws.eks.create_access_entry().client_request_token(token).cluster_name(new.spec.cluster.as_str()).principal_arn(principal);
        // EC2_LINUX entries accept neither groups nor a user name.
        let answer =
            classify("CreateAccessEntry", call.r#type(&new.spec.entry_type).set_tags(Some(tags::hash_map(&new.tags))).send().await)?;
        let arn = answer.access_entry().and_then(|entry| entry.access_entry_arn());
        let arn = arn.ok_or_else(|| unexpected("CreateAccessEntry", "the answer names no access entry"))?;
        Ok(Created { id: principal.to_owned(), attributes: tags::attributes(principal, &[("arn", arn)]) })
    }

    async fn configure(aws: &Aws, it: &Typed<'_, Spec>) -> Result<(), Failure> {
        for policy in &it.spec.policies {
            let scope = AccessScope::builder().r#type(AccessScopeType::Cluster).build();
            let call = aws.eks.associate_access_policy().cluster_name(it.spec.cluster.as_str()).principal_arn(&it.id);
            classify("AssociateAccessPolicy", call.policy_arn(policy).access_scope(scope).send().await)?;
        }
        Ok(())
    }

    async fn update(aws: &Aws, it: &Typed<'_, Spec>, _update: &Update) -> Result<BTreeMap<String, String>, Failure> {
        Self::configure(aws, it).await?;
        for policy in policies(aws, &it.id).await? {
            if !it.spec.policies.contains(&policy) {
                let call = aws.eks.disassociate_access_policy().cluster_name(it.spec.cluster.as_str()).principal_arn(&it.id);
                or_absent(classify("DisassociateAccessPolicy", call.policy_arn(policy).send().await))?;
            }
        }
        Ok(BTreeMap::new())
    }

    async fn change_tags(aws: &Aws, _it: &Typed<'_, Spec>, update: &Update) -> Result<(), Failure> {
        tags::change_eks(aws, update).await
    }

    async fn delete(aws: &Aws, item: &Item, _policy: &DeletionPolicy) -> Result<(), Failure> {
        let call = aws.eks.delete_access_entry().cluster_name(&aws.cluster).principal_arn(&item.id);
        classify("DeleteAccessEntry", call.send().await).map(drop)
    }
}

async fn policies(aws: &Aws, principal: &str) -> Result<Vec<String>, Failure> {
    let pages =
        aws.eks.list_associated_access_policies().cluster_name(&aws.cluster).principal_arn(principal).into_paginator().items().send();
    let found = classify("ListAssociatedAccessPolicies", pages.collect::<Result<Vec<_>, _>>().await)?;
    Ok(found.into_iter().filter_map(|policy| policy.policy_arn).collect())
}

/// The tags of our cluster, with which an entry without tags counts as ours.
async fn cluster_tags(aws: &Aws, item: &Item) -> Result<tags::Tags, Failure> {
    let answer = or_absent(classify("DescribeCluster", aws.eks.describe_cluster().name(&aws.cluster).send().await))?;
    let found = answer.and_then(|answer| answer.cluster).and_then(|cluster| cluster.tags);
    let mut found: tags::Tags = found.unwrap_or_default().into_iter().collect();
    if tags::address(aws, &found).is_some() {
        found.insert(tags::ADDRESS.to_owned(), item.address.to_string());
    }
    Ok(found)
}

async fn observed(aws: &Aws, item: &Item, principal: &str) -> Result<Option<Observed>, Failure> {
    let people = item.spec.get("entry_type").and_then(Value::as_str) == Some("STANDARD");
    let mut spec = json!({ "principal": principal });
    if people {
        spec["policies"] = json!(policies(aws, principal).await?);
    }
    if !item.id.is_empty() {
        return Ok(Some(tags::observed_item(item, principal, spec, &[], Readiness::Ready)));
    }
    let call = aws.eks.describe_access_entry().cluster_name(&aws.cluster).principal_arn(principal);
    let Some(entry) = or_inactive(classify("DescribeAccessEntry", call.send().await))?.and_then(|answer| answer.access_entry) else {
        return Ok(None);
    };
    spec["entry_type"] = json!(entry.r#type());
    let mut found: tags::Tags = entry.tags().cloned().unwrap_or_default().into_iter().collect();
    if people && found.is_empty() {
        // EKS created it, without tags, for the creator of our cluster; the configuration lists the same principal.
        found = cluster_tags(aws, item).await?;
    }
    let arn = [("arn", entry.access_entry_arn().unwrap_or_default())];
    Ok(tags::observed(aws, principal, found, spec, &arn, Readiness::Ready))
}
