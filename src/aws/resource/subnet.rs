//! Subnet (NET-1). Natural key: its range inside the VPC.

use crate::aws::Aws;
use crate::aws::blockers::interfaces;
use crate::aws::chunks::PAGE;
use crate::aws::contract::{Deletion, Resource, Typed, json};
use crate::aws::errors::{classify, unexpected};
use crate::aws::tags;
use crate::engine::{Blocker, Created, DeletionPolicy, Failure, Item, Observed, Query, Readiness, Scope, Update};
use crate::resource::{Input, spec};
use aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType, SubnetState};
use std::collections::BTreeMap;

pub(in crate::aws) struct Subnet;

impl Resource for Subnet {
    type Spec = spec::Subnet;

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
            .describe_subnets()
            .set_filters(Some(tags::filters(aws, query, "subnet-id")))
            .max_results(PAGE)
            .into_paginator()
            .items()
            .send();
        let subnets = classify("DescribeSubnets", pages.collect::<Result<Vec<_>, _>>().await)?;
        let observed = subnets.iter().filter_map(|subnet| {
            let spec = spec::Subnet {
                vpc: Input::from(subnet.vpc_id().unwrap_or_default()),
                zone: subnet.availability_zone().unwrap_or_default().to_owned(),
                cidr: subnet.cidr_block().unwrap_or_default().to_owned(),
                public_addresses: subnet.map_public_ip_on_launch().unwrap_or(false),
            };
            let readiness = match subnet.state() {
                Some(SubnetState::Pending) => Readiness::NotYet("pending".to_owned()),
                _ => Readiness::Ready,
            };
            let id = subnet.subnet_id().unwrap_or_default();
            tags::observed(aws, id, tags::of_ec2(subnet.tags()), json(&spec), &[], readiness)
        });
        Ok(observed.collect())
    }

    async fn create(aws: &Aws, new: &Typed<'_, spec::Subnet>, _token: &str) -> Result<Created, Failure> {
        let call = aws.ec2.create_subnet().vpc_id(new.spec.vpc.as_str()).availability_zone(&new.spec.zone).cidr_block(&new.spec.cidr);
        let answer = classify("CreateSubnet", call.tag_specifications(tags::specification(ResourceType::Subnet, &new.tags)).send().await)?;
        let id = answer.subnet().and_then(|subnet| subnet.subnet_id());
        let id = id.ok_or_else(|| unexpected("CreateSubnet", "the answer names no subnet"))?;
        Ok(Created { id: id.to_owned(), attributes: tags::attributes(id, &[]) })
    }

    /// New subnets assign no public addresses, so a call is needed only when they should.
    async fn configure(aws: &Aws, it: &Typed<'_, spec::Subnet>) -> Result<(), Failure> {
        if it.spec.public_addresses { set_public_addresses(aws, it).await } else { Ok(()) }
    }

    async fn update(aws: &Aws, it: &Typed<'_, spec::Subnet>, _update: &Update) -> Result<BTreeMap<String, String>, Failure> {
        set_public_addresses(aws, it).await?;
        Ok(BTreeMap::new())
    }

    async fn change_tags(aws: &Aws, _it: &Typed<'_, spec::Subnet>, update: &Update) -> Result<(), Failure> {
        tags::change_ec2(aws, update).await
    }

    async fn delete(aws: &Aws, item: &Item, _policy: &DeletionPolicy) -> Result<(), Failure> {
        classify("DeleteSubnet", aws.ec2.delete_subnet().subnet_id(&item.id).send().await).map(drop)
    }
}

async fn set_public_addresses(aws: &Aws, it: &Typed<'_, spec::Subnet>) -> Result<(), Failure> {
    let value = AttributeBooleanValue::builder().value(it.spec.public_addresses).build();
    classify("ModifySubnetAttribute", aws.ec2.modify_subnet_attribute().subnet_id(&it.id).map_public_ip_on_launch(value).send().await)
        .map(drop)
}

/// Its interfaces.
async fn blockers(aws: &Aws, item: &Item, scope: &Scope) -> Result<Vec<Blocker>, Failure> {
    interfaces::with(aws, scope, "subnet-id", &item.id).await
}
