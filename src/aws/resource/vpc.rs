//! VPC (NET-1). Tag only: CreateVpc takes no token, so the SDK must not repeat it.

use crate::aws::Aws;
use crate::aws::blockers;
use crate::aws::chunks::PAGE;
use crate::aws::contract::{Deletion, Resource, Typed, json};
use crate::aws::errors::{classify, or_absent, unexpected};
use crate::aws::tags;
use crate::engine::{Blocker, Created, DeletionPolicy, Failure, Item, Observed, Query, Readiness, Scope, Update};
use crate::resource::spec;
use aws_config::retry::RetryConfig;
use aws_sdk_ec2::config::Builder;
use aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType, VpcAttributeName, VpcState};
use std::collections::BTreeMap;

pub(in crate::aws) struct Vpc;

impl Resource for Vpc {
    type Spec = spec::Vpc;

    const DELETION: Deletion = Deletion {
        blockers: Some(|aws, item, scope| Box::pin(blockers(aws, item, scope))),
        protection: None,
        data: None,
        exists_by_name: None,
        unrecorded: None,
        asks_whether_deleting: false,
    };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let pages = aws
            .ec2
            .describe_vpcs()
            .set_filters(Some(tags::filters(aws, query, "vpc-id")))
            .max_results(PAGE)
            .into_paginator()
            .items()
            .send();
        let mut seen = Vec::new();
        for vpc in classify("DescribeVpcs", pages.collect::<Result<Vec<_>, _>>().await)? {
            let id = vpc.vpc_id().unwrap_or_default();
            let dns_support = attribute(aws, id, VpcAttributeName::EnableDnsSupport).await?;
            let dns_hostnames = attribute(aws, id, VpcAttributeName::EnableDnsHostnames).await?;
            // A VPC may be deleted between the list and this call.
            let (Some(dns_support), Some(dns_hostnames)) = (dns_support, dns_hostnames) else { continue };
            let spec = spec::Vpc { cidr: vpc.cidr_block().unwrap_or_default().to_owned(), dns_support, dns_hostnames };
            let readiness = match vpc.state() {
                Some(VpcState::Pending) => Readiness::NotYet("pending".to_owned()),
                _ => Readiness::Ready,
            };
            seen.extend(tags::observed(aws, id, tags::of_ec2(vpc.tags()), json(&spec), &[], readiness));
        }
        Ok(seen)
    }

    async fn create(aws: &Aws, new: &Typed<'_, spec::Vpc>, _token: &str) -> Result<Created, Failure> {
        let call = aws.ec2.create_vpc().cidr_block(&new.spec.cidr).tag_specifications(tags::specification(ResourceType::Vpc, &new.tags));
        let once = Builder::new().retry_config(RetryConfig::disabled());
        let answer = classify("CreateVpc", call.customize().config_override(once).send().await)?;
        let id = answer.vpc().and_then(|vpc| vpc.vpc_id()).ok_or_else(|| unexpected("CreateVpc", "the answer names no VPC"))?;
        Ok(Created { id: id.to_owned(), attributes: tags::attributes(id, &[]) })
    }

    /// DNS support first: AWS refuses DNS host names without it, and takes one attribute per call.
    async fn configure(aws: &Aws, it: &Typed<'_, spec::Vpc>) -> Result<(), Failure> {
        let value = |on: bool| AttributeBooleanValue::builder().value(on).build();
        let call = aws.ec2.modify_vpc_attribute().vpc_id(&it.id);
        classify("ModifyVpcAttribute", call.enable_dns_support(value(it.spec.dns_support)).send().await)?;
        let call = aws.ec2.modify_vpc_attribute().vpc_id(&it.id);
        classify("ModifyVpcAttribute", call.enable_dns_hostnames(value(it.spec.dns_hostnames)).send().await)?;
        Ok(())
    }

    async fn update(aws: &Aws, it: &Typed<'_, spec::Vpc>, _update: &Update) -> Result<BTreeMap<String, String>, Failure> {
        Self::configure(aws, it).await?;
        Ok(BTreeMap::new())
    }

    async fn change_tags(aws: &Aws, _it: &Typed<'_, spec::Vpc>, update: &Update) -> Result<(), Failure> {
        tags::change_ec2(aws, update).await
    }

    async fn delete(aws: &Aws, item: &Item, _policy: &DeletionPolicy) -> Result<(), Failure> {
        classify("DeleteVpc", aws.ec2.delete_vpc().vpc_id(&item.id).send().await).map(drop)
    }
}

/// The attribute of a VPC; `None` when the VPC does not exist.
async fn attribute(aws: &Aws, id: &str, name: VpcAttributeName) -> Result<Option<bool>, Failure> {
    let answer = classify("DescribeVpcAttribute", aws.ec2.describe_vpc_attribute().vpc_id(id).attribute(name).send().await);
    let Some(answer) = or_absent(answer)? else { return Ok(None) };
    let value = answer.enable_dns_support().or(answer.enable_dns_hostnames());
    Ok(Some(value.and_then(AttributeBooleanValue::value).unwrap_or(false)))
}

/// Everything that it may still contain when its subnets are gone.
async fn blockers(aws: &Aws, item: &Item, scope: &Scope) -> Result<Vec<Blocker>, Failure> {
    blockers::vpc::contents_of(aws, scope, &item.id).await
}
