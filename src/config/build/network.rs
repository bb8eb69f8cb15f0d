//! VPC and subnets that are created with the cluster (NET-1…NET-4).

use super::super::checker::Checker;
use super::super::model::{ManagedNetwork, Network};
use super::super::names;
use super::existing_network::existing_network;
use super::subnets::subnets;
use ipnet::Ipv4Net;

/// Ranges that no VPC can have.
const UNUSABLE: [&str; 4] = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"];

/// Builds the network: created with the cluster, or existing.
pub(super) fn network(checker: &mut Checker<'_>) -> Option<Network> {
    let avoid = avoided(checker);
    if let Some(existing) = &checker.file.network.existing {
        return Some(Network::Existing(existing_network(checker, existing)));
    }
    let cidr = vpc_range(checker);
    interface_endpoints(checker);
    let cidr = cidr?;
    clear_of(checker, &cidr, &avoid);
    if !(1..=3).contains(&checker.file.zones.len()) {
        return None;
    }
    let nat = checker.file.network.nat;
    let subnets = subnets(checker, cidr, nat)?;
    Some(Network::Managed(ManagedNetwork { cidr, nat, subnets, interface_endpoints: checker.file.network.interface_endpoints.clone() }))
}

/// The ranges to avoid; the service range must not overlap them in any network.
fn avoided(checker: &mut Checker<'_>) -> Vec<Ipv4Net> {
    let file = checker.file;
    let service = names::cidr(&file.kubernetes.service_cidr).ok();
    let mut ranges = Vec::new();
    for (i, text) in file.network.avoid_cidrs.iter().enumerate() {
        let path = ["network", "avoidCidrs", &i.to_string()];
        match names::cidr(text) {
            Ok(range) => ranges.push(range),
            Err((message, help)) => checker.refuse(&path, "cidr", message, help),
        }
    }
    for range in &ranges {
        if service.is_some_and(|s| names::overlap(&s, range)) {
            let message = format!("the service range `{}` overlaps `{range}` of `avoidCidrs`", file.kubernetes.service_cidr);
            let paths: [&[&str]; 2] = [&["kubernetes", "serviceCidr"], &["network", "avoidCidrs"]];
            checker.refuse_first(&paths, "NET-1", message, "choose another `kubernetes.serviceCidr`");
        }
    }
    ranges
}

fn vpc_range(checker: &mut Checker<'_>) -> Option<Ipv4Net> {
    let path = ["network", "cidr"];
    let range = match names::cidr(&checker.file.network.cidr) {
        Ok(range) => range,
        Err((message, help)) => {
            checker.refuse(&path, "cidr", message, help);
            return None;
        }
    };
    if !(16..=28).contains(&range.prefix_len()) {
        let message = format!("the VPC range `{range}` is a /{}, AWS takes /16 to /28", range.prefix_len());
        checker.refuse(&path, "NET-1", message, "use a /16 where you can: every pod needs an address");
        return None;
    }
    if UNUSABLE.iter().filter_map(|u| u.parse::<Ipv4Net>().ok()).any(|u| names::overlap(&u, &range)) {
        checker.refuse(&path, "NET-1", format!("no VPC can have the range `{range}`"), "use a private range such as `10.0.0.0/16`");
        return None;
    }
    Some(range)
}

fn interface_endpoints(checker: &mut Checker<'_>) {
    let endpoints = &checker.file.network.interface_endpoints;
    let is_name = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '-');
    for (i, endpoint) in endpoints.iter().enumerate() {
        let path = ["network", "interfaceEndpoints", &i.to_string()];
        if endpoint == "s3" {
            let message = "`s3` needs no interface endpoint: the VPC has a gateway endpoint for it";
            checker.refuse(&path, "NET-3", message, "remove it");
        } else if !is_name(endpoint) || endpoint.starts_with("com.") {
            let message = format!("`{endpoint}` is not the short name of a service");
            checker.refuse(&path, "NET-3", message, "write the part behind `com.amazonaws.<region>.`, such as `ecr.api` or `sts`");
        } else if endpoints[..i].contains(endpoint) {
            checker.refuse(&path, "NET-3", format!("`{endpoint}` is listed twice"), "list every service once");
        }
    }
}

fn clear_of(checker: &mut Checker<'_>, vpc: &Ipv4Net, avoid: &[Ipv4Net]) {
    for range in avoid.iter().filter(|range| names::overlap(vpc, range)) {
        let message = format!("the VPC range `{vpc}` overlaps `{range}` of `avoidCidrs`");
        let paths: [&[&str]; 2] = [&["network", "cidr"], &["network", "avoidCidrs"]];
        checker.refuse_first(&paths, "NET-1", message, "choose another `network.cidr`");
    }
    let Ok(service) = names::cidr(&checker.file.kubernetes.service_cidr) else {
        return;
    };
    if names::overlap(vpc, &service) {
        let message = format!("the VPC range `{vpc}` overlaps the service range `{service}`");
        let paths: [&[&str]; 2] = [&["network", "cidr"], &["kubernetes", "serviceCidr"]];
        checker.refuse_first(&paths, "NET-1", message, "choose another `network.cidr` or `kubernetes.serviceCidr`");
    }
}
