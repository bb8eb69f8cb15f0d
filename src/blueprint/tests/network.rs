//! VPC, subnets, internet access, endpoints and security groups (NET-1…NET-5).

use super::*;
use crate::blueprint::Question;
use crate::resource::spec;
use serde_json::json;

const ZONES: [&str; 3] = ["us-west-2a", "us-west-2b", "us-west-2c"];

/// Name, zone and range of all subnets.
fn subnets(blueprint: &Blueprint) -> Vec<(String, String)> {
    let subnets = blueprint.of_kind(Kind::Subnet);
    subnets.iter().map(|subnet| (subnet.address.name().to_owned(), subnet.spec["cidr"].as_str().unwrap().to_owned())).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

// NET-1
#[test]
fn the_vpc_has_its_range_and_both_dns_switches() {
    let vpc: spec::Vpc = of(THREE_ZONES).spec("vpc/main");
    assert_eq!(vpc, spec::Vpc { cidr: "10.0.0.0/16".to_owned(), dns_support: true, dns_hostnames: true });
    let vpc: spec::Vpc = blueprint(&three("network: {cidr: 10.7.0.0/16}")).spec("vpc/main");
    assert_eq!(vpc.cidr, "10.7.0.0/16");
}

// NET-1
#[test]
fn three_zones_have_a_public_and_a_private_subnet_each() {
    let expected = [
        ("private/us-west-2a", "10.0.0.0/19"),
        ("private/us-west-2b", "10.0.32.0/19"),
        ("private/us-west-2c", "10.0.64.0/19"),
        ("public/us-west-2a", "10.0.96.0/24"),
        ("public/us-west-2b", "10.0.97.0/24"),
        ("public/us-west-2c", "10.0.98.0/24"),
    ];
    assert_eq!(subnets(&of(THREE_ZONES)), pairs(&expected));
}

// NET-1, EKS-1
#[test]
fn one_node_zone_has_a_control_plane_subnet_in_a_second_zone() {
    let expected =
        [("control-plane/us-west-2b", "10.0.255.240/28"), ("private/us-west-2a", "10.0.0.0/19"), ("public/us-west-2a", "10.0.96.0/24")];
    assert_eq!(subnets(&of(ONE_ZONE)), pairs(&expected));
}

// NET-1
#[test]
fn every_subnet_lies_in_the_zone_of_its_address() {
    for text in [THREE_ZONES, ONE_ZONE] {
        for subnet in of(text).of_kind(Kind::Subnet) {
            assert_eq!(Some(subnet.spec["zone"].as_str().unwrap()), subnet.address.zone());
            assert_eq!(subnet.spec["vpc"], id_of("vpc/main"));
        }
    }
}

// NET-2
#[test]
fn no_subnet_gives_public_addresses() {
    for text in [THREE_ZONES, ONE_ZONE, LEGACY] {
        for subnet in of(text).of_kind(Kind::Subnet) {
            assert_eq!(subnet.spec["public_addresses"], json!(false), "{}", subnet.address);
        }
    }
}

// NET-2
#[test]
fn nodes_stand_in_private_subnets_only() {
    for text in [THREE_ZONES, ONE_ZONE, LEGACY] {
        for group in of(text).of_kind(Kind::AutoScalingGroup) {
            let zone = group.spec["zone"].as_str().unwrap();
            assert_eq!(group.spec["subnet"], id_of(&format!("subnet/private/{zone}")));
        }
    }
}

/// Where the default route of each private table leads.
fn exits(blueprint: &Blueprint) -> Vec<(String, Value)> {
    let tables = blueprint.of_kind(Kind::RouteTable).into_iter().filter(|table| table.address.name().starts_with("private/"));
    tables
        .map(|table| {
            let zone = table.address.zone().unwrap();
            assert_eq!(table.spec["subnets"], json!([id_of(&format!("subnet/private/{zone}"))]));
            let routes = table.spec["routes"].as_array().unwrap();
            assert!(routes.iter().all(|route| route["destination"] == "0.0.0.0/0") && routes.len() <= 1);
            (zone.to_owned(), routes.first().map_or(Value::Null, |route| route["target"].clone()))
        })
        .collect()
}

// NET-2
#[test]
fn with_nat_per_zone_every_zone_has_its_own_gateway() {
    let blueprint = of(THREE_ZONES);
    assert_eq!(blueprint.names_of(Kind::NatGateway), ZONES);
    assert_eq!(blueprint.names_of(Kind::ElasticIp), ZONES.map(|zone| format!("nat/{zone}")));
    for zone in ZONES {
        let nat = format!("nat-gateway/{zone}");
        assert_eq!(blueprint.field(&nat, "subnet"), id_of(&format!("subnet/public/{zone}")));
        assert_eq!(blueprint.field(&nat, "allocation"), id_of(&format!("elastic-ip/nat/{zone}")));
    }
    assert_eq!(exits(&blueprint), ZONES.map(|zone| (zone.to_owned(), id_of(&format!("nat-gateway/{zone}")))));
}

// NET-2
#[test]
fn with_a_single_nat_all_zones_leave_by_the_first() {
    let blueprint = blueprint(&three("network: {nat: single}"));
    assert_eq!(blueprint.names_of(Kind::NatGateway), ["us-west-2a"]);
    assert_eq!(blueprint.names_of(Kind::ElasticIp), ["nat/us-west-2a"]);
    assert_eq!(exits(&blueprint), ZONES.map(|zone| (zone.to_owned(), id_of("nat-gateway/us-west-2a"))));
}

// NET-2
#[test]
fn without_nat_no_private_table_leads_out() {
    let blueprint = blueprint(&three("network: {nat: none}"));
    assert!(blueprint.of_kind(Kind::NatGateway).is_empty() && blueprint.of_kind(Kind::ElasticIp).is_empty());
    assert_eq!(exits(&blueprint), ZONES.map(|zone| (zone.to_owned(), Value::Null)));
}

// NET-2
#[test]
fn public_subnets_are_routed_to_the_internet_gateway() {
    let table: spec::RouteTable = of(THREE_ZONES).spec("route-table/public");
    let gateway = serde_json::from_value(id_of("internet-gateway/main")).unwrap();
    assert_eq!(table.routes, [spec::Route { destination: "0.0.0.0/0".to_owned(), target: gateway }]);
    assert_eq!(serde_json::to_value(table.subnets).unwrap(), json!(ZONES.map(|zone| id_of(&format!("subnet/public/{zone}")))));
}

// NET-2
#[test]
fn a_nat_gateway_waits_for_the_public_route() {
    let waits: Vec<String> = of(THREE_ZONES).get("nat-gateway/us-west-2a").dependencies().iter().map(ToString::to_string).collect();
    for first in ["internet-gateway/main", "route-table/public", "subnet/public/us-west-2a", "elastic-ip/nat/us-west-2a"] {
        assert!(waits.iter().any(|address| address == first), "{first} not in {waits:?}");
    }
}

// NET-3
#[test]
fn s3_always_has_a_gateway_endpoint_on_all_private_tables() {
    for (text, zones) in [(THREE_ZONES, &ZONES[..]), (ONE_ZONE, &ZONES[..1])] {
        let blueprint = of(text);
        let endpoint: spec::VpcEndpoint = blueprint.spec("vpc-endpoint/s3-gateway");
        assert_eq!((endpoint.service.as_str(), endpoint.endpoint_type.as_str()), ("com.amazonaws.us-west-2.s3", "Gateway"));
        let tables: Vec<Value> = zones.iter().map(|zone| id_of(&format!("route-table/private/{zone}"))).collect();
        assert_eq!(blueprint.field("vpc-endpoint/s3-gateway", "route_tables"), json!(tables));
        assert!(endpoint.subnets.is_empty() && endpoint.security_groups.is_empty());
        assert_eq!(blueprint.names_of(Kind::VpcEndpoint), ["s3-gateway"]);
        assert!(!blueprint.names_of(Kind::SecurityGroup).contains(&"endpoints"));
    }
}

// NET-3
#[test]
fn interface_endpoints_stand_in_every_node_zone_behind_their_group() {
    let blueprint = blueprint(&three("network: {nat: none, interfaceEndpoints: [ecr.api, sts]}"));
    assert_eq!(blueprint.names_of(Kind::VpcEndpoint), ["ecr-api", "s3-gateway", "sts"]);
    let endpoint: spec::VpcEndpoint = blueprint.spec("vpc-endpoint/ecr-api");
    assert_eq!((endpoint.service.as_str(), endpoint.endpoint_type.as_str()), ("com.amazonaws.us-west-2.ecr.api", "Interface"));
    assert!(endpoint.route_tables.is_empty());
    let subnets = ZONES.map(|zone| id_of(&format!("subnet/private/{zone}")));
    assert_eq!(blueprint.field("vpc-endpoint/ecr-api", "subnets"), json!(subnets));
    assert_eq!(blueprint.field("vpc-endpoint/ecr-api", "security_groups"), json!([id_of("security-group/endpoints")]));
    let ingress = blueprint.field("security-group/endpoints", "ingress");
    let rule = json!([{"protocol": "tcp", "from_port": 443, "to_port": 443, "source": id_of("security-group/nodes"), "description": "HTTPS from nodes"}]);
    assert_eq!(ingress, rule);
}

// NET-3
#[test]
fn in_china_the_gateway_endpoint_of_s3_has_the_plain_name() {
    let blueprint = blueprint(&in_region("cn-north-1", "network: {interfaceEndpoints: [ecr.api]}"));
    assert_eq!(blueprint.field("vpc-endpoint/s3-gateway", "service"), "com.amazonaws.cn-north-1.s3");
    assert_eq!(blueprint.field("vpc-endpoint/ecr-api", "service"), "cn.com.amazonaws.cn-north-1.ecr.api");
}

// NET-3
#[test]
fn groups_wait_for_every_route_to_aws() {
    let blueprint = blueprint(&three("network: {nat: none, interfaceEndpoints: [ecr.api, ecr.dkr, sts, ec2]}"));
    for group in blueprint.of_kind(Kind::AutoScalingGroup) {
        let waits: Vec<String> = group.after.iter().map(ToString::to_string).collect();
        let zone = group.address.zone().unwrap();
        let table = format!("route-table/private/{zone}");
        for first in [table.as_str(), "vpc-endpoint/ecr-api", "vpc-endpoint/ecr-dkr", "vpc-endpoint/sts", "vpc-endpoint/ec2"] {
            assert!(waits.iter().any(|address| address == first), "{} does not wait for {first}", group.address);
        }
    }
}

// NET-4
#[test]
fn load_balancers_find_their_subnets_by_tags() {
    let blueprint = of(ONE_ZONE);
    let roles = |address: &str| {
        let role = |key: &str| blueprint.tag(address, key).map(ToOwned::to_owned);
        [role("kubernetes.io/role/elb"), role("kubernetes.io/role/internal-elb"), role("kubernetes.io/cluster/domino-test-single-az")]
    };
    let tag = |value: &str| Some(value.to_owned());
    assert_eq!(roles("subnet/public/us-west-2a"), [tag("1"), None, tag("shared")]);
    assert_eq!(roles("subnet/private/us-west-2a"), [None, tag("1"), tag("shared")]);
    assert_eq!(roles("subnet/control-plane/us-west-2b"), [None, None, tag("shared")]);
}

// NET-4
#[test]
fn no_security_group_of_ours_has_the_tag_that_only_one_may_have() {
    for text in [THREE_ZONES, ONE_ZONE] {
        for group in of(text).of_kind(Kind::SecurityGroup) {
            assert!(!group.tags.keys().any(|key| key.starts_with("kubernetes.io/cluster/")), "{}", group.address);
        }
    }
}

// NET-4
#[test]
fn nodes_reach_each_other_and_carry_their_group_and_the_clusters() {
    let blueprint = of(THREE_ZONES);
    let rule = json!([{"protocol": "-1", "from_port": 0, "to_port": 0, "source": spec::SELF_GROUP, "description": "between nodes"}]);
    assert_eq!(blueprint.field("security-group/nodes", "ingress"), rule);
    for template in blueprint.of_kind(Kind::LaunchTemplate) {
        let groups = json!([attribute_of("eks-cluster/main", "security_group"), id_of("security-group/nodes")]);
        assert_eq!(template.spec["security_groups"], groups);
    }
}

// NET-4
#[test]
fn the_file_system_is_reached_by_nfs_from_the_nodes_only() {
    let blueprint = of(THREE_ZONES);
    let rule = json!([{"protocol": "tcp", "from_port": 2049, "to_port": 2049, "source": id_of("security-group/nodes"), "description": "NFS from nodes"}]);
    assert_eq!(blueprint.field("security-group/efs", "ingress"), rule);
    for target in blueprint.of_kind(Kind::EfsMountTarget) {
        assert_eq!(target.spec["security_groups"], json!([id_of("security-group/efs")]));
    }
}

// NET-5
#[test]
fn an_existing_network_is_used_and_nothing_of_it_is_made() {
    let blueprint = blueprint(&in_existing_network());
    let network = [Kind::Vpc, Kind::InternetGateway, Kind::Subnet, Kind::ElasticIp, Kind::NatGateway, Kind::RouteTable, Kind::VpcEndpoint];
    for kind in network {
        assert!(blueprint.of_kind(kind).is_empty(), "{kind}");
    }
    for group in blueprint.of_kind(Kind::SecurityGroup) {
        assert_eq!(group.spec["vpc"], "vpc-0123456789abcdef0");
    }
    for kind in [Kind::AutoScalingGroup, Kind::EfsMountTarget] {
        for user in blueprint.of_kind(kind) {
            assert_eq!(user.spec["subnet"], "subnet-0123456789abcdef0");
        }
    }
    assert_eq!(blueprint.field("eks-cluster/main", "subnets"), json!(["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]));
}

// NET-5
#[test]
fn an_existing_network_is_asked_about_and_our_own_is_not() {
    let asked = |blueprint: Blueprint| {
        blueprint.lookups.into_iter().filter(|lookup| matches!(lookup.question, Question::ExistingNetwork { .. })).collect::<Vec<_>>()
    };
    let existing = asked(blueprint(&in_existing_network()));
    let [lookup] = existing.as_slice() else { panic!("{existing:?}") };
    let Question::ExistingNetwork { network } = &lookup.question else { panic!() };
    assert_eq!(network.vpc_id, "vpc-0123456789abcdef0");
    assert!(!lookup.question.is_pinned(), "a network of others is checked each time");
    assert!(asked(of(THREE_ZONES)).is_empty());
}
