//! Internet gateway and its attachment. Tag only.

use super::network_interface;
use crate::aws::Aws;
use crate::aws::blockers::interfaces;
use crate::aws::chunks::PAGE;
use crate::aws::contract::{Deletion, Resource, Typed, json};
use crate::aws::errors::{classify, or_absent, or_exists, unexpected};
use crate::aws::tags;
use crate::engine::{Blocker, Created, DeletionPolicy, Failure, Item, Observed, Query, Readiness, Scope, Update};
use crate::resource::{Input, spec};
use aws_config::retry::RetryConfig;
use aws_sdk_ec2::config::Builder;
use aws_sdk_ec2::types::ResourceType;
use std::collections::BTreeMap;

pub(in crate::aws) struct InternetGateway;

impl Resource for InternetGateway {
    type Spec = spec::InternetGateway;

    const DELETION: Deletion = Deletion {
        blockers: Some(|aws, item, scope| Box::pin(blockers(aws, item, scope))),
        protection: None,
        data: None,
        exists_by_name: None,
        unrecorded: None,
        asks_whether_deleting: false,
    };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let filters = tags::filters(aws, query, "internet-gateway-id");
        let pages = aws.ec2.describe_internet_gateways().set_filters(Some(filters)).max_results(PAGE).into_paginator().items().send();
        let gateways = classify("DescribeInternetGateways", pages.collect::<Result<Vec<_>, _>>().await)?;
        let observed = gateways.iter().filter_map(|gateway| {
            let vpc = gateway.attachments().first().and_then(|attachment| attachment.vpc_id());
            let spec = spec::InternetGateway { vpc: Input::from(vpc.unwrap_or_default()) };
            let id = gateway.internet_gateway_id().unwrap_or_default();
            tags::observed(aws, id, tags::of_ec2(gateway.tags()), json(&spec), &[], Readiness::Ready)
        });
        Ok(observed.collect())
    }

    async fn create(aws: &Aws, new: &Typed<'_, spec::InternetGateway>, _token: &str) -> Result<Created, Failure> {
        let call = aws.ec2.create_internet_gateway().tag_specifications(tags::specification(ResourceType::InternetGateway, &new.tags));
        let once = Builder::new().retry_config(RetryConfig::disabled());
        let answer = classify("CreateInternetGateway", call.customize().config_override(once).send().await)?;
        let id = answer.internet_gateway().and_then(|gateway| gateway.internet_gateway_id());
        let id = id.ok_or_else(|| unexpected("CreateInternetGateway", "the answer names no gateway"))?;
        Ok(Created { id: id.to_owned(), attributes: tags::attributes(id, &[]) })
    }

    async fn configure(aws: &Aws, it: &Typed<'_, spec::InternetGateway>) -> Result<(), Failure> {
        let call = aws.ec2.attach_internet_gateway().internet_gateway_id(&it.id).vpc_id(it.spec.vpc.as_str());
        or_exists(classify("AttachInternetGateway", call.send().await))
    }

    /// A gateway that was detached is attached again.
    async fn update(aws: &Aws, it: &Typed<'_, spec::InternetGateway>, _update: &Update) -> Result<BTreeMap<String, String>, Failure> {
        Self::configure(aws, it).await?;
        Ok(BTreeMap::new())
    }

    async fn change_tags(aws: &Aws, _it: &Typed<'_, spec::InternetGateway>, update: &Update) -> Result<(), Failure> {
        tags::change_ec2(aws, update).await
    }

    /// Detaching is refused while NAT gateways or load balancers hold public addresses.
    async fn delete(aws: &Aws, item: &Item, _policy: &DeletionPolicy) -> Result<(), Failure> {
        if let Some(vpc) = item.spec.get("vpc").and_then(serde_json::Value::as_str).filter(|vpc| !vpc.is_empty()) {
            let call = aws.ec2.detach_internet_gateway().internet_gateway_id(&item.id).vpc_id(vpc);
            or_absent(classify("DetachInternetGateway", call.send().await))?;
        }
        classify("DeleteInternetGateway", aws.ec2.delete_internet_gateway().internet_gateway_id(&item.id).send().await).map(drop)
    }
}

/// Public addresses in the VPC block the deletion of its gateway.
async fn blockers(aws: &Aws, item: &Item, scope: &Scope) -> Result<Vec<Blocker>, Failure> {
    let call = aws.ec2.describe_internet_gateways().filters(tags::filter("internet-gateway-id", [item.id.clone()])).max_results(PAGE);
    let pages = call.into_paginator().items().send();
    let gateways = classify("DescribeInternetGateways", pages.collect::<Result<Vec<_>, _>>().await)?;
    let vpcs: Vec<String> =
        gateways.iter().flat_map(|gateway| gateway.attachments()).filter_map(|attachment| attachment.vpc_id().map(str::to_owned)).collect();
    if vpcs.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = network_interface::describe(aws, vec![tags::filter("vpc-id", vpcs)]).await?;
    found.retain(|interface| interface.association().is_some_and(|association| association.public_ip().is_some()));
    Ok(interfaces::with_owners(aws, scope, &found).await?.into_iter().map(|(_, blocker)| blocker).collect())
}
