//! Route table with its routes and subnet associations. Token; routes and associations have natural keys.

use crate::aws::Aws;
use crate::aws::chunks::ROUTE_TABLE_PAGE;
use crate::aws::contract::{Deletion, Resource, Typed, json};
use crate::aws::errors::{classify, or_absent, or_exists, unexpected};
use crate::aws::tags;
use crate::engine::{Created, DeletionPolicy, Failure, FailureKind, Item, Observed, Query, Readiness, Update};
use crate::resource::{Input, spec};
use aws_sdk_ec2::types::{self, ResourceType, RouteOrigin};
use serde_json::Value;
use std::collections::BTreeMap;

pub(in crate::aws) struct RouteTable;

impl Resource for RouteTable {
    type Spec = spec::RouteTable;

    const DELETION: Deletion =
        Deletion { blockers: None, protection: None, data: None, exists_by_name: None, unrecorded: None, asks_whether_deleting: false };

    async fn observe(aws: &Aws, query: &Query) -> Result<Vec<Observed>, Failure> {
        let tables = describe(aws, tags::filters(aws, query, "route-table-id")).await?;
        let observed = tables.iter().filter_map(|table| {
            let recorded = query.items().iter().find(|item| Some(item.id.as_str()) == table.route_table_id());
            let spec = spec::RouteTable {
                vpc: Input::from(table.vpc_id().unwrap_or_default()),
                routes: ours(created_routes(table), recorded),
                subnets: subnets(table).map(|(subnet, _)| Input::from(subnet)).collect(),
            };
            let id = table.route_table_id().unwrap_or_default();
            tags::observed(aws, id, tags::of_ec2(table.tags()), json(&spec), &[], Readiness::Ready)
        });
        Ok(observed.collect())
    }

    async fn create(aws: &Aws, new: &Typed<'_, spec::RouteTable>, token: &str) -> Result<Created, Failure> {
        let call = aws.ec2.create_route_table().client_token(token).vpc_id(new.spec.vpc.as_str());
        let answer =
            classify("CreateRouteTable", call.tag_specifications(tags::specification(ResourceType::RouteTable, &new.tags)).send().await)?;
        let id = answer.route_table().and_then(|table| table.route_table_id());
        let id = id.ok_or_else(|| unexpected("CreateRouteTable", "the answer names no route table"))?;
        Ok(Created { id: id.to_owned(), attributes: tags::attributes(id, &[]) })
    }

    async fn configure(aws: &Aws, it: &Typed<'_, spec::RouteTable>) -> Result<(), Failure> {
        for route in &it.spec.routes {
            or_exists(create_route(aws, &it.id, route).await)?;
        }
        for subnet in &it.spec.subnets {
            or_exists(associate(aws, &it.id, subnet.as_str()).await)?;
        }
        Ok(())
    }

    async fn update(aws: &Aws, it: &Typed<'_, spec::RouteTable>, update: &Update) -> Result<BTreeMap<String, String>, Failure> {
        let tables = describe(aws, vec![tags::filter("route-table-id", [it.id.clone()])]).await?;
        let table = tables.first().ok_or_else(|| unexpected("DescribeRouteTables", "the route table is gone"))?;
        update_routes(aws, it, &created_routes(table), &destinations(&update.before)).await?;
        let now: Vec<(&str, &str)> = subnets(table).collect();
        for subnet in it.spec.subnets.iter().filter(|wanted| now.iter().all(|(subnet, _)| wanted.as_str() != *subnet)) {
            associate(aws, &it.id, subnet.as_str()).await?;
        }
        for (_, association) in now.iter().filter(|(subnet, _)| it.spec.subnets.iter().all(|wanted| wanted.as_str() != *subnet)) {
            disassociate(aws, association).await?;
        }
        Ok(BTreeMap::new())
    }

    async fn change_tags(aws: &Aws, _it: &Typed<'_, spec::RouteTable>, update: &Update) -> Result<(), Failure> {
        tags::change_ec2(aws, update).await
    }

    async fn delete(aws: &Aws, item: &Item, _policy: &DeletionPolicy) -> Result<(), Failure> {
        for table in describe(aws, vec![tags::filter("route-table-id", [item.id.clone()])]).await? {
            for (_, association) in subnets(&table) {
                disassociate(aws, association).await?;
            }
        }
        classify("DeleteRouteTable", aws.ec2.delete_route_table().route_table_id(&item.id).send().await).map(drop)
    }
}

async fn describe(aws: &Aws, filters: Vec<types::Filter>) -> Result<Vec<types::RouteTable>, Failure> {
    let pages = aws.ec2.describe_route_tables().set_filters(Some(filters)).max_results(ROUTE_TABLE_PAGE).into_paginator().items().send();
    classify("DescribeRouteTables", pages.collect::<Result<Vec<_>, _>>().await)
}

/// Routes that a CreateRoute call made, without those of gateway endpoints (which have a prefix list as destination).
fn created_routes(table: &types::RouteTable) -> Vec<spec::Route> {
    let created = table.routes().iter().filter(|route| route.origin() == Some(&RouteOrigin::CreateRoute));
    created
        .filter_map(|route| {
            let target = route.nat_gateway_id().or(route.gateway_id()).unwrap_or_default();
            Some(spec::Route { destination: route.destination_cidr_block()?.to_owned(), target: Input::from(target) })
        })
        .collect()
}

/// Routes that others add to a table of ours (to a peered network, a VPN) are left alone.
fn ours(routes: Vec<spec::Route>, recorded: Option<&Item>) -> Vec<spec::Route> {
    let Some(recorded) = recorded else { return routes };
    let destinations = destinations(&recorded.spec);
    routes.into_iter().filter(|route| destinations.contains(&route.destination)).collect()
}

fn destinations(spec: &Value) -> Vec<String> {
    let routes = spec.get("routes").and_then(Value::as_array).into_iter().flatten();
    routes.filter_map(|route| Some(route.get("destination")?.as_str()?.to_owned())).collect()
}

/// Associated subnets with their association ids.
fn subnets(table: &types::RouteTable) -> impl Iterator<Item = (&str, &str)> {
    table.associations().iter().filter_map(|association| Some((association.subnet_id()?, association.route_table_association_id()?)))
}

async fn update_routes(aws: &Aws, it: &Typed<'_, spec::RouteTable>, now: &[spec::Route], before: &[String]) -> Result<(), Failure> {
    for route in it.spec.routes.iter().filter(|route| !now.contains(route)) {
        if now.iter().any(|other| other.destination == route.destination) {
            let call = aws.ec2.replace_route().route_table_id(&it.id).destination_cidr_block(&route.destination);
            let target = route.target.as_str().to_owned();
            let call = if is_nat(route) { call.nat_gateway_id(target) } else { call.gateway_id(target) };
            classify("ReplaceRoute", call.send().await)?;
        } else {
            create_route(aws, &it.id, route).await?;
        }
    }
    let unwanted = |route: &&spec::Route| {
        before.contains(&route.destination) && it.spec.routes.iter().all(|wanted| wanted.destination != route.destination)
    };
    for route in now.iter().filter(unwanted) {
        let call = aws.ec2.delete_route().route_table_id(&it.id).destination_cidr_block(&route.destination);
        or_absent(classify("DeleteRoute", call.send().await))?;
    }
    Ok(())
}

fn is_nat(route: &spec::Route) -> bool {
    route.target.as_str().starts_with("nat-")
}

async fn create_route(aws: &Aws, table: &str, route: &spec::Route) -> Result<(), Failure> {
    let call = aws.ec2.create_route().route_table_id(table).destination_cidr_block(&route.destination);
    let target = route.target.as_str().to_owned();
    let call = if is_nat(route) { call.nat_gateway_id(target) } else { call.gateway_id(target) };
    classify("CreateRoute", call.send().await).map(drop)
}

async fn associate(aws: &Aws, table: &str, subnet: &str) -> Result<(), Failure> {
    classify("AssociateRouteTable", aws.ec2.associate_route_table().route_table_id(table).subnet_id(subnet).send().await).map(drop)
}

async fn disassociate(aws: &Aws, association: &str) -> Result<(), Failure> {
    match classify("DisassociateRouteTable", aws.ec2.disassociate_route_table().association_id(association).send().await) {
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(()),
        other => other.map(drop),
    }
}
