//! NAT gateway (NET-2). Token. A failed one must be deleted and recreated with another token.

use crate::aws::Aws;
use crate::aws::chunks::PAGE;
use crate::aws::contract::{Deletion, Resource, Typed, json};
use crate::aws::errors::{classify, unexpected};
use crate::aws::tags;
use crate::engine::{Created, DeletionPolicy, Failure, Item, Observed, Query, Readiness, Update};
use crate::resource::{Input, spec};
use aws_sdk_ec2::types::{ConnectivityType, NatGatewayState, ResourceType};
use std::collections::BTreeMap;

pub(in crate::aws) struct NatGateway;

impl Resource for NatGateway {
    type Spec = spec::NatGateway;

    const DELETION: Deletion =
        Deletion { blockers: None, protection: None, data: None, exists_by_name: None, unrecorded: None, asks_whether_deleting: false };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let filters = tags::filters(aws, query, "nat-gateway-id");
        let pages = aws.ec2.describe_nat_gateways().set_filter(Some(filters)).max_results(PAGE).into_paginator().items().send();
        let gateways = classify("DescribeNatGateways", pages.collect::<Result<Vec<_>, _>>().await)?;
        // Deleted gateways stay listed for an hour.
        let living = gateways.iter().filter(|gateway| gateway.state() != Some(&NatGatewayState::Deleted));
        let observed = living.filter_map(|gateway| {
            let address = gateway.nat_gateway_addresses().first();
            let spec = spec::NatGateway {
                subnet: Input::from(gateway.subnet_id().unwrap_or_default()),
                allocation: Input::from(address.and_then(|address| address.allocation_id()).unwrap_or_default()),
            };
            let readiness = match gateway.state() {
                Some(NatGatewayState::Available) => Readiness::Ready,
                Some(NatGatewayState::Deleting) => Readiness::Deleting,
                Some(NatGatewayState::Failed) => Readiness::Failed(gateway.failure_message().unwrap_or("no reason given").to_owned()),
                _ => Readiness::NotYet("pending".to_owned()),
            };
            let id = gateway.nat_gateway_id().unwrap_or_default();
            let public_ip = [("public_ip", address.and_then(|address| address.public_ip()).unwrap_or_default())];
            tags::observed(aws, id, tags::of_ec2(gateway.tags()), json(&spec), &public_ip, readiness)
        });
        Ok(observed.collect())
    }

    async fn create(aws: &Aws, new: &Typed<'_, spec::NatGateway>, token: &str) -> Result<Created, Failure> {
        let call = aws.ec2.create_nat_gateway().client_token(token).connectivity_type(ConnectivityType::Public);
        let call = call.subnet_id(new.spec.subnet.as_str()).allocation_id(new.spec.allocation.as_str());
        let answer =
            classify("CreateNatGateway", call.tag_specifications(tags::specification(ResourceType::Natgateway, &new.tags)).send().await)?;
        let id = answer.nat_gateway().and_then(|gateway| gateway.nat_gateway_id());
        let id = id.ok_or_else(|| unexpected("CreateNatGateway", "the answer names no gateway"))?;
        Ok(Created { id: id.to_owned(), attributes: tags::attributes(id, &[]) })
    }

    async fn configure(_aws: &Aws, _it: &Typed<'_, spec::NatGateway>) -> Result<(), Failure> {
        Ok(())
    }

    async fn update(_aws: &Aws, _it: &Typed<'_, spec::NatGateway>, _update: &Update) -> Result<BTreeMap<String, String>, Failure> {
        Ok(BTreeMap::new())
    }

    async fn change_tags(aws: &Aws, _it: &Typed<'_, spec::NatGateway>, update: &Update) -> Result<(), Failure> {
        tags::change_ec2(aws, update).await
    }

    async fn delete(aws: &Aws, item: &Item, _policy: &DeletionPolicy) -> Result<(), Failure> {
        classify("DeleteNatGateway", aws.ec2.delete_nat_gateway().nat_gateway_id(&item.id).send().await).map(drop)
    }
}
