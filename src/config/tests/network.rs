//! Managed and existing networks.

use super::{accepted, findings, one, refused, refused_saying, three};
use crate::config::model::{ManagedNetwork, Nat, Network, Tier};

fn managed(text: &str) -> ManagedNetwork {
    match accepted(text).network {
        Network::Managed(network) => network,
        Network::Existing(_) => panic!("an existing network"),
    }
}

/// Subnets as `tier zone-letter range`.
fn layout(text: &str) -> Vec<String> {
    let letter = |zone: &str| zone.chars().last().unwrap();
    let shown = |s: &crate::config::model::Subnet| format!("{} {} {}", s.tier.as_str(), letter(&s.zone), s.cidr);
    managed(text).subnets.iter().map(shown).collect()
}

#[test]
fn three_zones_are_laid_out_as_documented() {
    let expected = [
        "public a 10.0.96.0/24",
        "public b 10.0.97.0/24",
        "public c 10.0.98.0/24",
        "private a 10.0.0.0/19",
        "private b 10.0.32.0/19",
        "private c 10.0.64.0/19",
    ];
    assert_eq!(layout(&three("")), expected);
}

#[test]
fn one_zone_has_a_control_plane_subnet_in_another() {
    let expected = ["public a 10.0.96.0/24", "private a 10.0.0.0/19", "control-plane b 10.0.255.240/28"];
    assert_eq!(layout(&one("")), expected);
    let in_b = "name: demo\nregion: us-west-2\nzones: [us-west-2b]\n";
    assert_eq!(layout(in_b)[2], "control-plane a 10.0.255.240/28");
    let named = layout(&one("kubernetes: {controlPlaneZones: [us-west-2d, us-west-2c]}"));
    assert_eq!(named[2..], ["control-plane d 10.0.255.240/28", "control-plane c 10.0.255.224/28"]);
}

#[test]
fn control_plane_zones_add_to_one_node_zone() {
    refused(&three("kubernetes: {§controlPlaneZones: [us-west-2d]}"), "EKS-1");
    refused(&one("kubernetes: {controlPlaneZones: [§us-west-2a]}"), "EKS-1");
    refused(&one("kubernetes: {controlPlaneZones: [us-west-2b, §us-west-2b]}"), "EKS-1");
    refused(&one("kubernetes: {controlPlaneZones: [§us-east-1a]}"), "aws-zone");
}

#[test]
fn prefixes_follow_the_vpc() {
    assert_eq!(layout(&one("network: {cidr: 10.0.0.0/20}"))[..2], ["public a 10.0.6.0/28", "private a 10.0.0.0/23"]);
    let own = layout(&one("network: {privatePrefix: 18, publicPrefix: 26}"));
    assert_eq!(own[..2], ["public a 10.0.192.0/26", "private a 10.0.0.0/18"]);
    // Public blocks larger than private ones begin at a multiple of their own size.
    let wide = layout(&one("network: {privatePrefix: 23, publicPrefix: 20}"));
    assert_eq!(wide[..2], ["public a 10.0.16.0/20", "private a 10.0.0.0/23"]);
}

#[test]
fn without_nat_there_are_no_public_subnets() {
    let network = managed(&three("network: {nat: none, interfaceEndpoints: [ecr.api, sts]}"));
    assert_eq!(network.nat, Nat::None);
    assert!(network.subnets.iter().all(|s| s.tier == Tier::Private));
    assert_eq!(network.interface_endpoints, ["ecr.api", "sts"]);
    refused(&three("network:\n  nat: none\n  subnets:\n    §public: {us-west-2a: 10.0.200.0/24}"), "NET-2");
    assert_eq!(managed(&three("network: {nat: single}")).nat, Nat::Single);
}

#[test]
fn ranges_have_the_sizes_of_aws() {
    refused(&one("network: {cidr: §10.0.0.0/15}"), "NET-1");
    refused(&one("network: {cidr: §10.0.0.0/29}"), "NET-1");
    refused_saying(&one("network: {cidr: §10.0.1.0/16}"), "cidr", "write `10.0.0.0/16`");
    refused(&one("network: {cidr: §10.0.0.0}"), "cidr");
    refused(&one("network: {cidr: §169.254.0.0/16}"), "NET-1");
    refused_saying(&one("network: {privatePrefix: §29}"), "NET-1", "cannot be a /29");
    refused_saying(&one("network: {publicPrefix: §15}"), "NET-1", "between 16 and 28");
    refused_saying(&one("network: {cidr: 10.0.0.0/18, privatePrefix: §17}"), "NET-1", "between 18 and 28");
}

#[test]
fn room_is_kept_for_three_zones() {
    refused_saying(&one("network: {privatePrefix: §17}"), "NET-1", "no room");
    refused_saying(&one("network: {publicPrefix: §17}"), "NET-1", "no room");
    refused_saying(&three("network: {privatePrefix: 18, publicPrefix: §18}"), "NET-1", "no room");
    accepted(&three("network: {privatePrefix: 18, publicPrefix: 20}"));
}

#[test]
fn a_cluster_is_never_below_a_23() {
    refused_saying(&one("network: {cidr: §10.0.0.0/22}"), "NET-1", "(a /23)");
    refused_saying(&one("network: {privatePrefix: §24}"), "NET-1", "256 addresses");
    accepted(&one("network: {privatePrefix: 23}"));
    accepted(&three("network: {privatePrefix: 24}"));
    refused(&three("network: {privatePrefix: §25}"), "NET-1");
}

#[test]
fn ranges_do_not_overlap() {
    refused_saying(&one("network: {cidr: §172.20.0.0/16}"), "NET-1", "service range");
    refused(&one("kubernetes: {serviceCidr: §10.0.0.0/20}"), "NET-1");
    refused(&one("network: {avoidCidrs: [192.168.0.0/16], cidr: §192.168.128.0/17}"), "NET-1");
    refused(&one("network: {§avoidCidrs: [10.0.128.0/20]}"), "NET-1");
    refused_saying(&one("network: {§avoidCidrs: [172.16.0.0/12]}"), "NET-1", "kubernetes.serviceCidr");
    refused(&one("network: {avoidCidrs: [§192.168.0.1/16]}"), "cidr");
    accepted(&one("network: {avoidCidrs: [10.1.0.0/16, 192.168.0.0/16]}"));
}

#[test]
fn service_ranges_are_private_and_of_a_size() {
    refused(&one("kubernetes: {serviceCidr: §172.20.0.0/25}"), "EKS-1");
    refused_saying(&one("kubernetes: {serviceCidr: §100.64.0.0/16}"), "EKS-1", "not private");
    refused(&one("kubernetes: {serviceCidr: §nonsense}"), "cidr");
    refused(&one("network: {cidr: 192.168.0.0/16}\nkubernetes: {serviceCidr: §10.0.0.0/11}"), "EKS-1");
    accepted(&one("kubernetes: {serviceCidr: 172.16.0.0/12}"));
    accepted(&one("kubernetes: {serviceCidr: 192.168.3.0/24}"));
}

#[test]
fn explicit_subnets_are_taken() {
    let text = one("
        network:
          subnets:
            private: {us-west-2a: 10.0.0.0/18}
            public: {us-west-2a: 10.0.64.0/24}
            controlPlane: {us-west-2d: 10.0.65.0/28}
        ");
    assert_eq!(layout(&text), ["public a 10.0.64.0/24", "private a 10.0.0.0/18", "control-plane d 10.0.65.0/28"]);
}

#[test]
fn explicit_subnets_are_checked() {
    let private = |ranges: &str| one(&format!("network:\n  subnets:\n    private: {{{ranges}}}"));
    refused_saying(&private("us-west-2a: §10.1.0.0/19"), "NET-1", "not inside the VPC");
    refused(&private("us-west-2a: §10.0.0.0/29"), "NET-1");
    refused(&private("us-west-2a: §10.0.0.1/19"), "cidr");
    refused_saying(&private("us-west-2a: §10.0.96.0/20"), "NET-1", "overlaps the public subnet");
    refused(&private("us-west-2a: 10.0.0.0/19, §us-west-2b: 10.0.32.0/19"), "NET-1");
    refused(&private("us-west-2a: 10.0.0.0/19, §us-east-1b: 10.0.32.0/19"), "aws-zone");
    let missing = "network:\n  subnets:\n    §private: {us-west-2a: 10.0.0.0/19, us-west-2b: 10.0.32.0/19}";
    refused_saying(&three(missing), "NET-1", "zone `us-west-2c` has no range");
    let small = one("network:\n  subnets:\n    §private: {us-west-2a: 10.0.0.0/24}");
    refused_saying(&small, "NET-1", "(a /23)");
}

#[test]
fn control_plane_subnets_lie_in_zones_without_nodes() {
    let text = "network:\n  subnets:\n    controlPlane: {§us-west-2a: 10.0.255.0/28}";
    refused(&one(text), "EKS-1");
    refused(&three(text), "EKS-1");
    let text = "network:\n  subnets:\n    controlPlane: {§us-west-2d: 10.0.255.0/28}";
    refused_saying(&three(text), "NET-1", "no control-plane subnet");
}

#[test]
fn interface_endpoints_have_short_names() {
    let endpoints = |list: &str| one(&format!("network: {{interfaceEndpoints: [{list}]}}"));
    refused(&endpoints("§com.amazonaws.us-west-2.sts"), "NET-3");
    refused(&endpoints("§s3"), "NET-3");
    refused(&endpoints("§STS"), "NET-3");
    refused(&endpoints("sts, §sts"), "NET-3");
    accepted(&endpoints("ecr.api, ecr.dkr, sts, ec2, elasticfilesystem, eks-auth"));
}

/// An existing network with one zone; `more` goes below `existing`.
fn existing(more: &str) -> String {
    one(&format!(
        "network:\n  existing:\n    vpcId: vpc-0123456789abcdef0\n    privateSubnets: {{us-west-2a: subnet-0123456789abcdef0}}\n{more}"
    ))
}

const SECOND: &str = "    controlPlaneSubnets: {us-west-2b: subnet-0123456789abcdef1}";

#[test]
fn existing_networks_are_taken() {
    let Network::Existing(network) = accepted(&existing(SECOND)).network else { panic!("a managed network") };
    assert_eq!(network.vpc_id, "vpc-0123456789abcdef0");
    assert_eq!(network.private_subnets["us-west-2a"], "subnet-0123456789abcdef0");
    assert_eq!(network.control_plane_subnets["us-west-2b"], "subnet-0123456789abcdef1");
    assert!(network.public_subnets.is_empty());
}

#[test]
fn existing_networks_exclude_keys_of_our_own() {
    for key in ["cidr: 10.0.0.0/16", "nat: single", "privatePrefix: 19", "publicPrefix: 24", "subnets: {}", "interfaceEndpoints: []"] {
        refused(&existing(&format!("{SECOND}\n  §{key}")), "NET-5");
    }
    accepted(&existing(&format!("{SECOND}\n  avoidCidrs: [192.168.0.0/16]")));
    refused(&existing(&format!("{SECOND}\nkubernetes: {{§controlPlaneZones: [us-west-2b]}}")), "EKS-1");
}

#[test]
fn existing_networks_are_checked() {
    let good = existing(SECOND);
    refused(&good.replace("vpc-0123456789abcdef0", "§vpc-123"), "NET-5");
    refused(&good.replace("subnet-0123456789abcdef1", "§subnet-XYZ"), "NET-5");
    refused_saying(&good.replace("subnet-0123456789abcdef1", "§subnet-0123456789abcdef0"), "NET-5", "twice");
    refused(&good.replace("us-west-2b: s", "§us-east-1b: s"), "aws-zone");
    refused_saying(&existing("").replace("existing:", "§existing:"), "EKS-1", "two zones");
    let all = findings(&good.replace("{us-west-2a: s", "{us-west-2c: s"));
    let said: Vec<&str> = all.iter().map(|f| f.message.as_str()).collect();
    assert_eq!(said, ["node zone `us-west-2a` has no private subnet", "`us-west-2c` is not a node zone"]);
}

/// The order of zones must not matter: otherwise it would move existing subnets.
#[test]
fn the_order_of_zones_changes_nothing() {
    let with = |zones: &str| crate::config::parse("f", format!("name: a\nregion: us-west-2\nzones: [{zones}]\n").as_bytes());
    let sorted = with("us-west-2a, us-west-2b, us-west-2c").unwrap();
    assert_eq!(with("us-west-2c, us-west-2a, us-west-2b").unwrap(), sorted);
}
