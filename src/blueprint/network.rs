//! VPC, subnets, gateways, routes, endpoints and security groups (NET-1…NET-5).

use super::addresses;
use super::lookup::{EXISTING_NETWORK, Lookup, Question};
use super::resource_builder::{ResourceBuilder, Tags};
use crate::config::model::{ManagedNetwork, Nat, Network, Tier};
use crate::resource::{Address, Desired, Input, Kind, spec};

const EVERYWHERE: &str = "0.0.0.0/0";

pub(super) fn resources(builder: &ResourceBuilder<'_>) -> Vec<Desired> {
    let mut resources = security_groups(builder);
    if let Network::Managed(network) = &builder.config.network {
        resources.extend(vpc_and_subnets(builder, network));
        resources.extend(public_side(builder, network));
        resources.extend(private_routes(builder, network));
        resources.extend(endpoints(builder, network));
    }
    resources
}

pub(super) fn lookups(builder: &ResourceBuilder<'_>) -> Vec<Lookup> {
    match &builder.config.network {
        Network::Managed(_) => Vec::new(),
        Network::Existing(network) => {
            vec![Lookup { key: EXISTING_NETWORK.to_owned(), question: Question::ExistingNetwork { network: network.clone() } }]
        }
    }
}

/// Nodes have this group and the one that EKS creates. Only the latter may have the `kubernetes.io/cluster` tag: the cloud provider
/// refuses nodes with two tagged groups (docs/aws.md, "Security groups").
fn security_groups(builder: &ResourceBuilder<'_>) -> Vec<Desired> {
    let group = |name: &str, description: &str, ingress: Vec<spec::Rule>| {
        let spec = spec::SecurityGroup { vpc: builder.vpc(), name: builder.name(name), description: description.to_owned(), ingress };
        builder.resource(Address::new(Kind::SecurityGroup, name), &spec)
    };
    let among_nodes = rule("-1", 0, Input::from(spec::SELF_GROUP), "between nodes");
    let from_nodes = |port: i32, why: &str| rule("tcp", port, Input::id(&addresses::node_security_group()), why);
    let mut groups = vec![
        group("nodes", "Domino nodes (ClusterSharedNodeSecurityGroup)", vec![among_nodes]),
        group("efs", "Domino file system, from the nodes only", vec![from_nodes(2049, "NFS from nodes")]),
    ];
    if matches!(&builder.config.network, Network::Managed(network) if !network.interface_endpoints.is_empty()) {
        groups.push(group("endpoints", "VPC endpoints, from the nodes only", vec![from_nodes(443, "HTTPS from nodes")]));
    }
    groups
}

fn rule(protocol: &str, port: i32, source: Input, description: &str) -> spec::Rule {
    spec::Rule { protocol: protocol.to_owned(), from_port: port, to_port: port, source, description: description.to_owned() }
}

fn vpc_and_subnets(builder: &ResourceBuilder<'_>, network: &ManagedNetwork) -> Vec<Desired> {
    let vpc = spec::Vpc { cidr: network.cidr.to_string(), dns_support: true, dns_hostnames: true };
    let mut resources = vec![builder.resource(addresses::vpc(), &vpc)];
    for subnet in &network.subnets {
        let spec = spec::Subnet { vpc: builder.vpc(), zone: subnet.zone.clone(), cidr: subnet.cidr.to_string(), public_addresses: false };
        let tags = subnet_tags(builder, subnet.tier);
        resources.push(builder.resource_with(addresses::subnet(subnet.tier, &subnet.zone), &spec, tags));
    }
    resources
}

/// Load balancers find their subnets by these tags (NET-4, docs/aws.md, "Subnet tags").
fn subnet_tags(builder: &ResourceBuilder<'_>, tier: Tier) -> Tags {
    let role = match tier {
        Tier::Public => Some("kubernetes.io/role/elb"),
        Tier::Private => Some("kubernetes.io/role/internal-elb"),
        Tier::ControlPlane => None,
    };
    let mut tags = Tags::from([(format!("kubernetes.io/cluster/{}", builder.config.name), "shared".to_owned())]);
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
fn nat_zones<'a>(builder: &'a ResourceBuilder<'_>, network: &ManagedNetwork) -> &'a [String] {
    match network.nat {
        Nat::PerZone => &builder.config.zones,
        Nat::Single => &builder.config.zones[..1],
        Nat::None => &[],
    }
}

/// Internet gateway, public routes and NAT gateways; without public subnets there are none.
fn public_side(builder: &ResourceBuilder<'_>, network: &ManagedNetwork) -> Vec<Desired> {
    let subnets: Vec<Input> =
        builder.own_subnets(Tier::Public).map(|subnet| Input::id(&addresses::subnet(Tier::Public, &subnet.zone))).collect();
    if subnets.is_empty() {
        return Vec::new();
    }
    let internet = spec::Route { destination: EVERYWHERE.to_owned(), target: Input::id(&gateway()) };
    let routes = spec::RouteTable { vpc: builder.vpc(), routes: vec![internet], subnets };
    let mut resources =
        vec![builder.resource(gateway(), &spec::InternetGateway { vpc: builder.vpc() }), builder.resource(public_routes(), &routes)];
    for zone in nat_zones(builder, network) {
        let address = Address::new(Kind::ElasticIp, &format!("nat/{zone}"));
        let spec = spec::NatGateway { subnet: Input::id(&addresses::subnet(Tier::Public, zone)), allocation: Input::id(&address) };
        resources.push(builder.resource(address, &spec::ElasticIp {}));
        // Without an attached internet gateway a NAT gateway fails permanently.
        resources.push(builder.resource(nat(zone), &spec).after([gateway(), public_routes()]));
    }
    resources
}

/// One route table in each node zone, so that traffic to the internet can leave through a NAT gateway of the same zone.
fn private_routes(builder: &ResourceBuilder<'_>, network: &ManagedNetwork) -> Vec<Desired> {
    let nat_zones = nat_zones(builder, network);
    let table = |zone: &String| {
        let exit = nat_zones.iter().find(|with_nat| *with_nat == zone).or(nat_zones.first());
        let routes = exit.map(|exit| spec::Route { destination: EVERYWHERE.to_owned(), target: Input::id(&nat(exit)) });
        let subnets = vec![Input::id(&addresses::subnet(Tier::Private, zone))];
        let spec = spec::RouteTable { vpc: builder.vpc(), routes: routes.into_iter().collect(), subnets };
        builder.resource(addresses::private_routes(zone), &spec)
    };
    builder.config.zones.iter().map(table).collect()
}

/// The gateway endpoint of S3 is always created, because it costs nothing and keeps traffic inside AWS; others are optional (NET-3).
fn endpoints(builder: &ResourceBuilder<'_>, network: &ManagedNetwork) -> Vec<Desired> {
    let service = |name: &str| format!("{}.{}.{name}", service_prefix(&builder.config.partition), builder.config.region);
    // Gateway endpoints have the same prefix in every partition.
    let gateway_service = format!("com.amazonaws.{}.s3", builder.config.region);
    let tables = builder.config.zones.iter().map(|zone| Input::id(&addresses::private_routes(zone))).collect();
    let s3 = spec::VpcEndpoint {
        vpc: builder.vpc(),
        service: gateway_service,
        endpoint_type: "Gateway".to_owned(),
        route_tables: tables,
        subnets: Vec::new(),
        security_groups: Vec::new(),
    };
    let interface = |name: &String| {
        let spec = spec::VpcEndpoint {
            vpc: builder.vpc(),
            service: service(name),
            endpoint_type: "Interface".to_owned(),
            route_tables: Vec::new(),
            subnets: builder.config.zones.iter().map(|zone| builder.private_subnet(zone)).collect(),
            security_groups: vec![Input::id(&Address::new(Kind::SecurityGroup, "endpoints"))],
        };
        builder.resource(addresses::interface_endpoint(name), &spec)
    };
    let gateway = builder.resource(Address::new(Kind::VpcEndpoint, "s3-gateway"), &s3);
    std::iter::once(gateway).chain(network.interface_endpoints.iter().map(interface)).collect()
}

fn service_prefix(partition: &str) -> &'static str {
    if partition == "aws-cn" { "cn.com.amazonaws" } else { "com.amazonaws" }
}
