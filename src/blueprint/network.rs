//! VPC, subnets, gateways, routes, endpoints and security groups (NET-1…NET-5).

use super::context::{self, Context, Tags};
use super::lookup::{Lookup, Question};
use crate::config::model::{ManagedNetwork, Nat, Network, Tier};
use crate::resource::{Address, Desired, Input, Kind, spec};

const EVERYWHERE: &str = "0.0.0.0/0";

pub(super) fn resources(context: &Context<'_>) -> Vec<Desired> {
    let mut resources = security_groups(context);
    if let Network::Managed(network) = &context.config.network {
        resources.extend(vpc_and_subnets(context, network));
        resources.extend(public_side(context, network));
        resources.extend(private_routes(context, network));
        resources.extend(endpoints(context, network));
    }
    resources
}

pub(super) fn lookups(context: &Context<'_>) -> Vec<Lookup> {
    match &context.config.network {
        Network::Managed(_) => Vec::new(),
        Network::Existing(network) => {
            vec![Lookup { key: "existing-network".to_owned(), question: Question::ExistingNetwork { network: network.clone() } }]
        }
    }
}

/// Nodes carry this group and the one that EKS makes. Only the latter may have the `kubernetes.io/cluster` tag:
/// the cloud provider refuses nodes with two tagged groups (aws-facts §2.3).
fn security_groups(context: &Context<'_>) -> Vec<Desired> {
    let group = |name: &str, description: &str, ingress: Vec<spec::Rule>| {
        let spec = spec::SecurityGroup { vpc: context.vpc(), name: context.name(name), description: description.to_owned(), ingress };
        context.resource(Address::new(Kind::SecurityGroup, name), &spec)
    };
    let among_nodes = rule("-1", 0, Input::from(spec::SELF_GROUP), "between nodes");
    let from_nodes = |port: i32, why: &str| rule("tcp", port, Input::id(&context::node_group()), why);
    let mut groups = vec![
        group("nodes", "Domino nodes (ClusterSharedNodeSecurityGroup)", vec![among_nodes]),
        group("efs", "Domino file system, from the nodes only", vec![from_nodes(2049, "NFS from nodes")]),
    ];
    if matches!(&context.config.network, Network::Managed(network) if !network.interface_endpoints.is_empty()) {
        groups.push(group("endpoints", "VPC endpoints, from the nodes only", vec![from_nodes(443, "HTTPS from nodes")]));
    }
    groups
}

fn rule(protocol: &str, port: i32, source: Input, description: &str) -> spec::Rule {
    spec::Rule { protocol: protocol.to_owned(), from_port: port, to_port: port, source, description: description.to_owned() }
}

fn vpc_and_subnets(context: &Context<'_>, network: &ManagedNetwork) -> Vec<Desired> {
    let vpc = spec::Vpc { cidr: network.cidr.to_string(), dns_support: true, dns_hostnames: true };
    let mut resources = vec![context.resource(context::vpc(), &vpc)];
    for subnet in &network.subnets {
        let spec = spec::Subnet { vpc: context.vpc(), zone: subnet.zone.clone(), cidr: subnet.cidr.to_string(), public_addresses: false };
        let tags = subnet_tags(context, subnet.tier);
        resources.push(context.resource_with(context::subnet(subnet.tier, &subnet.zone), &spec, tags));
    }
    resources
}

/// Load balancers find their subnets by these tags (NET-4, aws-facts §2.6).
fn subnet_tags(context: &Context<'_>, tier: Tier) -> Tags {
    let role = match tier {
        Tier::Public => Some("kubernetes.io/role/elb"),
        Tier::Private => Some("kubernetes.io/role/internal-elb"),
        Tier::ControlPlane => None,
    };
    let mut tags = Tags::from([(format!("kubernetes.io/cluster/{}", context.config.name), "shared".to_owned())]);
    tags.extend(role.map(|role| (role.to_owned(), "1".to_owned())));
    tags
}

fn gateway() -> Address {
    Address::new(Kind::InternetGateway, "main")
}

fn public_routes() -> Address {
    Address::new(Kind::RouteTable, "public")
}

fn nat(zone: &str) -> Address {
    Address::new(Kind::NatGateway, zone)
}

/// Zones with a NAT gateway (NET-2).
fn nat_zones<'a>(context: &'a Context<'_>, network: &ManagedNetwork) -> &'a [String] {
    match network.nat {
        Nat::PerZone => &context.config.zones,
        Nat::Single => &context.config.zones[..1],
        Nat::None => &[],
    }
}

/// Internet gateway, public routes and NAT gateways; nothing of it without public subnets.
fn public_side(context: &Context<'_>, network: &ManagedNetwork) -> Vec<Desired> {
    let subnets: Vec<Input> =
        context.own_subnets(Tier::Public).map(|subnet| Input::id(&context::subnet(Tier::Public, &subnet.zone))).collect();
    if subnets.is_empty() {
        return Vec::new();
    }
    let internet = spec::Route { destination: EVERYWHERE.to_owned(), target: Input::id(&gateway()) };
    let routes = spec::RouteTable { vpc: context.vpc(), routes: vec![internet], subnets };
    let mut resources =
        vec![context.resource(gateway(), &spec::InternetGateway { vpc: context.vpc() }), context.resource(public_routes(), &routes)];
    for zone in nat_zones(context, network) {
        let address = Address::new(Kind::ElasticIp, &format!("nat/{zone}"));
        let spec = spec::NatGateway { subnet: Input::id(&context::subnet(Tier::Public, zone)), allocation: Input::id(&address) };
        resources.push(context.resource(address, &spec::ElasticIp {}));
        // Without an attached internet gateway a NAT gateway fails for good.
        resources.push(context.resource(nat(zone), &spec).after([gateway(), public_routes()]));
    }
    resources
}

/// One table in each node zone, so that its way out can stay in the zone.
fn private_routes(context: &Context<'_>, network: &ManagedNetwork) -> Vec<Desired> {
    let nat_zones = nat_zones(context, network);
    let table = |zone: &String| {
        let exit = nat_zones.iter().find(|with_nat| *with_nat == zone).or(nat_zones.first());
        let routes = exit.map(|exit| spec::Route { destination: EVERYWHERE.to_owned(), target: Input::id(&nat(exit)) });
        let subnets = vec![Input::id(&context::subnet(Tier::Private, zone))];
        let spec = spec::RouteTable { vpc: context.vpc(), routes: routes.into_iter().collect(), subnets };
        context.resource(context::private_routes(zone), &spec)
    };
    context.config.zones.iter().map(table).collect()
}

/// S3 always (it is free and keeps traffic inside); others by choice (NET-3).
fn endpoints(context: &Context<'_>, network: &ManagedNetwork) -> Vec<Desired> {
    let service = |name: &str| format!("{}.{}.{name}", service_prefix(&context.config.partition), context.config.region);
    // Gateway endpoints have the same prefix in every partition.
    let gateway_service = format!("com.amazonaws.{}.s3", context.config.region);
    let tables = context.config.zones.iter().map(|zone| Input::id(&context::private_routes(zone))).collect();
    let s3 = spec::VpcEndpoint {
        vpc: context.vpc(),
        service: gateway_service,
        endpoint_type: "Gateway".to_owned(),
        route_tables: tables,
        subnets: Vec::new(),
        security_groups: Vec::new(),
    };
    let interface = |name: &String| {
        let spec = spec::VpcEndpoint {
            vpc: context.vpc(),
            service: service(name),
            endpoint_type: "Interface".to_owned(),
            route_tables: Vec::new(),
            subnets: context.config.zones.iter().map(|zone| context.private_subnet(zone)).collect(),
            security_groups: vec![Input::id(&Address::new(Kind::SecurityGroup, "endpoints"))],
        };
        context.resource(context::interface_endpoint(name), &spec)
    };
    let gateway = context.resource(Address::new(Kind::VpcEndpoint, "s3-gateway"), &s3);
    std::iter::once(gateway).chain(network.interface_endpoints.iter().map(interface)).collect()
}

fn service_prefix(partition: &str) -> &'static str {
    if partition == "aws-cn" { "cn.com.amazonaws" } else { "com.amazonaws" }
}
