//! VPC endpoint, gateway or interface (NET-3). Token, which the SDK does not fill in by itself.

use crate::aws::Aws;
use crate::aws::chunks::PAGE;
use crate::aws::contract::{Deletion, Resource, Typed, json};
use crate::aws::errors::{classify, unexpected};
use crate::aws::tags;
use crate::engine::{Created, DeletionPolicy, Failure, FailureKind, Item, Observed, Query, Readiness, Update};
use crate::resource::{Input, spec};
use aws_sdk_ec2::types::{self, ResourceType, VpcEndpointType};
use std::collections::BTreeMap;

pub(in crate::aws) struct VpcEndpoint;

impl Resource for VpcEndpoint {
    type Spec = spec::VpcEndpoint;

    const DELETION: Deletion =
        Deletion { blockers: None, protection: None, data: None, exists_by_name: None, unrecorded: None, asks_whether_deleting: false };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let filters = tags::filters(aws, query, "vpc-endpoint-id");
        let pages = aws.ec2.describe_vpc_endpoints().set_filters(Some(filters)).max_results(PAGE).into_paginator().items().send();
        let endpoints = classify("DescribeVpcEndpoints", pages.collect::<Result<Vec<_>, _>>().await)?;
        let living = endpoints.iter().filter(|endpoint| state(endpoint) != "deleted");
        Ok(living.filter_map(|endpoint| observed(aws, endpoint)).collect())
    }

    async fn create(aws: &Aws, new: &Typed<'_, spec::VpcEndpoint>, token: &str) -> Result<Created, Failure> {
        let interface = new.spec.endpoint_type == VpcEndpointType::Interface.as_str();
        let call = aws.ec2.create_vpc_endpoint().client_token(token).vpc_id(new.spec.vpc.as_str()).service_name(&new.spec.service);
        let call = call.vpc_endpoint_type(VpcEndpointType::from(new.spec.endpoint_type.as_str()));
        let call = call.set_route_table_ids(list(&new.spec.route_tables)).set_subnet_ids(list(&new.spec.subnets));
        let call = call.set_security_group_ids(list(&new.spec.security_groups)).set_private_dns_enabled(interface.then_some(true));
        let answer =
            classify("CreateVpcEndpoint", call.tag_specifications(tags::specification(ResourceType::VpcEndpoint, &new.tags)).send().await)?;
        let id = answer.vpc_endpoint().and_then(|endpoint| endpoint.vpc_endpoint_id());
        let id = id.ok_or_else(|| unexpected("CreateVpcEndpoint", "the answer names no endpoint"))?;
        Ok(Created { id: id.to_owned(), attributes: tags::attributes(id, &[]) })
    }

    async fn configure(_aws: &Aws, _it: &Typed<'_, spec::VpcEndpoint>) -> Result<(), Failure> {
        Ok(())
    }

    async fn update(aws: &Aws, it: &Typed<'_, spec::VpcEndpoint>, update: &Update) -> Result<BTreeMap<String, String>, Failure> {
        let (tables, tables_gone) = delta(&it.spec.route_tables, update, "route_tables");
        let (subnets, subnets_gone) = delta(&it.spec.subnets, update, "subnets");
        let (groups, groups_gone) = delta(&it.spec.security_groups, update, "security_groups");
        let call = aws.ec2.modify_vpc_endpoint().vpc_endpoint_id(&it.id);
        let call = call.set_add_route_table_ids(tables).set_remove_route_table_ids(tables_gone);
        let call = call.set_add_subnet_ids(subnets).set_remove_subnet_ids(subnets_gone);
        classify("ModifyVpcEndpoint", call.set_add_security_group_ids(groups).set_remove_security_group_ids(groups_gone).send().await)?;
        Ok(BTreeMap::new())
    }

    async fn change_tags(aws: &Aws, _it: &Typed<'_, spec::VpcEndpoint>, update: &Update) -> Result<(), Failure> {
        tags::change_ec2(aws, update).await
    }

    async fn delete(aws: &Aws, item: &Item, _policy: &DeletionPolicy) -> Result<(), Failure> {
        delete(aws, &item.id).await
    }
}

/// The status of the answer is 200 even when an endpoint was not deleted.
pub(super) async fn delete(aws: &Aws, id: &str) -> Result<(), Failure> {
    let answer = classify("DeleteVpcEndpoints", aws.ec2.delete_vpc_endpoints().vpc_endpoint_ids(id).send().await)?;
    let Some(error) = answer.unsuccessful().first().and_then(|item| item.error()) else { return Ok(()) };
    let code = error.code().unwrap_or_default();
    let kind = if code.ends_with("NotFound") { FailureKind::NotFound } else { FailureKind::InUse };
    Err(Failure::new(kind, "DeleteVpcEndpoints", error.message().unwrap_or_default()).with_code(code))
}

fn list(inputs: &[Input]) -> Option<Vec<String>> {
    (!inputs.is_empty()).then(|| inputs.iter().map(|input| input.as_str().to_owned()).collect())
}

/// Ids to add and to remove.
fn delta(wanted: &[Input], update: &Update, field: &str) -> (Option<Vec<String>>, Option<Vec<String>>) {
    let before: Vec<String> = update.before.get(field).and_then(|list| serde_json::from_value(list.clone()).ok()).unwrap_or_default();
    let wanted: Vec<String> = wanted.iter().map(|input| input.as_str().to_owned()).collect();
    let add: Vec<String> = wanted.iter().filter(|id| !before.contains(id)).cloned().collect();
    let remove: Vec<String> = before.into_iter().filter(|id| !wanted.contains(id)).collect();
    ((!add.is_empty()).then_some(add), (!remove.is_empty()).then_some(remove))
}

/// The API model capitalises states, the service does not.
pub(in crate::aws) fn state(endpoint: &types::VpcEndpoint) -> String {
    endpoint.state().map(|state| state.as_str().to_lowercase()).unwrap_or_default()
}

fn observed(aws: &Aws, endpoint: &types::VpcEndpoint) -> Option<Observed> {
    let inputs = |ids: &[String]| ids.iter().map(|id| Input::from(id.as_str())).collect();
    let spec = spec::VpcEndpoint {
        vpc: Input::from(endpoint.vpc_id().unwrap_or_default()),
        service: endpoint.service_name().unwrap_or_default().to_owned(),
        endpoint_type: endpoint.vpc_endpoint_type().map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
        route_tables: inputs(endpoint.route_table_ids()),
        subnets: inputs(endpoint.subnet_ids()),
        security_groups: endpoint.groups().iter().filter_map(|group| group.group_id()).map(Input::from).collect(),
    };
    let readiness = match state(endpoint).as_str() {
        "available" => Readiness::Ready,
        "deleting" => Readiness::Deleting,
        "failed" | "rejected" | "expired" => {
            let error = endpoint.last_error().and_then(|error| error.message()).unwrap_or("no reason given");
            Readiness::Failed(error.to_owned())
        }
        other => Readiness::NotYet(other.to_owned()),
    };
    let id = endpoint.vpc_endpoint_id().unwrap_or_default();
    tags::observed(aws, id, tags::of_ec2(endpoint.tags()), json(&spec), &[], readiness)
}
