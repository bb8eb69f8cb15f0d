//! Internet gateway and its attachment. Tag only.

use super::{Resource, Typed, json};
use crate::aws::Aws;
use crate::aws::errors::{or_absent, or_exists, sent, unexpected};
use crate::aws::parts::PAGE;
use crate::aws::tags;
use crate::engine::{Created, Failure, Item, Observed, Query, Readiness, Update};
use crate::resource::{Input, spec};
use aws_config::retry::RetryConfig;
use aws_sdk_ec2::config::Builder;
use aws_sdk_ec2::types::ResourceType;
use std::collections::BTreeMap;

pub(super) struct InternetGateway;

impl Resource for InternetGateway {
    type Spec = spec::InternetGateway;

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let filters = tags::filters(aws, query, "internet-gateway-id");
        let pages = aws.ec2.describe_internet_gateways().set_filters(Some(filters)).max_results(PAGE).into_paginator().items().send();
        let gateways = sent("DescribeInternetGateways", pages.collect::<Result<Vec<_>, _>>().await)?;
        let observed = gateways.iter().filter_map(|gateway| {
            let vpc = gateway.attachments().first().and_then(|attachment| attachment.vpc_id());
            let spec = spec::InternetGateway { vpc: Input::from(vpc.unwrap_or_default()) };
            let id = gateway.internet_gateway_id().unwrap_or_default();
            tags::observed(aws, id, tags::of_ec2(gateway.tags()), json(&spec), &[], Readiness::Ready)
        });
        Ok(observed.collect())
    }

    async fn create(aws: &Aws, new: &Typed<'_, spec::InternetGateway>, _nonce: &str) -> Result<Created, Failure> {
        let call = aws.ec2.create_internet_gateway().tag_specifications(tags::specification(ResourceType::InternetGateway, &new.tags));
        let once = Builder::new().retry_config(RetryConfig::disabled());
        let answer = sent("CreateInternetGateway", call.customize().config_override(once).send().await)?;
        let id = answer.internet_gateway().and_then(|gateway| gateway.internet_gateway_id());
        let id = id.ok_or_else(|| unexpected("CreateInternetGateway", "the answer names no gateway"))?;
        Ok(Created { id: id.to_owned(), attributes: tags::attributes(id, &[]) })
    }

    async fn settle(aws: &Aws, it: &Typed<'_, spec::InternetGateway>) -> Result<(), Failure> {
        let call = aws.ec2.attach_internet_gateway().internet_gateway_id(&it.id).vpc_id(it.spec.vpc.as_str());
        or_exists(sent("AttachInternetGateway", call.send().await))
    }

    /// A gateway that somebody detached is attached again.
    async fn update(aws: &Aws, it: &Typed<'_, spec::InternetGateway>, _update: &Update) -> Result<BTreeMap<String, String>, Failure> {
        Self::settle(aws, it).await?;
        Ok(BTreeMap::new())
    }

    /// Detaching is refused while NAT gateways or load balancers hold public addresses.
    async fn delete(aws: &Aws, item: &Item) -> Result<(), Failure> {
        if let Some(vpc) = item.spec.get("vpc").and_then(serde_json::Value::as_str).filter(|vpc| !vpc.is_empty()) {
            let call = aws.ec2.detach_internet_gateway().internet_gateway_id(&item.id).vpc_id(vpc);
            or_absent(sent("DetachInternetGateway", call.send().await))?;
        }
        sent("DeleteInternetGateway", aws.ec2.delete_internet_gateway().internet_gateway_id(&item.id).send().await).map(drop)
    }
}
